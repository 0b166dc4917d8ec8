// MetricSamples: the catalogue's metrics of a window, by thread or by target. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_METRIC_SAMPLES_H_
#define HFTMON_DAEMON_SERVICE_METRIC_SAMPLES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/metric_catalogue.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "hftmon/v1/metrics.pb.h"

namespace hftmon {

using SpikeCounts = std::unordered_map<ThreadKey, uint64_t, ThreadKeyHash>;

// One sample a metric for each selected target (tid 0), or for each of its threads: those with activity in `active` and those that are
// watched and had none. A metric without a value (a percentile of too few waits) has no sample; nor has the
// number of spikes when `spikes` is absent.
void AddMetricSamples(const ServiceCore& core, const TargetSelection& selection, std::span<const MetricRow* const> metrics, bool per_thread,
                      const std::vector<ThreadWindow>& active, const std::optional<SpikeCounts>& spikes, v1::WatchMetricsResponse* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_METRIC_SAMPLES_H_
