#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/service/convert_returns.h"
#include "tests/daemon/service/fake_timer_returns.h"
#include "tests/daemon/service/fakes.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kUs = 1'000;
constexpr int64_t kEndNs = 100'000 * kMs;
constexpr int64_t kBeginNs = kEndNs - 10'000 * kMs;
constexpr uint32_t kPid = 1000;
constexpr ThreadKey kThread{.tid = 1001, .tgid = kPid, .start_ns = 200};
constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};
constexpr ThreadKey kLater{.tid = 1001, .tgid = kPid, .start_ns = 400};  // has the number of one that ended

class ReturnGathererTest : public testing::Test {
 protected:
  void SetUp() override {
    targets_.Add(kPid, {.probe_groups = {"sched", "returns"}});
    returns_.since_mono_ns = kBeginNs;
  }
  // `count`, the first so late and each a microsecond later than the one before.
  void Append(int64_t count, int64_t late_ns, const ThreadKey& thread = kThread) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at_ns = kEndNs - (count - i) * kMs;
      returns_.returns.push_back(
          {.tid = thread.tid, .start_ns = thread.start_ns, .wake_at_mono_ns = at_ns, .mono_ns = at_ns + late_ns + i * kUs});
    }
  }
  v1::ScheduledThread Fill(const ThreadKey& thread = kThread) {
    TargetSelection selection;
    selection.SelectKnown(targets_, {});
    ServiceCore core;
    core.targets = &targets_;
    core.status = &status_;
    core.timer_returns = &returns_;
    v1::ScheduledThread out;
    ReturnGatherer(core, selection, kBeginNs, kEndNs, request_).Fill(thread, &out);
    return out;
  }

  FakeTargets targets_;
  FakeStatus status_;
  FakeTimerReturns returns_;
  v1::QueryThreadsRequest request_;
};

TEST_F(ReturnGathererTest, LatenessIsFromTheTimeAskedForToTheReturn) {
  Append(100, 5 * kUs);
  Append(3, 900 * kUs, kOther);
  request_.add_percentiles(50);
  const v1::ScheduledThread out = Fill();
  ASSERT_TRUE(out.has_to_return()) << out.to_return_unavailable();
  EXPECT_EQ(out.to_return_unavailable(), "");
  EXPECT_EQ(out.to_return().ends_at(), "return");
  EXPECT_EQ(out.to_return().lateness().count(), 100u);
  EXPECT_EQ(out.to_return().lateness().max_ns(), 104 * kUs);
  ASSERT_EQ(out.to_return().lateness().percentiles_size(), 1);
  EXPECT_EQ(out.to_return().lateness().percentiles(0).value_ns(), 54 * kUs);
  EXPECT_TRUE(out.to_return().lateness().percentiles(0).exact());
  EXPECT_EQ(Fill(kOther).to_return().lateness().count(), 3u);
}

TEST_F(ReturnGathererTest, SleepsThatASignalEndedAreCountedApart) {
  Append(20, 5 * kUs);
  returns_.returns.push_back({.tid = kThread.tid, .start_ns = kThread.start_ns, .mono_ns = kEndNs - kMs, .end = SleepEnd::kSignal});
  returns_.returns.push_back({.tid = kThread.tid, .start_ns = kThread.start_ns, .mono_ns = kEndNs - kMs, .end = SleepEnd::kTimeLost});
  const v1::ScheduledThread out = Fill();
  EXPECT_EQ(out.to_return().lateness().count(), 20u);
  EXPECT_EQ(out.to_return().lateness().max_ns(), 24 * kUs);
  EXPECT_EQ(out.to_return().interrupted_count(), 1u);
  EXPECT_EQ(out.to_return().time_lost_count(), 1u);
}

TEST_F(ReturnGathererTest, AThreadWithoutOneSaysSo) {
  Append(20, 5 * kUs);
  const v1::ScheduledThread out = Fill(kLater);
  EXPECT_FALSE(out.has_to_return()) << "they are of an earlier thread of that number";
  EXPECT_THAT(out.to_return_unavailable(), HasSubstr("no sleep until a time"));
}

TEST_F(ReturnGathererTest, WhoDoesNotAskIsToldHowTo) {
  targets_.Add(kPid, {.probe_groups = {"sched", "locks"}});
  Append(20, 5 * kUs);
  const v1::ScheduledThread out = Fill();
  EXPECT_FALSE(out.has_to_return());
  EXPECT_EQ(out.to_return_unavailable(), "its target does not ask: `hftmon attach 1000 --probes returns`");
  returns_.refused = "this kernel has no tp_btf/sys_exit";
  EXPECT_EQ(Fill().to_return_unavailable(), "this kernel has no tp_btf/sys_exit");
}

TEST_F(ReturnGathererTest, WhatIsMissingOfTheWindowIsSaidBesideTheRest) {
  Append(20, 5 * kUs);
  returns_.since_mono_ns = kEndNs - 30 * kMs;
  returns_.attached = false;
  const v1::ScheduledThread out = Fill();
  EXPECT_EQ(out.to_return().lateness().count(), 20u);
  EXPECT_THAT(out.to_return_unavailable(),
              AllOf(HasSubstr("returns from before the last 30ms are no longer kept"), HasSubstr("not attached now")));
}

}  // namespace
}  // namespace hftmon
