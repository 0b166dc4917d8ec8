// FakeMonitor: a Monitor service on a Unix socket of its own, whose answers the test scripts. A call that the test did not expect fails it.
//
// Threads: set the handlers and scripts before the calls; they run on gRPC's threads, and a handler may block.
#ifndef HFTMON_TESTS_CLIENT_CPP_FAKE_MONITOR_H_
#define HFTMON_TESTS_CLIENT_CPP_FAKE_MONITOR_H_

#include <grpcpp/server.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "hftmon/v1/monitor.grpc.pb.h"
#include "tests/client/cpp/temporary_folder.h"

namespace hftmon {

// Writes `messages`, says so, then ends with `end` or, when `hold`, waits for the client to cancel.
template <typename Message>
struct StreamScript {
  std::vector<Message> messages;
  bool hold = false;
  grpc::Status end = grpc::Status::OK;
};

class FakeMonitor final : public v1::Monitor::CallbackService {
 public:
  template <typename Request, typename Response>
  using Handler = std::function<grpc::Status(const Request&, Response*)>;

  FakeMonitor();
  ~FakeMonitor() override;

  std::string address() const { return "unix:" + folder_.File("monitor.sock"); }
  // An error as the daemon makes it: with google.rpc.ErrorInfo and, when `field` is given, google.rpc.BadRequest.
  static grpc::Status RichError(grpc::StatusCode code, const std::string& message, const std::string& reason, const std::string& field = "",
                                const std::string& description = "");

  Handler<v1::AttachRequest, v1::AttachResponse> attach;
  Handler<v1::DetachRequest, v1::DetachResponse> detach;
  Handler<v1::ListTargetsRequest, v1::ListTargetsResponse> list_targets;
  // Answers with session 1 and holds it until the client cancels, unless the test scripts it.
  std::function<StreamScript<v1::HoldTargetsResponse>(const v1::HoldTargetsRequest&)> hold_targets;
  Handler<v1::UpdateTargetRequest, v1::UpdateTargetResponse> update_target;
  Handler<v1::QueryContextSwitchesRequest, v1::QueryContextSwitchesResponse> query_context_switches;
  Handler<v1::QueryInterruptsRequest, v1::QueryInterruptsResponse> query_interrupts;
  Handler<v1::RecommendRequest, v1::RecommendResponse> recommend;
  Handler<v1::QueryInversionsRequest, v1::QueryInversionsResponse> query_inversions;
  Handler<v1::QueryLocksRequest, v1::QueryLocksResponse> query_locks;
  Handler<v1::QueryNumaRequest, v1::QueryNumaResponse> query_numa;
  Handler<v1::MeasureNumaRequest, v1::MeasureNumaResponse> measure_numa;
  Handler<v1::QueryMemoryRequest, v1::QueryMemoryResponse> query_memory;
  Handler<v1::QueryCacheRequest, v1::QueryCacheResponse> query_cache;
  Handler<v1::QueryThreadsRequest, v1::QueryThreadsResponse> query_threads;
  Handler<v1::QueryHardwareRequest, v1::QueryHardwareResponse> query_hardware;
  Handler<v1::QueryOperationsRequest, v1::QueryOperationsResponse> query_operations;
  Handler<v1::QueryTimelineRequest, v1::QueryTimelineResponse> query_timeline;
  Handler<v1::CorrelateEventsRequest, v1::CorrelateEventsResponse> correlate_events;
  Handler<v1::QueryNetworkRequest, v1::QueryNetworkResponse> query_network;
  Handler<v1::SampleStateRequest, v1::SampleStateResponse> sample_state;
  Handler<v1::SampleAccessesRequest, v1::SampleAccessesResponse> sample_accesses;
  Handler<v1::SampleCountersRequest, v1::SampleCountersResponse> sample_counters;
  Handler<v1::DetectSpikesRequest, v1::DetectSpikesResponse> detect_spikes;
  Handler<v1::ListMetricsRequest, v1::ListMetricsResponse> list_metrics;
  // Verbs ask it for what they say besides: an empty answer, unless the test scripts it.
  Handler<v1::GetStatusRequest, v1::GetStatusResponse> get_status = [](const auto&, auto*) { return grpc::Status::OK; };
  Handler<v1::GetCapabilitiesRequest, v1::GetCapabilitiesResponse> get_capabilities;
  Handler<v1::SetModeRequest, v1::SetModeResponse> set_mode;
  Handler<v1::SetQuietRequest, v1::SetQuietResponse> set_quiet;
  Handler<v1::SetCollectingRequest, v1::SetCollectingResponse> set_collecting;
  std::function<StreamScript<v1::StreamSpikesResponse>(const v1::StreamSpikesRequest&)> stream_spikes;
  std::function<StreamScript<v1::WatchMetricsResponse>(const v1::WatchMetricsRequest&)> watch_metrics;
  // Whose namespace's numbers the last Attach and StreamSpikes said that theirs are (hftmon-pid-namespace-of); read when they are answered.
  std::string attached_of;
  std::string streamed_of;
  // Every message of the first stream has been written.
  absl::Notification stream_written;

 private:
  grpc::ServerUnaryReactor* Attach(grpc::CallbackServerContext*, const v1::AttachRequest*, v1::AttachResponse*) override;
  grpc::ServerUnaryReactor* Detach(grpc::CallbackServerContext*, const v1::DetachRequest*, v1::DetachResponse*) override;
  grpc::ServerWriteReactor<v1::HoldTargetsResponse>* HoldTargets(grpc::CallbackServerContext*, const v1::HoldTargetsRequest*) override;
  grpc::ServerUnaryReactor* ListTargets(grpc::CallbackServerContext*, const v1::ListTargetsRequest*, v1::ListTargetsResponse*) override;
  grpc::ServerUnaryReactor* UpdateTarget(grpc::CallbackServerContext*, const v1::UpdateTargetRequest*, v1::UpdateTargetResponse*) override;
  grpc::ServerUnaryReactor* QueryContextSwitches(grpc::CallbackServerContext*, const v1::QueryContextSwitchesRequest*,
                                                 v1::QueryContextSwitchesResponse*) override;
  grpc::ServerUnaryReactor* QueryInterrupts(grpc::CallbackServerContext*, const v1::QueryInterruptsRequest*,
                                            v1::QueryInterruptsResponse*) override;
  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext*, const v1::RecommendRequest*, v1::RecommendResponse*) override;
  grpc::ServerUnaryReactor* QueryInversions(grpc::CallbackServerContext*, const v1::QueryInversionsRequest*,
                                            v1::QueryInversionsResponse*) override;
  grpc::ServerUnaryReactor* QueryLocks(grpc::CallbackServerContext*, const v1::QueryLocksRequest*, v1::QueryLocksResponse*) override;
  grpc::ServerUnaryReactor* QueryThreads(grpc::CallbackServerContext*, const v1::QueryThreadsRequest*, v1::QueryThreadsResponse*) override;
  grpc::ServerUnaryReactor* QueryCache(grpc::CallbackServerContext*, const v1::QueryCacheRequest*, v1::QueryCacheResponse*) override;
  grpc::ServerUnaryReactor* QueryNuma(grpc::CallbackServerContext*, const v1::QueryNumaRequest*, v1::QueryNumaResponse*) override;
  grpc::ServerUnaryReactor* MeasureNuma(grpc::CallbackServerContext*, const v1::MeasureNumaRequest*, v1::MeasureNumaResponse*) override;
  grpc::ServerUnaryReactor* QueryMemory(grpc::CallbackServerContext*, const v1::QueryMemoryRequest*, v1::QueryMemoryResponse*) override;
  grpc::ServerUnaryReactor* QueryHardware(grpc::CallbackServerContext*, const v1::QueryHardwareRequest*,
                                          v1::QueryHardwareResponse*) override;
  grpc::ServerUnaryReactor* QueryTimeline(grpc::CallbackServerContext*, const v1::QueryTimelineRequest*,
                                          v1::QueryTimelineResponse*) override;
  grpc::ServerUnaryReactor* CorrelateEvents(grpc::CallbackServerContext*, const v1::CorrelateEventsRequest*,
                                            v1::CorrelateEventsResponse*) override;
  grpc::ServerUnaryReactor* QueryOperations(grpc::CallbackServerContext*, const v1::QueryOperationsRequest*,
                                            v1::QueryOperationsResponse*) override;
  grpc::ServerUnaryReactor* SampleState(grpc::CallbackServerContext*, const v1::SampleStateRequest*, v1::SampleStateResponse*) override;
  grpc::ServerUnaryReactor* SampleAccesses(grpc::CallbackServerContext*, const v1::SampleAccessesRequest*,
                                           v1::SampleAccessesResponse*) override;
  grpc::ServerUnaryReactor* SampleCounters(grpc::CallbackServerContext*, const v1::SampleCountersRequest*,
                                           v1::SampleCountersResponse*) override;
  grpc::ServerUnaryReactor* QueryNetwork(grpc::CallbackServerContext*, const v1::QueryNetworkRequest*, v1::QueryNetworkResponse*) override;
  grpc::ServerUnaryReactor* DetectSpikes(grpc::CallbackServerContext*, const v1::DetectSpikesRequest*, v1::DetectSpikesResponse*) override;
  grpc::ServerUnaryReactor* ListMetrics(grpc::CallbackServerContext*, const v1::ListMetricsRequest*, v1::ListMetricsResponse*) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse*) override;
  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext*, const v1::GetCapabilitiesRequest*,
                                            v1::GetCapabilitiesResponse*) override;
  grpc::ServerUnaryReactor* SetMode(grpc::CallbackServerContext*, const v1::SetModeRequest*, v1::SetModeResponse*) override;
  grpc::ServerUnaryReactor* SetQuiet(grpc::CallbackServerContext*, const v1::SetQuietRequest*, v1::SetQuietResponse*) override;
  grpc::ServerUnaryReactor* SetCollecting(grpc::CallbackServerContext*, const v1::SetCollectingRequest*,
                                          v1::SetCollectingResponse*) override;
  grpc::ServerWriteReactor<v1::StreamSpikesResponse>* StreamSpikes(grpc::CallbackServerContext*, const v1::StreamSpikesRequest*) override;
  grpc::ServerWriteReactor<v1::WatchMetricsResponse>* WatchMetrics(grpc::CallbackServerContext*, const v1::WatchMetricsRequest*) override;

  static std::string NumbersOf(const grpc::CallbackServerContext& context);
  void SayWritten();

  TemporaryFolder folder_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CPP_FAKE_MONITOR_H_
