#include "common/clock_epoch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "common/duration.h"

namespace hftmon {
namespace {

int64_t WallOffsetNs(const ClockPair& pair) {
  return pair.realtime_ns - pair.monotonic_ns;
}

std::string SignedDuration(int64_t duration_ns) {
  return fmt::format("{}{}", duration_ns < 0 ? "-" : "", FormatDuration(std::abs(duration_ns)));
}

}  // namespace

std::string_view EpochReasonName(EpochReason reason) {
  switch (reason) {
    case EpochReason::kStart:
      return "start";
    case EpochReason::kWallStep:
      return "wall_step";
    case EpochReason::kSuspend:
      return "suspend";
    case EpochReason::kTscStep:
      return "tsc_step";
    case EpochReason::kTscUnstable:
      return "tsc_unstable";
    case EpochReason::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::string DescribeEpoch(const ClockEpoch& epoch) {
  const std::string step = SignedDuration(epoch.step_ns);
  std::string what;
  switch (epoch.reason) {
    case EpochReason::kStart:
      what = "the daemon started";
      break;
    case EpochReason::kWallStep:
      what = fmt::format("the wall clock stepped by {}: wall times on its two sides do not compare, durations do", step);
      break;
    case EpochReason::kSuspend:
      what = fmt::format("the machine was suspended for {}: no clock of intervals ran meanwhile", step);
      break;
    case EpochReason::kTscStep:
      what = fmt::format("the cycle counter stepped by {} against CLOCK_MONOTONIC: durations across it may be off by that", step);
      break;
    case EpochReason::kTscUnstable:
      what = "the cycle counter is no longer trusted: durations across it may be off";
      break;
    case EpochReason::kStopped:
      what = fmt::format("nobody looked at the clocks for {}: the machine or the daemon stood still", step);
      break;
  }
  return fmt::format("clock epoch {}: {}", epoch.number, what);
}

void ClockEpochs::Begin(EpochReason reason, int64_t after_mono_ns, int64_t step_ns, const ClockReading& reading) {
  ClockEpoch epoch;
  epoch.reason = reason;
  epoch.begin_mono_ns = reading.pair.monotonic_ns;
  epoch.begin_after_mono_ns = std::min(after_mono_ns, epoch.begin_mono_ns);
  epoch.step_ns = step_ns;
  epoch.pair = reading.pair;
  epoch.tai_offset_ns = reading.tai_offset_ns;
  if (!epochs_.empty()) {
    epochs_.back().end_mono_ns = epoch.begin_mono_ns;
    epoch.number = epochs_.back().number + 1;
  }
  if (epochs_.size() == kKept) epochs_.erase(epochs_.begin());
  epochs_.push_back(epoch);
}

// True when an epoch began.
bool ClockEpochs::ObserveWall(const ClockReading& reading) {
  const ClockPair known = epochs_.back().pair;
  const int64_t after_ns = last_.pair.monotonic_ns;
  const int64_t slept_ns = reading.boottime_offset_ns - last_.boottime_offset_ns;
  const bool slept = std::abs(slept_ns) > last_.boottime_error_ns + reading.boottime_error_ns + kStepMinNs;
  if (slept) Begin(EpochReason::kSuspend, after_ns, slept_ns, reading);
  const int64_t moved_ns = WallOffsetNs(reading.pair) - WallOffsetNs(known) - (slept ? slept_ns : 0);
  const int64_t boottime_error_ns = slept ? last_.boottime_error_ns + reading.boottime_error_ns : 0;
  const bool moved = std::abs(moved_ns) > known.error_ns + reading.pair.error_ns + boottime_error_ns + kStepMinNs;
  // The kernel's notice of a step that a look caught on the way comes some looks later; suspend gives notice too.
  const bool noticed = reading.wall_notice && !slept && reading.pair.monotonic_ns > notice_owed_until_mono_ns_;
  if (slept || moved) {
    notice_owed_until_mono_ns_ = reading.pair.monotonic_ns + kNoticeLateNs;
  } else if (reading.wall_notice) {
    notice_owed_until_mono_ns_ = 0;
  }
  if (moved || noticed) Begin(EpochReason::kWallStep, after_ns, moved_ns, reading);
  return slept || moved || noticed;
}

bool ClockEpochs::ObserveTsc(const ClockReading& reading) {
  if (reading.tsc_epoch == last_.tsc_epoch) {
    // A comparison since the last look found it right; it was made after that look.
    if (reading.tsc_calibrations != last_.tsc_calibrations) tsc_good_mono_ns_ = last_.pair.monotonic_ns;
    return false;
  }
  const EpochReason reason = reading.tsc_trusted ? EpochReason::kTscStep : EpochReason::kTscUnstable;
  Begin(reason, tsc_good_mono_ns_, reading.tsc_trusted ? reading.tsc_step_ns : 0, reading);
  tsc_good_mono_ns_ = last_.pair.monotonic_ns;
  return true;
}

void ClockEpochs::Observe(const ClockReading& reading) {
  if (epochs_.empty()) {
    Begin(EpochReason::kStart, reading.pair.monotonic_ns, 0, reading);
    tsc_good_mono_ns_ = reading.pair.monotonic_ns;
    last_ = reading;
    return;
  }
  const bool wall = ObserveWall(reading);
  const bool tsc = ObserveTsc(reading);
  const int64_t unwatched_ns = reading.pair.monotonic_ns - last_.pair.monotonic_ns;
  if (!wall && !tsc && unwatched_ns > kStoppedNs) Begin(EpochReason::kStopped, last_.pair.monotonic_ns, unwatched_ns, reading);
  ClockEpoch& current = epochs_.back();
  if (reading.pair.error_ns < current.pair.error_ns) current.pair = reading.pair;
  current.tai_offset_ns = reading.tai_offset_ns;
  last_ = reading;
}

const ClockEpoch* EpochOf(const std::vector<ClockEpoch>& epochs, int64_t mono_ns) {
  if (epochs.empty()) return nullptr;
  const auto after =
      std::upper_bound(epochs.begin(), epochs.end(), mono_ns, [](int64_t ns, const ClockEpoch& epoch) { return ns < epoch.begin_mono_ns; });
  return after == epochs.begin() ? &epochs.front() : &*(after - 1);
}

const ClockEpoch* EpochEdgeWithin(const std::vector<ClockEpoch>& epochs, int64_t begin_mono_ns, int64_t end_mono_ns) {
  for (const ClockEpoch& epoch : epochs) {
    if (epoch.reason == EpochReason::kStart) continue;
    if (begin_mono_ns <= epoch.begin_mono_ns && end_mono_ns >= epoch.begin_after_mono_ns) return &epoch;
  }
  return nullptr;
}

}  // namespace hftmon
