#include "client/examples/order_book/injections/lock_convoy.h"

#include "client/examples/order_book/injection_json.h"
#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {

absl::Status LockConvoyInjection::Prepare() {
  // Where it shares a CPU with a real-time thread that never sleeps it would else never run.
  const bool beside_engine = plan_.helper_cpu == plan_.engine_cpu;
  const int neighbour = beside_engine ? plan_.engine_priority : plan_.gateway_priority;
  return holder_.Start({"ob_holder", plan_.helper_cpu, neighbour > 0 ? neighbour + 1 : 0}, plan_.schedule, [this](uint32_t number) {
    mutex_.Hold(number, [this] {
      const int64_t end_ns = MonotonicNs() + plan_.length_ns;
      while (MonotonicNs() < end_ns) SpinPause();
    });
  });
}

nlohmann::json LockConvoyInjection::Detail(const LinearConversion& clock) const {
  return {{"holder_tid", holder_.tid()},
          {"holder_cpu", plan_.helper_cpu},
          {"mutex_address", mutex_.address()},
          {"pi_mutex", plan_.pi_mutex},
          {"holds", LogJson(mutex_.holds(), clock)}};
}

}  // namespace hftmon::order_book
