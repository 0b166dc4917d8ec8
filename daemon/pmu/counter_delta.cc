#include "daemon/pmu/counter_delta.h"

#include <fmt/format.h>

namespace hftmon {
namespace {

absl::Status Backwards(const char* what, uint64_t before, uint64_t after) {
  return absl::DataLossError(fmt::format(
      "the counter's {} went from {} to {}: the readings are of two counters, or it was reset between them: begin anew with the "
      "later one",
      what, before, after));
}

}  // namespace

absl::StatusOr<CounterReading> CounterDelta(const CounterReading& before, const CounterReading& after, int width_bits) {
  if (width_bits < 2 || width_bits > kKernelCounterBits)
    return absl::InvalidArgumentError(fmt::format("a counter of {} bits: they have 2 to {}", width_bits, kKernelCounterBits));
  const uint64_t range_max = UINT64_MAX >> (kKernelCounterBits - width_bits);
  if (before.value > range_max || after.value > range_max) {
    return absl::InvalidArgumentError(fmt::format("{} and {} are no values of a counter of {} bits: take the width from its page",
                                                  before.value, after.value, width_bits));
  }
  if (after.enabled_ns < before.enabled_ns) return Backwards("time enabled", before.enabled_ns, after.enabled_ns);
  if (after.running_ns < before.running_ns) return Backwards("time running", before.running_ns, after.running_ns);
  CounterReading delta{.value = (after.value - before.value) & range_max,
                       .enabled_ns = after.enabled_ns - before.enabled_ns,
                       .running_ns = after.running_ns - before.running_ns,
                       .sampled = before.sampled || after.sampled};
  if (delta.value > range_max / 2) return Backwards("value", before.value, after.value);
  if (before.lost && after.lost) {
    if (*after.lost < *before.lost) return Backwards("number of lost samples", *before.lost, *after.lost);
    delta.lost = *after.lost - *before.lost;
  }
  return delta;
}

}  // namespace hftmon
