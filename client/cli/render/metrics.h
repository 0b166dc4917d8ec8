// Snapshots of metrics for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_METRICS_H_
#define HFTMON_CLIENT_CLI_RENDER_METRICS_H_

#include <map>
#include <string>

#include "absl/time/time.h"
#include "client/cli/render/json.h"
#include "hftmon/v1/metrics.pb.h"

namespace hftmon {

using MetricUnits = std::map<std::string, std::string>;  // metric → "ns", "count", …

// The unit of each metric that the daemon knows.
MetricUnits UnitsOf(const v1::ListMetricsResponse& response);
// The time of day and the window, then a table of the samples.
std::string MetricsText(const v1::WatchMetricsResponse& response, const MetricUnits& units, const absl::TimeZone& zone);
// One object a period. A value that is not a number (nothing was measured) leaves its sample without `value`.
Json MetricsJson(const v1::WatchMetricsResponse& response);

// The catalogue as the daemon has it.
std::string MetricListText(const v1::ListMetricsResponse& response);
Json MetricListJson(const v1::ListMetricsResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_METRICS_H_
