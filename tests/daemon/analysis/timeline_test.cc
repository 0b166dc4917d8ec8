#include "daemon/analysis/timeline.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>
#include <string>

namespace hftmon {
namespace {

constexpr int64_t kUs = 1'000;

SwitchEvent Interval(int64_t end_ns, int64_t off_cpu_ns, int64_t wait_ns, hft_switch_kind kind = HFT_SWITCH_BLOCKED_SYSCALL,
                     uint16_t cpu_out = 1, uint16_t cpu_in = 1) {
  SwitchEvent event;
  event.end_mono_ns = end_ns;
  event.off_cpu_ns = off_cpu_ns;
  event.wait_ns = wait_ns;
  event.out_kind = kind;
  event.out_syscall = kind == HFT_SWITCH_BLOCKED_SYSCALL ? 202 : -1;
  event.prev_tid = 55;
  event.cpu_out = cpu_out;
  event.cpu_in = cpu_in;
  return event;
}

SwitchEvent Move(int64_t at_ns, uint16_t from, uint16_t to) {
  SwitchEvent event;
  event.end_mono_ns = at_ns;
  event.is_migration = true;
  event.cpu_out = from;
  event.cpu_in = to;
  return event;
}

TimelineSpike Stretch(int64_t start_ns, int64_t end_ns, uint64_t id, uint16_t cpu = 1) {
  return {.id = id, .kind = SpikeKind::kInterrupted, .start_mono_ns = start_ns, .end_mono_ns = end_ns, .cpu = cpu};
}

// "running@1 0-100, blocked 100-250, …" in microseconds.
std::string Text(const std::vector<TimelinePiece>& pieces) {
  std::string text;
  for (const TimelinePiece& piece : pieces) {
    if (!text.empty()) text += ", ";
    text += TimelineStateName(piece.state);
    if (piece.cpu >= 0) text += "@" + std::to_string(piece.cpu);
    if (piece.spike_id != 0) text += "#" + std::to_string(piece.spike_id);
    text += " " + std::to_string(piece.start_mono_ns / kUs) + "-" + std::to_string(piece.end_mono_ns() / kUs);
  }
  return text;
}

std::string Timeline(TimelineEvidence evidence, const TimelineBlindness& blindness = {}) {
  evidence.begin_mono_ns = 1'000 * kUs;
  evidence.end_mono_ns = 2'000 * kUs;
  return Text(TimelineOf(std::move(evidence), blindness));
}

TEST(TimelineTest, AnIntervalIsBlockedThenWaitsForItsRunQueuePart) {
  EXPECT_EQ(Timeline({.events = {Interval(1'500 * kUs, 400 * kUs, 100 * kUs, HFT_SWITCH_BLOCKED_SYSCALL, 1, 3)}}),
            "running@1 1000-1100, blocked 1100-1400, waiting@3 1400-1500, running@3 1500-2000");
}

TEST(TimelineTest, WhoLostItsCpuWaitsAllTheTime) {
  for (const hft_switch_kind kind :
       {HFT_SWITCH_USER_PREEMPTION, HFT_SWITCH_KERNEL_PREEMPTION, HFT_SWITCH_YIELD, HFT_SWITCH_FORCED_MIGRATION}) {
    EXPECT_EQ(Timeline({.events = {Interval(1'500 * kUs, 400 * kUs, 399 * kUs, kind)}}),
              "running@1 1000-1100, waiting@1 1100-1500, running@1 1500-2000");
  }
}

TEST(TimelineTest, IntervalsAreClippedToTheWindow) {
  EXPECT_EQ(Timeline({.events = {Interval(1'200 * kUs, 900 * kUs, 100 * kUs), Interval(2'500 * kUs, 700 * kUs, 100 * kUs)}}),
            "blocked 1000-1100, waiting@1 1100-1200, running@1 1200-1800, blocked 1800-2000");
}

TEST(TimelineTest, AMoveBetweenSplitsRunningAndOneDuringASleepDoesNot) {
  EXPECT_EQ(Timeline({.events = {Move(1'100 * kUs, 1, 2), Move(1'480 * kUs, 2, 4),
                                 Interval(1'500 * kUs, 300 * kUs, 10 * kUs, HFT_SWITCH_BLOCKED_SYSCALL, 2, 4)}}),
            "running@1 1000-1100, running@2 1100-1200, blocked 1200-1490, waiting@4 1490-1500, running@4 1500-2000");
}

TEST(TimelineTest, TheCpuBeforeTheWindowIsThatOfTheLastSwitchIn) {
  EXPECT_EQ(Timeline({.events = {Interval(500 * kUs, 100 * kUs, 10 * kUs, HFT_SWITCH_BLOCKED_SYSCALL, 7, 6)}}), "running@6 1000-2000");
  EXPECT_EQ(Timeline({}), "running 1000-2000");
}

TEST(TimelineTest, CpusThatContradictEachOtherAreNone) {
  EXPECT_EQ(Timeline({.events = {Interval(1'200 * kUs, 100 * kUs, 100 * kUs, HFT_SWITCH_YIELD, 1, 1),
                                 Interval(1'600 * kUs, 100 * kUs, 100 * kUs, HFT_SWITCH_YIELD, 5, 5)}}),
            "running@1 1000-1100, waiting@1 1100-1200, running 1200-1500, waiting@5 1500-1600, running@5 1600-2000");
}

TEST(TimelineTest, AStretchOfInterruptsStandsInRunningAndNotInASleep) {
  EXPECT_EQ(Timeline({.events = {Interval(1'600 * kUs, 200 * kUs, 0)},
                      .spikes = {Stretch(1'200 * kUs, 1'250 * kUs, 7), Stretch(1'390 * kUs, 1'450 * kUs, 8)}}),
            "running@1 1000-1200, interrupted@1#7 1200-1250, running@1 1250-1390, interrupted@1#8 1390-1400, blocked 1400-1600, "
            "running@1 1600-2000");
}

TEST(TimelineTest, PiecesHaveTheNumberOfTheSpikeThatTheirRecordMade) {
  TimelineSpike wait{.id = 3, .kind = SpikeKind::kRunQueue, .record_mono_ns = 1'500 * kUs};
  TimelineSpike sleep{.id = 4, .kind = SpikeKind::kBlocked, .record_mono_ns = 1'500 * kUs};
  EXPECT_EQ(Timeline({.events = {Interval(1'500 * kUs, 400 * kUs, 100 * kUs)}, .spikes = {wait, sleep}}),
            "running@1 1000-1100, blocked#4 1100-1400, waiting@1#3 1400-1500, running@1 1500-2000");
}

TEST(TimelineTest, WhatGoesOnIsTheLastPiece) {
  TimelineAbsence asleep{.since_mono_ns = 1'700 * kUs, .cpu = 1, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .syscall = 35};
  EXPECT_EQ(Timeline({.absence = asleep}), "running@1 1000-1700, blocked 1700-2000");
  const TimelineSpike woken{.id = 9, .kind = SpikeKind::kRunQueue, .start_mono_ns = 1'900 * kUs, .goes_on = true};
  EXPECT_EQ(Timeline({.spikes = {woken}, .absence = asleep}), "running@1 1000-1700, blocked 1700-1900, waiting#9 1900-2000");
  asleep.kind = HFT_SWITCH_USER_PREEMPTION;
  EXPECT_EQ(Timeline({.absence = asleep}), "running@1 1000-1700, waiting 1700-2000");
  asleep.since_mono_ns.reset();
  asleep.kind = HFT_SWITCH_BLOCKED_SYSCALL;
  EXPECT_EQ(Timeline({.absence = asleep}), "unknown 1000-2000");
}

TEST(TimelineTest, ASleepThatNoRecordEndsIsTakenFromItsSpike) {
  const TimelineSpike sleep{
      .id = 5, .kind = SpikeKind::kBlocked, .start_mono_ns = 1'100 * kUs, .end_mono_ns = 1'300 * kUs, .record_missing = true};
  EXPECT_EQ(Timeline({.spikes = {sleep}}), "running 1000-1100, blocked#5 1100-1300, running 1300-2000");
}

// What follows a lost record may have begun with it, and what it ended is not told: all of it is unknown.
TEST(TimelineTest, BeforeALossOfItsCpuNothingIsKnownSinceTheLastEvidence) {
  const std::vector<SwitchEvent> events = {Interval(1'100 * kUs, 50 * kUs, 50 * kUs, HFT_SWITCH_YIELD),
                                           Interval(1'800 * kUs, 50 * kUs, 50 * kUs, HFT_SWITCH_YIELD)};
  TimelineBlindness blindness{.losses = {{.span = {1'300 * kUs, 1'310 * kUs}, .cpu = 1}}};
  const std::string known = "running@1 1000-1050, waiting@1 1050-1100, ";
  EXPECT_EQ(Timeline({.events = events}, blindness),
            known + "unknown 1100-1310, running@1 1310-1750, waiting@1 1750-1800, running@1 1800-2000");
  blindness.losses[0].cpu = 2;
  const std::string unhurt = known + "running@1 1100-1750, waiting@1 1750-1800, running@1 1800-2000";
  EXPECT_EQ(Timeline({.events = events}, blindness), unhurt);
  blindness.losses[0].cpu = -1;
  EXPECT_NE(Timeline({.events = events}, blindness), unhurt);
  // Within the time of an interval that came nothing is missing of it.
  blindness.losses = {{.span = {1'060 * kUs, 1'070 * kUs}, .cpu = 1}};
  EXPECT_EQ(Timeline({.events = events}, blindness), unhurt);
}

TEST(TimelineTest, WhileProgramsAreOffNothingIsKnown) {
  EXPECT_EQ(Timeline({.events = {Interval(1'900 * kUs, 100 * kUs, 0)}}, {.off = {{1'400 * kUs, 1'500 * kUs}}}),
            "unknown 1000-1500, running@1 1500-1800, blocked 1800-1900, running@1 1900-2000");
}

TEST(TimelineTest, ALossBehindTheWindowMayHideTheEndOfASleepWithinIt) {
  TimelineEvidence evidence;
  evidence.kept_until_mono_ns = 3'000 * kUs;
  EXPECT_EQ(Timeline(evidence, {.losses = {{.span = {2'500 * kUs, 2'500 * kUs}, .cpu = -1}}}), "unknown 1000-2000");
}

TEST(TimelineTest, WhoseSwitchOutWasNotSeenIsUnknownSinceTheLastEvidence) {
  EXPECT_EQ(Timeline({.events = {Interval(1'500 * kUs, -1, 100 * kUs)}}), "unknown 1000-1400, waiting@1 1400-1500, running@1 1500-2000");
  EXPECT_EQ(Timeline({.events = {Interval(1'500 * kUs, -1, 100 * kUs)}, .spikes = {Stretch(1'100 * kUs, 1'200 * kUs, 7)}}),
            "running 1000-1100, interrupted@1#7 1100-1200, unknown 1200-1400, waiting@1 1400-1500, running@1 1500-2000");
}

TEST(TimelineTest, WhatNobodyFollowedIsUnknownAfterTheLastEvent) {
  EXPECT_EQ(Timeline({.followed = false, .events = {Interval(1'500 * kUs, 400 * kUs, 400 * kUs, HFT_SWITCH_YIELD)}}),
            "running@1 1000-1100, waiting@1 1100-1500, unknown 1500-2000");
}

// Histories at random, sane and not: the pieces are in order, without gaps, and sum to the window.
TEST(TimelineTest, PiecesOfAnyHistorySumToTheWindow) {
  std::mt19937_64 random(20240611);
  const auto below = [&random](int64_t bound) { return static_cast<int64_t>(random() % static_cast<uint64_t>(bound)); };
  size_t states_seen[5] = {};
  for (int round = 0; round < 5'000; ++round) {
    TimelineEvidence evidence;
    evidence.begin_mono_ns = 10'000 + below(2'000);
    evidence.end_mono_ns = evidence.begin_mono_ns + 1 + below(20'000);
    evidence.kept_until_mono_ns = evidence.end_mono_ns + below(3'000);
    evidence.followed = below(4) != 0;
    for (int64_t i = below(12); i > 0; --i) {
      const int64_t at_ns = 8'000 + below(28'000);
      if (below(4) == 0) {
        evidence.events.push_back(Move(at_ns, static_cast<uint16_t>(below(3)), static_cast<uint16_t>(below(3))));
      } else {
        const int64_t off_cpu_ns = below(6) == 0 ? -1 : below(6'000);
        evidence.events.push_back(Interval(at_ns, off_cpu_ns, below(3'000), static_cast<hft_switch_kind>(below(HFT_SWITCH_KINDS)),
                                           static_cast<uint16_t>(below(3)), static_cast<uint16_t>(below(3))));
      }
    }
    for (int64_t i = below(5); i > 0; --i) {
      TimelineSpike spike = Stretch(8'000 + below(28'000), 0, static_cast<uint64_t>(i), static_cast<uint16_t>(below(3)));
      spike.end_mono_ns = below(8) == 0 ? INT64_MAX : spike.start_mono_ns + below(2'000);
      spike.goes_on = spike.end_mono_ns == INT64_MAX;
      spike.kind = below(2) == 0 ? SpikeKind::kInterrupted : below(2) == 0 ? SpikeKind::kBlocked : SpikeKind::kRunQueue;
      spike.record_missing = below(2) == 0;
      evidence.spikes.push_back(spike);
    }
    if (below(3) == 0) {
      evidence.absence = TimelineAbsence{.kind = static_cast<hft_switch_kind>(below(HFT_SWITCH_KINDS))};
      if (below(3) != 0) evidence.absence->since_mono_ns = 8'000 + below(28'000);
    }
    TimelineBlindness blindness;
    for (int64_t i = below(3); i > 0; --i) {
      const int64_t at_ns = 8'000 + below(28'000);
      blindness.losses.push_back({.span = {at_ns, at_ns + below(500)}, .cpu = static_cast<int32_t>(below(4)) - 1});
      if (below(4) == 0) blindness.off.push_back({at_ns, at_ns + below(3'000)});
    }
    const int64_t begin_ns = evidence.begin_mono_ns;
    const int64_t end_ns = evidence.end_mono_ns;
    const std::vector<TimelinePiece> pieces = TimelineOf(evidence, blindness);
    ASSERT_FALSE(pieces.empty()) << round;
    int64_t at_ns = begin_ns;
    for (const TimelinePiece& piece : pieces) {
      ASSERT_EQ(piece.start_mono_ns, at_ns) << round;
      ASSERT_GT(piece.duration_ns, 0) << round;
      at_ns = piece.end_mono_ns();
      ++states_seen[static_cast<size_t>(piece.state)];
    }
    ASSERT_EQ(at_ns, end_ns) << round;
  }
  for (const size_t seen : states_seen) EXPECT_GT(seen, 300u);
}

// A thread that this test invents, told by intervals that all came: what the timeline says of it is the truth.
TEST(TimelineTest, AHistoryWithoutHolesIsToldAsItWas) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    TimelineEvidence evidence{.begin_mono_ns = 0};
    int64_t truth_ns[5] = {};
    int64_t at_ns = 0;
    uint16_t cpu = 0;
    for (int i = 0; i < 50; ++i) {
      const auto length = [&random] { return static_cast<int64_t>(1 + random() % 1'000); };
      const int64_t ran_ns = length();
      const bool preempted = random() % 2 == 0;
      const int64_t slept_ns = preempted ? 0 : length();
      const int64_t waited_ns = length();
      const auto to = static_cast<uint16_t>(random() % 4);
      at_ns += ran_ns + slept_ns + waited_ns;
      evidence.events.push_back(
          Interval(at_ns, slept_ns + waited_ns, waited_ns, preempted ? HFT_SWITCH_USER_PREEMPTION : HFT_SWITCH_BLOCKED_SYSCALL, cpu, to));
      cpu = to;
      truth_ns[static_cast<size_t>(TimelineState::kRunning)] += ran_ns;
      truth_ns[static_cast<size_t>(TimelineState::kBlocked)] += slept_ns;
      truth_ns[static_cast<size_t>(TimelineState::kWaiting)] += waited_ns;
    }
    evidence.end_mono_ns = at_ns;
    std::shuffle(evidence.events.begin(), evidence.events.end(), random);
    int64_t told_ns[5] = {};
    for (const TimelinePiece& piece : TimelineOf(evidence, {})) told_ns[static_cast<size_t>(piece.state)] += piece.duration_ns;
    for (size_t state = 0; state < 5; ++state) ASSERT_EQ(told_ns[state], truth_ns[state]) << round << " " << state;
  }
}

TEST(TimelineTest, OfTooManyPiecesThoseThatEndFirstAreLeftOut) {
  const auto piece = [](int64_t begin_ns, int64_t end_ns) {
    return TimelinePiece{.start_mono_ns = begin_ns, .duration_ns = end_ns - begin_ns};
  };
  const std::vector<std::vector<TimelinePiece>> all = {
      {piece(0, 10), piece(10, 20), piece(20, 100)}, {piece(0, 100)}, {piece(0, 15), piece(15, 100)}};
  std::vector<std::vector<TimelinePiece>> timelines = all;
  EXPECT_EQ(LeaveOutOldest(&timelines, 6), (std::vector<size_t>{0, 0, 0}));
  EXPECT_EQ(LeaveOutOldest(&timelines, 4), (std::vector<size_t>{1, 0, 1}));
  EXPECT_EQ(timelines[0].size(), 2u);
  EXPECT_EQ(timelines[2].front().start_mono_ns, 15);
  timelines = all;
  EXPECT_EQ(LeaveOutOldest(&timelines, 1), (std::vector<size_t>{3, 1, 1}));
}

TEST(TimelineTest, AStretchIsNamedAfterTheHandlerThatTookMost) {
  Spike spike;
  spike.id = 12;
  spike.kind = SpikeKind::kInterrupted;
  spike.start_mono_ns = 100;
  spike.duration_ns = 50;
  spike.cause_count = 2;
  spike.causes[0] = {.kind = CauseKind::kSoftirq, .source = HFT_SOURCE_DEVICE, .number = 3, .duration_ns = 40};
  std::strcpy(spike.causes[0].comm, "eth0");
  spike.causes[1] = {.kind = CauseKind::kHardIrq, .source = HFT_SOURCE_CALL_FUNCTION, .duration_ns = 10};
  const TimelineSpike shown = TimelineSpikeOf(spike, false);
  EXPECT_EQ(shown.end_mono_ns, 150);
  EXPECT_EQ(shown.source, HFT_SOURCE_DEVICE);
  EXPECT_STREQ(shown.name, "eth0");
  EXPECT_EQ(TimelineSpikeOf(spike, true).end_mono_ns, INT64_MAX);
}

}  // namespace
}  // namespace hftmon
