// What a program marks is told to the last mark, whether it was there before the daemon watched it or not.
#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr uint64_t kCount = 3'000;
constexpr uint64_t kThreads = 2;

class OperationsTest : public PrivilegedTest {
 protected:
  v1::QueryOperationsResponse Operations(pid_t pid) const {
    v1::QueryOperationsRequest request;
    request.add_pids(pid);
    const auto answer = daemon_.client().QueryOperations(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::QueryOperationsResponse();
  }
  static v1::OperationSum Named(const v1::QueryOperationsResponse& answer, const std::string& name) {
    for (const v1::MarkedProgram& program : answer.programs()) {
      for (const v1::OperationSum& operation : program.operations()) {
        if (operation.name() == name) return operation;
      }
    }
    return {};
  }
  absl::Status Attach(pid_t pid) const {
    v1::AttachRequest request;
    request.add_pids(pid);
    return daemon_.client().Attach(request).status();
  }
  static std::vector<std::string> Arguments() {
    return {"--count", std::to_string(kCount), "--threads", std::to_string(kThreads), "--spin-ns", "2000"};
  }
  // Every mark is read, and each figure is that of the program's own counts.
  void ExpectAll(const WorkloadRun& run, const json& truth) const {
    ASSERT_EQ(truth["record_count"], kThreads * (4 * kCount + 1));
    v1::QueryOperationsResponse answer;
    ASSERT_TRUE(Eventually([&] {
      answer = Operations(run.pid());
      return Named(answer, "order").durations().count() == kThreads * kCount;
    })) << answer.DebugString();
    ASSERT_EQ(answer.programs_size(), 1) << answer.DebugString();
    const v1::OperationSum order = Named(answer, "order");
    EXPECT_EQ(order.error_count(), kThreads * kCount / 10);
    EXPECT_GE(order.min_ns(), 1'900) << "it spun for 2 us";
    EXPECT_EQ(Named(answer, "seen").instant_count(), kThreads * kCount);
    EXPECT_EQ(Named(answer, "loop").heartbeat_gaps().count(), kThreads * (kCount - 1));
    const v1::MarkCounts& marks = answer.programs(0).marks();
    EXPECT_EQ(marks.end_without_begin_count() + marks.begin_lost_count() + marks.begin_replaced_count() + marks.open_count(), 0u);
    EXPECT_TRUE(marks.refused().empty());
    EXPECT_EQ(marks.dropped_count(), 0u);
    EXPECT_EQ(marks.read_count(), truth["record_count"]);
    // The sum is the program's own, which has a little more around each, by a counter whose rate the ratio tells.
    EXPECT_GT(order.durations().sum_ns(), 0);
    EXPECT_GE(order.durations().max_ns(), order.mean_ns());
    EXPECT_GE(order.mean_ns(), order.min_ns());
  }
  static std::string MarkerFileOf(const WorkloadRun& run) { return "/dev/shm/hftmon." + std::to_string(run.pid()) + ".0"; }
  // Whether the daemon has the file open.
  bool HasOpen(const std::string& path) const {
    std::error_code ignored;
    for (const auto& descriptor : std::filesystem::directory_iterator("/proc/" + std::to_string(daemon_.pid()) + "/fd", ignored)) {
      if (std::filesystem::read_symlink(descriptor.path(), ignored) == path) return true;
    }
    return false;
  }
  // It closes its file.
  static void LetEnd(WorkloadRun& run) {
    run.Say("end");
    EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(MarkerFileOf(run)); }));
  }
};

TEST_F(OperationsTest, AProgramThatIsWatchedBeforeItMarksIsToldToTheLastMark) {
  WorkloadRun run("marking", Arguments());
  ASSERT_TRUE(run.about().is_object());
  if (const std::string refused = run.about()["refused"]; !refused.empty()) GTEST_SKIP() << refused;
  ASSERT_TRUE(Attach(run.pid()).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ExpectAll(run, truth);
  LetEnd(run);
}

TEST_F(OperationsTest, WhatItMarkedBeforeItWasWatchedIsInTheFiguresToo) {
  WorkloadRun run("marking", Arguments());
  ASSERT_TRUE(run.about().is_object());
  if (const std::string refused = run.about()["refused"]; !refused.empty()) GTEST_SKIP() << refused;
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_TRUE(Attach(run.pid()).ok());
  ExpectAll(run, truth);
  LetEnd(run);
}

TEST_F(OperationsTest, WhoIsWatchedAgainIsToldOfWhatCameSinceAndOfNothingTwice) {
  WorkloadRun run("marking", Arguments());
  ASSERT_TRUE(run.about().is_object());
  if (const std::string refused = run.about()["refused"]; !refused.empty()) GTEST_SKIP() << refused;
  ASSERT_TRUE(Attach(run.pid()).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ExpectAll(run, truth);
  v1::DetachRequest detach;
  detach.add_pids(run.pid());
  ASSERT_TRUE(daemon_.client().Detach(detach).ok());
  ASSERT_TRUE(Eventually([&] { return !HasOpen(MarkerFileOf(run)); })) << "nobody wants it";
  ASSERT_TRUE(Attach(run.pid()).ok());
  v1::QueryOperationsResponse answer;
  ASSERT_TRUE(Eventually([&] {
    answer = Operations(run.pid());
    return answer.programs_size() == 2;
  })) << answer.DebugString();
  LetEnd(run);
  ASSERT_TRUE(Eventually([&] {
    answer = Operations(run.pid());
    return answer.programs_size() == 2 && answer.programs(0).ended() && answer.programs(1).ended();
  })) << answer.DebugString();
  EXPECT_EQ(answer.programs(0).marks().read_count() + answer.programs(1).marks().read_count(), truth["record_count"]);
  EXPECT_EQ(answer.programs(0).marks().dropped_count() + answer.programs(1).marks().dropped_count(), 0u);
}

// 5 million records a second from each of two threads, into rings of the default size, through to the percentiles.
TEST_F(OperationsTest, TwoThreadsAtARateLoseNoRecord) {
  constexpr uint64_t kOrders = 2'500'000;
  WorkloadRun run("marking", {"--count", std::to_string(kOrders), "--threads", "2", "--spin-ns", "0", "--rate", "5000000"});
  ASSERT_TRUE(run.about().is_object());
  if (const std::string refused = run.about()["refused"]; !refused.empty()) GTEST_SKIP() << refused;
  ASSERT_TRUE(Attach(run.pid()).ok());
  // Its file is read before it marks.
  ASSERT_TRUE(Eventually([&] { return Operations(run.pid()).programs_size() == 1; }));
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  v1::QueryOperationsResponse answer;
  ASSERT_TRUE(Eventually([&] {
    answer = Operations(run.pid());
    return answer.programs(0).marks().read_count() + answer.programs(0).marks().dropped_count() == truth["record_count"];
  })) << answer.DebugString();
  EXPECT_EQ(answer.programs(0).marks().dropped_count(), 0u);
  EXPECT_EQ(answer.programs(0).marks().read_count(), truth["record_count"]);
  EXPECT_TRUE(answer.programs(0).marks().refused().empty());
  const v1::OperationSum order = Named(answer, "order");
  EXPECT_EQ(order.durations().count(), 2 * kOrders);
  EXPECT_EQ(order.durations().percentiles_size(), 6) << "99.999 too has enough behind it";
  LetEnd(run);
}

TEST_F(OperationsTest, WhoIsKilledIsToldToHaveEndedWithAllThatItMarked) {
  WorkloadRun run("marking", Arguments());
  ASSERT_TRUE(run.about().is_object());
  if (const std::string refused = run.about()["refused"]; !refused.empty()) GTEST_SKIP() << refused;
  ASSERT_TRUE(Attach(run.pid()).ok());
  ASSERT_TRUE(run.Act().is_object());
  // One that is gone before its file was found leaves nothing that anybody reads.
  v1::QueryOperationsResponse answer;
  ASSERT_TRUE(Eventually([&] {
    answer = Operations(run.pid());
    return Named(answer, "order").durations().count() == kThreads * kCount;
  })) << answer.DebugString();
  const std::string file = "/dev/shm/hftmon." + std::to_string(run.pid()) + "." + std::to_string(answer.programs(0).file_number());
  EXPECT_TRUE(std::filesystem::exists(file));
  run.process().Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    answer = Operations(run.pid());
    return answer.programs_size() == 1 && answer.programs(0).ended();
  })) << answer.DebugString();
  EXPECT_EQ(Named(answer, "order").durations().count(), kThreads * kCount);
  EXPECT_FALSE(std::filesystem::exists(file)) << "what it left behind is removed";
}

TEST_F(OperationsTest, AProgramThatMarksNothingHasNoOperations) {
  WorkloadRun run("sleeper");
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid()).ok());
  const v1::QueryOperationsResponse answer = Operations(run.pid());
  EXPECT_TRUE(answer.available()) << answer.reason();
  EXPECT_EQ(answer.programs_size(), 0);
}

}  // namespace
}  // namespace hftmon::testing
