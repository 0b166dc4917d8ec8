// WakerCost: what on_waking costs, measured once after it was first attached, by the kernel's run statistics.
//
// Switching these on and off patches the kernel's text, so none of it happens in quiet mode: a measurement that goes on when quiet mode
// begins is ended before that is answered, and made again later.
// Owner: the daemon; the gate outlives it. Threads: any; one mutex, held while the kernel switches.
#ifndef HFTMON_DAEMON_WAKER_COST_H_
#define HFTMON_DAEMON_WAKER_COST_H_

#include <functional>
#include <mutex>

#include "absl/status/status.h"
#include "daemon/collectors/quiet_gate.h"

namespace hftmon {

class WakerCost {
 public:
  static constexpr int64_t kTurnNs = 250'000'000;  // between two turns: as long as a measurement lasts

  // `measure` begins (true) and ends (false) a measurement of all programs.
  WakerCost(const QuietGate* gate, std::function<absl::Status(bool on)> measure) : gate_(gate), measure_(std::move(measure)) {}

  // At regular times. `attached`: on_waking runs.
  void Turn(bool attached) {
    std::lock_guard lock(mutex_);
    if (state_ == State::kMeasuring) return End(State::kDone);
    if (state_ != State::kUnmeasured || !attached || gate_->is_closed()) return;
    state_ = measure_(true).ok() ? State::kMeasuring : State::kDone;
  }

  // After the gate was closed. When it returns nothing is measured, nor begun.
  void EndForQuiet() {
    std::lock_guard lock(mutex_);
    if (state_ == State::kMeasuring) End(State::kUnmeasured);
  }

 private:
  enum class State { kUnmeasured, kMeasuring, kDone };

  void End(State next) {
    measure_(false).IgnoreError();
    state_ = next;
  }

  const QuietGate* const gate_;
  const std::function<absl::Status(bool on)> measure_;
  std::mutex mutex_;
  State state_ = State::kUnmeasured;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_WAKER_COST_H_
