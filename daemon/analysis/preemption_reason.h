// Why one thread took another's CPU, in the scheduler's terms. Pure, any thread.
#ifndef HFTMON_DAEMON_ANALYSIS_PREEMPTION_REASON_H_
#define HFTMON_DAEMON_ANALYSIS_PREEMPTION_REASON_H_

#include <cstdint>

#include "daemon/ingest/preemption.h"

namespace hftmon {

// A wake-up preempts within that time: a thread that waited longer got the CPU because the other's turn was over.
inline constexpr int64_t kWakeUpPreemptionNs = 50'000;

// "deadline", "real_time", "fair", "idle_policy", "ext". The priority counts before the policy: inheritance raises it.
const char* SchedulingClassName(uint8_t policy, uint8_t priority);

// As documented in hftmon.v1.Preemption.reason.
const char* PreemptionReason(const Preemption& preemption);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_PREEMPTION_REASON_H_
