// InterruptsBetween: what interrupts took from one answer of QueryInterrupts to the next. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_INTERRUPTS_BETWEEN_H_
#define HFTMON_CLIENT_CLI_INTERRUPTS_BETWEEN_H_

#include <cstddef>
#include <cstdint>

#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

struct InterruptsSpan {
  // As an answer, with differences for counts and sums; sources and devices that had no interrupt are left out. Longest stretches are 0:
  // the daemon keeps none of a part of the time.
  v1::QueryInterruptsResponse between;
  int64_t duration_ns = 0;       // between the two answers, by the daemon's clock
  size_t lost_thread_count = 0;  // threads of the first answer that the second lacks: what they had meanwhile is in no thread's figure
};

// The same question, asked twice of one daemon. A thread that only the second answer has began to be watched meanwhile. A CPU whose counts
// went backwards, as those of a daemon that was started anew do, is in none.
InterruptsSpan InterruptsBetween(const v1::QueryInterruptsResponse& first, const v1::QueryInterruptsResponse& second);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_INTERRUPTS_BETWEEN_H_
