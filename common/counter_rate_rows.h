// The rates of what threads count, as far as the catalogue of metrics has them: name, unit and help of each, and the events that it is made
// of. Which of them there are follows from what is counted (daemon/analysis/counter_rates.h, whose names these are).
//
// Constant data, any thread.
#ifndef HFTMON_COMMON_COUNTER_RATE_ROWS_H_
#define HFTMON_COMMON_COUNTER_RATE_ROWS_H_

#include <span>
#include <string_view>

namespace hftmon {

struct CounterRateRow {
  std::string_view name;
  std::string_view unit;  // "ratio" (0 to 1), "per_cycle", "per_1000_instructions"
  bool low_is_bad;        // of its percentiles the low one matters: p1, not p99
  std::string_view help;  // one sentence, of its mean
  // Those that it is made of, as `--counters` names them; "or" stands between what processors count in its place.
  std::string_view events;
};

// One of the kernel's own events, which every host has: of it the count and the rate by second on the CPU.
struct CounterEventRow {
  std::string_view name;   // "page_faults"
  std::string_view event;  // "page-faults"
  std::string_view what;   // "Page faults", for the help
};

std::span<const CounterRateRow> CounterRateRows();
std::span<const CounterEventRow> CounterEventRows();

}  // namespace hftmon

#endif  // HFTMON_COMMON_COUNTER_RATE_ROWS_H_
