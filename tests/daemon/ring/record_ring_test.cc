#include "daemon/ring/record_ring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr uint32_t kCells = 32;
using State = RecordRing::State;

FakeKernelView::Options OneRing(uint64_t first_index = 0) {
  FakeKernelView::Options options;
  options.cpus = 1;
  options.ring_cells = kCells;
  options.first_index = first_index;
  return options;
}

class RecordRingTest : public testing::Test {
 protected:
  void PutSwitchIn(uint32_t tid, int64_t mono_ns) {
    hft_switch_in in{};
    in.tid = tid;
    kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, mono_ns);
  }
  // The tid of the next record; 0 when there is none.
  uint32_t TakeTid() {
    ring_.RefreshHead();
    if (ring_.Peek() != State::kReady || !ring_.Consume(&record_)) return 0;
    return record_.switch_in.tid;
  }
  std::vector<hft_runner> Runners(int count) {
    std::vector<hft_runner> runners;
    for (int i = 0; i < count; ++i) runners.push_back({static_cast<__u64>(1000 + i), static_cast<__u32>(10 + i), 1});
    return runners;
  }
  uint64_t Counted() const { return ring_.delivered_count() + ring_.lost_count() + ring_.stuck_count(); }

  FakeKernelView kernel_{OneRing()};
  RecordRing ring_{kernel_.ring(0), kCells, 0, 5};
  RingRecord record_{};
};

TEST_F(RecordRingTest, RecordsComeInTheOrderOfTheirCells) {
  for (uint32_t i = 1; i <= 100; ++i) {
    PutSwitchIn(i, i);
    ASSERT_EQ(TakeTid(), i);
    ASSERT_EQ(record_.header.mono_ns, i);
  }
  EXPECT_EQ(TakeTid(), 0u);
  EXPECT_EQ(ring_.delivered_count(), 100u);
  EXPECT_FALSE(ring_.has_loss());
}

TEST_F(RecordRingTest, AFullRingLosesNothing) {
  for (uint32_t i = 1; i <= kCells; ++i) PutSwitchIn(i, i);
  for (uint32_t i = 1; i <= kCells; ++i) ASSERT_EQ(TakeTid(), i);
  EXPECT_EQ(ring_.lost_count(), 0u);
}

TEST_F(RecordRingTest, AnOverrunIsCountedExactly) {
  for (uint32_t written = kCells + 1; written <= 5 * kCells; written += 7) {
    FakeKernelView kernel(OneRing());
    RecordRing ring(kernel.ring(0), kCells, 0, 0);
    for (uint32_t i = 1; i <= written; ++i) {
      hft_switch_in in{};
      in.tid = i;
      kernel.Put(0, HFT_RECORD_SWITCH_IN, in, i);
    }
    ring.RefreshHead();
    uint32_t taken = 0;
    while (ring.Peek() == State::kReady) {
      ASSERT_TRUE(ring.Consume(&record_));
      ++taken;
      ASSERT_EQ(record_.switch_in.tid, ring.lost_count() + taken);
    }
    EXPECT_EQ(record_.switch_in.tid, written);  // the newest is always kept
    EXPECT_EQ(taken + ring.lost_count(), written);
    EXPECT_GE(taken, kCells / 2);
  }
}

TEST_F(RecordRingTest, ALossIsDatedByTheGoodRecordsAroundIt) {
  PutSwitchIn(1, 100);
  ASSERT_EQ(TakeTid(), 1u);
  for (uint32_t i = 2; i <= 2 + 2 * kCells; ++i) PutSwitchIn(i, 100 * i);
  const uint32_t next = TakeTid();
  RingLoss loss;
  ASSERT_TRUE(ring_.TakeLoss(ring_.first_mono_ns(), &loss));
  EXPECT_EQ(loss.lost_count, next - 2);
  EXPECT_EQ(loss.begin_mono_ns, 100);
  EXPECT_EQ(loss.end_mono_ns, 100 * next);
  EXPECT_FALSE(ring_.has_loss());
}

TEST_F(RecordRingTest, AReservedCellIsNotTakenBeforeItIsPublished) {
  const auto at = kernel_.Reserve(0, 1);
  ring_.RefreshHead();
  EXPECT_EQ(ring_.Peek(), State::kUnpublished);
  kernel_.Open(at, 0);
  EXPECT_EQ(ring_.Peek(), State::kUnpublished);
  hft_switch_in in{};
  in.header = FakeKernelView::HeaderOf(0, HFT_RECORD_SWITCH_IN, 0, 7);
  in.tid = 3;
  kernel_.Fill(at, 0, &in);
  EXPECT_EQ(ring_.Peek(), State::kUnpublished);
  kernel_.Publish(at, 0);
  EXPECT_EQ(TakeTid(), 3u);
}

TEST_F(RecordRingTest, ACellOfAnEarlierLapIsUnpublished) {
  for (uint32_t i = 1; i <= kCells; ++i) PutSwitchIn(i, i);
  for (uint32_t i = 1; i <= kCells; ++i) ASSERT_EQ(TakeTid(), i);
  kernel_.Reserve(0, 1);  // not even opened: the old sequence still stands there
  ring_.RefreshHead();
  EXPECT_EQ(ring_.Peek(), State::kUnpublished);
}

TEST_F(RecordRingTest, ARecordOverwrittenAfterTheLookIsNotTaken) {
  PutSwitchIn(1, 1);
  ring_.RefreshHead();
  ASSERT_EQ(ring_.Peek(), State::kReady);
  for (uint32_t i = 2; i <= kCells; ++i) PutSwitchIn(i, i);
  const auto at = kernel_.Reserve(0, 1);
  kernel_.Open(at, 0);  // the first record's cell, being overwritten
  EXPECT_FALSE(ring_.Consume(&record_));
  EXPECT_GT(ring_.lost_count(), 0u);
  EXPECT_EQ(TakeTid(), ring_.lost_count() + 1);
}

TEST_F(RecordRingTest, AStuckCellIsSkippedAndCountedApart) {
  kernel_.Reserve(0, 1);
  PutSwitchIn(2, 20);
  ring_.RefreshHead();
  ASSERT_EQ(ring_.Peek(), State::kUnpublished);
  ring_.SkipStuck();
  EXPECT_EQ(TakeTid(), 2u);
  EXPECT_EQ(ring_.stuck_count(), 1u);
  EXPECT_EQ(ring_.lost_count(), 0u);
  RingLoss loss;
  ASSERT_TRUE(ring_.TakeLoss(20, &loss));
  EXPECT_EQ(loss.stuck_count, 1u);
  EXPECT_EQ(loss.begin_mono_ns, 5);
}

TEST_F(RecordRingTest, TheSequenceMayWrap) {
  const uint64_t first = (1ull << 32) - 10;
  FakeKernelView kernel(OneRing(first));
  RecordRing ring(kernel.ring(0), kCells, 0, 0, first);
  uint32_t taken = 0;
  for (uint32_t i = 1; i <= 40; ++i) {
    hft_switch_in in{};
    in.tid = i;
    kernel.Put(0, HFT_RECORD_SWITCH_IN, in, i);
    ring.RefreshHead();
    if (i == 10) {  // index 2^32 - 1: its sequence is 0, "being written" for ever
      ASSERT_EQ(ring.Peek(), State::kUnpublished);
      ring.SkipStuck();
      continue;
    }
    ASSERT_EQ(ring.Peek(), State::kReady);
    ASSERT_TRUE(ring.Consume(&record_));
    ASSERT_EQ(record_.switch_in.tid, i);
    ++taken;
  }
  EXPECT_EQ(taken, 39u);
  EXPECT_EQ(ring.stuck_count(), 1u);
  EXPECT_EQ(ring.lost_count(), 0u);
}

TEST_F(RecordRingTest, AContinuationComesWithItsRecord) {
  kernel_.PutWithRunners(0, HFT_RECORD_SWITCH_IN, hft_switch_in{}, Runners(12), 50);
  ring_.RefreshHead();
  ASSERT_EQ(ring_.Peek(), State::kReady);
  ASSERT_TRUE(ring_.Consume(&record_));
  EXPECT_EQ(record_.continuation_count, 2);
  EXPECT_FALSE(record_.continuation_incomplete);
  EXPECT_EQ(record_.continuation[0].runners.runners[0].tid, 12u);
  EXPECT_EQ(record_.continuation[1].runners.runners[2].tid, 21u);
  EXPECT_EQ(ring_.delivered_count(), 3u);
  EXPECT_TRUE(ring_.empty());
}

TEST_F(RecordRingTest, ARecordWaitsForItsContinuation) {
  const auto runners = Runners(12);
  const auto at = kernel_.Reserve(0, 3);
  kernel_.WriteHead(at, HFT_RECORD_SWITCH_IN, hft_switch_in{}, runners, 50);
  ring_.RefreshHead();
  EXPECT_EQ(ring_.Peek(), State::kUnpublished);
  kernel_.WriteContinuation(at, runners, 50);
  EXPECT_EQ(ring_.Peek(), State::kReady);
}

TEST_F(RecordRingTest, ARecordWhoseContinuationIsStuckComesWithoutIt) {
  const auto runners = Runners(12);
  const auto at = kernel_.Reserve(0, 3);
  kernel_.WriteHead(at, HFT_RECORD_SWITCH_IN, hft_switch_in{}, runners, 50);
  ring_.RefreshHead();
  ASSERT_EQ(ring_.Peek(), State::kUnpublished);
  ring_.SkipStuck();
  ASSERT_EQ(ring_.Peek(), State::kReady);
  ASSERT_TRUE(ring_.Consume(&record_));
  EXPECT_TRUE(record_.continuation_incomplete);
  EXPECT_EQ(record_.continuation_count, 0);
  EXPECT_EQ(ring_.stuck_count(), 2u);
  EXPECT_EQ(Counted(), 3u);
  PutSwitchIn(9, 60);
  EXPECT_EQ(TakeTid(), 9u);
}

TEST_F(RecordRingTest, AContinuationWithoutItsRecordIsLost) {
  // Records of four cells each; the reader lands in the middle of one.
  for (int i = 0; i < 20; ++i) kernel_.PutWithRunners(0, HFT_RECORD_SWITCH_IN, hft_switch_in{}, Runners(23), 10 + i);
  PutSwitchIn(9, 60);
  ring_.RefreshHead();
  uint64_t records = 0;
  while (ring_.Peek() == State::kReady) {
    ASSERT_TRUE(ring_.Consume(&record_));
    EXPECT_FALSE(record_.continuation_incomplete);
    ++records;
  }
  EXPECT_EQ(record_.switch_in.tid, 9u);
  EXPECT_EQ(ring_.delivered_count(), 4 * (records - 1) + 1);
  EXPECT_EQ(Counted(), 81u);
}

TEST_F(RecordRingTest, AnAbsurdContinuationCountDoesNoHarm) {
  const auto at = kernel_.Reserve(0, 1);
  hft_switch_in in{};
  in.header = FakeKernelView::HeaderOf(0, HFT_RECORD_SWITCH_IN, 255, 7);
  kernel_.Write(at, 0, &in);
  ring_.RefreshHead();
  ASSERT_EQ(ring_.Peek(), State::kUnpublished);
  ring_.SkipStuck();
  ASSERT_EQ(ring_.Peek(), State::kReady);
  ASSERT_TRUE(ring_.Consume(&record_));
  EXPECT_TRUE(record_.continuation_incomplete);
  EXPECT_TRUE(ring_.empty());
  PutSwitchIn(9, 60);
  EXPECT_EQ(TakeTid(), 9u);
}

// The writer laps the reader again and again; what is taken is whole, in order, and everything else is counted.
TEST_F(RecordRingTest, NothingTornIsTakenFromARingThatIsBeingOverwritten) {
  constexpr uint32_t kRecords = 200'000;
  std::thread writer([&] {
    for (uint32_t i = 1; i <= kRecords; ++i) {
      hft_switch_in in{};
      in.tid = in.tgid = i;
      in.in_clock_ns = in.out_clock_ns = in.wait_ns = i;
      in.runners[1].tgid = i;
      kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, i);
    }
  });
  uint32_t last = 0;
  while (last != kRecords) {
    ring_.RefreshHead();
    if (ring_.Peek() != State::kReady || !ring_.Consume(&record_)) continue;
    const hft_switch_in& in = record_.switch_in;
    ASSERT_GT(in.tid, last);
    last = in.tid;
    ASSERT_EQ(in.header.mono_ns, last);
    ASSERT_EQ(in.tgid, last);
    ASSERT_EQ(in.in_clock_ns, last);
    ASSERT_EQ(in.out_clock_ns, last);
    ASSERT_EQ(in.wait_ns, last);
    ASSERT_EQ(in.runners[1].tgid, last);
  }
  writer.join();
  EXPECT_EQ(Counted(), kRecords);
  EXPECT_EQ(ring_.stuck_count(), 0u);
}

}  // namespace
}  // namespace hftmon
