#include "daemon/pmu/metric_events.h"

#include <fmt/format.h>

#include <string>

#include "daemon/pmu/metric_tables.h"

namespace hftmon {
namespace {

absl::Status Unavailable(HardwareMetric metric, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("{} is unavailable: {}", HardwareMetricName(metric), why));
}

}  // namespace

absl::StatusOr<MetricEvent> EncodeMetric(HardwareMetric metric, CoreKind kind, const Pmu& core, const EventNames& names) {
  const MetricRow* row = FindMetricRow(kind, metric);
  if (row == nullptr) {
    return Unavailable(metric, fmt::format("no event of {} is known for it: name one of its manual, as rNNN", CoreKindName(kind)));
  }
  if (row->event.empty()) return Unavailable(metric, row->text);
  const std::string words = row->generic        ? std::string(row->event)
                            : row->config1 != 0 ? fmt::format("config={:#x},config1={:#x}", row->config, row->config1)
                                                : fmt::format("config={:#x}", row->config);
  absl::StatusOr<EventEncoding> encoding = names.Encode(fmt::format("{}/{}/", core.name, words));
  if (!encoding.ok()) return Unavailable(metric, std::string(encoding.status().message()));
  encoding->name = row->event;
  encoding->number_unchecked = false;  // the table vouches for it
  return MetricEvent{*std::move(encoding), row->text};
}

}  // namespace hftmon
