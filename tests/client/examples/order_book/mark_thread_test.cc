// MarkThread alone: its marks are the orders', whatever becomes of them, and its heartbeats keep their distance.
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

TEST_F(MarkThreadTest, EachMarkIsReadOrCountedAndNoEndComesWithoutItsBegin) {
  // Rings of 256, drained at moments of all kinds.
  uint64_t marked = 0;
  for (const uint64_t orders : {100, 200, 331, 500, 1'001, 90, 64, 63, 65, 300}) {
    MarkOrders(marked + 1, marked + orders);
    marked += orders;
    Drain();
  }
  EXPECT_EQ(thread_.record_count(), 2 * marked + 1);  // the thread's own
  EXPECT_EQ(sink_.records.size() + file_->counts().overwritten_count, thread_.record_count());
  EXPECT_EQ(file_->counts().faults.record_count(), 0u);
  EXPECT_GT(file_->counts().overwritten_count, 1'000u);
  EXPECT_EQ(GapCount(), file_->counts().overwritten_count);
  uint64_t open = 0;
  for (const MarkerRecord& record : sink_.records) {
    if (record.gap_count > 0) open = 0;
    if (record.kind == MarkerKind::kBegin) open = record.value;
    if (record.kind == MarkerKind::kEnd && open != 0) {
      EXPECT_EQ(record.value, open);
    }
  }
}

TEST_F(MarkThreadTest, AnIdleLoopDoesNotFloodTheRing) {
  constexpr uint64_t kTicks = 1'000'000;
  MarkThread thread(hftmon_marker_thread_open(marker_), kIds, MarkLevel::kOrder, kTicks);
  const uint64_t begin = ReadTsc();
  for (int i = 0; i < 100'000; ++i) thread.Idle(7);
  const uint64_t ticks = ReadTsc() - begin;
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
  EXPECT_EQ(thread.record_count(), 0u);
}

}  // namespace
}  // namespace hftmon::order_book
