#include "common/clock_conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>

namespace hftmon {
namespace {

__extension__ typedef __int128 Int128;

constexpr int64_t kMillion = 1'000'000;

}  // namespace

absl::StatusOr<LinearConversion> LinearConversion::Through(uint64_t first_ticks, int64_t first_ns, uint64_t second_ticks,
                                                           int64_t second_ns) {
  if (second_ticks <= first_ticks || second_ns <= first_ns) {
    return absl::InvalidArgumentError(
        fmt::format("a clock did not advance between two readings (ticks {} to {}, nanoseconds {} to {}): read again", first_ticks,
                    second_ticks, first_ns, second_ns));
  }
  const Int128 elapsed_ns = static_cast<Int128>(second_ns) - first_ns;
  const Int128 elapsed_ticks = second_ticks - first_ticks;
  const Int128 multiplier = ((elapsed_ns << kShift) + elapsed_ticks / 2) / elapsed_ticks;
  if (multiplier <= 0 || multiplier >= (Int128{1} << 63)) {
    return absl::InvalidArgumentError(fmt::format("{} ticks in {} ns is no clock rate that can be converted", second_ticks - first_ticks,
                                                  static_cast<int64_t>(elapsed_ns)));
  }
  LinearConversion conversion;
  conversion.anchor_ticks = second_ticks;
  conversion.anchor_ns = second_ns;
  conversion.multiplier = static_cast<uint64_t>(multiplier);
  return conversion;
}

uint64_t LinearConversion::ToTicks(int64_t ns) const {
  assert(multiplier != 0);
  const Int128 scaled = (static_cast<Int128>(ns) - anchor_ns) << kShift;
  return anchor_ticks + static_cast<uint64_t>(static_cast<int64_t>(scaled / static_cast<Int128>(multiplier)));
}

double LinearConversion::ticks_per_second() const {
  if (multiplier == 0) return 0;
  return 1e9 * static_cast<double>(uint64_t{1} << kShift) / static_cast<double>(multiplier);
}

void RunQueueClockOffset::Restart(int64_t offset_ns) {
  offset_ns_ = offset_ns;
  best_mono_ns_ = latest_mono_ns_;
  leak_remainder_ = 0;
  step_pairs_ = 0;
}

void RunQueueClockOffset::Observe(int64_t run_queue_clock_ns, int64_t mono_ns) {
  const int64_t sample_ns = mono_ns - run_queue_clock_ns;
  if (pair_count_++ == 0) {
    latest_mono_ns_ = mono_ns;
    Restart(sample_ns);
    return;
  }
  const int64_t elapsed_ns = std::max<int64_t>(0, mono_ns - latest_mono_ns_);
  latest_mono_ns_ += elapsed_ns;
  // 128 bits: a tracker may see its next pair days later.
  const Int128 leak = static_cast<Int128>(elapsed_ns) * options_.drift_ppm + leak_remainder_;
  const int64_t raised_ns = offset_ns_ + static_cast<int64_t>(leak / kMillion);

  if (sample_ns <= raised_ns) {
    // A fall beyond what drift explains is a step too: the offsets on its two sides do not belong together.
    if (static_cast<Int128>(offset_ns_) - sample_ns > static_cast<Int128>(options_.step_ns) + leak / kMillion) ++epoch_;
    Restart(sample_ns);
    return;
  }
  offset_ns_ = raised_ns;
  leak_remainder_ = static_cast<int64_t>(leak % kMillion);
  if (sample_ns - raised_ns <= options_.step_ns) {
    step_pairs_ = 0;
    return;
  }
  step_offset_ns_ = step_pairs_ == 0 ? sample_ns : std::min(step_offset_ns_, sample_ns);
  if (++step_pairs_ < kStepPairs) return;
  ++epoch_;
  Restart(step_offset_ns_);
}

int64_t RunQueueClockOffset::error_ns(int64_t now_mono_ns) const {
  if (!known()) return std::numeric_limits<int64_t>::max();
  const int64_t age_ns = std::max<int64_t>(0, now_mono_ns - best_mono_ns_);
  // The estimate leaks upwards while the true offset may drift downwards: twice the rate.
  const Int128 drift_ns = static_cast<Int128>(age_ns) * (2 * options_.drift_ppm) / kMillion;
  return options_.pair_delay_ns + static_cast<int64_t>(drift_ns);
}

int64_t WallFromMonotonicNs(const ClockPair& pair, int64_t mono_ns) {
  return pair.realtime_ns + (mono_ns - pair.monotonic_ns);
}

int64_t MonotonicFromWallNs(const ClockPair& pair, int64_t wall_ns) {
  return pair.monotonic_ns + (wall_ns - pair.realtime_ns);
}

}  // namespace hftmon
