// MarkThread alone: what it skips while its ring is full is counted one for one, and its heartbeats keep their distance.
#include <gtest/gtest.h>

#include <memory>

#include "client/examples/order_book/marks.h"
#include "daemon/markers/marker_ring_file.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon::order_book {
namespace {

constexpr std::array<uint32_t, kOperations> kIds = {1, 2, 3, 4, 5, 6};

class MarkThreadTest : public testing::Test {
 protected:
  void SetUp() override {
    marker_ = directory_.Create();
    for (const char* name : kOperationNames) hftmon_marker_operation(marker_, name);
    thread_ = MarkThread(hftmon_marker_thread_open(marker_), kIds, MarkLevel::kOrder, kBeatTicks);
    file_ = std::move(*MarkerRingFile::Open(directory_.path(), OwnRingName(), OwnMarkerProcess(), &clocks_, &sink_));
  }
  void TearDown() override { hftmon_marker_close(marker_); }

  void MarkOrders(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; ++i) {
      const uint64_t now = ReadTsc();
      thread_.BeginOrder(i, now);
      thread_.EndOrder(i, now);
    }
  }
  void Drain() {
    while (file_->Drain(1'000'000, &buffers_)->record_count > 0) {
    }
  }
  uint64_t CountOf(MarkerKind kind) const {
    uint64_t count = 0;
    for (const MarkerRecord& record : sink_.records) count += record.kind == kind;
    return count;
  }
  uint64_t GapCount() const {
    uint64_t count = 0;
    for (const MarkerRecord& record : sink_.records) count += record.gap_count;
    return count;
  }

  static constexpr uint64_t kBeatTicks = uint64_t{1} << 62;  // none

  const MarkerDirectory directory_;
  const SystemRawClocks clocks_;
  RecordingMarkerSink sink_;
  MarkerBuffers buffers_;
  hftmon_marker* marker_ = nullptr;
  std::unique_ptr<MarkerRingFile> file_;
  MarkThread thread_;
};

TEST_F(MarkThreadTest, WhatIsSkippedIsCountedOneForOne) {
  // Rings of 256: whatever the moment at which it is drained, all are either read or counted, and no end comes without its begin.
  uint64_t marked = 0;
  for (const uint64_t orders : {100, 200, 331, 500, 1'001, 90, 64, 63, 65, 300}) {
    MarkOrders(marked + 1, marked + orders);
    marked += orders;
    Drain();
  }
  thread_.Finish();
  Drain();
  const uint64_t made = 2 * marked + 1;  // the thread's own record
  EXPECT_EQ(thread_.counts().record_count, sink_.records.size());
  EXPECT_EQ(thread_.counts().record_count + thread_.counts().dropped_count, made);
  EXPECT_EQ(file_->counts().dropped_count, thread_.counts().dropped_count);
  EXPECT_EQ(file_->counts().faults.record_count(), 0u);
  EXPECT_GT(thread_.counts().dropped_count, 1'000u);
  uint64_t open = 0;
  for (const MarkerRecord& record : sink_.records) {
    if (record.gap_count > 0) open = 0;
    if (record.kind == MarkerKind::kBegin) open = record.value;
    if (record.kind == MarkerKind::kEnd) {
      EXPECT_EQ(record.value, open);
    }
  }
}

TEST_F(MarkThreadTest, TheNextMarkThatFitsTellsOfTheSkippedOnes) {
  MarkOrders(1, 1'000);
  thread_.Finish();
  Drain();
  const uint64_t dropped = thread_.counts().dropped_count;
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(GapCount(), 0u);
  thread_.Sent(1'001, ReadTsc());
  Drain();
  EXPECT_EQ(GapCount(), dropped);
  EXPECT_EQ(sink_.records.back().kind, MarkerKind::kInstant);
}

TEST_F(MarkThreadTest, AnIdleLoopDoesNotFloodTheRing) {
  constexpr uint64_t kTicks = 1'000'000;
  MarkThread thread(hftmon_marker_thread_open(marker_), kIds, MarkLevel::kOrder, kTicks);
  const uint64_t begin = ReadTsc();
  for (int i = 0; i < 100'000; ++i) thread.Idle(7);
  const uint64_t ticks = ReadTsc() - begin;
  thread.Finish();
  Drain();
  EXPECT_GE(CountOf(MarkerKind::kHeartbeat), 1u);
  EXPECT_LE(CountOf(MarkerKind::kHeartbeat), ticks / kTicks + 1);
  EXPECT_EQ(sink_.records.back().value, 7u);
}

TEST_F(MarkThreadTest, HeartbeatsLieApartAndGoOnWithAndWithoutWork) {
  constexpr uint64_t kTicks = 1'000;
  hftmon_marker_thread* const other = hftmon_marker_thread_open(marker_);
  MarkThread thread(other, kIds, MarkLevel::kOrder, kTicks);
  const uint64_t first = ReadTsc();
  // All of these stamps have passed when they are used.
  while (ReadTsc() < first + 40 * 500) SpinPause();
  for (uint64_t i = 0; i < 40; ++i) {
    thread.BeginOrder(i, first + i * 500);
    thread.EndOrder(i, first + i * 500);
  }
  for (int i = 0; i < 2'000; ++i) thread.Idle(40);
  thread.Finish();
  Drain();
  uint64_t last_tsc = 0;
  uint64_t busy = 0;
  uint64_t idle = 0;
  for (const MarkerRecord& record : sink_.records) {
    if (record.kind != MarkerKind::kHeartbeat) continue;
    EXPECT_GE(record.tsc - last_tsc, kTicks);
    last_tsc = record.tsc;
    ++(record.value < 40 ? busy : idle);
  }
  EXPECT_EQ(busy, 20u);
  EXPECT_GT(idle, 0u);
}

TEST(MarkThreadWithoutARing, DoesNothing) {
  MarkThread thread;
  EXPECT_FALSE(thread.on());
  thread.Sent(1, 1);
  thread.Idle(1);
  thread.Finish();
  EXPECT_EQ(thread.counts().record_count + thread.counts().dropped_count, 0u);
}

}  // namespace
}  // namespace hftmon::order_book
