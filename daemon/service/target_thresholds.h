// TargetThresholds: each target's spike threshold, cached so that a stream does not list all targets for every spike.
//
// Threads: every method by any thread (one mutex). Bounded by the number of targets. A target that the cache does not know (a child that
// has just been born) is looked up at most once in kRefreshIntervalNs; until then the daemon's default stands for it.
#ifndef HFTMON_DAEMON_SERVICE_TARGET_THRESHOLDS_H_
#define HFTMON_DAEMON_SERVICE_TARGET_THRESHOLDS_H_

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "daemon/control/targets.h"

namespace hftmon {

class TargetThresholds {
 public:
  static constexpr int64_t kRefreshIntervalNs = 10'000'000;

  explicit TargetThresholds(const Targets* targets) : targets_(targets) {}

  // The target's own, or the daemon's default where it has none.
  int64_t SpikeThresholdNs(uint32_t tgid);
  // A target was attached, detached or changed: the next look-up reads them anew.
  void Invalidate();

 private:
  void Refresh();  // mutex_ held

  const Targets* targets_;
  std::mutex mutex_;
  std::unordered_map<uint32_t, int64_t> threshold_ns_of_pid_;
  int64_t default_ns_ = 0;
  bool valid_ = false;
  int64_t refreshed_ns_ = 0;  // steady clock
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_TARGET_THRESHOLDS_H_
