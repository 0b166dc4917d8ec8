#include "daemon/service/server.h"

#include <grpc/grpc.h>
#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/os/unix_socket_lock.h"
#include "daemon/service/listen_address.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace hftmon {
namespace {

constexpr int64_t kPatienceDefaultNs = 1'000'000'000;
// Clients that vanished without a word are found out by these.
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;

// A socket's mode is 0777 & ~umask when bind makes it. Process-wide, so only around the bind, at start.
class SocketUmask {
 public:
  SocketUmask() : previous_(umask(0117)) {}
  ~SocketUmask() { umask(previous_); }
  SocketUmask(const SocketUmask&) = delete;
  SocketUmask& operator=(const SocketUmask&) = delete;

 private:
  const mode_t previous_;
};

// gRPC's global state lives until the process ends. Given up with the last server, its tear-down may wait 10 s for a poller that a slow
// reader's blocked write left behind (1.51), and the daemon would stop that much later.
void KeepGrpcAlive() {
  static const bool kept = [] {
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
  // Two servers must not share a port: the second is told.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
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
  std::vector<ListenAddress> parsed;
  for (const std::string& text : texts) {
    absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
    if (!address.ok()) return address.status();
    if (address->kind == ListenAddress::Kind::kUnixSocket) {
      auto lock = UnixSocketLock::Acquire(address->path);
      if (!lock.ok()) return lock.status();
      socket_locks_.push_back(*std::move(lock));
    }
    parsed.push_back(*std::move(address));
  }

  KeepGrpcAlive();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Configure(limits_, &builder);
  std::vector<int> ports(parsed.size(), 0);
  for (size_t i = 0; i < parsed.size(); ++i) builder.AddListeningPort(parsed[i].Text(), grpc::InsecureServerCredentials(), &ports[i]);
  builder.RegisterService(service_.get());
  {
    const SocketUmask socket_umask;
    server_ = builder.BuildAndStart();
  }
  // gRPC does not say which address failed when none could be served.
  for (size_t i = 0; i < parsed.size(); ++i) {
    if (server_ != nullptr && ports[i] != 0) continue;
    return absl::UnavailableError(absl::StrCat("cannot listen on ", texts[i],
                                               server_ == nullptr && parsed.size() > 1 ? " or another address" : "",
                                               ": the port is taken or the address is not of this host: choose another"));
  }
  for (size_t i = 0; i < parsed.size(); ++i) {
    if (parsed[i].kind == ListenAddress::Kind::kLoopbackPort) parsed[i].port = ports[i];
    addresses_.push_back(parsed[i].Text());
  }
  server_->GetHealthCheckService()->SetServingStatus(v1::Monitor::service_full_name(), true);
  return absl::OkStatus();
}

MonitorServer::~MonitorServer() {
  Shutdown(kPatienceDefaultNs);
}

void MonitorServer::Shutdown(int64_t patience_ns) {
  service_->Stop();
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::nanoseconds(patience_ns));
  server_->Wait();
  server_.reset();
  socket_locks_.clear();
}

}  // namespace hftmon
