// TopSignals: while it lives, the signals that end, stop or resize a program on a terminal are read from a descriptor, so that the terminal
// is put right first.
//
// Threads: one, the same all the time. Make it before the process has other threads: they inherit that these signals are blocked, and none
// of them is ended by one. The destructor lets them through again.
#ifndef HFTMON_CLIENT_TOP_TOP_SIGNALS_H_
#define HFTMON_CLIENT_TOP_TOP_SIGNALS_H_

#include <signal.h>

#include <memory>

#include "absl/status/statusor.h"

namespace hftmon {

class TopSignals {
 public:
  static absl::StatusOr<std::unique_ptr<TopSignals>> Block();
  ~TopSignals();
  TopSignals(const TopSignals&) = delete;
  TopSignals& operator=(const TopSignals&) = delete;

  // Readable while one waits.
  int fd() const { return fd_; }
  // SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH or SIGTSTP; 0 = none waits.
  int Next();
  // Stops the process as its terminal asked (^Z); returns when it is continued.
  static void StopHere();

 private:
  TopSignals(int fd, const sigset_t& former) : fd_(fd), former_(former) {}

  const int fd_;
  const sigset_t former_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_SIGNALS_H_
