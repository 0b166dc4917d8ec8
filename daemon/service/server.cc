#include "daemon/service/server.h"

#include <grpc/grpc.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/os/listening_socket.h"
#include "daemon/os/open_files.h"
#include "daemon/os/unix_socket_lock.h"
#include "daemon/service/grpc_log.h"
#include "daemon/service/listen_address.h"
#include "daemon/service/monitor_service.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace hftmon {
namespace {

constexpr int64_t kPatienceDefaultNs = 1'000'000'000;
// Clients that vanished without a word are found out by these.
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;

// gRPC's global state lives until the process ends. Given up with the last server, its tear-down may wait 10 s for a poller that a slow
// reader's blocked write left behind (1.51), and the daemon would stop that much later.
void KeepGrpcAlive() {
  static const bool kept = [] {
    LogGrpcThroughTheDaemon();
    grpc_init();
    return true;
  }();
  static_cast<void>(kept);
}

void Configure(const ServiceLimits& limits, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(limits.request_bytes_max));
  builder->SetMaxSendMessageSize(-1);  // CheckAnswer refuses, with a reason and a mend
  builder->SetResourceQuota(
      grpc::ResourceQuota("hftmond").Resize(static_cast<size_t>(limits.transport_bytes_max)).SetMaxThreads(MonitorServer::kThreadsMax));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(limits.calls_per_connection_max));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
}

}  // namespace

MonitorServer::MonitorServer(const ServiceCore& core, const ServiceLimits& limits)
    : limits_(limits), service_(std::make_unique<MonitorService>(core, limits)) {}

absl::StatusOr<std::unique_ptr<MonitorServer>> MonitorServer::Start(const ServiceCore& core, const std::vector<std::string>& addresses,
                                                                    const ServiceLimits& limits) {
  std::unique_ptr<MonitorServer> server(new MonitorServer(core, limits));
  if (absl::Status listening = server->Listen(addresses); !listening.ok()) return listening;
  return server;
}

absl::Status MonitorServer::Listen(const std::vector<std::string>& texts) {
  if (texts.empty()) return absl::InvalidArgumentError("no address to listen on: give --listen unix:PATH or --listen 127.0.0.1:PORT");
  std::vector<ListeningSocket> sockets;
  for (const std::string& text : texts) {
    if (absl::Status bound = Bind(text, &sockets); !bound.ok()) return bound;
  }

  // Before the server: its threads ask it for its count.
  absl::StatusOr<std::unique_ptr<AcceptLoop>> accepting =
      AcceptLoop::Create(std::move(sockets), {.fds_max = OpenFilesLimit}, [this](int listener_fd, int fd) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
        connection.listener_fd = listener_fd;
        connection.fd = fd;
        acceptor_->HandleNewConnection(&connection);
      });
  if (!accepting.ok()) return accepting.status();
  accept_loop_ = *std::move(accepting);
  KeepGrpcAlive();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Configure(limits_, &builder);
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
                                                                   grpc::InsecureServerCredentials());
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC does not start a server; its own messages on stderr say why");
  server_->GetHealthCheckService()->SetServingStatus(v1::Monitor::service_full_name(), true);
  accept_loop_->Begin();
  return absl::OkStatus();
}

absl::Status MonitorServer::Bind(const std::string& text, std::vector<ListeningSocket>* sockets) {
  absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
  if (!address.ok()) return address.status();
  const bool on_path = address->kind == ListenAddress::Kind::kUnixSocket;
  if (on_path) {
    auto lock = UnixSocketLock::Acquire(address->path);
    if (!lock.ok()) return lock.status();
    socket_locks_.push_back(*std::move(lock));
  }
  absl::StatusOr<ListeningSocket> socket =
      on_path ? ListeningSocket::OnPath(address->path) : ListeningSocket::OnPort(address->host, address->port);
  if (!socket.ok()) return socket.status();
  if (!on_path) address->port = socket->port();
  addresses_.push_back(address->Text());
  sockets->push_back(*std::move(socket));
  return absl::OkStatus();
}

MonitorServer::~MonitorServer() {
  Shutdown(kPatienceDefaultNs);
}

void MonitorServer::Shutdown(int64_t patience_ns) {
  service_->Stop();
  if (accept_loop_ != nullptr) accept_loop_->Stop();
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::nanoseconds(patience_ns));
  server_->Wait();
  server_.reset();
  socket_locks_.clear();
}

uint64_t MonitorServer::dropped_message_count() const {
  return service_->dropped_message_count();
}

size_t MonitorServer::stream_count() const {
  return service_->stream_count();
}

std::vector<Bound> MonitorServer::Bounds() const {
  return service_->Bounds();
}

void MonitorServer::SetLimits(const ServiceLimits& limits) {
  service_->SetLimits(limits);
}

void MonitorServer::OnDefaultsChanged() {
  service_->OnDefaultsChanged();
}

void MonitorServer::SetNotifyIntervals(int64_t min_ns, int64_t max_ns) {
  service_->SetNotifyIntervals(min_ns, max_ns);
}

}  // namespace hftmon
