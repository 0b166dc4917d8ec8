// MonitorServer: the gRPC server over a MonitorService: listening sockets, bounds, health, reflection, orderly end.
//
// Owner: the composition root, which keeps every part of `core` alive until the server is gone. Start, Shutdown and destruction by one
// thread. gRPC's threads and ours inherit the CPU affinity of the thread that first calls Start: set it before.
// Bounds: ServiceLimits, and kThreadsMax threads for calls; connections by the open files that the process may have (AcceptLoop).
#ifndef HFTMON_DAEMON_SERVICE_SERVER_H_
#define HFTMON_DAEMON_SERVICE_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/accept_loop.h"
#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"

// The service's base is a template for each call, one inside the other: who starts a server need not compile them.
namespace grpc {
class Server;
namespace experimental {
class ExternalConnectionAcceptor;
}
}  // namespace grpc

namespace hftmon {

class MonitorService;
class UnixSocketLock;

class MonitorServer {
 public:
  static constexpr int kThreadsMax = 32;

  // Listens on each address (`unix:PATH` or `HOST:PORT`, HOST loopback, port 0 = any) or on none. A Unix socket has mode 0660 from the
  // moment it exists; a stale one is replaced, one with a living daemon behind it is ALREADY_EXISTS. Errors name address, cause and mend.
  static absl::StatusOr<std::unique_ptr<MonitorServer>> Start(const ServiceCore& core, const std::vector<std::string>& addresses,
                                                              const ServiceLimits& limits = {});
  // Shutdown with a second of patience, when that was not done.
  ~MonitorServer();

  // Refuses new calls, ends the streams with UNAVAILABLE, gives the calls under way `patience_ns`, then cancels them. Removes the sockets.
  void Shutdown(int64_t patience_ns);

  // What is listened on, with the ports that were chosen, as a client's --server takes it.
  const std::vector<std::string>& addresses() const { return addresses_; }
  // Of the streams, for status.
  uint64_t dropped_message_count() const;
  size_t stream_count() const;
  // Connections that were closed at once because too few open files were left.
  uint64_t refused_connection_count() const { return accept_loop_ == nullptr ? 0 : accept_loop_->refused_count(); }
  std::vector<Bound> Bounds() const;

  // Any thread. What was fixed at the start stays as it is; open streams and calls keep what they were granted.
  void SetLimits(const ServiceLimits& limits);
  void OnDefaultsChanged();
  void SetNotifyIntervals(int64_t min_ns, int64_t max_ns);

 private:
  MonitorServer(const ServiceCore& core, const ServiceLimits& limits);
  absl::Status Listen(const std::vector<std::string>& addresses);
  absl::Status Bind(const std::string& address, std::vector<ListeningSocket>* sockets);

  const ServiceLimits limits_;  // as at the start
  std::vector<std::unique_ptr<UnixSocketLock>> socket_locks_;
  std::unique_ptr<MonitorService> service_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<AcceptLoop> accept_loop_;
  std::vector<std::string> addresses_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SERVER_H_
