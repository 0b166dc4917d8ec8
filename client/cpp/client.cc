#include "client/cpp/client.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

#include "client/cpp/errors.h"
#include "client/cpp/own_pid_namespace.h"
#include "client/cpp/target_session.h"
#include "hftmon/v1/monitor.grpc.pb.h"

namespace hftmon {
namespace {

constexpr int64_t kDeadlineMinNs = 1'000'000;
constexpr int64_t kDeadlineMaxNs = 3'600'000'000'000;
constexpr int64_t kSamplingDefaultNs = 1'000'000'000;
constexpr int64_t kSamplingMaxNs = 10'000'000'000;
constexpr int64_t kAccessSamplingMaxNs = 60'000'000'000;
constexpr int64_t kNumaLookMaxNs = 60'000'000'000;
constexpr int64_t kNumaMeasureMaxNs = 10'000'000'000;
// 100,000 spikes with all their causes, the most that one answer holds, stay below this.
constexpr int kMessageMaxBytes = 256 << 20;
// A daemon on the same host that was started anew is found again after this, not after gRPC's two minutes.
constexpr int kReconnectMinMs = 100;
constexpr int kReconnectMaxMs = 1'000;

std::unique_ptr<v1::Monitor::Stub> NewStub(const ServerAddress& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageMaxBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // a proxy of the environment has no business with a loopback daemon
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  return v1::Monitor::NewStub(grpc::CreateCustomChannel(address.grpc_target, grpc::InsecureChannelCredentials(), arguments));
}

std::string NameOf(const ClientOptions& options) {
  return options.name.empty() ? fmt::format("{}[{}]", program_invocation_short_name, getpid()) : options.name;
}

}  // namespace

class Client::Connection {
 public:
  Connection(ServerAddress server, const ClientOptions& options, uint64_t pid_namespace)
      : address_(std::move(server)), options_(options), pid_namespace_(pid_namespace), stub_(NewStub(address_)) {}

  const ServerAddress& address() const { return address_; }
  v1::Monitor::Stub* stub() const { return stub_.get(); }

  // Says in a call's metadata whose numbers it names.
  void NameNumbers(grpc::ClientContext* context) const;

  // `takes_ns`: what an answer takes by the request, beside the deadline.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::Monitor::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, int64_t takes_ns = 0) const;

  // The session's id; 0 when there is none and `open` is false.
  absl::StatusOr<uint64_t> SessionId(bool open);

 private:
  const ServerAddress address_;
  const ClientOptions options_;
  const uint64_t pid_namespace_;  // this process's own, see OwnPidNamespace; 0 with host_numbers
  const std::unique_ptr<v1::Monitor::Stub> stub_;
  std::mutex session_mutex_;
  std::unique_ptr<TargetSession> session_;  // before stub_ goes
};

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const std::string& address, const ClientOptions& options) {
  if (options.deadline_ns < kDeadlineMinNs || options.deadline_ns > kDeadlineMaxNs) {
    return absl::InvalidArgumentError(
        fmt::format("deadline of {} ns: outside what a call may take: choose 1 ms to 1 h", options.deadline_ns));
  }
  absl::StatusOr<ServerAddress> parsed = ServerAddress::Parse(address);
  if (!parsed.ok()) return parsed.status();
  const absl::StatusOr<uint64_t> pid_namespace = options.host_numbers ? absl::StatusOr<uint64_t>(0) : OwnPidNamespace();
  if (!pid_namespace.ok()) return pid_namespace.status();
  return std::unique_ptr<Client>(new Client(std::make_unique<Connection>(*std::move(parsed), options, *pid_namespace)));
}

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

Client::~Client() = default;

void Client::Connection::NameNumbers(grpc::ClientContext* context) const {
  if (options_.host_numbers) return;
  if (pid_namespace_ != 0) context->AddMetadata("hftmon-pid-namespace", std::to_string(pid_namespace_));
  if (options_.pid_namespace_of > 0) context->AddMetadata("hftmon-pid-namespace-of", std::to_string(options_.pid_namespace_of));
}

template <typename Request, typename Response>
absl::StatusOr<Response> Client::Connection::Call(grpc::Status (v1::Monitor::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                                            Response*),
                                                  const Request& request, int64_t takes_ns) const {
  const int64_t deadline_ns = options_.deadline_ns + takes_ns;
  grpc::ClientContext context;
  NameNumbers(&context);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::nanoseconds(deadline_ns));
  Response response;
  const grpc::Status status = (*stub_.*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status, address_, deadline_ns);
  return response;
}

absl::StatusOr<uint64_t> Client::Connection::SessionId(bool open) {
  std::lock_guard lock(session_mutex_);
  if (session_ != nullptr && session_->ended()) session_.reset();  // the daemon was started anew
  if (session_ == nullptr && open) {
    absl::StatusOr<std::unique_ptr<TargetSession>> session =
        TargetSession::Open(stub_.get(), address_, NameOf(options_), options_.deadline_ns);
    if (!session.ok()) return session.status();
    session_ = *std::move(session);
  }
  return session_ == nullptr ? 0 : session_->id();
}

absl::StatusOr<v1::AttachResponse> Client::Attach(const v1::AttachRequest& request) const {
  if (request.persist() || request.session_id() != 0) return connection_->Call(&v1::Monitor::Stub::Attach, request);
  const absl::StatusOr<uint64_t> session_id = connection_->SessionId(true);
  if (!session_id.ok()) return session_id.status();
  v1::AttachRequest own = request;
  own.set_session_id(*session_id);
  return connection_->Call(&v1::Monitor::Stub::Attach, own);
}

absl::StatusOr<v1::DetachResponse> Client::Detach(const v1::DetachRequest& request) const {
  v1::DetachRequest own = request;
  if (!request.persist() && !request.force() && request.session_id() == 0) own.set_session_id(connection_->SessionId(false).value());
  return connection_->Call(&v1::Monitor::Stub::Detach, own);
}

absl::StatusOr<v1::ListTargetsResponse> Client::ListTargets(const v1::ListTargetsRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::ListTargets, request);
}

absl::StatusOr<v1::UpdateTargetResponse> Client::UpdateTarget(const v1::UpdateTargetRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::UpdateTarget, request);
}

absl::StatusOr<v1::QueryContextSwitchesResponse> Client::QueryContextSwitches(const v1::QueryContextSwitchesRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryContextSwitches, request);
}

absl::StatusOr<v1::QueryMemoryResponse> Client::QueryMemory(const v1::QueryMemoryRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryMemory, request);
}

absl::StatusOr<v1::RecommendResponse> Client::Recommend(const v1::RecommendRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::Recommend, request);
}

absl::StatusOr<v1::QueryCacheResponse> Client::QueryCache(const v1::QueryCacheRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryCache, request);
}

absl::StatusOr<v1::QueryHardwareResponse> Client::QueryHardware(const v1::QueryHardwareRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryHardware, request);
}

absl::StatusOr<v1::QueryOperationsResponse> Client::QueryOperations(const v1::QueryOperationsRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryOperations, request);
}

absl::StatusOr<v1::QueryThreadsResponse> Client::QueryThreads(const v1::QueryThreadsRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryThreads, request);
}

absl::StatusOr<v1::QueryNetworkResponse> Client::QueryNetwork(const v1::QueryNetworkRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryNetwork, request);
}

absl::StatusOr<v1::QueryInversionsResponse> Client::QueryInversions(const v1::QueryInversionsRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryInversions, request);
}

absl::StatusOr<v1::SampleStateResponse> Client::SampleState(const v1::SampleStateRequest& request) const {
  // The daemon refuses what lies outside.
  const int64_t duration_ns =
      request.duration_ns() == 0 ? kSamplingDefaultNs : std::clamp<int64_t>(request.duration_ns(), 0, kSamplingMaxNs);
  return connection_->Call(&v1::Monitor::Stub::SampleState, request, duration_ns);
}

absl::StatusOr<v1::SampleCountersResponse> Client::SampleCounters(const v1::SampleCountersRequest& request) const {
  // The daemon refuses what lies outside.
  const int64_t duration_ns =
      request.duration_ns() == 0 ? kSamplingDefaultNs : std::clamp<int64_t>(request.duration_ns(), 0, kSamplingMaxNs);
  return connection_->Call(&v1::Monitor::Stub::SampleCounters, request, duration_ns);
}

absl::StatusOr<v1::SampleAccessesResponse> Client::SampleAccesses(const v1::SampleAccessesRequest& request) const {
  // The daemon refuses what lies outside.
  const int64_t duration_ns =
      request.duration_ns() == 0 ? kSamplingDefaultNs : std::clamp<int64_t>(request.duration_ns(), 0, kAccessSamplingMaxNs);
  return connection_->Call(&v1::Monitor::Stub::SampleAccesses, request, duration_ns);
}

absl::StatusOr<v1::QueryNumaResponse> Client::QueryNuma(const v1::QueryNumaRequest& request) const {
  // The daemon refuses what lies outside.
  const int64_t max_ns = kNumaLookMaxNs + std::clamp<int64_t>(request.growth_ns(), 0, kNumaLookMaxNs) +
                         std::clamp<int64_t>(request.bandwidth_ns(), 0, kSamplingMaxNs);
  return connection_->Call(&v1::Monitor::Stub::QueryNuma, request, max_ns);
}

absl::StatusOr<v1::MeasureNumaResponse> Client::MeasureNuma(const v1::MeasureNumaRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::MeasureNuma, request, kNumaMeasureMaxNs);
}

absl::StatusOr<v1::QueryTimelineResponse> Client::QueryTimeline(const v1::QueryTimelineRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryTimeline, request);
}

absl::StatusOr<v1::CorrelateEventsResponse> Client::CorrelateEvents(const v1::CorrelateEventsRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::CorrelateEvents, request);
}

absl::StatusOr<v1::QueryLocksResponse> Client::QueryLocks(const v1::QueryLocksRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryLocks, request);
}

absl::StatusOr<v1::QueryInterruptsResponse> Client::QueryInterrupts(const v1::QueryInterruptsRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::QueryInterrupts, request);
}

absl::StatusOr<v1::DetectSpikesResponse> Client::DetectSpikes(const v1::DetectSpikesRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::DetectSpikes, request);
}

absl::StatusOr<v1::ListMetricsResponse> Client::ListMetrics(const v1::ListMetricsRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::ListMetrics, request);
}

absl::StatusOr<v1::GetStatusResponse> Client::GetStatus(const v1::GetStatusRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::GetStatus, request);
}

absl::StatusOr<v1::GetCapabilitiesResponse> Client::GetCapabilities(const v1::GetCapabilitiesRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::GetCapabilities, request);
}

absl::StatusOr<v1::SetModeResponse> Client::SetMode(const v1::SetModeRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::SetMode, request);
}

absl::StatusOr<v1::SetQuietResponse> Client::SetQuiet(const v1::SetQuietRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::SetQuiet, request);
}

absl::StatusOr<v1::SetCollectingResponse> Client::SetCollecting(const v1::SetCollectingRequest& request) const {
  return connection_->Call(&v1::Monitor::Stub::SetCollecting, request);
}

std::unique_ptr<SpikeStream> Client::StreamSpikes(const v1::StreamSpikesRequest& request) const {
  return std::make_unique<SpikeStream>(connection_->address(), [&](grpc::ClientContext* context) {
    connection_->NameNumbers(context);
    return connection_->stub()->StreamSpikes(context, request);
  });
}

std::unique_ptr<MetricStream> Client::WatchMetrics(const v1::WatchMetricsRequest& request) const {
  return std::make_unique<MetricStream>(connection_->address(), [&](grpc::ClientContext* context) {
    connection_->NameNumbers(context);
    return connection_->stub()->WatchMetrics(context, request);
  });
}

}  // namespace hftmon
