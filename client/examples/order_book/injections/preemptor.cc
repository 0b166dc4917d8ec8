#include "client/examples/order_book/injections/preemptor.h"

#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {

absl::Status PreemptorInjection::Prepare() {
  return thread_.Start({"ob_preemptor", plan_.engine_cpu, plan_.engine_priority + 1}, plan_.schedule, [this](uint32_t) { Act(); });
}

void PreemptorInjection::Act() {
  const uint64_t start_tsc = ReadTsc();
  const int64_t end_ns = MonotonicNs() + plan_.length_ns;
  while (MonotonicNs() < end_ns) SpinPause();
  log_.Add(start_tsc, ReadTsc());
}

}  // namespace hftmon::order_book
