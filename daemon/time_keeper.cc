#include "daemon/time_keeper.h"

#include <utility>

namespace hftmon {

TimeKeeper::TimeKeeper(Parts parts, std::unique_ptr<WallClockNotice> notice)
    : parts_(std::move(parts)), watcher_(std::make_unique<EpochWatcher>(parts_.raw_clocks, parts_.clock, std::move(notice))) {}

void TimeKeeper::RefreshKernelClock() {
  KernelClock read = ReadKernelClock(parts_.adjust_clock);
  read.read_mono_ns = parts_.raw_clocks->MonotonicNs();
  const std::lock_guard lock(mutex_);
  kernel_clock_ = std::move(read);
}

void TimeKeeper::RefreshPtpClocks() {
  std::vector<PtpClock> read = ReadPtpClocks(parts_.files, *parts_.ptp_calls);
  const int64_t now_ns = parts_.raw_clocks->MonotonicNs();
  for (PtpClock& clock : read) clock.read_mono_ns = now_ns;
  const std::lock_guard lock(mutex_);
  ptp_clocks_ = std::move(read);
}

TimePair TimeKeeper::Now() const {
  const ClockEpoch epoch = watcher_->LookAtCurrent();
  const ClockPair pair = ReadClockPair(*parts_.raw_clocks);
  return {.monotonic_ns = pair.monotonic_ns,
          .realtime_ns = pair.realtime_ns,
          .error_ns = pair.error_ns,
          .tai_offset_ns = epoch.tai_offset_ns,
          .epoch = epoch.number};
}

void TimeKeeper::FillStatus(ClockStatus* status) const {
  status->epochs = Epochs();
  for (const RunQueueClock& clock : parts_.pairs->Clocks(parts_.raw_clocks->MonotonicNs())) {
    status->run_queue_clocks.push_back({clock.cpu, clock.offset_ns, clock.error_ns, clock.rate_ppm, clock.pair_count});
  }
  const std::lock_guard lock(mutex_);
  status->kernel_clock = kernel_clock_;
  status->ptp_clocks = ptp_clocks_;
}

}  // namespace hftmon
