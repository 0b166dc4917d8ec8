// CounterDelta: what a counter counted between two readings of it. Pure, any thread.
#ifndef HFTMON_DAEMON_PMU_COUNTER_DELTA_H_
#define HFTMON_DAEMON_PMU_COUNTER_DELTA_H_

#include "absl/status/statusor.h"
#include "daemon/pmu/counter_reading.h"

namespace hftmon {

// The kernel's own readings, which it extends over every turn of the register.
inline constexpr int kKernelCounterBits = 64;

// The reading of the time between the two. `width_bits` is the register's where it was read raw (rdpmc: 48 as a rule, the event's mmaped
// page tells it); it may have turned over once. No enabled_ns: the thread was on no CPU, or the CPU was offline, or the counter off.
//
// DATA_LOSS: time or value went backwards, so the two are not of one counter in this order, or it was reset between them. A raw one that
// counted more than half of its range looks the same: read it more often. INVALID_ARGUMENT: a width not in 2 to 64, a value beyond it.
absl::StatusOr<CounterReading> CounterDelta(const CounterReading& before, const CounterReading& after, int width_bits = kKernelCounterBits);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_COUNTER_DELTA_H_
