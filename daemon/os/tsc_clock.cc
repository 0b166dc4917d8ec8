#include "daemon/os/tsc_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <utility>

#include "daemon/os/tsc.h"

namespace hftmon {
namespace {

constexpr std::string_view kClocksourcePath = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

constexpr int kReadings = 8;                           // of one anchor; the tightest counts
constexpr int64_t kFirstRateNs = 5'000'000;            // the first rate is measured over this
constexpr int kFirstRateReadingsMax = 10'000'000;      // and no longer than this many readings
constexpr int64_t kCalibrationPeriodNs = 100'000'000;  // as it is meant; for the error before the second calibration
constexpr int64_t kRateBaselineNs = 50'000'000;        // a rate over less than this is mostly the brackets' noise
constexpr int64_t kBracketMaxNs = 2'000;               // half a bracket wider than this is an interrupted reading …
constexpr int64_t kSkipMaxNs = 2'000'000'000;          // … and skipped, but not for longer than this
constexpr int64_t kStepNs = 1'000'000;                 // off by this plus a tenth of the time: no slew does that
constexpr uint64_t kSourceCheckPeriod = 50;            // calibrations between two looks at the kernel's clock source
constexpr int kStepsUntilFallback = 3;                 // among the latest 32 calibrations

}  // namespace

TscClock::TscClock(const RawClocks* clocks, FileRoot root, bool invariant) : clocks_(clocks), root_(std::move(root)) {
  if (!invariant) {
    reason_ = "the CPU does not call its time stamp counter invariant (CPUID 80000007h EDX bit 8): it may stop or change its rate";
    return;
  }
  reason_ = CounterDistrust(/*at_start=*/true);
  if (!reason_.empty()) return;
  if (!MeasureFirstRate()) {
    reason_ = "the time stamp counter or CLOCK_MONOTONIC stood still while the clock was being calibrated";
    return;
  }
  uses_tsc_.store(true, std::memory_order_relaxed);
}

int64_t TscClock::NowNs() const {
  return uses_tsc() ? latch_.Read().ToNs(clocks_->QuickTicks()) : clocks_->MonotonicNs();
}

// Why the kernel's clock source is not the counter; empty when it is. Once running, a file that cannot be read proves nothing.
std::string TscClock::CounterDistrust(bool at_start) const {
  const absl::StatusOr<std::string> source = root_.ReadFile(kClocksourcePath);
  if (!source.ok()) return at_start ? std::string(source.status().message()) : std::string();
  const std::string_view name = Trim(*source);
  if (name == kTscClocksource) return {};
  return fmt::format(
      "the kernel's clock source is {}, not {}: the kernel does not trust the counter, or was told not to (see `clocksource=` on its "
      "command line)",
      name, kTscClocksource);
}

TscClock::Anchor TscClock::ReadAnchor() const {
  Anchor best;
  best.bracket_ticks = std::numeric_limits<uint64_t>::max();
  for (int i = 0; i < kReadings; ++i) {
    const uint64_t before = clocks_->Ticks();
    const int64_t mono_ns = clocks_->MonotonicNs();
    const uint64_t bracket = clocks_->Ticks() - before;
    if (bracket < best.bracket_ticks) best = {.ticks = before + bracket / 2, .mono_ns = mono_ns, .bracket_ticks = bracket};
  }
  return best;
}

int64_t TscClock::HalfBracketNs(const Anchor& anchor, const LinearConversion& line) const {
  return line.ToNs(line.anchor_ticks + anchor.bracket_ticks / 2 + 1) - line.anchor_ns + 1;
}

bool TscClock::MeasureFirstRate() {
  const Anchor first = ReadAnchor();
  for (int i = 0; clocks_->MonotonicNs() - first.mono_ns < kFirstRateNs; ++i) {
    if (i == kFirstRateReadingsMax) return false;
  }
  const Anchor second = ReadAnchor();
  const absl::StatusOr<LinearConversion> line = LinearConversion::Through(first.ticks, first.mono_ns, second.ticks, second.mono_ns);
  if (!line.ok()) return false;
  // Both brackets may lie in the rate; over a calibration period they grow.
  const int64_t brackets_ns = HalfBracketNs(first, *line) + HalfBracketNs(second, *line);
  ForgetErrors(brackets_ns * kCalibrationPeriodNs / std::max(kFirstRateNs, second.mono_ns - first.mono_ns));
  baseline_ = second;
  last_calibration_ns_ = second.mono_ns;
  Publish(second, line->multiplier);
  return true;
}

void TscClock::ForgetErrors(int64_t error_ns) {
  errors_ns_.fill(0);
  errors_ns_[0] = error_ns;
  next_error_ = 1;
}

void TscClock::Publish(const Anchor& anchor, uint64_t multiplier) {
  LinearConversion line;
  line.anchor_ticks = anchor.ticks;
  line.anchor_ns = anchor.mono_ns;
  line.multiplier = multiplier;
  line.error_ns = HalfBracketNs(anchor, line) + *std::max_element(errors_ns_.begin(), errors_ns_.end());
  latch_.Publish(line);
}

void TscClock::FallBack(std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    reason_ = std::move(reason);
  }
  uses_tsc_.store(false, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_relaxed);
}

void TscClock::OnStep(const Anchor& anchor, int64_t step_ns) {
  {
    const std::lock_guard lock(mutex_);
    step_ns_ = step_ns;
  }
  recent_steps_ |= 1;
  if (std::popcount(recent_steps_) >= kStepsUntilFallback) {
    FallBack(fmt::format("the time stamp counter stepped against CLOCK_MONOTONIC {} times in {} calibrations", kStepsUntilFallback, 32));
    return;
  }
  const LinearConversion line = latch_.Read();
  ForgetErrors(2 * HalfBracketNs(anchor, line));
  baseline_ = anchor;
  Publish(anchor, line.multiplier);
  epoch_.fetch_add(1, std::memory_order_relaxed);
}

void TscClock::Calibrate() {
  if (!uses_tsc()) return;
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++calibrations_;
  }
  if (number % kSourceCheckPeriod == 0) {
    if (std::string distrust = CounterDistrust(/*at_start=*/false); !distrust.empty()) {
      FallBack(std::move(distrust));
      return;
    }
  }
  const Anchor anchor = ReadAnchor();
  const LinearConversion line = latch_.Read();
  const int64_t elapsed_ns = anchor.mono_ns - last_calibration_ns_;
  if (HalfBracketNs(anchor, line) > kBracketMaxNs && elapsed_ns < kSkipMaxNs) {
    const std::lock_guard lock(mutex_);
    ++skipped_;
    return;
  }
  last_calibration_ns_ = anchor.mono_ns;
  recent_steps_ <<= 1;
  const int64_t off_ns = line.ToNs(anchor.ticks) - anchor.mono_ns;
  if (std::abs(off_ns) > kStepNs + elapsed_ns / 10) {
    OnStep(anchor, off_ns);
    return;
  }
  errors_ns_[next_error_] = std::abs(off_ns);
  next_error_ = (next_error_ + 1) % kErrorsKept;
  uint64_t multiplier = line.multiplier;
  if (anchor.mono_ns - baseline_.mono_ns >= kRateBaselineNs) {
    const auto measured = LinearConversion::Through(baseline_.ticks, baseline_.mono_ns, anchor.ticks, anchor.mono_ns);
    if (measured.ok()) multiplier = measured->multiplier;
    baseline_ = anchor;
  }
  Publish(anchor, multiplier);
}

TscClock::State TscClock::state() const {
  State state;
  const bool tsc = uses_tsc();
  state.source = tsc ? "tsc" : "clock_monotonic";
  if (tsc) {
    const LinearConversion line = latch_.Read();
    state.tsc_hz = line.ticks_per_second();
    state.error_ns = line.error_ns;
  }
  state.epoch = epoch();
  const std::lock_guard lock(mutex_);
  state.reason = tsc ? std::string() : reason_;
  state.step_ns = step_ns_;
  state.calibrations = calibrations_;
  state.skipped_calibrations = skipped_;
  return state;
}

}  // namespace hftmon
