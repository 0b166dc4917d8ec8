// ThresholdArbiter: one kernel threshold from the wishes of all targets and all leases, and its history.
//
// The floor is the minimum over the running targets (the default while there is none) and the leases. A change goes to the observer
// (detector and loop) and to the kernel's programs. Paused and ended targets wish for nothing.
//
// Threads: any; one mutex inside, taken after the registry's and never the other way round. The observer is called with it held, so it
// must not call back. Bounds: `leases_max` leases (kLeasesMax until it is set), kHistoryMax changes; what falls out of the history is kept
// as one maximum.
#ifndef HFTMON_DAEMON_CONTROL_THRESHOLD_ARBITER_H_
#define HFTMON_DAEMON_CONTROL_THRESHOLD_ARBITER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "common/monotonic_clock.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/control/target_options.h"
#include "daemon/control/targets.h"
#include "daemon/ingest/held_up_wishes.h"

namespace hftmon {

// What is in force. blocked is kNoThresholdNs when nobody wants blocked spikes.
struct ThresholdSettings {
  int64_t run_queue_threshold_ns = 0;
  int64_t blocked_threshold_ns = kNoThresholdNs;
  int64_t sampling_interval_ns = 0;
  // Each run-queue threshold that a running target or a lease has, ascending: a stall that goes on is told at each of them.
  std::vector<int64_t> run_queue_levels_ns;
  // Likewise each threshold for blocked ones: none where nobody has one.
  std::vector<int64_t> blocked_levels_ns;
  HeldUpWishes held_up;
  bool operator==(const ThresholdSettings&) const = default;
};

using ThresholdObserver = std::function<void(const ThresholdSettings&)>;

class ThresholdArbiter : public std::enable_shared_from_this<ThresholdArbiter> {
 public:
  static constexpr size_t kLeasesMax = 4096;
  static constexpr size_t kHistoryMax = 256;

  // The view's memory and `clock` outlive the arbiter, or Close() is called before they go. The observer may be empty; it is called once at
  // once with the defaults, which are also written to the kernel.
  static std::shared_ptr<ThresholdArbiter> Create(const KernelView& view, const MonotonicClock* clock, const TargetDefaults& defaults,
                                                  ThresholdObserver observer);

  // The running targets' minimum and levels (as in ThresholdSettings, in any order); the defaults when nothing runs.
  void SetTargets(const ThresholdSettings& minimum);
  ThresholdSettings settings() const;
  // Leases that were left to the default follow it; call SetTargets afterwards.
  void SetDefaults(const TargetDefaults& defaults);
  // Leases that are held beyond a lower limit stay.
  void SetLeasesMax(int64_t leases_max);

  // INVALID_ARGUMENT outside the bounds of targets.h, RESOURCE_EXHAUSTED beyond the limit. The lease may outlive the arbiter.
  absl::StatusOr<std::unique_ptr<ThresholdLease>> Lease(int64_t spike_threshold_ns, int64_t blocked_threshold_ns);

  // The highest floors that were in force at any time since then, until now.
  Targets::Floors FloorsSince(int64_t since_mono_ns) const;

  // Stalls above this make records too, though they are no spikes (StallRecorder): the kernel's threshold for waits, and for off-CPU
  // intervals, is at most this. kNoThresholdNs: none but spikes and events.
  void SetStallThreshold(int64_t threshold_ns);
  // The highest that was in force at any time since then; kNoThresholdNs: for some time none was.
  int64_t StallFloorSince(int64_t since_mono_ns) const;

  size_t lease_count() const;
  int64_t leases_max() const;

  // Nothing is written or called from now on; leases that end later are forgotten.
  void Close();

 private:
  class HeldLease;
  struct PastStallFloor {
    int64_t end_mono_ns = 0;
    int64_t threshold_ns = kNoThresholdNs;
  };
  struct PastFloors {
    int64_t end_mono_ns = 0;
    Targets::Floors floors;
  };

  ThresholdArbiter(const KernelView& view, const MonotonicClock* clock, const TargetDefaults& defaults, ThresholdObserver observer);
  void Release(uint64_t lease_id);
  void Apply();  // mutex_ held
  void Publish(const ThresholdSettings& next);
  void KeepPast(const Targets::Floors& floors, int64_t end_mono_ns);
  void StoreToKernel(const ThresholdSettings& settings) const;

  const KernelView view_;
  const MonotonicClock* const clock_;
  const ThresholdObserver observer_;

  mutable std::mutex mutex_;
  TargetDefaults defaults_;
  size_t leases_max_ = kLeasesMax;
  bool closed_ = false;
  ThresholdSettings of_targets_;
  ThresholdSettings in_force_;
  std::map<uint64_t, ThresholdSettings> leases_;  // run_queue 0: the default
  uint64_t next_lease_id_ = 1;
  std::deque<PastFloors> past_;  // oldest first
  PastFloors forgotten_;         // maximum of all that fell out of past_
  int64_t stall_threshold_ns_ = kNoThresholdNs;
  std::deque<PastStallFloor> past_stall_floors_;  // oldest first; before them none is known to have been in force
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_THRESHOLD_ARBITER_H_
