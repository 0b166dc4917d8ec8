#include "daemon/analysis/preemption_reason.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr uint8_t kNormal = 0, kFifo = 1, kIdle = 5, kDeadline = 6;

Preemption Of(uint8_t victim_policy, uint8_t victim_priority, uint8_t policy, uint8_t priority, int64_t queued_ns = 1'000) {
  Preemption preemption;
  preemption.known = true;
  preemption.victim_policy = victim_policy;
  preemption.victim_priority = victim_priority;
  preemption.preemptor_policy = policy;
  preemption.preemptor_priority = priority;
  preemption.preemptor_queued_ns = queued_ns;
  return preemption;
}

TEST(PreemptionReasonTest, TheHigherClassIsTheReason) {
  EXPECT_STREQ(PreemptionReason(Of(kNormal, 120, kFifo, 89)), "real_time");
  EXPECT_STREQ(PreemptionReason(Of(kFifo, 89, kDeadline, 255)), "deadline");
  EXPECT_STREQ(PreemptionReason(Of(kFifo, 98, kFifo, 89)), "real_time_priority");
  Preemption stop = Of(kFifo, 0, kFifo, 0);
  stop.preemptor_stopper = true;
  EXPECT_STREQ(PreemptionReason(stop), "stop");
}

TEST(PreemptionReasonTest, BetweenEqualsTheTimeOnTheQueueTellsAWakeUpFromTheEndOfATurn) {
  EXPECT_STREQ(PreemptionReason(Of(kNormal, 120, kNormal, 120, kWakeUpPreemptionNs)), "wake_up");
  EXPECT_STREQ(PreemptionReason(Of(kNormal, 120, kNormal, 120, kWakeUpPreemptionNs + 1)), "slice_end");
  EXPECT_STREQ(PreemptionReason(Of(kFifo, 98, kFifo, 98, 10)), "slice_end");
  EXPECT_STREQ(PreemptionReason(Of(kNormal, 120, kNormal, 120, -1)), "unknown");
}

TEST(PreemptionReasonTest, ALowerClassRunsOnlyWhenTheHigherIsOutOfTime) {
  EXPECT_STREQ(PreemptionReason(Of(kFifo, 98, kNormal, 120)), "throttled");
  EXPECT_STREQ(PreemptionReason(Of(kDeadline, 255, kFifo, 50)), "throttled");
}

TEST(PreemptionReasonTest, AnInheritedPriorityCountsBeforeThePolicy) {
  EXPECT_STREQ(SchedulingClassName(kNormal, 89), "real_time");
  EXPECT_STREQ(SchedulingClassName(kNormal, 120), "fair");
  EXPECT_STREQ(SchedulingClassName(kIdle, 120), "idle_policy");
  EXPECT_STREQ(SchedulingClassName(kDeadline, 255), "deadline");
}

}  // namespace
}  // namespace hftmon
