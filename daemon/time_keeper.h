// TimeKeeper: what the daemon knows of its clocks: epochs, the run queues' clocks, the kernel's own state and the PTP hardware clocks.
//
// Owner: the daemon; what is pointed to outlives it. Threads: Refresh… by the control thread; the rest by any thread but the housekeeping
// thread (it locks, and looks at the clocks). Reading the kernel's clock and a PTP clock touches no other CPU; a PTP clock is read over the
// bus of its NIC.
#ifndef HFTMON_DAEMON_TIME_KEEPER_H_
#define HFTMON_DAEMON_TIME_KEEPER_H_

#include <memory>
#include <mutex>
#include <vector>

#include "daemon/control/status_source.h"
#include "daemon/control/time_source.h"
#include "daemon/os/epoch_watcher.h"
#include "daemon/os/file_root.h"
#include "daemon/os/kernel_clock.h"
#include "daemon/os/ptp_clocks.h"
#include "daemon/os/tick_history.h"
#include "daemon/store/clock_pair_recorder.h"

namespace hftmon {

class TimeKeeper : public TimeSource {
 public:
  static constexpr int64_t kKernelClockIntervalNs = 1'000'000'000;
  static constexpr int64_t kPtpIntervalNs = 10'000'000'000;

  struct Parts {
    const RawClocks* raw_clocks = nullptr;
    const TscClock* clock = nullptr;
    const ClockPairRecorder* pairs = nullptr;
    FileRoot files;
    AdjustClock adjust_clock;
    std::unique_ptr<PtpCalls> ptp_calls;
  };
  // Without a notice (null) the smallest steps of the wall clock are not seen.
  TimeKeeper(Parts parts, std::unique_ptr<WallClockNotice> notice);

  void LookAtClocks() { watcher_->Look(); }
  // After each calibration of the counter.
  void NoteCalibration();
  void RefreshKernelClock();
  void RefreshPtpClocks();

  std::vector<ClockEpoch> Epochs() const override { return watcher_->LookAndList(); }
  BeginError ErrorOfBegin(uint16_t cpu, int64_t record_clock_ns, int64_t record_mono_ns, int64_t duration_ns) const override {
    return parts_.pairs->ErrorOfBegin(cpu, record_clock_ns, record_mono_ns, duration_ns);
  }
  absl::StatusOr<std::vector<PlacedTime>> FromTicks(std::span<const uint64_t> ticks) const override;
  std::optional<int64_t> FromRunQueueClock(uint16_t cpu, int64_t clock_ns) const override;
  int64_t FromBoottime(int64_t boottime_ns) const override;

  // A pair of this moment, with the epoch in force.
  TimePair Now() const;
  void FillStatus(ClockStatus* status) const;

 private:
  const Parts parts_;
  const std::unique_ptr<EpochWatcher> watcher_;
  TickHistory ticks_;
  mutable std::mutex mutex_;  // guards what follows
  KernelClock kernel_clock_;
  std::vector<PtpClock> ptp_clocks_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_TIME_KEEPER_H_
