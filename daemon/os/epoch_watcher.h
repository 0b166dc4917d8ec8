// EpochWatcher: looks at all clocks and keeps the epochs that they make.
//
// Reads: CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI (vDSO), the kernel's notice of a set clock (one read of a timer), and
// what the cycle counter's calibration found. A look takes about 2 us. Produces: the newest ClockEpochs::kKept epochs.
// Threads: every method by any thread but the housekeeping thread (there is a lock). The control thread looks every kLookIntervalNs;
// whoever answers a question about time looks before, so that a step of the wall clock or a suspend that lies behind is in the answer; a
// step of the counter is found by its next calibration (TscClock).
#ifndef HFTMON_DAEMON_OS_EPOCH_WATCHER_H_
#define HFTMON_DAEMON_OS_EPOCH_WATCHER_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "common/clock_epoch.h"
#include "daemon/os/raw_clocks.h"
#include "daemon/os/tsc_clock.h"
#include "daemon/os/wall_clock_notice.h"

namespace hftmon {

class EpochWatcher {
 public:
  static constexpr int64_t kLookIntervalNs = 10'000'000;

  // `clocks` and `clock` outlive the watcher. Without a notice (null) steps below ClockEpochs::kStepMinNs are not seen. Looks once.
  EpochWatcher(const RawClocks* clocks, const TscClock* clock, std::unique_ptr<WallClockNotice> notice);

  void Look();
  // After a look: oldest first, never empty.
  std::vector<ClockEpoch> LookAndList();
  // After a look: the epoch in force.
  ClockEpoch LookAtCurrent();

 private:
  void LookLocked();

  const RawClocks* const clocks_;
  const TscClock* const clock_;
  const std::unique_ptr<WallClockNotice> notice_;
  std::mutex mutex_;
  ClockEpochs epochs_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_EPOCH_WATCHER_H_
