// PrivateDaemon: an hftmond of one's own for as long as the object lives, where none runs: on a socket in a folder that only this user may
// enter, both gone afterwards. It dies with the thread that started it.
//
// One thread. Start forks, and must come before this process's first Client. Bounds: it is given kStartLimitNs to answer and kStopLimitNs
// to end by SIGTERM before it is killed.
#ifndef HFTMON_CLIENT_CLI_PRIVATE_DAEMON_H_
#define HFTMON_CLIENT_CLI_PRIVATE_DAEMON_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

class PrivateDaemon {
 public:
  static constexpr int64_t kStartLimitNs = 60'000'000'000;  // loading its programs takes 2 to 10 s
  static constexpr int64_t kStopLimitNs = 10'000'000'000;

  struct Options {
    std::vector<int> kept_free_cpus;  // it runs on the others, where there are any
    std::string program;              // empty: FindProgram()
    // Waits until a moment of CLOCK_MONOTONIC; false: give up.
    std::function<bool(int64_t monotonic_ns)> wait;
  };

  // True: nobody listens on that Unix socket, so one's own is wanted. False too where that is not known (TCP, no right to ask).
  static bool IsWanted(const std::string& address);
  // hftmond beside this program, in the folder for daemons next to that, or in PATH. NOT_FOUND says where it was looked for.
  static absl::StatusOr<std::string> FindProgram();

  // Returns when it answers. The error has what it said: PERMISSION_DENIED and the like with the mend. CANCELLED: `wait` gave up.
  static absl::StatusOr<std::unique_ptr<PrivateDaemon>> Start(const Options& options);
  ~PrivateDaemon();
  PrivateDaemon(const PrivateDaemon&) = delete;
  PrivateDaemon& operator=(const PrivateDaemon&) = delete;

  std::string address() const { return "unix:" + SocketPath(); }
  pid_t pid() const { return pid_; }

 private:
  PrivateDaemon() = default;
  std::string SocketPath() const { return folder_ + "/hftmond.sock"; }
  std::string LogPath() const { return folder_ + "/hftmond.log"; }
  absl::Status Fork(const Options& options);
  absl::Status AwaitAnswer(const Options& options);
  absl::Status WhyItEnded() const;
  bool HasEnded();

  std::string folder_;
  pid_t pid_ = -1;
  bool reaped_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_PRIVATE_DAEMON_H_
