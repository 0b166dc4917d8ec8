#include "daemon/analysis/event_correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Spike Stall(uint64_t id, int64_t start_ns, int64_t end_ns, uint32_t tid = 1, SpikeKind kind = SpikeKind::kPreempted) {
  Spike spike;
  spike.id = id;
  spike.kind = kind;
  spike.thread = {.tid = tid, .tgid = 1, .start_ns = 5};
  spike.start_mono_ns = start_ns;
  spike.duration_ns = end_ns - start_ns;
  spike.cause_count = 1;
  spike.causes[0] = {.kind = CauseKind::kThread, .tid = 77, .duration_ns = end_ns - start_ns};
  return spike;
}

std::vector<uint64_t> IdsOf(const EventCorrelation& correlation, const EventCorrelation::Hit& hit) {
  std::vector<uint64_t> ids;
  for (const uint32_t stall : hit.stalls) ids.push_back(correlation.stalls()[stall].id);
  return ids;
}

void Add(EventCorrelation* correlation, const Spike& spike) {
  correlation->Add(spike, spike.start_mono_ns + spike.duration_ns, {});
}

TEST(EventCorrelationTest, AStallHitsTheEventsWhoseTimeItOverlaps) {
  const std::vector<int64_t> times = {5'000, 1'000, 2'000, 3'000};
  EventCorrelation correlation(times, 100, 50);
  Add(&correlation, Stall(7, 1'200, 1'900));
  Add(&correlation, Stall(8, 3'050, 3'060));
  Add(&correlation, Stall(9, 3'051, 4'899));
  const std::vector<EventCorrelation::Hit> hits = correlation.Hits();
  EXPECT_THAT(IdsOf(correlation, hits[0]), IsEmpty());
  EXPECT_THAT(IdsOf(correlation, hits[1]), IsEmpty());
  EXPECT_THAT(IdsOf(correlation, hits[2]), ElementsAre(7)) << "it ended 100 ns before: at the edge";
  EXPECT_THAT(IdsOf(correlation, hits[3]), ElementsAre(8));
  EXPECT_EQ(hits[2].stalled_ns, 0);
}

TEST(EventCorrelationTest, StallsAreListedLongestFirstSixteenAtMost) {
  const std::vector<int64_t> times = {1'000};
  EventCorrelation correlation(times, 1'000, 0);
  for (int64_t i = 1; i <= 20; ++i) Add(&correlation, Stall(static_cast<uint64_t>(i), 500 - 10 * i, 500, static_cast<uint32_t>(i)));
  const std::vector<uint64_t> ids = IdsOf(correlation, correlation.Hits()[0]);
  ASSERT_EQ(ids.size(), EventCorrelation::kStallsPerEventMax);
  EXPECT_EQ(ids.front(), 20u);
  EXPECT_EQ(ids.back(), 5u);
}

TEST(EventCorrelationTest, StalledIsTheMostThatOneThreadWasWithinTheTime) {
  const std::vector<int64_t> times = {1'000, 10'000};
  EventCorrelation correlation(times, 500, 100);
  Add(&correlation, Stall(1, 0, 600, 1));        // 100 within
  Add(&correlation, Stall(2, 580, 700, 1));      // nests and goes on: 200 together
  Add(&correlation, Stall(3, 1'050, 9'000, 1));  // 50 more
  Add(&correlation, Stall(4, 800, 1'020, 2));    // 220
  EXPECT_EQ(correlation.Hits()[0].stalled_ns, 250);
  EXPECT_EQ(correlation.Hits()[1].stalled_ns, 0);
}

TEST(EventCorrelationTest, ASleepCountsWhereItsThreadFellAsleepJustBeforeAndSleptAtTheEvent) {
  const std::vector<int64_t> times = {1'000};
  const auto hit = [&times](const Spike& spike) {
    EventCorrelation correlation(times, 100, 100);
    Add(&correlation, spike);
    return !correlation.Hits()[0].stalls.empty();
  };
  EXPECT_TRUE(hit(Stall(1, 950, 1'500, 1, SpikeKind::kBlocked)));
  EXPECT_FALSE(hit(Stall(1, 800, 1'500, 1, SpikeKind::kBlocked))) << "it slept long before: it waited for work";
  EXPECT_FALSE(hit(Stall(1, 950, 990, 1, SpikeKind::kBlocked))) << "it was awake at the event";
  EXPECT_FALSE(hit(Stall(1, 1'010, 1'500, 1, SpikeKind::kBlocked)));
  Spike fault = Stall(1, 800, 1'500, 1, SpikeKind::kBlocked);
  fault.out_kind = HFT_SWITCH_BLOCKED_FAULT;
  EXPECT_TRUE(hit(fault));
  Spike lock = Stall(1, 500, 950, 1, SpikeKind::kBlocked);
  lock.call.owner_tid = 33;
  EXPECT_TRUE(hit(lock));
}

TEST(EventCorrelationTest, TheWaitAtTheEndOfASleepCountsOnce) {
  const std::vector<int64_t> times = {1'000};
  EventCorrelation correlation(times, 100, 400);
  Add(&correlation, Stall(1, 950, 1'300, 1, SpikeKind::kBlocked));
  Add(&correlation, Stall(2, 1'200, 1'300, 1, SpikeKind::kRunQueue));
  EXPECT_EQ(correlation.Hits()[0].stalled_ns, 350);
}

TEST(EventCorrelationTest, CausesCountEachEventAndEachStallOnce) {
  const std::vector<int64_t> times = {100, 200, 300, 9'000};
  EventCorrelation correlation(times, 50, 0);
  Spike named = Stall(1, 60, 260);
  std::strcpy(named.causes[0].comm, "bully");
  Add(&correlation, named);  // 100, 200 and, 40 ns before, 300
  named.id = 2;
  named.start_mono_ns = 160;
  named.duration_ns = 10;
  named.causes[0].duration_ns = 6;
  named.causes[0].tid = 78;  // another thread of the name
  named.unexplained_ns = 4;
  Add(&correlation, named);  // 200
  Spike blocked = Stall(3, 8'980, 9'100, 1, SpikeKind::kBlocked);
  blocked.causes[0] = {.kind = CauseKind::kBlocked, .syscall = 202, .duration_ns = 120};
  Add(&correlation, blocked);
  const auto sums = correlation.Causes([](const Cause& cause) {
    return cause.kind == CauseKind::kBlocked ? "call " + std::to_string(cause.syscall) : std::string(cause.comm);
  });
  ASSERT_EQ(sums.size(), 3u);
  EXPECT_EQ(sums[0].kind, "thread");
  EXPECT_EQ(sums[0].actor, "bully");
  EXPECT_EQ(sums[0].event_count, 3u);
  EXPECT_EQ(sums[0].duration_ns, 206);
  EXPECT_EQ(sums[1].kind, "blocked");
  EXPECT_EQ(sums[1].actor, "call 202");
  EXPECT_EQ(sums[2].kind, "unexplained");
  EXPECT_EQ(sums[2].event_count, 1u);
  EXPECT_EQ(sums[2].duration_ns, 4);
}

// The sweep against the obvious: each event with each stall.
TEST(EventCorrelationTest, TheSweepFindsWhatLookingAtEachPairFinds) {
  std::mt19937_64 random(99);
  const auto below = [&random](int64_t bound) { return static_cast<int64_t>(random() % static_cast<uint64_t>(bound)); };
  for (int round = 0; round < 200; ++round) {
    const int64_t before_ns = below(400);
    const int64_t after_ns = below(200);
    std::vector<int64_t> times;
    for (int64_t i = 1 + below(20); i > 0; --i) times.push_back(below(5'000));
    EventCorrelation correlation(times, before_ns, after_ns);
    std::vector<Spike> stalls;
    for (int64_t i = below(15); i > 0; --i) {
      const int64_t start_ns = below(5'000);
      stalls.push_back(Stall(static_cast<uint64_t>(i), start_ns, start_ns + below(600), static_cast<uint32_t>(below(3))));
      Add(&correlation, stalls.back());
    }
    const std::vector<EventCorrelation::Hit> hits = correlation.Hits();
    for (size_t event = 0; event < times.size(); ++event) {
      const int64_t begin_ns = times[event] - before_ns;
      const int64_t end_ns = times[event] + after_ns;
      std::vector<uint64_t> ids;
      int64_t most_ns = 0;
      for (uint32_t tid = 0; tid < 3; ++tid) {
        int64_t covered_ns = 0;
        for (int64_t ns = begin_ns; ns < end_ns; ++ns) {
          covered_ns += std::any_of(stalls.begin(), stalls.end(), [&](const Spike& stall) {
            return stall.thread.tid == tid && stall.start_mono_ns <= ns && ns < stall.start_mono_ns + stall.duration_ns;
          });
        }
        most_ns = std::max(most_ns, covered_ns);
      }
      for (const Spike& stall : stalls) {
        if (stall.start_mono_ns <= end_ns && stall.start_mono_ns + stall.duration_ns >= begin_ns) ids.push_back(stall.id);
      }
      ASSERT_THAT(IdsOf(correlation, hits[event]), ::testing::UnorderedElementsAreArray(ids)) << round;
      ASSERT_EQ(hits[event].stalled_ns, most_ns) << round;
    }
  }
}

// What it costs is printed; it must not grow as the product of events and stalls does.
TEST(EventCorrelationTest, TenThousandEventsAgainstAFullHistoryAreNoProductOfTheTwo) {
  std::mt19937_64 random(5);
  std::vector<int64_t> times;
  for (int i = 0; i < 10'000; ++i) times.push_back(static_cast<int64_t>(random() % 10'000'000'000));
  std::vector<Spike> stalls;
  for (uint64_t i = 0; i < 65'536; ++i) {
    const auto start_ns = static_cast<int64_t>(random() % 10'000'000'000);
    stalls.push_back(Stall(i, start_ns, start_ns + 100'000, static_cast<uint32_t>(random() % 100)));
  }
  for (const int64_t before_ns : {int64_t{100'000}, int64_t{10'000'000'000}}) {
    const auto begin = std::chrono::steady_clock::now();
    EventCorrelation correlation(times, before_ns, 0);
    for (const Spike& stall : stalls) Add(&correlation, stall);
    size_t hit_count = 0;
    for (const EventCorrelation::Hit& hit : correlation.Hits()) hit_count += hit.stalls.empty() ? 0 : 1;
    const auto causes = correlation.Causes([](const Cause&) { return "x"; });
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    std::printf("10,000 events, 65,536 stalls of 100 threads, %lld ns before: %.1f ms\n", static_cast<long long>(before_ns), took.count());
    EXPECT_GT(hit_count, 1'000u);
    ASSERT_EQ(causes.size(), 1u);
    EXPECT_EQ(causes[0].event_count, hit_count);
  }
}

}  // namespace
}  // namespace hftmon
