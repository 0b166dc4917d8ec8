// CollectionSwitch: turns the kernel's programs off, at no cost while they are on, and on again without believing anything that is stale.
//
// Off: controls.off is set and every CPU's run queue is taken away, which sends on_switch into the branch of a CPU that it has not met yet;
// there, and first in every other program, the flag is tested. A program that was running then may still note its CPU again: after the
// grace time, when none of them runs any more, the run queues are taken away once more.
// On: nothing of before is believed. Every slot's mark and departure are cleared (no wait in progress goes on), slots of threads that ended
// are taken back before their tid can be met again, then the programs go on; each CPU begins its log anew at its first switch. Afterwards
// threads and children that were born meanwhile are looked for. The kernel's own counts catch up at each thread's next switch.
//
// Owner: the daemon. Threads: any; one change at a time. What is pointed to outlives it.
#ifndef HFTMON_DAEMON_CONTROL_COLLECTION_SWITCH_H_
#define HFTMON_DAEMON_CONTROL_COLLECTION_SWITCH_H_

#include <cstdint>
#include <functional>
#include <mutex>

#include "absl/status/status.h"
#include "common/monotonic_clock.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/control/off_periods.h"
#include "daemon/control/target_registry.h"

namespace hftmon {

class CollectionSwitch {
 public:
  // A program runs for microseconds with preemption off; this also outlasts most pauses of a virtual CPU.
  static constexpr int64_t kGraceNs = 20'000'000;

  struct Parts {
    KernelView view;
    TargetRegistry* registry = nullptr;
    const MonotonicClock* clock = nullptr;
    std::function<void(int64_t duration_ns)> sleep_ns;
    // What spikes tell that lie within these moments is whole: called before and after the programs' change, so that none is believed in
    // between.
    std::function<void(int64_t since_mono_ns, int64_t until_mono_ns)> conclusive;
  };
  explicit CollectionSwitch(Parts parts) : parts_(std::move(parts)) {}

  // Idempotent. Off returns when no program runs beyond its first test, kGraceNs later. An error of the task source leaves things as they
  // were.
  absl::Status TurnOff();
  absl::Status TurnOn();

  const OffPeriods& periods() const { return periods_; }

 private:
  void TakeRunQueuesAway();
  void ForgetHandlers();
  void ForgetKernelTimes();
  void ForgetIdleStates();
  void ForgetStretches();
  void ForgetPackets();

  const Parts parts_;
  std::mutex mutex_;
  bool off_ = false;
  int64_t on_since_mono_ns_ = INT64_MIN;
  OffPeriods periods_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_COLLECTION_SWITCH_H_
