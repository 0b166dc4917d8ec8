// CpuFollower: keeps the loop and the daemon's other threads where they belong while CPUs of the host go offline and come back.
//
// When the only CPU of a thread goes offline the kernel lets it run anywhere, isolated CPUs included, and leaves it so when the CPU is
// back. So each look compares; when CPUs or the loop's affinity have changed, the placement is chosen anew by the rules of the start, and
// the threads are moved. The loop returns to the CPU it had at the start as soon as that is online. Reads: /sys/devices/system/cpu/online;
// what `choose` reads, when something changed. Owner: the daemon. Threads: Look by the control thread, the rest by any.
#ifndef HFTMON_DAEMON_CPU_FOLLOWER_H_
#define HFTMON_DAEMON_CPU_FOLLOWER_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"
#include "daemon/placement.h"

namespace hftmon {

class CpuFollower {
 public:
  static constexpr int64_t kLookIntervalNs = 100'000'000;
  // After a failure the next attempt waits this long unless CPUs change.
  static constexpr int kLooksUntilRetry = 20;

  struct Parts {
    FileRoot files;
    std::function<absl::StatusOr<Placement>()> choose;
    std::function<bool(int cpu)> loop_is_on;                 // and may run nowhere else
    std::function<absl::Status(const Placement&)> move_all;  // the placement is in force (placement()) when it is called
  };
  // `placement` is the one of the start, in which all threads are.
  CpuFollower(Parts parts, Placement placement);

  void Look();

  // In force. Its reason also says which CPU the loop had to leave, or why it could not be moved.
  Placement placement() const;
  // Times that the loop was moved since the start.
  uint64_t move_count() const;

 private:
  void Follow(const std::string& online);
  void Put(const Placement& placement);

  const Parts parts_;
  const int home_cpu_;
  // The control thread's: what was online at the latest look, and what is left of an attempt that failed.
  std::string online_;
  bool failed_ = false;
  int looks_to_skip_ = 0;
  mutable std::mutex mutex_;  // guards what follows
  Placement placement_;
  uint64_t move_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CPU_FOLLOWER_H_
