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
      ASSERT_EQ(position.in_progress, spike->in_progress);
      next_order = spike->order + 1;
      ++read;
    }
  }
  writer.join();
  EXPECT_EQ(read + overwritten, kCount);
}

}  // namespace
}  // namespace hftmon
