#include "daemon/config_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(ConfigBookTest, LiveSettingsAreTakenTheOthersArePendingUntilTheFileTakesThemBack) {
  ConfigBook book(Config{}, "/f", {.monotonic_ns = 1, .realtime_ns = 2});
  Config next;
  next.spike_threshold_ns = 70'000;
  next.limits.queries_max = 3;
  next.threads_max = 99;
  const Config in_force = book.Take(next, {.monotonic_ns = 10, .realtime_ns = 20});
  EXPECT_EQ(in_force.spike_threshold_ns, 70'000);
  EXPECT_EQ(in_force.limits.queries_max, 3);
  EXPECT_EQ(in_force.threads_max, Config{}.threads_max);
  ConfigStatus status = book.status();
  ASSERT_EQ(status.pending.size(), 1u);
  EXPECT_EQ(status.pending[0].name, "threads_max");
  EXPECT_EQ(status.pending[0].in_force, "16384");
  EXPECT_EQ(status.pending[0].in_file, "99");
  EXPECT_EQ(status.loaded_mono_ns, 10);
  EXPECT_EQ(status.reload_count, 1u);
  EXPECT_EQ(book.PendingText(), "changed in the file, in force after a restart: threads_max (99, in force 16384)");

  next.threads_max = Config{}.threads_max;
  book.Take(next, {.monotonic_ns = 11, .realtime_ns = 21});
  EXPECT_TRUE(book.status().pending.empty());
  EXPECT_EQ(book.PendingText(), "");
}

TEST(ConfigBookTest, ARefusedFileChangesNothingAndIsRememberedUntilASoundOneComes) {
  ConfigBook book(Config{}, "/f", {.monotonic_ns = 1, .realtime_ns = 2});
  book.Refuse({"/f:1:2: wrong"});
  EXPECT_EQ(book.status().loaded_mono_ns, 1);
  EXPECT_EQ(book.status().refused_count, 1u);
  EXPECT_THAT(book.status().faults, testing::ElementsAre("/f:1:2: wrong"));
  book.Take(Config{}, {.monotonic_ns = 3, .realtime_ns = 4});
  EXPECT_TRUE(book.status().faults.empty());
  EXPECT_EQ(book.status().refused_count, 1u);
}

}  // namespace
}  // namespace hftmon
