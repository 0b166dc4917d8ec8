// TscClock: CLOCK_MONOTONIC nanoseconds read from the cycle counter, calibrated against CLOCK_MONOTONIC all the time; or, where the
// counter cannot be trusted, CLOCK_MONOTONIC itself through the vDSO, under the name of the fallback and with the reason.
//
// The counter is trusted when the CPU calls it invariant and the kernel itself uses it as its clock source (then CLOCK_MONOTONIC is made
// from it, and all CPUs agree). That is looked at again while running.
//
// Threads: NowNs, ToMonotonicNs, error_ns, epoch: any thread, the housekeeping thread included (no lock, no system call; a retry only
// when a whole calibration fell into the reading). Calibrate: one thread (control), about every 100 ms. State: any thread but the loop.
// Accuracy: between calibrations the conversion is a straight line with the rate of the latest interval. At a calibration it is set
// onto CLOCK_MONOTONIC again: NowNs may go back by what it was off, never by more than error_ns() states from then on.
#ifndef HFTMON_DAEMON_OS_TSC_CLOCK_H_
#define HFTMON_DAEMON_OS_TSC_CLOCK_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "common/clock_conversion.h"
#include "common/monotonic_clock.h"
#include "daemon/os/conversion_latch.h"
#include "daemon/os/file_root.h"
#include "daemon/os/raw_clocks.h"

namespace hftmon {

class TscClock final : public MonotonicClock {
 public:
  struct State {
    std::string source;    // "tsc", or the fallback "clock_monotonic"
    std::string reason;    // why the fallback is in force; empty for tsc
    double tsc_hz = 0;     // 0 in the fallback
    int64_t error_ns = 0;  // as error_ns()
    uint32_t epoch = 0;
    int64_t step_ns = 0;  // of the latest step: the counter went forward by this against CLOCK_MONOTONIC
    uint64_t calibrations = 0;
    uint64_t skipped_calibrations = 0;  // every reading was interrupted: the line before stays
  };

  // Takes a few milliseconds: the first rate is measured here. `clocks` outlives the clock; `invariant` is TscIsInvariant().
  TscClock(const RawClocks* clocks, FileRoot root, bool invariant);

  int64_t NowNs() const override;
  // CLOCK_MONOTONIC of a counter reading near now (within the current and the previous calibration). Requires uses_tsc().
  int64_t ToMonotonicNs(uint64_t ticks) const { return latch_.Read().ToNs(ticks); }
  // As it is now; its multiplier is 0 where the counter never was a clock.
  LinearConversion conversion() const { return latch_.Read(); }
  // Relaxed: a reader that sees the old value for a moment reads the counter for a moment longer.
  bool uses_tsc() const { return uses_tsc_.load(std::memory_order_relaxed); }

  // Bound of NowNs() against CLOCK_MONOTONIC: half the bracket of the anchor's reading, plus the most that the line was off at any of
  // the latest calibrations. A slew that begins after the last calibration is only in the next one's figure. 0 in the fallback.
  int64_t error_ns() const { return uses_tsc() ? latch_.Read().error_ns : 0; }
  // Bumped when the counter and CLOCK_MONOTONIC stepped against each other (suspend, moved virtual machine) and when the fallback takes
  // over: times on its two sides do not compare. Relaxed: a mere count.
  uint32_t epoch() const { return epoch_.load(std::memory_order_relaxed); }

  void Calibrate();
  State state() const;

 private:
  static constexpr int kErrorsKept = 8;

  struct Anchor {
    uint64_t ticks = 0;
    int64_t mono_ns = 0;
    uint64_t bracket_ticks = 0;  // width
  };

  Anchor ReadAnchor() const;
  bool MeasureFirstRate();
  std::string CounterDistrust(bool at_start) const;
  void FallBack(std::string reason);
  void OnStep(const Anchor& anchor, int64_t step_ns);
  void Publish(const Anchor& anchor, uint64_t multiplier);
  void ForgetErrors(int64_t error_ns);
  int64_t HalfBracketNs(const Anchor& anchor, const LinearConversion& line) const;

  const RawClocks* const clocks_;
  const FileRoot root_;
  ConversionLatch latch_;
  std::atomic<bool> uses_tsc_{false};
  std::atomic<uint32_t> epoch_{0};

  // The calibrating thread's own.
  Anchor baseline_;  // the rate is measured from here
  int64_t last_calibration_ns_ = 0;
  std::array<int64_t, kErrorsKept> errors_ns_{};
  int next_error_ = 0;
  uint32_t recent_steps_ = 0;  // one bit a calibration, the latest lowest

  mutable std::mutex mutex_;  // guards what State() shows and the loop does not read
  std::string reason_;
  uint64_t calibrations_ = 0;
  uint64_t skipped_ = 0;
  int64_t step_ns_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_TSC_CLOCK_H_
