// What a record may not cost, counted and not timed: allocations and system calls.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "client/marker/hftmon_marker.h"
#include "tests/client/marker/c_program.h"
#include "tests/fakes/allocation_counter.h"
#include "tests/fakes/marker_directory.h"
#include "tests/fakes/system_call_ban.h"

namespace hftmon {
namespace {

TEST(MarkerCost, ARecordAllocatesNothingInItsFirstRoundAndTheNext) {
  const MarkerDirectory directory;
  hftmon_marker* const marker = directory.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  const uint64_t before = allocation_count;
  for (int i = 0; i < 1'000; ++i) mark_one_of_each(thread, 0);
  for (int i = 0; i < 1'000; ++i) mark_one_of_each(hftmon_marker_this_thread(nullptr), 0);
  EXPECT_EQ(allocation_count, before);
  EXPECT_EQ(hftmon_marker_published_count(thread), 6'001u);
  hftmon_marker_close(marker);
}

TEST(MarkerCost, ARecordMakesNoSystemCallInItsFirstRoundAndTheNext) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer makes system calls of its own";
#endif
  const MarkerDirectory directory;
  const int ended = WithoutSystemCalls([&] {
    hftmon_marker* const marker = directory.Create();
    hftmon_marker_thread* const thread = hftmon_marker_this_thread(marker);
    if (!ForbidSystemCalls()) return 77;
    int recorded = 0;
    for (int i = 0; i < 1'000; ++i) recorded += mark_one_of_each(hftmon_marker_this_thread(marker), 0);
    return recorded == 6'000 && hftmon_marker_published_count(thread) == 6'001 ? 42 : 1;
  });
  if (ended == 77) GTEST_SKIP() << "this kernel filters no system calls";
  EXPECT_EQ(ended, 42);
  // The filter does catch one.
  EXPECT_EQ(WithoutSystemCalls([] { return ForbidSystemCalls() ? static_cast<int>(getppid()) : 77; }), 256 + SIGSYS);
}

}  // namespace
}  // namespace hftmon
