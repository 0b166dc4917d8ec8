// The tables of which event of which kind of core is a metric. Pure data; any thread. Sources: the vendors' event lists; every row with a
// number whose processor libpfm4 knows is compared with it by a test.
#ifndef HFTMON_DAEMON_PMU_METRIC_TABLES_H_
#define HFTMON_DAEMON_PMU_METRIC_TABLES_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/pmu/core_kind.h"
#include "daemon/pmu/hardware_metric.h"

namespace hftmon {

struct MetricRow {
  HardwareMetric metric;
  std::string_view event;  // the vendor's name; empty: this processor has none
  std::string_view text;   // what it counts exactly; without an event, why there is none
  bool generic = false;    // `event` is one of the kernel's generic names, and the kernel chooses the number
  uint64_t config = 0;     // of an event that is not generic
  uint64_t config1 = 0;
};

// Null: the tables do not tell.
const MetricRow* FindMetricRow(CoreKind kind, HardwareMetric metric);

// The parts of the above, by maker: one table has a metric once. Empty: a core of another maker.
using MetricRows = std::vector<std::span<const MetricRow>>;
MetricRows IntelRows(CoreKind kind);
MetricRows AmdRows(CoreKind kind);
MetricRows ArmRows(CoreKind kind);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_METRIC_TABLES_H_
