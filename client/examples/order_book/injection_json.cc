#include "client/examples/order_book/injection_json.h"

namespace hftmon::order_book {

nlohmann::json LogJson(const InjectionLog& log, const LinearConversion& clock) {
  const auto ticks_to_ns = [&clock](uint64_t ticks) { return clock.ToNs(clock.anchor_ticks + ticks) - clock.anchor_ns; };
  nlohmann::json events = nlohmann::json::array();
  for (const InjectionEvent& event : log.events()) {
    events.push_back({{"start_tsc", event.start_tsc},
                      {"start_mono_ns", clock.ToNs(event.start_tsc)},
                      {"duration_ns", ticks_to_ns(event.end_tsc - event.start_tsc)}});
  }
  return {{"count", log.count()},
          {"total_ns", ticks_to_ns(log.total_ticks())},
          {"events_left_out", log.count() - events.size()},
          {"events", std::move(events)}};
}

}  // namespace hftmon::order_book
