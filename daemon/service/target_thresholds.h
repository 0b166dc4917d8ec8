// TargetThresholds: each target's spike threshold, and the CPUs that its spikes are limited to, cached so that a stream does not list all
// targets for every spike.
//
// Threads: every method by any thread (one mutex). Bounded by the number of targets. A target that the cache does not know (a child that
// has just been born) is looked up at most once in kRefreshIntervalNs; until then the daemon's default stands for it.
#ifndef HFTMON_DAEMON_SERVICE_TARGET_THRESHOLDS_H_
#define HFTMON_DAEMON_SERVICE_TARGET_THRESHOLDS_H_

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "daemon/control/targets.h"

namespace hftmon {

class TargetThresholds {
 public:
  static constexpr int64_t kRefreshIntervalNs = 10'000'000;

  explicit TargetThresholds(const Targets* targets) : targets_(targets) {}

  // The target's own, or the daemon's default where it has none.
  int64_t SpikeThresholdNs(uint32_t tgid);
  // Whether a spike of the target on that CPU is one of its spikes: a target that only rules of CPUs hold has those of its CPUs.
  bool CoversCpu(uint32_t tgid, uint32_t cpu);
  // A target was attached, detached or changed: the next look-up reads them anew.
  void Invalidate();

 private:
  struct Known {
    int64_t threshold_ns = 0;
    std::vector<int> cpus;  // sorted; empty = all
  };

  const Known* Find(uint32_t tgid);  // mutex_ held
  void Refresh();                    // mutex_ held

  const Targets* targets_;
  std::mutex mutex_;
  std::unordered_map<uint32_t, Known> known_;  // by pid
  int64_t default_ns_ = 0;
  bool valid_ = false;
  int64_t refreshed_ns_ = 0;  // steady clock
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_TARGET_THRESHOLDS_H_
