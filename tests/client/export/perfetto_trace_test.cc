// A recording as a Perfetto trace, decoded again: each track has what the recording has, in its place.
#include "client/export/perfetto_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "client/export/perfetto_sched.h"
#include "client/export/perfetto_slices.h"
#include "tests/client/export/decoded_trace.h"
#include "tests/client/export/sample_recording.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PerfettoTraceTest : public ::testing::Test {
 protected:
  const Recording recording_ = SampleRecording();
  const DecodedTrace trace_ = DecodeTrace(PerfettoTrace(recording_));

  std::vector<DecodedTurn> TurnsOfThread(int32_t tid) const {
    std::vector<DecodedTurn> turns;
    std::copy_if(trace_.turns.begin(), trace_.turns.end(), std::back_inserter(turns),
                 [tid](const DecodedTurn& turn) { return turn.tid == tid; });
    return turns;
  }
  const DecodedSlice* FindSlice(const std::string& name) const {
    const auto found =
        std::find_if(trace_.slices.begin(), trace_.slices.end(), [&name](const DecodedSlice& slice) { return slice.name == name; });
    return found == trace_.slices.end() ? nullptr : &*found;
  }
};

TEST_F(PerfettoTraceTest, ItBreaksNoRuleOfAReader) {
  EXPECT_THAT(trace_.errors, IsEmpty());
}

TEST_F(PerfettoTraceTest, TimesAreMonotonicAndLeadToWallTime) {
  namespace pb = perfetto::protos;
  EXPECT_EQ(trace_.primary_clock, pb::BUILTIN_CLOCK_MONOTONIC);
  EXPECT_EQ(trace_.clocks.at(pb::BUILTIN_CLOCK_MONOTONIC), recording_.begin_ns);
  EXPECT_EQ(trace_.clocks.at(pb::BUILTIN_CLOCK_BOOTTIME), recording_.begin_ns);
  EXPECT_EQ(trace_.clocks.at(pb::BUILTIN_CLOCK_REALTIME), recording_.pair_realtime_ns);
}

TEST_F(PerfettoTraceTest, ATrackHasAsManySlicesAsTheRecordingHasSpikesAndCauses) {
  EXPECT_EQ(trace_.CountSlices(kStallsTrack, kEngineTid, 0), 3u);
  // Two and what is unexplained, one, one.
  EXPECT_EQ(trace_.CountSlices(kStallsTrack, kEngineTid, 1), 5u);
  EXPECT_EQ(trace_.CountSlices(kOperationsTrack, kEngineTid, 0), 1u);
  EXPECT_EQ(trace_.CountSlices(kOperationsTrack, kEngineTid, 1), 3u);
  EXPECT_EQ(trace_.CountSlices(kTookTrack, kBackupTid), 3u);
  EXPECT_EQ(trace_.CountSlices("CPU 1"), 1u);
  EXPECT_EQ(trace_.CountSlices("hard_irq: eth0-rx (irq 24)"), 1u);
  ASSERT_EQ(trace_.counters.size(), 1u);
  EXPECT_EQ(trace_.counters.begin()->second.size(), 2u);
}

TEST_F(PerfettoTraceTest, ASpikeSaysWhatItIs) {
  const DecodedSlice* spike = FindSlice("preempted");
  ASSERT_NE(spike, nullptr);
  EXPECT_EQ(spike->start_ns, recording_.begin_ns + 400'000);
  EXPECT_EQ(spike->end_ns, recording_.begin_ns + 600'000);
  EXPECT_EQ(spike->facts.at("spike_id"), "1");
  EXPECT_EQ(spike->facts.at("user_stack"), "Book::Match\nEngine::Run\nmain");
  EXPECT_EQ(trace_.PathOf(spike->track), "engine/stalls");
  const DecodedSlice* order = FindSlice("operation: order");
  ASSERT_NE(order, nullptr);
  EXPECT_EQ(order->facts.at("value"), "42");
  const DecodedSlice* cause = FindSlice("thread: back;up<b>[812]");
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->depth, 1);
  EXPECT_TRUE(cause->facts.contains("place")) << "that its place is not known is said";
}

TEST_F(PerfettoTraceTest, AnArrowLeadsFromEachActorToItsVictim) {
  std::set<std::pair<std::string, std::string>> arrows;
  for (const auto& [from, to] : trace_.flows) arrows.emplace(trace_.PathOf(trace_.slices[from].track), trace_.slices[to].name);
  EXPECT_EQ(trace_.flows.size(), 5u) << "each cause of another thread or an interrupt";
  EXPECT_TRUE(arrows.contains({"back;up<b>/took from others", "preempted"}));
  EXPECT_TRUE(arrows.contains({"interrupt causes/hard_irq: eth0-rx (irq 24)", "interrupted"}));
  EXPECT_TRUE(arrows.contains({"interrupt causes/softirq: NET_RX", "preempted"}));
}

TEST_F(PerfettoTraceTest, CpuRowsHaveTheTurnsOfWatchedThreadsAndNobodyElseByName) {
  const std::vector<DecodedTurn> engine = TurnsOfThread(kEngineTid);
  ASSERT_EQ(engine.size(), 3u) << "interrupted, it keeps its CPU";
  EXPECT_EQ(engine[0].start_ns, recording_.begin_ns);
  EXPECT_EQ(engine[0].end_ns, recording_.begin_ns + 400'000);
  EXPECT_EQ(engine[0].end_state, 0) << "it could run on";
  EXPECT_EQ(engine[1].end_state, 1) << "asleep";
  EXPECT_EQ(engine[2].start_ns, recording_.begin_ns + 1'100'000);
  EXPECT_EQ(engine[2].end_ns, -1) << "the recording ends within it";
  for (const DecodedTurn& turn : trace_.turns) {
    if (turn.tid == kEngineTid || turn.tid == kGatewayTid) continue;
    EXPECT_EQ(turn.comm, "not watched");
    EXPECT_EQ(turn.tid, kNotWatchedTidBase + turn.cpu);
  }
}

TEST_F(PerfettoTraceTest, WhatIsNotKnownOfAThreadIsNoStateOfAKernel) {
  const std::vector<DecodedTurn> gateway = TurnsOfThread(kGatewayTid);
  ASSERT_EQ(gateway.size(), 3u);
  EXPECT_EQ(gateway[0].cpu, 0);
  EXPECT_EQ(gateway[1].cpu, 2);
  EXPECT_EQ(gateway[1].start_ns, gateway[0].end_ns + 1) << "two CPUs' switches of one moment have no order";
  EXPECT_GT(gateway[1].end_state, 4'096);
  EXPECT_EQ(gateway[2].end_state, 2) << "in a page fault";
}

TEST_F(PerfettoTraceTest, AWakeUpNamesItsWakerOrSaysThatItIsNotKnown) {
  ASSERT_EQ(trace_.wakings.size(), 1u);
  EXPECT_EQ(trace_.wakings[0].time_ns, recording_.begin_ns + 1'000'000);
  EXPECT_EQ(trace_.wakings[0].tid, kEngineTid);
  EXPECT_EQ(trace_.wakings[0].waker_tid, kFeedTid);
  Recording unknown = recording_;
  unknown.switches.clear();
  const DecodedTrace trace = DecodeTrace(PerfettoTrace(unknown));
  ASSERT_EQ(trace.wakings.size(), 1u);
  EXPECT_EQ(trace.wakings[0].waker_tid, kUnknownWakerTid);
  EXPECT_EQ(trace.thread_names.at(kUnknownWakerTid), "waker not known");
}

TEST_F(PerfettoTraceTest, MovesAndWakersAreInstants) {
  std::vector<std::string> names;
  for (const DecodedSlice& instant : trace_.instants) names.push_back(trace_.PathOf(instant.track) + ": " + instant.name);
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("hftmon: recording begins", "hftmon: recording ends", "engine/wake-ups: by feed[55]",
                                                     "gate\"way,&/migrations: CPU 0 to 2"));
}

TEST_F(PerfettoTraceTest, LossesAndNotesStayVisible) {
  EXPECT_FALSE(trace_.lost_events);
  Recording lossy = recording_;
  lossy.lost_records = 3;
  lossy.whole = false;
  lossy.notes.push_back("3 records were lost");
  const DecodedTrace trace = DecodeTrace(PerfettoTrace(lossy));
  EXPECT_TRUE(trace.lost_events);
  EXPECT_EQ(trace.instants[0].facts.at("note_2"), "3 records were lost");
  EXPECT_TRUE(std::any_of(trace.instants.begin(), trace.instants.end(),
                          [](const DecodedSlice& instant) { return instant.name == "recording was cut off"; }));
}

TEST_F(PerfettoTraceTest, ManyEventsAreAllThere) {
  const Recording large = LargeRecording(30'000);
  const DecodedTrace trace = DecodeTrace(PerfettoTrace(large));
  EXPECT_THAT(trace.errors, IsEmpty());
  size_t interrupted = 0;
  std::map<int32_t, size_t> turns;
  for (const RecordedThread& thread : large.threads) {
    for (size_t p = 0; p < thread.pieces.size(); ++p) {
      interrupted += thread.pieces[p].state == PieceState::kInterrupted;
      // Running, and interrupted after a wait: an interrupted piece and the running one behind it are one turn.
      if (p == 0 || thread.pieces[p].state == PieceState::kInterrupted) ++turns[thread.id.tid];
    }
  }
  EXPECT_GT(interrupted, 9'000u);
  size_t slices = 0;
  for (int cpu = 0; cpu < 8; ++cpu) slices += trace.CountSlices("CPU " + std::to_string(cpu));
  EXPECT_EQ(slices, interrupted);
  EXPECT_EQ(trace.CountSlices(kStallsTrack, 0, 0), large.spikes.size());
  for (const auto& [tid, count] : turns) {
    EXPECT_EQ(static_cast<size_t>(
                  std::count_if(trace.turns.begin(), trace.turns.end(), [tid = tid](const DecodedTurn& turn) { return turn.tid == tid; })),
              count);
  }
}

TEST(SwitchesOfTest, AThreadThatLeavesACpuThatItDoesNotHaveHadItForThatMoment) {
  // Their short waits are recorded nowhere, so that both seem to run on one CPU: the second from 20 on, the first until 50.
  const std::vector<CpuTurn> turns = {{.thread = 0, .start_ns = 10, .end_ns = 50, .after = PieceState::kBlocked},
                                      {.thread = 1, .start_ns = 20, .end_ns = 80, .after = PieceState::kWaiting}};
  std::vector<std::pair<int64_t, size_t>> told;
  const std::vector<CpuSwitch> switches = SwitchesOf(turns);
  for (const CpuSwitch& change : switches) told.emplace_back(change.time_ns, change.next);
  EXPECT_THAT(told, ElementsAre(std::pair(10, 0), std::pair(20, 1), std::pair(50, 0), std::pair(50, 1), std::pair(80, CpuSwitch::kNobody)));
  EXPECT_EQ(switches[3].previous_state, PieceState::kBlocked);
}

TEST(SwitchesOfTest, WhoTakesTheCpuAtOnceLeavesNoTimeForNobody) {
  const std::vector<CpuTurn> turns = {{.thread = 0, .start_ns = 10, .end_ns = 50, .after = PieceState::kBlocked},
                                      {.thread = 1, .start_ns = 50, .end_ns = 80, .after = PieceState::kWaiting, .open = true}};
  const std::vector<CpuSwitch> switches = SwitchesOf(turns);
  ASSERT_EQ(switches.size(), 2u);
  EXPECT_EQ(switches[1].next, 1u);
  EXPECT_EQ(switches[1].previous_state, PieceState::kBlocked);
}

}  // namespace
}  // namespace hftmon
