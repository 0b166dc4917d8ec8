#include "daemon/analysis/preemption_reason.h"

#include <string_view>

namespace hftmon {
namespace {

// As in the kernel's uapi/linux/sched.h.
constexpr uint8_t kPolicyIdle = 5;
constexpr uint8_t kPolicyDeadline = 6;
constexpr uint8_t kPolicyExt = 7;
constexpr uint8_t kPriorityDeadline = 255;  // -1 in eight bits
constexpr uint8_t kPriorityFairMin = 100;

enum class Rank { kDeadline, kRealTime, kOrdinary };

Rank RankOf(uint8_t policy, uint8_t priority) {
  if (policy == kPolicyDeadline || priority == kPriorityDeadline) return Rank::kDeadline;
  return priority < kPriorityFairMin ? Rank::kRealTime : Rank::kOrdinary;
}

}  // namespace

const char* SchedulingClassName(uint8_t policy, uint8_t priority) {
  switch (RankOf(policy, priority)) {
    case Rank::kDeadline:
      return "deadline";
    case Rank::kRealTime:
      return "real_time";
    case Rank::kOrdinary:
      break;
  }
  if (policy == kPolicyIdle) return "idle_policy";
  return policy == kPolicyExt ? "ext" : "fair";
}

const char* PreemptionReason(const Preemption& preemption) {
  if (preemption.preemptor_stopper) return "stop";
  const Rank victim = RankOf(preemption.victim_policy, preemption.victim_priority);
  const Rank preemptor = RankOf(preemption.preemptor_policy, preemption.preemptor_priority);
  if (preemptor == Rank::kDeadline) return "deadline";
  if (preemptor == Rank::kRealTime && victim == Rank::kOrdinary) return "real_time";
  if (preemptor == Rank::kRealTime && victim == Rank::kRealTime && preemption.preemptor_priority < preemption.victim_priority) {
    return "real_time_priority";
  }
  if (preemptor > victim) return "throttled";
  if (preemption.preemptor_queued_ns < 0) return "unknown";
  const bool ordinary = preemptor == Rank::kOrdinary;
  return ordinary && preemption.preemptor_queued_ns <= kWakeUpPreemptionNs ? "wake_up" : "slice_end";
}

}  // namespace hftmon
