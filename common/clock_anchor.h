// Clock anchors: the run queue's clock of one CPU against CLOCK_MONOTONIC, piece by piece, and what an interval's beginning may be off.
//
// An interval's duration is in the run queue's clock, which nobody slews; its end is placed by CLOCK_MONOTONIC, which NTP slews. Its
// beginning, end minus duration, is therefore off by what the two drifted in between, and by how much later CLOCK_MONOTONIC was read.
// An anchor is the pair with the least such delay of one piece of time, so that the difference of two anchors measures the drift.
#ifndef HFTMON_COMMON_CLOCK_ANCHOR_H_
#define HFTMON_COMMON_CLOCK_ANCHOR_H_

#include <cstdint>
#include <optional>
#include <span>

namespace hftmon {

inline constexpr int64_t kAnchorPieceNs = 100'000'000;
// Two anchors lie at least this far apart: over less, their delays are more than the drift.
inline constexpr int64_t kAnchorSpacingNs = 50'000'000;
// Further apart, the rate between them says nothing about any moment between them.
inline constexpr int64_t kAnchorDistanceMaxNs = 1'000'000'000;
// What the best pair's delay is taken to be at most: from the scheduler's clock update to the record's time stamp, interrupts off.
inline constexpr int64_t kPairDelayNs = 1'000;
// The fastest that the kernel slews: 500 ppm of frequency and 500 ppm of phase. What counts where nothing was measured.
inline constexpr int64_t kSlewLimitPpm = 1'000;

struct ClockAnchor {
  int64_t mono_ns = 0;
  int64_t offset_ns = 0;  // CLOCK_MONOTONIC minus the run queue's clock; too large by at most kPairDelayNs
};

// Nanoseconds that CLOCK_MONOTONIC gains on the run queue's clock per nanosecond; nullopt when the anchors are too far apart, or not apart.
std::optional<double> AnchorRate(const ClockAnchor& first, const ClockAnchor& second);

struct BeginError {
  int64_t bound_ns = 0;
  // True: no anchor was near, so it is kSlewLimitPpm of the duration and kPairDelayNs. What the record may have been held up between its
  // two readings is then not in it.
  bool estimated = false;
};

// The bound of the error of an interval's beginning. `around`: anchors in the order of time, the last two at or before `begin_mono_ns`
// (`before_count` of them are there) and the next two after it. `record_offset_ns`: of the interval's closing record itself. Holds while
// the slew changes no more often than every third anchor, and not just when the record itself is held up after the last anchor: a slower
// clock would hide that. With one anchor near, the kernel's slew limit counts from there.
BeginError BeginErrorOf(std::span<const ClockAnchor> around, int before_count, int64_t record_offset_ns, int64_t begin_mono_ns,
                        int64_t end_mono_ns);

}  // namespace hftmon

#endif  // HFTMON_COMMON_CLOCK_ANCHOR_H_
