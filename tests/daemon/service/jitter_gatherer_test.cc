#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "daemon/service/convert_jitter.h"
#include "tests/daemon/service/fakes.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kUs = 1'000;
constexpr int64_t kEndNs = 100'000 * kMs;
constexpr uint32_t kPid = 1000;
constexpr int32_t kClockNanosleep = 230;
constexpr int32_t kEpollWait = 232;
constexpr ThreadKey kThread{.tid = 1001, .tgid = kPid, .start_ns = 200};
constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};
constexpr ThreadKey kOlder{.tid = 1001, .tgid = kPid, .start_ns = 50};  // of a process that had the number before

class JitterGathererTest : public testing::Test {
 protected:
  void SetUp() override {
    targets_.Add(kPid, {.blocked_threshold_ns = 20 * kUs, .probe_groups = {"sched", "locks"}});
    targets_.SetFloors(50 * kUs, 20 * kUs);
  }

  void AppendSleep(int64_t end_ns, int64_t asked_for_ns, int32_t syscall, const ThreadKey& thread = kThread,
                   int64_t off_cpu_ns = 600 * kUs) {
    SwitchEvent event;
    event.thread = thread;
    event.end_mono_ns = end_ns;
    event.off_cpu_ns = off_cpu_ns;
    event.out_kind = HFT_SWITCH_BLOCKED_SYSCALL;
    event.out_syscall = syscall;
    event.wake_at_mono_ns = asked_for_ns;
    events_.Append(event);
  }
  // `count` until the window's end, a millisecond apart, 3 us and more late.
  void AppendPeriodic(int64_t count, bool asked, const ThreadKey& thread = kThread) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at_ns = kEndNs - (count - i) * kMs;
      AppendSleep(at_ns + (3 + i % 7) * kUs, asked ? at_ns : 0, asked ? kClockNanosleep : kEpollWait, thread);
    }
  }
  v1::ScheduledThread Fill(const ThreadKey& thread = kThread) {
    TargetSelection selection;
    selection.SelectKnown(targets_, {});
    ServiceCore core;
    core.targets = &targets_;
    core.status = &status_;
    core.switch_events = &events_;
    const JitterGatherer gatherer(core, selection, begin_ns_, kEndNs, request_);
    overwritten_ = gatherer.overwritten();
    v1::ScheduledThread out;
    gatherer.Fill(thread, &out);
    return out;
  }

  FakeTargets targets_;
  FakeStatus status_;
  SeqRing<SwitchEvent> events_{4096};
  v1::QueryThreadsRequest request_;
  int64_t begin_ns_ = kEndNs - 10'000 * kMs;
  bool overwritten_ = false;
};

TEST_F(JitterGathererTest, ATimersThreadHasItsLatenessFromTheTimeAskedFor) {
  AppendPeriodic(2'000, true);
  const v1::ScheduledThread out = Fill();
  ASSERT_TRUE(out.has_jitter()) << out.jitter_unavailable();
  EXPECT_EQ(out.jitter_unavailable(), "");
  EXPECT_EQ(out.jitter().source(), "timer");
  EXPECT_EQ(out.jitter().period_ns(), kMs);
  EXPECT_FALSE(out.jitter().period_given());
  EXPECT_EQ(out.jitter().missed_period_count(), 0u);
  EXPECT_EQ(out.jitter().lateness().count(), 2'000u);
  EXPECT_EQ(out.jitter().lateness().max_ns(), 9 * kUs);
  ASSERT_EQ(out.jitter().lateness().percentiles_size(), 3) << "50, 95, 99: there are too few for 99.9";
  EXPECT_EQ(out.jitter().lateness().percentiles(0).value_ns(), 6 * kUs);
  EXPECT_TRUE(out.jitter().lateness().percentiles(0).exact());
}

TEST_F(JitterGathererTest, OneWithoutSuchATimeHasTheEnvelopes) {
  AppendPeriodic(500, false);
  request_.set_period_ns(kMs);
  request_.add_percentiles(90);
  const v1::ScheduledThread out = Fill();
  ASSERT_TRUE(out.has_jitter());
  EXPECT_EQ(out.jitter().source(), "envelope");
  EXPECT_TRUE(out.jitter().period_given());
  EXPECT_EQ(out.jitter().lateness().max_ns(), 6 * kUs) << "3 us have all";
  ASSERT_EQ(out.jitter().lateness().percentiles_size(), 1);
  EXPECT_EQ(out.jitter().lateness().percentiles(0).percent(), 90);
}

TEST_F(JitterGathererTest, OnlySleepsOfTheThreadThatEndedInTheWindowAreTaken) {
  AppendPeriodic(300, true, kOlder);
  AppendPeriodic(200, true, kOther);
  for (int64_t i = 0; i < 100; ++i) {
    AppendSleep(kEndNs - 50 * kMs, 0, kEpollWait, kThread, 10 * kUs);  // below the floor: it waited long for a CPU
    SwitchEvent move;
    move.thread = kThread;
    move.end_mono_ns = kEndNs - 50 * kMs;
    move.is_migration = true;
    events_.Append(move);
  }
  AppendPeriodic(100, true);
  AppendSleep(kEndNs + kMs, kEndNs + kMs, kClockNanosleep);
  EXPECT_EQ(Fill().jitter().lateness().count(), 100u);
  EXPECT_EQ(Fill(kOther).jitter().lateness().count(), 200u);
  EXPECT_FALSE(Fill(kOlder).has_jitter()) << "no thread of a target";
  begin_ns_ = kEndNs - 60 * kMs;
  EXPECT_EQ(Fill().jitter().lateness().count(), 60u);
  request_.add_tids(static_cast<int32_t>(kOther.tid));
  EXPECT_FALSE(Fill().has_jitter()) << "nobody asked for it";
}

TEST_F(JitterGathererTest, WhereSleepsAreNotRecordedItSaysHowTheyAre) {
  targets_.Add(kPid, {});
  targets_.SetFloors(50 * kUs, kNoFloorNs);
  AppendPeriodic(500, true);
  const v1::ScheduledThread out = Fill();
  EXPECT_FALSE(out.has_jitter());
  EXPECT_THAT(out.jitter_unavailable(), HasSubstr("hftmon attach 1000 --blocked 20us --probes locks"));
}

TEST_F(JitterGathererTest, AFloorAboveTheSleepsIsNamed) {
  targets_.Add(kPid, {.blocked_threshold_ns = 10 * kMs});
  targets_.SetFloors(50 * kUs, 10 * kMs);
  AppendPeriodic(500, true);
  const v1::ScheduledThread out = Fill();
  EXPECT_FALSE(out.has_jitter());
  EXPECT_THAT(out.jitter_unavailable(), AllOf(HasSubstr("0 ended a sleep above 10ms"), HasSubstr("--blocked")));
}

TEST_F(JitterGathererTest, SinceWhenTheyAreRecordedIsSaidAndEarlierOnesAreNotTaken) {
  targets_.Add(kPid, {});
  targets_.SetPastFloors(kEndNs - 200 * kMs, 50 * kUs, kNoFloorNs);
  AppendPeriodic(500, true);
  const v1::ScheduledThread out = Fill();
  ASSERT_TRUE(out.has_jitter());
  EXPECT_NEAR(static_cast<double>(out.jitter().lateness().count()), 200, 2);
  EXPECT_THAT(out.jitter_unavailable(), HasSubstr("sleeps above 20us are recorded for the last"));
}

TEST_F(JitterGathererTest, WhatWasOverwrittenAndWhatWasLostIsSaid) {
  AppendPeriodic(5'000, true);
  v1::ScheduledThread out = Fill();
  EXPECT_TRUE(overwritten_);
  ASSERT_TRUE(out.has_jitter());
  EXPECT_EQ(out.jitter().lateness().count(), 4'096u);
  EXPECT_THAT(out.jitter_unavailable(), AllOf(HasSubstr("the last 4.1s"), HasSubstr("switch_history")));
  begin_ns_ = kEndNs - 4'000 * kMs;
  out = Fill();
  EXPECT_FALSE(overwritten_) << "the window is shorter than what is kept";
  EXPECT_EQ(out.jitter_unavailable(), "");
  status_.lost_at_ns = kEndNs - 10 * kMs;
  EXPECT_THAT(Fill().jitter_unavailable(), HasSubstr("7 records of the window were lost"));
}

TEST_F(JitterGathererTest, WithoutAPeriodThereIsNeitherJitterNorAReason) {
  std::mt19937 engine(1);
  int64_t at_ns = kEndNs - 3'000 * kMs;
  for (int i = 0; i < 2'000; ++i) AppendSleep(at_ns += 30 * kUs + static_cast<int64_t>(engine() % (2 * kMs)), 0, kEpollWait);
  v1::ScheduledThread out = Fill();
  EXPECT_FALSE(out.has_jitter());
  EXPECT_EQ(out.jitter_unavailable(), "");
  request_.set_period_ns(kMs);
  out = Fill();
  EXPECT_FALSE(out.has_jitter());
  EXPECT_THAT(out.jitter_unavailable(), HasSubstr("do not have the period of 1ms"));
}

TEST_F(JitterGathererTest, TooFewAreSaidToBe) {
  AppendPeriodic(10, true);
  const v1::ScheduledThread out = Fill();
  EXPECT_FALSE(out.has_jitter());
  EXPECT_THAT(out.jitter_unavailable(), AllOf(HasSubstr("10 ended a sleep above 20us"), HasSubstr("it takes 20")));
}

}  // namespace
}  // namespace hftmon
