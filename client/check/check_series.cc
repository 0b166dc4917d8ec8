#include "client/check/check_series.h"

#include <set>

namespace hftmon {
namespace {

// A larger value of each is worse. Maxima and p99.999 are not among them: of a segment they are single events, which the limits judge.
const std::set<std::string> kOfEvents{"p50_runqueue_ns", "p99_runqueue_ns", "mean_delivery_ns"};
const std::set<std::string> kPerSecond{"involuntary_count", "migration_count",   "interrupt_count", "interrupted_ns",   "minor_fault_count",
                                       "major_fault_count", "fault_ns",          "shootdown_count", "futex_wait_count", "blocking_io_count",
                                       "sleep_count",       "blocked_ns",        "net_rx_ns",       "drop_count",       "retransmit_count",
                                       "squeeze_count",     "device_drop_count", "visit_count"};

}  // namespace

void CheckSeries::Add(const ModuleResult& result, int64_t length_ns) {
  for (const CheckFigure& figure : result.figures) {
    const bool per_second = kPerSecond.contains(figure.key);
    if (!figure.value.has_value() || (!per_second && !kOfEvents.contains(figure.key))) continue;
    const auto value = static_cast<double>(*figure.value);
    values[std::string(NameOf(result.module)) + "." + figure.key].push_back(per_second ? value * 1e9 / static_cast<double>(length_ns)
                                                                                       : value);
  }
}

}  // namespace hftmon
