// Conversions between clocks: the one place. TSC ticks ↔ CLOCK_MONOTONIC, run queue clock → CLOCK_MONOTONIC, CLOCK_MONOTONIC ↔ wall time.
//
// Nothing here reads a clock: readings are taken in daemon/os and in the kernel, and come in as numbers. An interval is always computed
// within one clock; these conversions place its edges on another. Each result's bound of error stands beside it.
#ifndef HFTMON_COMMON_CLOCK_CONVERSION_H_
#define HFTMON_COMMON_CLOCK_CONVERSION_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace hftmon {

// A straight piece of ticks → CLOCK_MONOTONIC: ns = anchor_ns + ((ticks - anchor_ticks) * multiplier >> kShift), in 128 bits, so that
// no distance overflows. Passive and trivially copyable: it is published whole.
struct LinearConversion {
  static constexpr int kShift = 32;

  uint64_t anchor_ticks = 0;
  int64_t anchor_ns = 0;
  uint64_t multiplier = 0;  // nanoseconds per tick, times 2^kShift; 0: not yet set
  int64_t error_ns = 0;     // bound at the anchor, as stated by who made it

  // The piece through two readings of both clocks. INVALID_ARGUMENT when either clock did not advance from the first to the second
  // or a tick would be longer than 2^31 ns.
  static absl::StatusOr<LinearConversion> Through(uint64_t first_ticks, int64_t first_ns, uint64_t second_ticks, int64_t second_ns);

  // Ticks before the anchor are fine: the distance is signed.
  int64_t ToNs(uint64_t ticks) const {
    __extension__ typedef __int128 Int128;
    // The difference modulo 2^64, read as signed: right for any two readings less than 2^63 ticks apart.
    const int64_t distance = static_cast<int64_t>(ticks - anchor_ticks);
    // >> of a negative number rounds down, so that the conversion stays monotonic through the anchor.
    return anchor_ns + static_cast<int64_t>((static_cast<Int128>(distance) * static_cast<Int128>(multiplier)) >> kShift);
  }
  // The last tick whose ToNs is at most `ns`, or the next. Requires multiplier != 0.
  uint64_t ToTicks(int64_t ns) const;
  double ticks_per_second() const;
};

// CLOCK_MONOTONIC minus one run queue's clock, learned from pairs that one program run reads: first the run queue's clock (as the
// scheduler last updated it), then CLOCK_MONOTONIC. So every pair's difference is the true offset plus a delay that is never negative,
// and the smallest recent difference is the nearest. "Recent" is a leak: the estimate may rise by at most drift_ppm of the time that
// passed, the fastest that CLOCK_MONOTONIC is slewed (500 ppm frequency plus 500 ppm phase), and falls at once.
//
// One tracker per CPU; one thread (the housekeeping thread). No allocation. Invariants:
//   1. The estimate is never below the true offset while the clocks drift apart by no more than drift_ppm.
//   2. It is never above the latest pair's difference.
//   3. When kStepPairs pairs in a row lie more than step_ns above the estimate a clock has stepped: a new epoch begins.
class RunQueueClockOffset {
 public:
  static constexpr int kStepPairs = 8;

  struct Options {
    int64_t drift_ppm = 1'000;
    int64_t step_ns = 1'000'000;
    // What the best pair's own delay is taken to be at most: the way from the scheduler's clock update to the record's time stamp,
    // within one section with interrupts off.
    int64_t pair_delay_ns = 1'000;
  };

  RunQueueClockOffset() = default;
  explicit RunQueueClockOffset(const Options& options) : options_(options) {}

  // Pairs may arrive a little out of order (records nest); an older pair counts like one at the latest time seen.
  void Observe(int64_t run_queue_clock_ns, int64_t mono_ns);

  bool known() const { return pair_count_ > 0; }
  // Requires known().
  int64_t ToMonotonicNs(int64_t run_queue_clock_ns) const { return run_queue_clock_ns + offset_ns_; }
  int64_t offset_ns() const { return offset_ns_; }
  // Bound of ToMonotonicNs's error for a moment near `now_mono_ns`: the best pair's delay, and what both clocks may have drifted
  // since that pair. INT64_MAX when not known().
  int64_t error_ns(int64_t now_mono_ns) const;
  // Bumped by each step: an interval across two epochs is inconclusive.
  uint32_t epoch() const { return epoch_; }
  uint64_t pair_count() const { return pair_count_; }

 private:
  void Restart(int64_t offset_ns);

  Options options_;
  int64_t offset_ns_ = 0;
  int64_t latest_mono_ns_ = 0;  // of all pairs
  int64_t best_mono_ns_ = 0;    // of the pair that last set the estimate
  int64_t leak_remainder_ = 0;  // what integer division left of the leak, in ns * 1e-6
  int64_t step_offset_ns_ = 0;  // smallest difference of the pairs that look like a step
  int step_pairs_ = 0;
  uint32_t epoch_ = 0;
  uint64_t pair_count_ = 0;
};

// CLOCK_MONOTONIC and CLOCK_REALTIME of one moment; error_ns bounds the distance between the two readings.
struct ClockPair {
  int64_t monotonic_ns = 0;
  int64_t realtime_ns = 0;
  int64_t error_ns = 0;
};

// Wall time of a monotonic time and back. Exact at the pair, and elsewhere as far as wall time was not stepped in between.
int64_t WallFromMonotonicNs(const ClockPair& pair, int64_t mono_ns);
int64_t MonotonicFromWallNs(const ClockPair& pair, int64_t wall_ns);

}  // namespace hftmon

#endif  // HFTMON_COMMON_CLOCK_CONVERSION_H_
