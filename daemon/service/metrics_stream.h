// MetricsStream: one subscriber of WatchMetrics.
//
// Each period the poll thread asks the store for what happened since the last snapshot's end, a bucket's edge, so that snapshots follow
// each other without gap or overlap. A snapshot larger than one answer may be ends the stream with RESOURCE_EXHAUSTED. A snapshot that a
// slow reader has not taken when the next is made is replaced by it and counted. What threads count is taken more often, so that nothing of
// it is overwritten. Why a metric has no samples is told once, until it is not so any more in a snapshot that the reader took.
#ifndef HFTMON_DAEMON_SERVICE_METRICS_STREAM_H_
#define HFTMON_DAEMON_SERVICE_METRICS_STREAM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/metric_catalogue.h"
#include "daemon/service/counter_metric_samples.h"
#include "daemon/service/metric_samples.h"
#include "daemon/service/poll_thread.h"
#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"
#include "daemon/service/stream_reactor.h"
#include "daemon/service/target_thresholds.h"
#include "hftmon/v1/metrics.pb.h"

namespace hftmon {

// What all metric streams share; outlives them.
struct MetricsStreamShared {
  const ServiceCore* core = nullptr;
  PollThread* poll_thread = nullptr;
  StreamList* streams = nullptr;
  TargetThresholds* thresholds = nullptr;
  LimitBook* limits = nullptr;
  std::atomic<uint64_t>* dropped_count = nullptr;  // over all streams since start
  CounterWindowBudget* counter_windows = nullptr;
};

class MetricsStream : public StreamReactor<v1::WatchMetricsResponse>, private Pollee {
 public:
  // How soon to look again when a period is over and no bucket has closed since.
  static constexpr int64_t kRetryNs = 1'000'000;

  // Checks the request and starts the first period now; or refuses.
  static grpc::ServerWriteReactor<v1::WatchMetricsResponse>* Start(const v1::WatchMetricsRequest& request,
                                                                   const MetricsStreamShared& shared);

 private:
  MetricsStream(const MetricsStreamShared& shared, const v1::WatchMetricsRequest& request, const std::vector<const MetricRow*>& metrics);

  int64_t Poll(int64_t now_ns) override;
  // Poll thread. The window's begin is the last one's end.
  void MakeSnapshot(int64_t until_mono_ns, v1::WatchMetricsResponse* snapshot);
  // Hands it to the reader, without the reasons that it knows. False: the stream has ended.
  bool Offer(std::unique_ptr<v1::WatchMetricsResponse> snapshot);
  // Spikes that ended before `until_mono_ns` and were not counted yet, by thread; absent when some were overwritten.
  std::optional<SpikeCounts> CountSpikes(int64_t until_mono_ns);

  bool NextMessage(v1::WatchMetricsResponse* message) override;
  void Release() override { pending_.reset(); }
  void Detach() override;

  const MetricsStreamShared shared_;
  const v1::WatchMetricsRequest request_;
  const std::vector<const MetricRow*> metrics_;  // of the store; the others are counters_'
  const int64_t period_ns_;
  // Poll thread only, once it is added there.
  int64_t due_ns_ = 0;            // steady clock
  int64_t covered_until_ns_ = 0;  // end of the last snapshot's window
  uint64_t spike_cursor_ = 0;     // of those that have ended, how many were looked at
  CounterMetricSamples counters_;
  int64_t next_take_ns_ = 0;  // steady clock
  // Under mutex().
  std::unique_ptr<v1::WatchMetricsResponse> pending_;
  uint64_t dropped_ = 0;
  using Reasons = std::set<std::string>;  // UnavailableMetrics, serialized; at most CounterMetricSamples::kUnavailableMax
  Reasons pending_reasons_;               // that hold in pending_
  Reasons told_reasons_;                  // that held in what the reader took last
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_METRICS_STREAM_H_
