// A forked child never writes into its parent's ring, and can have one of its own.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "client/marker/hftmon_marker.h"
#include "daemon/markers/marker_ring_file.h"
#include "daemon/markers/program_ranges.h"
#include "tests/client/marker/c_program.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

// What `act` returns in a child; -1 when it crashed.
template <typename Act>
int InChild(Act act) {
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

std::vector<uint64_t> Values(const MarkerDirectory& directory, const MarkerRingName& name, const MarkerProcess& process) {
  const SystemRawClocks clocks;
  RecordingMarkerSink sink;
  MarkerBuffers buffers;
  auto file = MarkerRingFile::Open(directory.path(), name, process, &clocks, &sink);
  if (!file.ok() || !(*file)->Drain(1'000, &buffers).ok()) return {};
  std::vector<uint64_t> values;
  for (const MarkerRecord& record : sink.records) {
    if (record.kind != MarkerKind::kThread) values.push_back(record.value);
  }
  return values;
}

TEST(MarkerFork, AChildsMarksGoNowhere) {
  const MarkerDirectory directory;
  hftmon_marker* const marker = directory.Create();
  hftmon_marker_thread* const opened = hftmon_marker_thread_open(marker);
  hftmon_marker_thread* const found = hftmon_marker_this_thread(marker);
  ASSERT_TRUE(hftmon_marker_instant(opened, 0, 1));
  ASSERT_TRUE(hftmon_marker_instant(found, 0, 2));
  const int recorded = InChild([&] {
    int count = mark_one_of_each(opened, 0) + mark_one_of_each(found, 0);
    count += hftmon_marker_this_thread(marker) != nullptr;
    count += hftmon_marker_thread_open(marker) != nullptr;
    count += hftmon_marker_operation(marker, "child's") != 0;
    count += static_cast<int>(hftmon_marker_published_count(opened));
    hftmon_marker_thread_close(opened);
    hftmon_marker_close(marker);
    return count;
  });
  EXPECT_EQ(recorded, 0);
  // The parent goes on, and its file is still there.
  ASSERT_TRUE(hftmon_marker_instant(opened, 0, 3));
  EXPECT_EQ(Values(directory, OwnRingName(), OwnMarkerProcess()), (std::vector<uint64_t>{1, 3, 2}));
  hftmon_marker_close(marker);
}

TEST(MarkerFork, AChildMakesAMarkerOfItsOwn) {
  const MarkerDirectory directory;
  hftmon_marker* const marker = directory.Create();
  ASSERT_TRUE(hftmon_marker_instant(hftmon_marker_this_thread(marker), 0, 1));
  const int seen = InChild([&] {
    hftmon_marker* const own = directory.Create();
    if (own == nullptr) return 0;
    if (!hftmon_marker_instant(hftmon_marker_this_thread(own), 0, 7)) return 1;
    if (hftmon_marker_this_thread(marker) != nullptr) return 2;
    const std::vector<uint64_t> values = Values(directory, OwnRingName(), OwnMarkerProcess());
    hftmon_marker_close(own);
    return values == std::vector<uint64_t>{7} ? 42 : 3;
  });
  EXPECT_EQ(seen, 42);
  EXPECT_EQ(Values(directory, OwnRingName(), OwnMarkerProcess()), std::vector<uint64_t>{1});
  hftmon_marker_close(marker);
}

TEST(MarkerFork, AHandleOfAMarkerThatTheParentClosedIsNotFoundForOneOfTheChildAtItsAddress) {
  const MarkerDirectory directory;
  hftmon_marker* const marker = directory.Create();
  const hftmon_marker_thread* const stale = hftmon_marker_this_thread(marker);
  ASSERT_NE(stale, nullptr);
  hftmon_marker_close(marker);
  const int marked = InChild([&] {
    hftmon_marker* const own = directory.Create();
    hftmon_marker_thread* const found = hftmon_marker_this_thread(own);
    return found != nullptr && hftmon_marker_instant(found, 0, 7) ? 7 : 0;
  });
  EXPECT_EQ(marked, 7);
}

TEST(MarkerFork, AChildNamesNoMemoryOfItsParents) {
  const MarkerDirectory directory;
  hftmon_marker* const marker = directory.Create();
  static char memory[64];
  const uint32_t book = hftmon_marker_range(marker, "book", memory, sizeof(memory));
  const ProcMarkerProcesses processes(FileRoot("/"));
  const auto ranges = [&](pid_t pid) { return ReadProgramRanges(directory.path(), processes, static_cast<uint32_t>(pid)).ranges.size(); };
  const int seen = InChild([&] {
    if (hftmon_marker_range(marker, "child's", memory, 1) != 0 || errno != EBADF) return 1;
    hftmon_marker_range_end(marker, book);
    if (ranges(getpid()) != 0) return 2;
    hftmon_marker* const own = directory.Create();
    if (ranges(getpid()) != 0) return 3;
    if (hftmon_marker_range(own, "child's", memory, 1) == 0 || ranges(getpid()) != 1) return 4;
    hftmon_marker_close(own);
    return 42;
  });
  EXPECT_EQ(seen, 42);
  EXPECT_EQ(ranges(getpid()), 1u) << "the parent's stands";
  hftmon_marker_close(marker);
}

TEST(MarkerFork, AGrandchildIsAsSafeAsAChild) {
  const MarkerDirectory directory;
  hftmon_marker* const marker = directory.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  EXPECT_EQ(InChild([&] { return InChild([&] { return mark_one_of_each(thread, 0); }); }), 0);
  hftmon_marker_close(marker);
}

}  // namespace
}  // namespace hftmon
