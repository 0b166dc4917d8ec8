// DeferredBetween, CoalescingBetween: what was put off, and what devices made interrupts of, from one answer of QueryInterrupts to the
// next. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_DEFERRED_BETWEEN_H_
#define HFTMON_CLIENT_CLI_DEFERRED_BETWEEN_H_

#include <cstddef>

#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// As an answer's, with differences for counts and sums; rows that had nothing are left out. The longest ones are 0: the daemon keeps none
// of a part of the time.
v1::DeferredWork DeferredBetween(const v1::DeferredWork& first, const v1::DeferredWork& second);

struct CoalescingSpan {
  v1::InterruptCoalescing between;
  size_t lost_device_count = 0;  // devices that came, went, or whose counts began anew meanwhile: left out
};
CoalescingSpan CoalescingBetween(const v1::InterruptCoalescing& first, const v1::InterruptCoalescing& second);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_DEFERRED_BETWEEN_H_
