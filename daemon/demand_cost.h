// DemandCost: what programs that are attached on demand cost, measured once after they were first attached, by the kernel's run statistics.
//
// Switching these on and off patches the kernel's text, so none of it happens in quiet mode: a measurement that goes on when quiet mode
// begins is ended before that is answered, and made again later.
// Owner: the daemon; the gate outlives it. Threads: any; one mutex, held while the kernel switches.
#ifndef HFTMON_DAEMON_DEMAND_COST_H_
#define HFTMON_DAEMON_DEMAND_COST_H_

#include <cstdint>
#include <functional>
#include <mutex>

#include "absl/status/status.h"
#include "daemon/collectors/quiet_gate.h"

namespace hftmon {

class DemandCost {
 public:
  static constexpr int64_t kTurnNs = 250'000'000;  // between two turns: as long as a measurement lasts

  // `measure` begins (true) and ends (false) a measurement of all programs.
  DemandCost(const QuietGate* gate, std::function<absl::Status(bool on)> measure) : gate_(gate), measure_(std::move(measure)) {}

  // At regular times. `attached`: a bit for each group of programs that runs.
  void Turn(uint32_t attached) {
    std::lock_guard lock(mutex_);
    if (measuring_ != 0) {
      measured_ |= measuring_;
      return End();
    }
    if ((attached & ~measured_) == 0 || gate_->is_closed()) return;
    if (measure_(true).ok()) {
      measuring_ = attached;
    } else {
      measured_ |= attached;  // what the kernel refuses is not tried again
    }
  }

  // After the gate was closed. When it returns nothing is measured, nor begun.
  void EndForQuiet() {
    std::lock_guard lock(mutex_);
    if (measuring_ != 0) End();
  }

 private:
  void End() {
    measure_(false).IgnoreError();
    measuring_ = 0;
  }

  const QuietGate* const gate_;
  const std::function<absl::Status(bool on)> measure_;
  std::mutex mutex_;
  uint32_t measuring_ = 0;  // groups that ran when the measurement in progress began; 0 = none is
  uint32_t measured_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_DEMAND_COST_H_
