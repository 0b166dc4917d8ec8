// AcceptLoop: takes connections from listening sockets and hands them on, and never stops: gRPC's own listener (1.51) gives up for good
// when the process has no descriptor left for a connection.
//
// A connection whose descriptor would eat into the last `reserved_fds` that the process may have is closed at once and counted: the
// daemon's own files, and its other clients, go on. Threads: one of its own, which polls. Owner: whoever serves; on_connection is called by
// the loop's thread and owns the descriptor it is given (non-blocking, close-on-exec).
#ifndef HFTMON_DAEMON_OS_ACCEPT_LOOP_H_
#define HFTMON_DAEMON_OS_ACCEPT_LOOP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/listening_socket.h"

namespace hftmon {

class AcceptLoop {
 public:
  using OnConnection = std::function<void(int listener_fd, int fd)>;

  struct Limits {
    std::function<int64_t()> fds_max;  // that the process may have now
    int64_t reserved_fds = 128;        // where the limit is small: half of what is free at the start
  };

  // Nothing is accepted before Begin: who connects meanwhile waits. An error where there are no descriptors to serve anybody with.
  static absl::StatusOr<std::unique_ptr<AcceptLoop>> Create(std::vector<ListeningSocket> sockets, Limits limits,
                                                            OnConnection on_connection);
  ~AcceptLoop();
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;

  void Begin();
  // Ends the loop and closes the sockets. What was handed on stays. By the owner's thread, as Begin.
  void Stop();

  // Any thread, at any time. Connections that were closed because too few descriptors were left.
  uint64_t refused_count() const { return refused_count_.load(std::memory_order_relaxed); }

 private:
  AcceptLoop(std::vector<ListeningSocket> sockets, Limits limits, OnConnection on_connection, int wake_fd);
  void Run();
  bool AcceptFrom(int listener_fd);

  std::vector<ListeningSocket> sockets_;
  const Limits limits_;
  const OnConnection on_connection_;
  const int wake_fd_;
  std::atomic<uint64_t> refused_count_{0};
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_ACCEPT_LOOP_H_
