#include "daemon/pmu/thread_list.h"

#include <gmock/gmock.h>

#include <string>

namespace hftmon {
namespace {

using ::testing::ElementsAre;

constexpr ThreadBound kBound = {.threads_max = 3, .what = "the events", .done = "counted: count those of its CPUs"};

TEST(ThreadListTest, ThreadsAreSortedUpToTheBound) {
  const auto tids = SortedThreads([](pid_t pid) { return std::vector<pid_t>{pid + 2, pid + 10, pid}; }, 90, kBound);
  ASSERT_TRUE(tids.ok()) << tids.status();
  EXPECT_THAT(*tids, ElementsAre(90, 92, 100));
}

TEST(ThreadListTest, OneMoreIsRefusedWithItsNumberAndTheMend) {
  const absl::Status status = SortedThreads([](pid_t) { return std::vector<pid_t>(4, 1); }, 90, kBound).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(std::string(status.message()), "process 90 has 4 threads; the events of at most 3 are counted: count those of its CPUs");
}

TEST(ThreadListTest, WhatTheListSaysIsHandedOn) {
  const auto ended = [](pid_t) -> absl::StatusOr<std::vector<pid_t>> { return absl::NotFoundError("it ended"); };
  EXPECT_EQ(SortedThreads(ended, 90, kBound).status(), absl::NotFoundError("it ended"));
}

}  // namespace
}  // namespace hftmon
