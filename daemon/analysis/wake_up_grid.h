// WakeUpGrid: evenly spaced times that a thread's wake-ups follow, found in the wake-ups alone. Pure functions, any thread.
//
// How: the period is the median of the intervals, then that of intervals over 2, 4, 8 … wake-ups divided by the periods they span, so that
// its error shrinks with the length of the series. Each wake-up belongs to the period whose common phase it follows, by up to 7/8 of a
// period; of several in one period the one nearest to that phase counts, the others are no wake-ups of the grid, and neither is one in a
// thousand that lies far before all others (a signal's). Then the line of the grid is laid through the earliest ones: no wake-up lies
// before it, and the sum of what they lie behind it is the smallest possible (an edge of the lower convex hull). So a slow drift against
// the clock is no lateness, and the lateness that all have is not told.
//
// What is no grid is told as none, and no figure is made of it:
//   - fewer than kGridWakeUpsMin wake-ups, pauses left out;
//   - fewer than 3 of 4 wake-ups within 1/8 of a period of the common phase (random wake-ups, several periods);
//   - fewer than 3 of 5 intervals that are one period, where the period is found (several phases of one longer period, wake-ups left out);
//   - a phase that walks: each wake-up is set off by the one before (relative sleeps), so the times are not evenly spaced.
//
// Bounds: memory and time by the wake-ups given, n log n.
#ifndef HFTMON_DAEMON_ANALYSIS_WAKE_UP_GRID_H_
#define HFTMON_DAEMON_ANALYSIS_WAKE_UP_GRID_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hftmon {

inline constexpr size_t kGridWakeUpsMin = 64;
// A gap of more periods is a pause: what comes after it has a phase of its own, and nothing was missed in it.
inline constexpr double kPausePeriods = 100;
// A given period may be this far from that of the wake-ups.
inline constexpr double kGivenPeriodTolerance = 0.01;

enum class NoPeriod : uint8_t {
  kNone,           // there is one
  kTooFewWakeUps,  // to tell
  kNotPeriodic,
  kTooManyGaps,  // the wake-ups fit one, but in so many periods there is none that another may be the true one
  kOtherPeriod,  // they have one, or none, but not the one given
};

struct GridWakeUp {
  size_t index = 0;         // in the times given
  int64_t lateness_ns = 0;  // behind its grid's time; >= 0
};

struct WakeUpGrid {
  NoPeriod why_not = NoPeriod::kNotPeriodic;
  int64_t period_ns = 0;             // valid with kNone, as all below
  std::vector<GridWakeUp> wake_ups;  // those of the grid, ascending
  uint64_t missed_count = 0;         // periods without one, pauses left out
};

// `times_ns` ascend. `period_ns` 0: to be found.
WakeUpGrid FindGrid(std::span<const int64_t> times_ns, int64_t period_ns);

// Whether the intervals of `times_ns`, pauses left out, are one period, or a few: 3 of 4 within 1/8 of a period. For times whose lateness
// is known otherwise: the period may begin anew at each, and where they are exact most of them may be missing. Fills all but the lateness;
// every time is of it.
WakeUpGrid FindRegular(std::span<const int64_t> times_ns, int64_t period_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_WAKE_UP_GRID_H_
