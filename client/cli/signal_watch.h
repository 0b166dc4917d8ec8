// SignalWatch: while it lives, SIGINT and SIGTERM do not end the process but are told to a callback, and so is the going away of whoever
// reads an output descriptor.
//
// Threads: the callback runs on the watch's own thread, one event at a time. At most one watch at a time in a process. The destructor waits
// for a running callback and puts the former handlers back; no callback runs after it.
#ifndef HFTMON_CLIENT_CLI_SIGNAL_WATCH_H_
#define HFTMON_CLIENT_CLI_SIGNAL_WATCH_H_

#include <signal.h>

#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"

namespace hftmon {

struct StopEvent {
  int signal = 0;              // SIGINT or SIGTERM; 0 = the reader of the output is gone
  bool from_terminal = false;  // ^C: the terminal sent it to the whole foreground group, children included
};

class SignalWatch {
 public:
  using Callback = std::function<void(const StopEvent&)>;
  // `output_fd` -1 = watch no output.
  static absl::StatusOr<std::unique_ptr<SignalWatch>> Start(int output_fd, Callback callback);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  SignalWatch(int output_fd, Callback callback);
  void Loop();

  int output_fd_;
  const Callback callback_;
  struct sigaction former_int_ = {};
  struct sigaction former_term_ = {};
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_SIGNAL_WATCH_H_
