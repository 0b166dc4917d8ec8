// InterruptsBetween: what interrupts took from one answer of QueryInterrupts to the next. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_INTERRUPTS_BETWEEN_H_
#define HFTMON_CLIENT_CLI_INTERRUPTS_BETWEEN_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

struct InterruptsSpan {
  // As an answer, with differences for counts and sums; sources and devices that had no interrupt are left out. Longest stretches are 0:
  // the daemon keeps none of a part of the time.
  v1::QueryInterruptsResponse between;
  int64_t duration_ns = 0;  // between the two answers, by the daemon's clock
  // Threads of the first answer that the second lacks, or has begun anew (detached and attached): what they had in between is in no
  // thread's figure, or in part.
  size_t lost_thread_count = 0;
  size_t lost_cpu_count = 0;  // CPUs whose figures began anew, as those of a daemon that was restarted do: left out
  // By CPU: how much time its steal figure is of. The kernel looks at the hypervisor's clock at a tick only. A CPU that is not here had no
  // tick, or no first figure: it has no steal_ns.
  std::map<int32_t, int64_t> steal_over_ns;
  size_t lost_device_count = 0;  // see CoalescingSpan
};

// The same question, asked twice of one daemon. A thread that only the second answer has began to be watched meanwhile, and so did those of
// `attached_pids`, whatever their sums are.
InterruptsSpan InterruptsBetween(const v1::QueryInterruptsResponse& first, const v1::QueryInterruptsResponse& second,
                                 const std::set<int32_t>& attached_pids = {});

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_INTERRUPTS_BETWEEN_H_
