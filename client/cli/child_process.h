// ChildProcess: a command that is forked at once but runs only when told, so that it can be watched from its first instruction.
//
// Threads: one. Fork before other threads start where that is possible; the child only makes async-signal-safe calls before it execs.
#ifndef HFTMON_CLIENT_CLI_CHILD_PROCESS_H_
#define HFTMON_CLIENT_CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

class ChildProcess {
 public:
  // Forks; the child waits for Release. `command` is not empty; its first word is looked up in PATH. The child has the default reaction to
  // SIGINT, SIGTERM and SIGPIPE and the caller's environment, directory, process group and descriptors 0 to 2.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Fork(const std::vector<std::string>& command);
  // A child that was never released ends without running the command; one that runs is left alone.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Lets the command run. NOT_FOUND or PERMISSION_DENIED when it cannot be executed; then the child is gone.
  absl::Status Release();
  // Sends a signal; harmless when the child has ended. Any thread, until Reap.
  void Signal(int signal) const;
  // Waits for its end without reaping it: its pid stays taken.
  void AwaitEnd() const;
  // After AwaitEnd. Its exit status as a shell gives it: the code, or 128 + the signal.
  int Reap();

 private:
  ChildProcess(pid_t pid, int go_fd, int exec_error_fd, std::string name);

  pid_t pid_;
  int go_fd_;          // a byte lets the child exec, its end makes the child exit
  int exec_error_fd_;  // errno of a failed exec, or the end of file of one that worked
  const std::string name_;
  bool reaped_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_CHILD_PROCESS_H_
