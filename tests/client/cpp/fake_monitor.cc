#include "tests/client/cpp/fake_monitor.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/error_details.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace hftmon {
namespace {

template <typename Handler, typename Request, typename Response>
grpc::ServerUnaryReactor* Answer(const char* name, const Handler& handler, grpc::CallbackServerContext* context, const Request* request,
                                 Response* response) {
  grpc::Status status(grpc::StatusCode::UNIMPLEMENTED, "the test did not expect this call");
  if (handler) {
    status = handler(*request, response);
  } else {
    ADD_FAILURE() << "unexpected call of " << name << " with " << request->ShortDebugString();
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

// One write in flight; finishes once, and never while a write is in flight.
template <typename Message>
class ScriptedStream final : public grpc::ServerWriteReactor<Message> {
 public:
  ScriptedStream(StreamScript<Message> script, std::function<void()> on_written)
      : script_(std::move(script)), on_written_(std::move(on_written)) {
    Advance();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      const std::lock_guard lock(mutex_);
      FinishOnce(grpc::Status::CANCELLED);
      return;
    }
    Advance();
  }
  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    if (!writing_) FinishOnce(grpc::Status::CANCELLED);
    cancelled_ = true;
  }
  void OnDone() override { delete this; }

 private:
  void Advance() {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (cancelled_) return FinishOnce(grpc::Status::CANCELLED);
    if (next_ < script_.messages.size()) {
      writing_ = true;
      this->StartWrite(&script_.messages[next_++]);
      return;
    }
    on_written_();
    if (!script_.hold) FinishOnce(script_.end);
  }
  void FinishOnce(const grpc::Status& status) {
    if (!finished_) this->Finish(status);
    finished_ = true;
  }

  StreamScript<Message> script_;
  const std::function<void()> on_written_;
  std::mutex mutex_;
  size_t next_ = 0;
  bool writing_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

template <typename Message, typename Handler, typename Request>
grpc::ServerWriteReactor<Message>* Open(const char* name, const Handler& handler, const Request* request,
                                        std::function<void()> on_written) {
  StreamScript<Message> script;
  if (handler) {
    script = handler(*request);
  } else {
    ADD_FAILURE() << "unexpected call of " << name;
    script.end = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "the test did not expect this call");
  }
  return new ScriptedStream<Message>(std::move(script), std::move(on_written));
}

}  // namespace

FakeMonitor::FakeMonitor() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) ADD_FAILURE() << "no server at " << address();
}

FakeMonitor::~FakeMonitor() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

grpc::Status FakeMonitor::RichError(grpc::StatusCode code, const std::string& message, const std::string& reason, const std::string& field,
                                    const std::string& description) {
  google::rpc::Status rich;
  rich.set_code(code);
  rich.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("hftmon");
  rich.add_details()->PackFrom(info);
  if (!field.empty()) {
    google::rpc::BadRequest bad_request;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
    rich.add_details()->PackFrom(bad_request);
  }
  grpc::Status status;
  EXPECT_TRUE(grpc::SetErrorDetails(rich, &status).ok());
  return status;
}

void FakeMonitor::SayWritten() {
  if (!stream_written.HasBeenNotified()) stream_written.Notify();
}

std::string FakeMonitor::NumbersOf(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find("hftmon-pid-namespace-of");
  return found == context.client_metadata().end() ? "" : std::string(found->second.data(), found->second.size());
}

grpc::ServerUnaryReactor* FakeMonitor::Attach(grpc::CallbackServerContext* context, const v1::AttachRequest* request,
                                              v1::AttachResponse* response) {
  attached_of = NumbersOf(*context);
  return Answer("Attach", attach, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::Detach(grpc::CallbackServerContext* context, const v1::DetachRequest* request,
                                              v1::DetachResponse* response) {
  return Answer("Detach", detach, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::ListTargets(grpc::CallbackServerContext* context, const v1::ListTargetsRequest* request,
                                                   v1::ListTargetsResponse* response) {
  return Answer("ListTargets", list_targets, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::UpdateTarget(grpc::CallbackServerContext* context, const v1::UpdateTargetRequest* request,
                                                    v1::UpdateTargetResponse* response) {
  return Answer("UpdateTarget", update_target, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::QueryInterrupts(grpc::CallbackServerContext* context, const v1::QueryInterruptsRequest* request,
                                                       v1::QueryInterruptsResponse* response) {
  return Answer("QueryInterrupts", query_interrupts, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryThreads(grpc::CallbackServerContext* context, const v1::QueryThreadsRequest* request,
                                                    v1::QueryThreadsResponse* response) {
  return Answer("QueryThreads", query_threads, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryCache(grpc::CallbackServerContext* context, const v1::QueryCacheRequest* request,
                                                  v1::QueryCacheResponse* response) {
  return Answer("QueryCache", query_cache, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryNuma(grpc::CallbackServerContext* context, const v1::QueryNumaRequest* request,
                                                 v1::QueryNumaResponse* response) {
  return Answer("QueryNuma", query_numa, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::MeasureNuma(grpc::CallbackServerContext* context, const v1::MeasureNumaRequest* request,
                                                   v1::MeasureNumaResponse* response) {
  return Answer("MeasureNuma", measure_numa, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryMemory(grpc::CallbackServerContext* context, const v1::QueryMemoryRequest* request,
                                                   v1::QueryMemoryResponse* response) {
  return Answer("QueryMemory", query_memory, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryOperations(grpc::CallbackServerContext* context, const v1::QueryOperationsRequest* request,
                                                       v1::QueryOperationsResponse* response) {
  return Answer("QueryOperations", query_operations, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryHardware(grpc::CallbackServerContext* context, const v1::QueryHardwareRequest* request,
                                                     v1::QueryHardwareResponse* response) {
  return Answer("QueryHardware", query_hardware, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::SampleState(grpc::CallbackServerContext* context, const v1::SampleStateRequest* request,
                                                   v1::SampleStateResponse* response) {
  return Answer("SampleState", sample_state, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::SampleAccesses(grpc::CallbackServerContext* context, const v1::SampleAccessesRequest* request,
                                                      v1::SampleAccessesResponse* response) {
  return Answer("SampleAccesses", sample_accesses, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::SampleCounters(grpc::CallbackServerContext* context, const v1::SampleCountersRequest* request,
                                                      v1::SampleCountersResponse* response) {
  return Answer("SampleCounters", sample_counters, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryNetwork(grpc::CallbackServerContext* context, const v1::QueryNetworkRequest* request,
                                                    v1::QueryNetworkResponse* response) {
  return Answer("QueryNetwork", query_network, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::Recommend(grpc::CallbackServerContext* context, const v1::RecommendRequest* request,
                                                 v1::RecommendResponse* response) {
  return Answer("Recommend", recommend, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryInversions(grpc::CallbackServerContext* context, const v1::QueryInversionsRequest* request,
                                                       v1::QueryInversionsResponse* response) {
  return Answer("QueryInversions", query_inversions, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryTimeline(grpc::CallbackServerContext* context, const v1::QueryTimelineRequest* request,
                                                     v1::QueryTimelineResponse* response) {
  return Answer("QueryTimeline", query_timeline, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::CorrelateEvents(grpc::CallbackServerContext* context, const v1::CorrelateEventsRequest* request,
                                                       v1::CorrelateEventsResponse* response) {
  return Answer("CorrelateEvents", correlate_events, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryLocks(grpc::CallbackServerContext* context, const v1::QueryLocksRequest* request,
                                                  v1::QueryLocksResponse* response) {
  return Answer("QueryLocks", query_locks, context, request, response);
}

grpc::ServerUnaryReactor* FakeMonitor::QueryContextSwitches(grpc::CallbackServerContext* context,
                                                            const v1::QueryContextSwitchesRequest* request,
                                                            v1::QueryContextSwitchesResponse* response) {
  return Answer("QueryContextSwitches", query_context_switches, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::DetectSpikes(grpc::CallbackServerContext* context, const v1::DetectSpikesRequest* request,
                                                    v1::DetectSpikesResponse* response) {
  return Answer("DetectSpikes", detect_spikes, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::ListMetrics(grpc::CallbackServerContext* context, const v1::ListMetricsRequest* request,
                                                   v1::ListMetricsResponse* response) {
  return Answer("ListMetrics", list_metrics, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                                 v1::GetStatusResponse* response) {
  return Answer("GetStatus", get_status, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::GetCapabilities(grpc::CallbackServerContext* context, const v1::GetCapabilitiesRequest* request,
                                                       v1::GetCapabilitiesResponse* response) {
  return Answer("GetCapabilities", get_capabilities, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::SetMode(grpc::CallbackServerContext* context, const v1::SetModeRequest* request,
                                               v1::SetModeResponse* response) {
  return Answer("SetMode", set_mode, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::SetQuiet(grpc::CallbackServerContext* context, const v1::SetQuietRequest* request,
                                                v1::SetQuietResponse* response) {
  return Answer("SetQuiet", set_quiet, context, request, response);
}
grpc::ServerUnaryReactor* FakeMonitor::SetCollecting(grpc::CallbackServerContext* context, const v1::SetCollectingRequest* request,
                                                     v1::SetCollectingResponse* response) {
  return Answer("SetCollecting", set_collecting, context, request, response);
}

grpc::ServerWriteReactor<v1::HoldTargetsResponse>* FakeMonitor::HoldTargets(grpc::CallbackServerContext*,
                                                                            const v1::HoldTargetsRequest* request) {
  StreamScript<v1::HoldTargetsResponse> script;
  if (hold_targets) {
    script = hold_targets(*request);
  } else {
    script.messages.emplace_back().set_session_id(1);
    script.hold = true;
  }
  return new ScriptedStream<v1::HoldTargetsResponse>(std::move(script), [] {});
}

grpc::ServerWriteReactor<v1::StreamSpikesResponse>* FakeMonitor::StreamSpikes(grpc::CallbackServerContext* context,
                                                                              const v1::StreamSpikesRequest* request) {
  streamed_of = NumbersOf(*context);
  return Open<v1::StreamSpikesResponse>("StreamSpikes", stream_spikes, request, [this] { SayWritten(); });
}
grpc::ServerWriteReactor<v1::WatchMetricsResponse>* FakeMonitor::WatchMetrics(grpc::CallbackServerContext*,
                                                                              const v1::WatchMetricsRequest* request) {
  return Open<v1::WatchMetricsResponse>("WatchMetrics", watch_metrics, request, [this] { SayWritten(); });
}

}  // namespace hftmon
