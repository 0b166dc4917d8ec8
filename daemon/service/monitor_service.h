// MonitorService: hftmon.v1.Monitor over the daemon's parts. Thin: it checks, asks, converts.
//
// Threads: handlers run on gRPC's threads; queries that wait for their window on one poll thread, spike streams are fed by the notifier's.
// Bounds: ServiceLimits, which may change while it runs.
// Lifetime: `core` outlives it; it outlives the server; Stop() comes before the server's Shutdown.
#ifndef HFTMON_DAEMON_SERVICE_MONITOR_SERVICE_H_
#define HFTMON_DAEMON_SERVICE_MONITOR_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "daemon/service/counter_window_budget.h"
#include "daemon/service/hold_stream.h"
#include "daemon/service/metrics_stream.h"
#include "daemon/service/pid_translation.h"
#include "daemon/service/poll_thread.h"
#include "daemon/service/query_gauge.h"
#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"
#include "daemon/service/spike_notifier.h"
#include "daemon/service/spike_stream.h"
#include "daemon/service/stream_list.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/target_thresholds.h"
#include "daemon/service/windowed_call.h"
#include "hftmon/v1/monitor.grpc.pb.h"

namespace hftmon {

class MonitorService : public v1::Monitor::CallbackService {
 public:
  // Above every limit of streams and queries, so that they are what refuses.
  static constexpr size_t kPolleesMax = 1 << 18;

  MonitorService(const ServiceCore& core, const ServiceLimits& limits);

  // Ends the streams and the queries that wait, refuses new ones.
  void Stop();
  // Stream messages dropped for slow readers since start.
  uint64_t dropped_message_count() const { return dropped_count_.load(std::memory_order_relaxed); }
  size_t stream_count() const { return spike_streams_.size() + metrics_streams_.size(); }
  // Streams and calls that are open keep what they were granted.
  void SetLimits(const ServiceLimits& limits) { limits_.Set(limits); }
  // How soon streams hear of spikes: see SpikeNotifier.
  void SetNotifyIntervals(int64_t min_ns, int64_t max_ns) { notifier_.SetPollIntervals(min_ns, max_ns); }
  // A target's default threshold changed: streams that follow it read it anew.
  void OnDefaultsChanged() { thresholds_.Invalidate(); }
  // Of each limit, how much is used; of limits on one call, the most that a call used.
  std::vector<Bound> Bounds() const;

  grpc::ServerUnaryReactor* Attach(grpc::CallbackServerContext* context, const v1::AttachRequest* request,
                                   v1::AttachResponse* response) override;
  grpc::ServerUnaryReactor* Detach(grpc::CallbackServerContext* context, const v1::DetachRequest* request,
                                   v1::DetachResponse* response) override;
  grpc::ServerWriteReactor<v1::HoldTargetsResponse>* HoldTargets(grpc::CallbackServerContext* context,
                                                                 const v1::HoldTargetsRequest* request) override;
  grpc::ServerUnaryReactor* ListTargets(grpc::CallbackServerContext* context, const v1::ListTargetsRequest* request,
                                        v1::ListTargetsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateTarget(grpc::CallbackServerContext* context, const v1::UpdateTargetRequest* request,
                                         v1::UpdateTargetResponse* response) override;
  grpc::ServerUnaryReactor* QueryContextSwitches(grpc::CallbackServerContext* context, const v1::QueryContextSwitchesRequest* request,
                                                 v1::QueryContextSwitchesResponse* response) override;
  grpc::ServerUnaryReactor* QueryInterrupts(grpc::CallbackServerContext* context, const v1::QueryInterruptsRequest* request,
                                            v1::QueryInterruptsResponse* response) override;
  grpc::ServerUnaryReactor* QueryMemory(grpc::CallbackServerContext* context, const v1::QueryMemoryRequest* request,
                                        v1::QueryMemoryResponse* response) override;
  grpc::ServerUnaryReactor* QueryCache(grpc::CallbackServerContext* context, const v1::QueryCacheRequest* request,
                                       v1::QueryCacheResponse* response) override;
  grpc::ServerUnaryReactor* QueryHardware(grpc::CallbackServerContext* context, const v1::QueryHardwareRequest* request,
                                          v1::QueryHardwareResponse* response) override;
  grpc::ServerUnaryReactor* QueryOperations(grpc::CallbackServerContext* context, const v1::QueryOperationsRequest* request,
                                            v1::QueryOperationsResponse* response) override;
  grpc::ServerUnaryReactor* QueryNetwork(grpc::CallbackServerContext* context, const v1::QueryNetworkRequest* request,
                                         v1::QueryNetworkResponse* response) override;
  grpc::ServerUnaryReactor* QueryTimeline(grpc::CallbackServerContext* context, const v1::QueryTimelineRequest* request,
                                          v1::QueryTimelineResponse* response) override;
  grpc::ServerUnaryReactor* CorrelateEvents(grpc::CallbackServerContext* context, const v1::CorrelateEventsRequest* request,
                                            v1::CorrelateEventsResponse* response) override;
  grpc::ServerUnaryReactor* QueryThreads(grpc::CallbackServerContext* context, const v1::QueryThreadsRequest* request,
                                         v1::QueryThreadsResponse* response) override;
  grpc::ServerUnaryReactor* QueryLocks(grpc::CallbackServerContext* context, const v1::QueryLocksRequest* request,
                                       v1::QueryLocksResponse* response) override;
  grpc::ServerUnaryReactor* QueryInversions(grpc::CallbackServerContext* context, const v1::QueryInversionsRequest* request,
                                            v1::QueryInversionsResponse* response) override;
  grpc::ServerUnaryReactor* SampleState(grpc::CallbackServerContext* context, const v1::SampleStateRequest* request,
                                        v1::SampleStateResponse* response) override;
  grpc::ServerUnaryReactor* SampleAccesses(grpc::CallbackServerContext* context, const v1::SampleAccessesRequest* request,
                                           v1::SampleAccessesResponse* response) override;
  grpc::ServerUnaryReactor* SampleCounters(grpc::CallbackServerContext* context, const v1::SampleCountersRequest* request,
                                           v1::SampleCountersResponse* response) override;
  grpc::ServerUnaryReactor* QueryNuma(grpc::CallbackServerContext* context, const v1::QueryNumaRequest* request,
                                      v1::QueryNumaResponse* response) override;
  grpc::ServerUnaryReactor* MeasureNuma(grpc::CallbackServerContext* context, const v1::MeasureNumaRequest* request,
                                        v1::MeasureNumaResponse* response) override;
  grpc::ServerUnaryReactor* DetectSpikes(grpc::CallbackServerContext* context, const v1::DetectSpikesRequest* request,
                                         v1::DetectSpikesResponse* response) override;
  grpc::ServerWriteReactor<v1::StreamSpikesResponse>* StreamSpikes(grpc::CallbackServerContext* context,
                                                                   const v1::StreamSpikesRequest* request) override;
  grpc::ServerWriteReactor<v1::WatchMetricsResponse>* WatchMetrics(grpc::CallbackServerContext* context,
                                                                   const v1::WatchMetricsRequest* request) override;
  grpc::ServerUnaryReactor* ListMetrics(grpc::CallbackServerContext* context, const v1::ListMetricsRequest* request,
                                        v1::ListMetricsResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* context, const v1::GetCapabilitiesRequest* request,
                                            v1::GetCapabilitiesResponse* response) override;
  grpc::ServerUnaryReactor* SetMode(grpc::CallbackServerContext* context, const v1::SetModeRequest* request,
                                    v1::SetModeResponse* response) override;
  grpc::ServerUnaryReactor* SetQuiet(grpc::CallbackServerContext* context, const v1::SetQuietRequest* request,
                                     v1::SetQuietResponse* response) override;
  grpc::ServerUnaryReactor* SetCollecting(grpc::CallbackServerContext* context, const v1::SetCollectingRequest* request,
                                          v1::SetCollectingResponse* response) override;
  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext* context, const v1::RecommendRequest* request,
                                      v1::RecommendResponse* response) override;

 private:
  // Of one call's ids; counts as a query while it lives, where there is something to translate.
  PidTranslation Translation(const grpc::CallbackServerContext& context);
  // What a call that samples one process begins with, by the initial namespace's number.
  template <typename Call, typename Request, typename Response>
  grpc::ServerUnaryReactor* SampleProcess(grpc::CallbackServerContext* context, Request request, Response* response);
  WindowedCall::Shared ForQueries() { return {core_.windows, &poll_thread_, &stopping_, &queries_}; }
  // What a question about a window is answered from.
  struct WindowQuestion {
    TargetSelection selection;
    Arrival arrival;
    int64_t rows_max = 0;
  };
  // Checks it, translates its ids, selects its targets and calls `answer` with it and the question, once its window has closed.
  template <typename Request, typename Answer>
  grpc::ServerUnaryReactor* AnswerWindow(grpc::CallbackServerContext* context, Request request, Answer answer);
  void AnswerTarget(const TargetInfo& target, v1::Target* out) const;
  // The set of events that is counted, 0: none; and whether, where one was, it is another now.
  uint32_t CountedSet() const;
  bool BeganAnewSince(uint32_t counted_set) const;
  const ServiceCore core_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> dropped_count_{0};
  TargetThresholds thresholds_;
  mutable LimitBook limits_;
  QueryGauge queries_;
  CounterWindowBudget counter_windows_;
  StreamList spike_streams_{"spike streams", "spike_streams_max"};
  StreamList metrics_streams_{"metric streams", "metric_streams_max"};
  StreamList hold_streams_{"sessions", "sessions_max"};
  // Last: their threads end before what they poll with.
  PollThread poll_thread_{kPolleesMax};
  SpikeNotifier notifier_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_MONITOR_SERVICE_H_
