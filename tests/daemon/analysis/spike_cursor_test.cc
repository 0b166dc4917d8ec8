#include "daemon/analysis/spike_cursor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace hftmon {
namespace {

void Append(SpikeHistory* history, uint64_t id, bool in_progress = false) {
  Spike spike;
  spike.id = id;
  spike.in_progress = in_progress;
  history->Append(&spike);
}

std::vector<uint64_t> Rest(SpikeCursor* cursor, uint64_t* overwritten) {
  std::vector<uint64_t> ids;
  SpikePosition position;
  while (const Spike* spike = cursor->Next(&position, overwritten)) ids.push_back(spike->id);
  return ids;
}

TEST(SpikeCursorTest, BothKindsComeInTheOrderInWhichTheyWereAppended) {
  SpikeHistory history(16);
  for (const auto& [id, in_progress] : std::vector<std::pair<uint64_t, bool>>{{1, true}, {2, false}, {1, true}, {3, true}, {1, false}}) {
    Append(&history, id, in_progress);
  }
  SpikeCursor cursor(&history);
  uint64_t overwritten = 0;
  EXPECT_EQ(Rest(&cursor, &overwritten), (std::vector<uint64_t>{1, 2, 1, 3, 1}));
  Append(&history, 3);
  EXPECT_EQ(Rest(&cursor, &overwritten), std::vector<uint64_t>{3});
  EXPECT_EQ(overwritten, 0u);
}

TEST(SpikeCursorTest, TellingsInProgressOverwriteNoneThatEnded) {
  SpikeHistory history(16);
  Append(&history, 1);
  for (uint64_t i = 0; i < SpikeHistory::kGoingOnMax + 5; ++i) Append(&history, 2, true);
  SpikeCursor cursor(&history);
  uint64_t overwritten = 0;
  const std::vector<uint64_t> ids = Rest(&cursor, &overwritten);
  EXPECT_EQ(ids.size(), SpikeHistory::kGoingOnMax + 1);
  EXPECT_EQ(ids.front(), 1u);
  EXPECT_EQ(overwritten, 5u);
}

TEST(SpikeCursorTest, FromTheEndOnNothingOlderComes) {
  SpikeHistory history(16);
  Append(&history, 1);
  Append(&history, 2, true);
  SpikeCursor cursor(&history);
  cursor.GoToEnd();
  Append(&history, 2);
  uint64_t overwritten = 0;
  EXPECT_EQ(Rest(&cursor, &overwritten), std::vector<uint64_t>{2});
}

TEST(SpikeCursorTest, BesideTheWriterTheOrderOnlyRisesAndNothingIsMissedUncounted) {
  constexpr uint64_t kCount = 50'000;
  SpikeHistory history(256);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (uint64_t i = 0; i < kCount; ++i) Append(&history, i, i % 3 == 0);
    done.store(true, std::memory_order_release);
  });
  SpikeCursor cursor(&history);
  uint64_t overwritten = 0;
  uint64_t read = 0;
  uint64_t next_order = 0;
  bool last_turn = false;
  while (!last_turn) {
    last_turn = done.load(std::memory_order_acquire);
    SpikePosition position;
    while (const Spike* spike = cursor.Next(&position, &overwritten)) {
      ASSERT_GE(spike->order, next_order);
      ASSERT_EQ(position.ring != SpikeRing::kEnded, spike->in_progress);
      next_order = spike->order + 1;
      ++read;
    }
  }
  writer.join();
  EXPECT_EQ(read + overwritten, kCount);
}

TEST(SpikeHistoryTest, DetailsThatAreNotKnownAreNotLeftOverFromAnEarlierReading) {
  SpikeHistory history(4);
  Spike full;
  full.preemption.known = true;
  full.preemption.preemptor_tid = 7;
  full.waker.state = WakerState::kKnown;
  full.waker.tid = 8;
  full.call.state = HFT_CALL_KNOWN;
  full.call.owner_tid = 9;
  const SpikePosition first = history.Append(&full);
  Spike bare;
  const SpikePosition second = history.Append(&bare);
  bare.waker.state = WakerState::kUnknown;
  const SpikePosition third = history.Append(&bare);
  Spike read;
  ASSERT_EQ(history.Read(first, &read), SeqRead::kOk);
  EXPECT_TRUE(read.preemption.known);
  EXPECT_EQ(read.preemption.preemptor_tid, 7u);
  EXPECT_EQ(read.waker.state, WakerState::kKnown);
  EXPECT_EQ(read.waker.tid, 8u);
  EXPECT_EQ(read.call.state, HFT_CALL_KNOWN);
  EXPECT_EQ(read.call.owner_tid, 9u);
  ASSERT_EQ(history.Read(second, &read), SeqRead::kOk);
  EXPECT_FALSE(read.preemption.known);
  EXPECT_EQ(read.waker.state, WakerState::kNone);
  EXPECT_EQ(read.call.state, HFT_CALL_NONE);
  ASSERT_EQ(history.Read(third, &read), SeqRead::kOk);
  EXPECT_EQ(read.waker.state, WakerState::kUnknown);
}

}  // namespace
}  // namespace hftmon
