#include "common/clock_anchor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr double kPpm = 1e-6;

// CLOCK_MONOTONIC slewed against the run queue's clock: the rate changes now and then, as NTP does it.
class SlewedClock {
 public:
  SlewedClock(uint64_t seed, double rate_max_ppm, int64_t length_ns, int64_t hold_ns) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> rate(-rate_max_ppm * kPpm, rate_max_ppm * kPpm);
    double offset_ns = 123'456;
    for (int64_t clock_ns = 0; clock_ns < length_ns;) {
      pieces_.push_back({clock_ns, offset_ns, rate(random)});
      const int64_t held_ns = hold_ns + static_cast<int64_t>(random() % static_cast<uint64_t>(hold_ns));
      offset_ns += pieces_.back().rate * static_cast<double>(held_ns);
      clock_ns += held_ns;
    }
  }
  // Whether the rate has been what it is for that long.
  bool SteadyFor(int64_t duration_ns, int64_t clock_ns) const { return clock_ns - At(clock_ns).begin_ns >= duration_ns; }
  int64_t MonoNs(int64_t clock_ns) const {
    const Piece& piece = At(clock_ns);
    return clock_ns + std::llround(piece.offset_ns + piece.rate * static_cast<double>(clock_ns - piece.begin_ns));
  }

 private:
  struct Piece {
    int64_t begin_ns;
    double offset_ns;
    double rate;
  };
  const Piece& At(int64_t clock_ns) const {
    const auto after =
        std::upper_bound(pieces_.begin(), pieces_.end(), clock_ns, [](int64_t ns, const Piece& piece) { return ns < piece.begin_ns; });
    return *(after - 1);
  }
  std::vector<Piece> pieces_;
};

struct Record {
  int64_t clock_ns;
  int64_t mono_ns;  // read later
};

// A record every few milliseconds; one in eight is held up for long between its two readings, but not while the rate has just changed.
std::vector<Record> Records(const SlewedClock& clock, uint64_t seed, int64_t length_ns) {
  std::mt19937_64 random(seed);
  std::vector<Record> records;
  for (int64_t clock_ns = kMs; clock_ns < length_ns; clock_ns += kMs + static_cast<int64_t>(random() % (12 * kMs))) {
    int64_t delay_ns = static_cast<int64_t>(random() % kPairDelayNs);
    if (random() % 8 == 0 && clock.SteadyFor(500 * kMs, clock_ns)) delay_ns += static_cast<int64_t>(random() % (200'000));
    records.push_back({clock_ns, clock.MonoNs(clock_ns) + delay_ns});
  }
  return records;
}

std::vector<ClockAnchor> Anchors(const std::vector<Record>& records) {
  std::vector<ClockAnchor> anchors;
  ClockAnchor best;
  int64_t piece_ns = records.front().mono_ns;
  bool found = false;
  for (const Record& record : records) {
    if (record.mono_ns - piece_ns >= kAnchorPieceNs) {
      if (found) anchors.push_back(best);
      found = false;
      piece_ns = record.mono_ns;
    }
    if (!anchors.empty() && record.mono_ns - anchors.back().mono_ns < kAnchorSpacingNs) continue;
    const int64_t offset_ns = record.mono_ns - record.clock_ns;
    if (!found || offset_ns < best.offset_ns) best = {record.mono_ns, offset_ns};
    found = true;
  }
  return anchors;
}

BeginError BoundFor(const std::vector<ClockAnchor>& anchors, const Record& record, int64_t begin_ns) {
  const auto after =
      std::upper_bound(anchors.begin(), anchors.end(), begin_ns, [](int64_t ns, const ClockAnchor& anchor) { return ns < anchor.mono_ns; });
  const auto first = after - std::min<std::ptrdiff_t>(2, after - anchors.begin());
  auto last = after + std::min<std::ptrdiff_t>(2, anchors.end() - after);
  while (last > after && (last - 1)->mono_ns > record.mono_ns) --last;  // what was not yet known then
  return BeginErrorOf({first, last}, static_cast<int>(after - first), record.mono_ns - record.clock_ns, begin_ns, record.mono_ns);
}

TEST(BeginErrorTest, TheStatedBoundIsNeverExceededWhileTheClockIsSlewed) {
  std::mt19937_64 random(11);
  int64_t tight_count = 0;
  int64_t estimated_count = 0;
  int64_t count = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const double rate_max_ppm = seed % 4 == 0 ? 0.0 : seed % 4 == 1 ? 20.0 : 500.0;
    const SlewedClock clock(seed, rate_max_ppm, 20'000 * kMs, 600 * kMs);
    const std::vector<Record> records = Records(clock, seed + 100, 20'000 * kMs);
    const std::vector<ClockAnchor> anchors = Anchors(records);
    ASSERT_GT(anchors.size(), 100u);
    for (const Record& record : records) {
      const int64_t duration_ns = 10'000 + static_cast<int64_t>(random() % (seed % 2 == 0 ? 5 * kMs : 400 * kMs));
      if (duration_ns >= record.clock_ns) continue;
      const int64_t begin_ns = record.mono_ns - duration_ns;
      const int64_t truth_ns = clock.MonoNs(record.clock_ns - duration_ns);
      const BeginError error = BoundFor(anchors, record, begin_ns);
      const int64_t bound_ns = error.bound_ns;
      estimated_count += error.estimated;
      if (error.estimated) continue;
      ASSERT_LE(std::abs(begin_ns - truth_ns), bound_ns) << "seed " << seed << " at " << record.clock_ns << " for " << duration_ns;
      const int64_t unmeasured_ns = duration_ns / 1'000 + kPairDelayNs;
      tight_count += bound_ns < unmeasured_ns;
      ++count;
    }
  }
  EXPECT_GT(count, 50'000);
  EXPECT_LT(estimated_count, count / 50) << "with records every few milliseconds only the first ones have no anchor";
  EXPECT_GT(tight_count, count / 4) << "a bound is worth something when it is below the kernel's limit";
}

TEST(BeginErrorTest, WithoutSlewItIsTheReadingsDelayWhateverTheDuration) {
  const ClockAnchor anchors[] = {{.mono_ns = 0, .offset_ns = 500}, {.mono_ns = 100 * kMs, .offset_ns = 500}};
  EXPECT_LE(BeginErrorOf(anchors, 2, 500, 150 * kMs, 200 * kMs).bound_ns, 4 * kPairDelayNs);
  EXPECT_GE(BeginErrorOf(anchors, 2, 90'500, 150 * kMs, 200 * kMs).bound_ns, 90'000) << "a record held up between its readings says so";
}

TEST(BeginErrorTest, WithoutAnchorsNearItIsTheKernelsLimitAndEstimated) {
  const ClockAnchor old[] = {{.mono_ns = 0, .offset_ns = 500}, {.mono_ns = 100 * kMs, .offset_ns = 500}};
  for (const BeginError& error : {BeginErrorOf({}, 0, 500, 0, 10 * kMs), BeginErrorOf(old, 2, 500, 5'000 * kMs, 5'010 * kMs)}) {
    EXPECT_EQ(error.bound_ns, kPairDelayNs + 10'000);
    EXPECT_TRUE(error.estimated);
  }
}

TEST(BeginErrorTest, FromASingleAnchorTheKernelsLimitCounts) {
  const ClockAnchor one[] = {{.mono_ns = 0, .offset_ns = 500}};
  const ClockAnchor apart[] = {{.mono_ns = -4'000 * kMs, .offset_ns = 500}, {.mono_ns = 0, .offset_ns = 500}};
  for (const BeginError& error : {BeginErrorOf(one, 1, 700, 20 * kMs, 30 * kMs), BeginErrorOf(apart, 2, 700, 20 * kMs, 30 * kMs)}) {
    EXPECT_EQ(error.bound_ns, 200 + kPairDelayNs + 20'000);
    EXPECT_FALSE(error.estimated);
  }
}

TEST(AnchorRateTest, IsTheDriftOverTheDistance) {
  EXPECT_DOUBLE_EQ(*AnchorRate({.mono_ns = 0, .offset_ns = 0}, {.mono_ns = 100 * kMs, .offset_ns = 50'000}), 500 * kPpm);
  EXPECT_FALSE(AnchorRate({.mono_ns = 5, .offset_ns = 0}, {.mono_ns = 5, .offset_ns = 1}).has_value());
}

}  // namespace
}  // namespace hftmon
