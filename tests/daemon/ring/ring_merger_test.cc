#include "daemon/ring/ring_merger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using Step = RingMerger::Step;

FakeKernelView::Options Rings(uint32_t cpus, uint32_t cells) {
  FakeKernelView::Options options;
  options.cpus = cpus;
  options.ring_cells = cells;
  return options;
}

std::vector<RecordRing> RingsOf(const FakeKernelView& kernel) {
  std::vector<RecordRing> rings;
  for (uint32_t cpu = 0; cpu < kernel.view().ring_count; ++cpu)
    rings.emplace_back(kernel.ring(cpu), kernel.view().ring_cells, static_cast<uint16_t>(cpu), 0);
  return rings;
}

class RingMergerTest : public testing::Test {
 protected:
  void PutTid(uint32_t cpu, uint32_t tid, int64_t mono_ns) {
    hft_switch_in in{};
    in.tid = tid;
    kernel_.Put(cpu, HFT_RECORD_SWITCH_IN, in, mono_ns);
  }
  // tids until nothing more comes.
  std::vector<uint32_t> Drain() {
    std::vector<uint32_t> tids;
    while ((last_step_ = merger_.Next()) == Step::kRecord) tids.push_back(merger_.record().switch_in.tid);
    return tids;
  }

  FakeMonotonicClock clock_;
  FakeKernelView kernel_{Rings(4, 64)};
  RingMerger merger_{RingsOf(kernel_), &clock_};
  Step last_step_ = Step::kIdle;
};

TEST_F(RingMergerTest, RecordsOfAllRingsComeInTheOrderOfTime) {
  PutTid(2, 3, 300);
  PutTid(0, 1, 100);
  PutTid(3, 2, 200);
  PutTid(0, 4, 400);
  PutTid(2, 5, 500);
  EXPECT_EQ(Drain(), (std::vector<uint32_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(last_step_, Step::kIdle);
}

TEST_F(RingMergerTest, AnUnpublishedCellHoldsBackWhatMayBeLater) {
  const auto at = kernel_.Reserve(1, 1);
  PutTid(0, 2, 200);
  EXPECT_TRUE(Drain().empty());
  EXPECT_EQ(last_step_, Step::kWaiting);
  hft_switch_in in{};
  in.header = FakeKernelView::HeaderOf(1, HFT_RECORD_SWITCH_IN, 0, 100);
  in.tid = 1;
  kernel_.Write(at, 0, &in);
  EXPECT_EQ(Drain(), (std::vector<uint32_t>{1, 2}));
}

TEST_F(RingMergerTest, AStuckCellHoldsNobodyBackLongerThanAMillisecond) {
  PutTid(1, 1, 100);
  ASSERT_EQ(Drain(), (std::vector<uint32_t>{1}));
  kernel_.Reserve(1, 1);
  PutTid(0, 2, 200);
  EXPECT_TRUE(Drain().empty());
  clock_.AdvanceNs(RingMerger::kStuckNs - 1);
  EXPECT_TRUE(Drain().empty());
  EXPECT_EQ(merger_.stuck_count(), 0u);
  clock_.AdvanceNs(1);
  EXPECT_EQ(merger_.Next(), Step::kLoss);
  EXPECT_EQ(merger_.loss().cpu, 1);
  EXPECT_EQ(merger_.loss().stuck_count, 1u);
  EXPECT_EQ(merger_.loss().begin_mono_ns, 100);
  EXPECT_EQ(merger_.loss().end_mono_ns, clock_.NowNs());
  EXPECT_EQ(Drain(), (std::vector<uint32_t>{2}));
  EXPECT_EQ(merger_.stuck_count(), 1u);
}

TEST_F(RingMergerTest, EachStuckCellHasAMillisecondOfItsOwn) {
  kernel_.Reserve(1, 2);
  EXPECT_TRUE(Drain().empty());
  clock_.AdvanceNs(RingMerger::kStuckNs);
  EXPECT_TRUE(Drain().empty());
  EXPECT_EQ(merger_.stuck_count(), 1u);
  clock_.AdvanceNs(RingMerger::kStuckNs);
  Drain();
  EXPECT_EQ(last_step_, Step::kLoss);
  EXPECT_EQ(merger_.loss().stuck_count, 2u);
}

TEST_F(RingMergerTest, ALossComesBeforeTheRecordsAfterIt) {
  PutTid(0, 1, 10);
  ASSERT_EQ(Drain(), (std::vector<uint32_t>{1}));
  for (uint32_t i = 2; i <= 201; ++i) PutTid(0, i, 10 * i);
  ASSERT_EQ(merger_.Next(), Step::kLoss);
  const RingLoss loss = merger_.loss();
  EXPECT_EQ(loss.begin_mono_ns, 10);
  const auto tids = Drain();
  EXPECT_EQ(loss.end_mono_ns, 10 * tids.front());
  EXPECT_EQ(loss.lost_count + tids.size(), 200u);
  EXPECT_EQ(merger_.lost_count(), loss.lost_count);
}

TEST_F(RingMergerTest, NestedRecordsAreCounted) {
  PutTid(0, 1, 200);
  PutTid(0, 2, 100);
  EXPECT_EQ(Drain().size(), 2u);
  EXPECT_EQ(merger_.nested_count(), 1u);
}

TEST_F(RingMergerTest, AnyInterleavingComesOutInOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    FakeKernelView kernel(Rings(8, 64));
    RingMerger merger(RingsOf(kernel), &clock_);
    // Cells reserved and not yet written, by ring: published later, at random, in between other rings' records.
    std::vector<std::vector<FakeKernelView::Reservation>> open(8);
    int64_t time_ns = 0;
    int64_t last_ns = 0;
    size_t taken = 0;
    const auto publish = [&](uint32_t cpu) {
      hft_switch_in in{};
      in.header = FakeKernelView::HeaderOf(cpu, HFT_RECORD_SWITCH_IN, 0, ++time_ns);
      kernel.Write(open[cpu].front(), 0, &in);
      open[cpu].erase(open[cpu].begin());
    };
    const auto drain = [&] {
      while (merger.Next() == Step::kRecord) {
        ASSERT_GT(static_cast<int64_t>(merger.record().header.mono_ns), last_ns);
        last_ns = static_cast<int64_t>(merger.record().header.mono_ns);
        ++taken;
      }
    };
    for (int i = 0; i < 300; ++i) {
      const uint32_t cpu = random() % 8;
      switch (random() % 4) {
        case 0:
          if (open[cpu].size() < 4) open[cpu].push_back(kernel.Reserve(cpu, 1));
          break;
        case 1:
        case 2:
          if (!open[cpu].empty()) publish(cpu);
          break;
        default:
          drain();
          break;
      }
    }
    for (uint32_t cpu = 0; cpu < 8; ++cpu) {
      while (!open[cpu].empty()) publish(cpu);
    }
    drain();
    ASSERT_EQ(taken, static_cast<size_t>(time_ns));
    ASSERT_EQ(merger.lost_count() + merger.stuck_count() + merger.nested_count(), 0u);
  }
}

// Writers on threads of their own stamp from one clock after reserving, as the kernel does. With room left nothing is lost or reordered.
TEST_F(RingMergerTest, ConcurrentWritersAreMergedInOrderAndNothingIsLost) {
  constexpr uint32_t kWriters = 4;
  constexpr uint32_t kRecords = 20'000;
  std::vector<std::atomic<uint32_t>> taken(kWriters);
  std::vector<std::thread> writers;
  for (uint32_t cpu = 0; cpu < kWriters; ++cpu) {
    writers.emplace_back([&, cpu] {
      for (uint32_t i = 1; i <= kRecords; ++i) {
        while (i - taken[cpu].load(std::memory_order_acquire) > 64) std::this_thread::yield();
        const auto at = kernel_.Reserve(cpu, 1);
        hft_switch_in in{};
        in.header = FakeKernelView::HeaderOf(cpu, HFT_RECORD_SWITCH_IN, 0, clock_.TickNs());
        in.tid = i;
        kernel_.Write(at, 0, &in);
      }
    });
  }
  int64_t last_ns = 0;
  std::vector<uint32_t> expected(kWriters, 1);
  for (uint32_t count = 0; count < kWriters * kRecords;) {
    const Step step = merger_.Next();
    ASSERT_NE(step, Step::kLoss);
    if (step != Step::kRecord) {
      std::this_thread::yield();
      continue;
    }
    const hft_switch_in& in = merger_.record().switch_in;
    ASSERT_GT(static_cast<int64_t>(in.header.mono_ns), last_ns);
    last_ns = static_cast<int64_t>(in.header.mono_ns);
    const uint16_t cpu = in.header.cpu;
    ASSERT_EQ(in.tid, expected[cpu]++);
    taken[cpu].store(in.tid, std::memory_order_release);
    ++count;
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(merger_.delivered_count(), kWriters * kRecords);
  EXPECT_EQ(merger_.nested_count(), 0u);
}

// Writers that wait for nobody: what comes is in order, and every cell is either delivered or counted.
TEST_F(RingMergerTest, UnhinderedWritersLoseOnlyWhatIsCounted) {
  constexpr uint32_t kWriters = 3;
  constexpr uint32_t kRecords = 60'000;
  std::atomic<uint32_t> done{0};
  std::vector<std::thread> writers;
  for (uint32_t cpu = 0; cpu < kWriters; ++cpu) {
    writers.emplace_back([&, cpu] {
      for (uint32_t i = 1; i <= kRecords; ++i) {
        const auto at = kernel_.Reserve(cpu, 1);
        hft_switch_in in{};
        in.header = FakeKernelView::HeaderOf(cpu, HFT_RECORD_SWITCH_IN, 0, clock_.TickNs());
        in.tid = i;
        kernel_.Write(at, 0, &in);
      }
      done.fetch_add(1, std::memory_order_release);
    });
  }
  int64_t last_ns = 0;
  uint64_t lost = 0;
  bool finished = false;
  for (;;) {
    const bool all_done = done.load(std::memory_order_acquire) == kWriters;
    const Step step = merger_.Next();
    if (step == Step::kLoss) lost += merger_.loss().lost_count + merger_.loss().stuck_count;
    if (step == Step::kRecord) {
      ASSERT_GT(static_cast<int64_t>(merger_.record().header.mono_ns), last_ns);
      last_ns = static_cast<int64_t>(merger_.record().header.mono_ns);
    }
    finished = all_done && step == Step::kIdle;
    if (finished) break;
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(merger_.delivered_count() + lost, kWriters * kRecords);
  EXPECT_EQ(merger_.lost_count() + merger_.stuck_count(), lost);
}

}  // namespace
}  // namespace hftmon
