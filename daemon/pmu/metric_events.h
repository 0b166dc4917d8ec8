// MetricEvents: the event that is a metric on one kind of core of this host, or why there is none. Any thread; allocates: never in the
// loop.
#ifndef HFTMON_DAEMON_PMU_METRIC_EVENTS_H_
#define HFTMON_DAEMON_PMU_METRIC_EVENTS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "daemon/pmu/core_kind.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/event_names.h"
#include "daemon/pmu/hardware_metric.h"
#include "daemon/pmu/pmu_list.h"

namespace hftmon {

struct MetricEvent {
  EventEncoding encoding;   // `name` is the vendor's or the kernel's generic name
  std::string_view counts;  // what this processor counts exactly: "retired loads served by the L2"
};

// For `core`, one of the host's core PMUs whose cores are of that kind. FAILED_PRECONDITION: no such event, with the reason; the metric
// then has no value. Whether the kernel opens the event is EventNames::Validate's to say.
absl::StatusOr<MetricEvent> EncodeMetric(HardwareMetric metric, CoreKind kind, const Pmu& core, const EventNames& names);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_METRIC_EVENTS_H_
