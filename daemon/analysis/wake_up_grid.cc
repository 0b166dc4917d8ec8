#include "daemon/analysis/wake_up_grid.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace hftmon {
namespace {

constexpr double kNearPhase = 0.125;         // of a period
constexpr double kNearPhaseShareMin = 0.75;  // of the wake-ups
constexpr double kSingleShareMin = 0.6;      // of the intervals
constexpr double kExact = 0.002;             // of a period, of times that were given
constexpr double kExactShareMin = 0.9;
constexpr size_t kSinglesMin = 10;
constexpr size_t kSamplesOfStride = 1024;  // enough for a median
constexpr size_t kWalkLag = 16;
constexpr size_t kWalkLagWakeUpsMin = 256;
constexpr double kStrayGapNs = 1'000;
constexpr double kClockNoiseNs = 100;  // below this, times differ by what reading a clock takes

double MedianOf(std::vector<double>* values) {
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

// Relative to the first: exact in a double up to 104 days.
std::vector<double> OffsetsOf(std::span<const int64_t> times_ns) {
  std::vector<double> offsets(times_ns.size());
  for (size_t i = 0; i < times_ns.size(); ++i) offsets[i] = static_cast<double>(times_ns[i] - times_ns[0]);
  return offsets;
}

double MedianInterval(std::span<const double> at) {
  std::vector<double> intervals;
  intervals.reserve(at.size());
  for (size_t i = 1; i < at.size(); ++i) intervals.push_back(at[i] - at[i - 1]);
  return MedianOf(&intervals);
}

// The same over ever longer stretches: half the error each time.
double RefinedPeriod(std::span<const double> at, double period) {
  std::vector<double> periods;
  for (size_t stride = 1; stride <= at.size() / 2; stride *= 2) {
    periods.clear();
    const size_t step = std::max<size_t>((at.size() - stride) / kSamplesOfStride, 1);
    for (size_t i = 0; i + stride < at.size(); i += step) {
      const double span = at[i + stride] - at[i];
      const double count = std::round(span / period);
      if (count >= 1) periods.push_back(span / count);
    }
    if (periods.empty()) return period;
    period = MedianOf(&periods);
  }
  return period;
}

double FractionOf(double value) {
  return value - std::floor(value);
}

// The common phase, in periods: 0 … 1.
double PhaseOf(std::span<const double> at, double period) {
  double sine = 0;
  double cosine = 0;
  for (const double time : at) {
    const double angle = 2 * std::numbers::pi * FractionOf(time / period);
    sine += std::sin(angle);
    cosine += std::cos(angle);
  }
  // The median of phases, cut open opposite to their mean.
  const double cut = std::atan2(sine, cosine) / (2 * std::numbers::pi) + 0.5;
  std::vector<double> phases;
  phases.reserve(at.size());
  for (const double time : at) phases.push_back(FractionOf(time / period - cut));
  return FractionOf(MedianOf(&phases) + cut);
}

struct Placed {
  size_t index = 0;   // in the stretch
  double period = 0;  // which one it belongs to: a whole number
  double behind = 0;  // the common phase, ns
};

// At most one in each period.
std::vector<Placed> Place(std::span<const double> at, double period, double phase, size_t* near_count) {
  std::vector<Placed> placed;
  placed.reserve(at.size());
  for (size_t i = 0; i < at.size(); ++i) {
    const double coordinate = at[i] / period - phase;
    const double number = std::floor(coordinate + kNearPhase);
    const Placed here{i, number, (coordinate - number) * period};
    if (std::abs(here.behind) <= kNearPhase * period) ++*near_count;
    if (placed.empty() || placed.back().period != number) {
      placed.push_back(here);
    } else if (std::abs(here.behind) < std::abs(placed.back().behind)) {
      placed.back() = here;
    }
  }
  return placed;
}

double SingleShare(std::span<const Placed> placed) {
  size_t single = 0;
  for (size_t i = 1; i < placed.size(); ++i) single += placed[i].period - placed[i - 1].period == 1 ? 1 : 0;
  return static_cast<double>(single) / static_cast<double>(std::max<size_t>(placed.size() - 1, 1));
}

double MedianStep(std::span<const Placed> placed, size_t lag) {
  std::vector<double> steps;
  for (size_t i = lag; i < placed.size(); ++i) steps.push_back(std::abs(placed[i].behind - placed[i - lag].behind));
  return MedianOf(&steps);
}

// On a grid a late wake-up is followed by one that is not: successive steps of the lateness have opposite signs, correlation -1/2. Where
// the next period begins with the wake-up they have none. Steps are clipped, so that a few long ones decide nothing. Lateness that comes
// and goes slowly looks the same from one to the next, but does not grow with the distance.
bool Walks(std::span<const Placed> placed) {
  const double scale = std::max(MedianStep(placed, 1), kClockNoiseNs);
  double sum = 0;
  double product = 0;
  double last = 0;
  for (size_t i = 1; i < placed.size(); ++i) {
    const double step = std::clamp(placed[i].behind - placed[i - 1].behind, -3 * scale, 3 * scale);
    sum += step * step;
    product += step * last;
    last = step;
  }
  if (sum == 0 || product / sum <= -0.25) return false;
  return placed.size() < kWalkLagWakeUpsMin || MedianStep(placed, kWalkLag) > 2 * scale;
}

// One in a thousand may lie far before all others: woken by a signal, say. At an end of the series a single one would tilt the whole line.
void RemoveStrays(std::vector<Placed>* placed) {
  const size_t strays_max = 1 + placed->size() / 1000;
  std::vector<double> earliest;
  for (const Placed& point : *placed) earliest.push_back(point.behind);
  const double median = MedianOf(&earliest);
  std::partial_sort(earliest.begin(), earliest.begin() + static_cast<std::ptrdiff_t>(strays_max) + 1, earliest.end());
  for (size_t i = strays_max; i > 0; --i) {
    const double first_kept = earliest[i];
    if (first_kept - earliest[i - 1] <= 3 * (median - first_kept) + kStrayGapNs) continue;
    std::erase_if(*placed, [first_kept](const Placed& point) { return point.behind < first_kept; });
    return;
  }
}

struct Line {
  double at_zero = 0;  // of period 0
  double slope = 0;    // ns a period
  double At(double period) const { return at_zero + slope * period; }
};

// Below all of them, and as close as can be: the edge of the lower hull above which their mean lies.
Line LowerLine(std::span<const Placed> placed) {
  std::vector<const Placed*> hull;
  double mean = 0;
  for (const Placed& point : placed) {
    mean += point.period / static_cast<double>(placed.size());
    while (hull.size() >= 2) {
      const Placed& a = *hull[hull.size() - 2];
      const Placed& b = *hull.back();
      if ((b.period - a.period) * (point.behind - a.behind) > (b.behind - a.behind) * (point.period - a.period)) break;
      hull.pop_back();
    }
    hull.push_back(&point);
  }
  if (hull.size() == 1) return {hull[0]->behind, 0};
  size_t end = 1;
  while (end + 1 < hull.size() && hull[end]->period < mean) ++end;
  const Placed& a = *hull[end - 1];
  const Placed& b = *hull[end];
  const double slope = (b.behind - a.behind) / (b.period - a.period);
  return {a.behind - slope * a.period, slope};
}

bool IsOther(double period, int64_t given_ns) {
  return given_ns > 0 && std::abs(period / static_cast<double>(given_ns) - 1) > kGivenPeriodTolerance;
}

// One stretch without a pause. `first` is the index of its first time.
WakeUpGrid FitStretch(std::span<const double> at, size_t first, double guess, int64_t given_ns) {
  WakeUpGrid grid;
  const double period = RefinedPeriod(at, guess);
  const NoPeriod none = given_ns > 0 ? NoPeriod::kOtherPeriod : NoPeriod::kNotPeriodic;
  grid.why_not = none;
  if (!(period >= 1) || IsOther(period, given_ns)) return grid;
  size_t near_count = 0;
  std::vector<Placed> placed = Place(at, period, PhaseOf(at, period), &near_count);
  if (static_cast<double>(near_count) < kNearPhaseShareMin * static_cast<double>(at.size())) return grid;
  if (placed.size() < kGridWakeUpsMin || Walks(placed)) return grid;
  if (given_ns == 0 && SingleShare(placed) < kSingleShareMin) {
    grid.why_not = NoPeriod::kTooManyGaps;
    return grid;
  }
  RemoveStrays(&placed);
  const Line line = LowerLine(placed);
  grid.why_not = NoPeriod::kNone;
  grid.period_ns = std::llround(period + line.slope);
  grid.wake_ups.reserve(placed.size());
  for (const Placed& point : placed) {
    const double lateness = std::max(point.behind - line.At(point.period), 0.0);
    grid.wake_ups.push_back({first + point.index, std::llround(lateness)});
  }
  const double periods = placed.back().period - placed.front().period + 1;
  grid.missed_count = static_cast<uint64_t>(periods) - placed.size();
  return grid;
}

// Those of `part` come after those of `whole`.
void Append(const WakeUpGrid& part, WakeUpGrid* whole) {
  // Of the longest stretch.
  if (part.wake_ups.size() > whole->wake_ups.size()) whole->period_ns = part.period_ns;
  whole->wake_ups.insert(whole->wake_ups.end(), part.wake_ups.begin(), part.wake_ups.end());
  whole->missed_count += part.missed_count;
}

// How many of the intervals are one period, and how many of those that follow such a one.
struct Singles {
  size_t count = 0;
  size_t after_single_count = 0;
};

// The intervals' common period near `guess`, of those within `tolerance` (of a period) of a whole number of it.
WakeUpGrid RegularNear(std::span<const double> at, double guess, double tolerance, double share_min, Singles* singles) {
  WakeUpGrid found;
  std::vector<double> periods;
  size_t pause_count = 0;
  bool after_single = false;
  for (size_t i = 1; i < at.size(); ++i) {
    const double interval = at[i] - at[i - 1];
    const double count = std::round(interval / guess);
    const bool fits = count >= 1 && count <= kPausePeriods && std::abs(interval - count * guess) <= tolerance * guess;
    if (count > kPausePeriods) ++pause_count;
    if (fits) {
      periods.push_back(interval / count);
      found.missed_count += static_cast<uint64_t>(count) - 1;
    }
    const bool single = fits && count == 1;
    singles->count += single ? 1 : 0;
    singles->after_single_count += single && after_single ? 1 : 0;
    after_single = single;
  }
  const size_t interval_count = at.size() - 1 - pause_count;
  if (periods.empty() || static_cast<double>(periods.size()) < share_min * static_cast<double>(interval_count)) return found;
  found.why_not = NoPeriod::kNone;
  if (static_cast<double>(singles->count) < kSingleShareMin * static_cast<double>(interval_count)) found.why_not = NoPeriod::kTooManyGaps;
  found.period_ns = std::llround(MedianOf(&periods));
  return found;
}

// Times whose intervals are whole numbers of a short one, to 1/500: of a thread that misses most of its periods. Two phases of a longer
// period look the same, but there no single interval follows another.
WakeUpGrid RegularWithGaps(std::span<const double> at) {
  std::vector<double> intervals;
  for (size_t i = 1; i < at.size(); ++i) intervals.push_back(at[i] - at[i - 1]);
  const auto low = intervals.begin() + static_cast<std::ptrdiff_t>(intervals.size() / 10);
  std::nth_element(intervals.begin(), low, intervals.end());
  if (!(*low >= 1)) return {};
  Singles singles;
  WakeUpGrid found = RegularNear(at, *low, kExact, kExactShareMin, &singles);
  if (found.why_not != NoPeriod::kTooManyGaps) return found;
  const double share = static_cast<double>(singles.count) / static_cast<double>(intervals.size());
  const bool random_gaps =
      singles.count >= kSinglesMin && static_cast<double>(singles.after_single_count) >= share / 2 * static_cast<double>(singles.count);
  if (random_gaps) found.why_not = NoPeriod::kNone;
  return found;
}

}  // namespace

WakeUpGrid FindGrid(std::span<const int64_t> times_ns, int64_t period_ns) {
  WakeUpGrid whole;
  whole.why_not = NoPeriod::kTooFewWakeUps;
  if (times_ns.size() < kGridWakeUpsMin) return whole;
  const std::vector<double> at = OffsetsOf(times_ns);
  const double guess = period_ns > 0 ? static_cast<double>(period_ns) : MedianInterval(at);
  size_t fitting = 0;
  size_t looked_at = 0;
  for (size_t begin = 0; begin < at.size();) {
    size_t end = begin + 1;
    while (end < at.size() && at[end] - at[end - 1] <= kPausePeriods * guess) ++end;
    if (end - begin >= kGridWakeUpsMin) {
      const WakeUpGrid part = FitStretch(std::span(at).subspan(begin, end - begin), begin, guess, period_ns);
      looked_at += end - begin;
      if (part.why_not == NoPeriod::kNone) {
        fitting += end - begin;
        Append(part, &whole);
      } else if (fitting == 0) {
        whole.why_not = part.why_not;
      }
    }
    begin = end;
  }
  if (fitting == 0) return whole;
  // Periodic now and then is not periodic.
  const bool most = static_cast<double>(fitting) >= kNearPhaseShareMin * static_cast<double>(looked_at);
  whole.why_not = most ? NoPeriod::kNone : period_ns > 0 ? NoPeriod::kOtherPeriod : NoPeriod::kNotPeriodic;
  return whole;
}

WakeUpGrid FindRegular(std::span<const int64_t> times_ns, int64_t period_ns) {
  WakeUpGrid found;
  found.why_not = NoPeriod::kTooFewWakeUps;
  if (times_ns.size() < 2) return found;
  const std::vector<double> at = OffsetsOf(times_ns);
  const double guess = period_ns > 0 ? static_cast<double>(period_ns) : MedianInterval(at);
  Singles singles;
  if (guess >= 1) found = RegularNear(at, guess, kNearPhase, kNearPhaseShareMin, &singles);
  if (period_ns > 0) {
    // Who gives the period says that the gaps are missed.
    if (found.why_not == NoPeriod::kTooManyGaps) found.why_not = NoPeriod::kNone;
    if (found.why_not != NoPeriod::kNone || IsOther(static_cast<double>(found.period_ns), period_ns)) {
      found.why_not = NoPeriod::kOtherPeriod;
      return found;
    }
  } else if (found.why_not != NoPeriod::kNone) {
    WakeUpGrid with_gaps = RegularWithGaps(at);
    if (with_gaps.why_not == NoPeriod::kNone) found = std::move(with_gaps);
  }
  if (found.why_not != NoPeriod::kNone) return found;
  for (size_t i = 0; i < times_ns.size(); ++i) found.wake_ups.push_back({i, 0});
  return found;
}

}  // namespace hftmon
