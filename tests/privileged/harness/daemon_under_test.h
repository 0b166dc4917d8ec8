// DaemonUnderTest: a private hftmond on a temporary Unix socket, a black box. One thread owns it; the client may be used by several.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_DAEMON_UNDER_TEST_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_DAEMON_UNDER_TEST_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/client.h"
#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {

class DaemonUnderTest {
 public:
  struct Options {
    std::vector<std::string> arguments;  // after --listen
    std::vector<int> cpus;               // the mask it inherits; empty: the test's
    std::string socket;                  // empty: one in a folder of its own
    std::vector<std::string> prefix;     // a command that runs it, e.g. setpriv
  };
  DaemonUnderTest() : DaemonUnderTest(Options()) {}
  explicit DaemonUnderTest(Options options);
  ~DaemonUnderTest();

  // Starts it and returns when it says READY=1 to its service manager. The error holds what it wrote.
  absl::Status Start();
  // SIGTERM and its exit code; -1 when it did not end within 30 s (it is killed then).
  int Stop();
  // SIGKILL, as a crash.
  void Kill();

  pid_t pid() const { return process_->pid(); }
  Subprocess& process() { return *process_; }
  const std::string& folder() const { return folder_; }
  std::string address() const { return "unix:" + socket_; }
  const Client& client() const { return *client_; }
  bool connected() const { return client_ != nullptr; }

  // `hftmon --server ADDRESS ARGUMENTS…`.
  CommandResult Hftmon(std::vector<std::string> arguments) const;
  // The same with --json, parsed; null unless it exited with 0, 1 or 2 and printed one object.
  nlohmann::json HftmonJson(std::vector<std::string> arguments) const;

  // A CPU of this process's mask that is not the daemon's housekeeping CPU, where there is one.
  int WorkloadCpu() const;

  // Requests that nearly every test makes.
  absl::StatusOr<v1::AttachResponse> Attach(pid_t pid, int64_t spike_threshold_ns = 0, int64_t blocked_threshold_ns = 0) const;
  absl::Status Detach(pid_t pid) const;
  absl::StatusOr<v1::QueryContextSwitchesResponse> Switches(pid_t pid) const;
  absl::StatusOr<v1::DetectSpikesResponse> Spikes(pid_t pid, int64_t threshold_ns = 0, int64_t blocked_threshold_ns = 0) const;
  // Of a bound in its status; -1 when there is no answer or no bound of that name.
  int64_t Used(const std::string& bound) const;
  // The target with that pid; nothing when it is not one.
  std::optional<v1::Target> FindTarget(pid_t pid) const;

 private:
  void OpenNotifySocket();
  absl::Status AwaitReady();

  Options options_;
  std::string folder_;
  std::string socket_;
  int notify_socket_ = -1;
  std::unique_ptr<Subprocess> process_;
  std::unique_ptr<Client> client_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_DAEMON_UNDER_TEST_H_
