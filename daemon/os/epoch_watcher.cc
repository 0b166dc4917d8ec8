#include "daemon/os/epoch_watcher.h"

#include <utility>

namespace hftmon {

EpochWatcher::EpochWatcher(const RawClocks* clocks, const TscClock* clock, std::unique_ptr<WallClockNotice> notice)
    : clocks_(clocks), clock_(clock), notice_(std::move(notice)) {
  Look();
}

void EpochWatcher::LookLocked() {
  ClockReading reading;
  // Before the clocks: a step that falls between is then read now and announced at the next look, which takes it for the same.
  reading.wall_notice = notice_ != nullptr && notice_->Take();
  const BoottimeOffset boottime = ReadBoottimeOffset(*clocks_);
  reading.boottime_offset_ns = boottime.offset_ns;
  reading.boottime_error_ns = boottime.error_ns;
  reading.tai_offset_ns = ReadTaiOffsetNs(*clocks_);
  const TscClock::State counter = clock_->state();
  reading.tsc_trusted = clock_->uses_tsc();
  reading.tsc_epoch = counter.epoch;
  reading.tsc_step_ns = counter.step_ns;
  reading.tsc_calibrations = counter.calibrations;
  reading.pair = ReadClockPair(*clocks_);
  epochs_.Observe(reading);
}

void EpochWatcher::Look() {
  const std::lock_guard lock(mutex_);
  LookLocked();
}

std::vector<ClockEpoch> EpochWatcher::LookAndList() {
  const std::lock_guard lock(mutex_);
  LookLocked();
  return epochs_.epochs();
}

ClockEpoch EpochWatcher::LookAtCurrent() {
  const std::lock_guard lock(mutex_);
  LookLocked();
  return epochs_.epochs().back();
}

}  // namespace hftmon
