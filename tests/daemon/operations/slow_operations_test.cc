#include "daemon/operations/slow_operations.h"

#include <gtest/gtest.h>

#include "tests/daemon/operations/made_stall.h"
#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kUs = 1'000;
constexpr LinearConversion kTicks = {.anchor_ticks = 0, .anchor_ns = 0, .multiplier = uint64_t{1} << LinearConversion::kShift};
constexpr MarkerRingName kName = {.pid = 100, .number = 2};

class SlowOperationsTest : public ::testing::Test {
 protected:
  SlowOperationsTest() : slow_(MakeParts()) {
    file_ = slow_.Begin(kName);
    file_->OnOperation(1, "order");
    Turn(0);
  }
  SlowOperations::Parts MakeParts() {
    SlowOperations::Parts parts;
    parts.clock = &clock_;
    parts.stalls = &stalls_;
    parts.view = fake_.view();
    parts.ticks = [] { return kTicks; };
    parts.caught_up_mono_ns = [this] { return caught_up_ns_; };
    parts.hold_ns = 10 * kMs;
    parts.thread_of = [this](uint32_t pid, uint32_t tid) -> std::optional<WatchedThread> {
      if (!watched_ || pid != kMadeThread.tgid || tid != kMadeThread.tid) return std::nullopt;
      return WatchedThread{.key = kMadeThread, .slot = 4};
    };
    parts.wishes = [this] { return wishes_; };
    parts.seen_whole = [this](int64_t, int64_t) { return seen_whole_; };
    parts.want_stalls = [this](int64_t floor_ns) { wanted_.push_back(floor_ns); };
    parts.stall_floor_since = [this](int64_t) { return floor_since_ns_; };
    parts.tell = [this](const Spike& spike) {
      told_.push_back(spike);
      return true;
    };
    return parts;
  }
  bool Turn(int64_t pass_ns) {
    clock_.AdvanceNs(pass_ns);
    caught_up_ns_ = clock_.NowNs();
    return slow_.EndTurn();
  }
  // A span that ends now.
  void Span(int64_t duration_ns, bool heartbeat = false) {
    file_->OnSpan({.begin_tsc = static_cast<uint64_t>(clock_.NowNs() - duration_ns),
                   .duration_tsc = static_cast<uint64_t>(duration_ns),
                   .duration_ns = duration_ns,
                   .value = 4711,
                   .operation = 1,
                   .tid = kMadeThread.tid,
                   .heartbeat = heartbeat});
  }
  OperationSlowness Slowness() {
    Turn(SlowOperations::kWishesIntervalNs);
    return slow_.SlownessOf(file_->id()).at(1);
  }

  FakeMonotonicClock clock_{1'000 * kMs};
  FakeKernelView fake_;
  SeqRing<Stall> stalls_{64};
  int64_t caught_up_ns_ = 0;
  int64_t floor_since_ns_ = 3 * kUs;
  bool watched_ = true;
  bool seen_whole_ = true;
  std::vector<OperationWish> wishes_ = {{.pid = 100, .operation_threshold_ns = 96 * kUs, .spike_threshold_ns = 50 * kUs}};
  std::vector<int64_t> wanted_;
  std::vector<Spike> told_;
  SlowOperations slow_;
  std::shared_ptr<SpanFile> file_;
};

TEST_F(SlowOperationsTest, ASlowOperationIsASpikeWithTheStallThatHitItOnceAllStallsOfItsTimeAreKnown) {
  ASSERT_EQ(wanted_, std::vector<int64_t>({3 * kUs})) << "a thirty-second part of the threshold";
  clock_.AdvanceNs(10 * kMs);
  const int64_t end_ns = clock_.NowNs();
  stalls_.Append(MakeStall(SpikeKind::kPreempted, end_ns - 150 * kUs, 140 * kUs, {ByThread(9, 140 * kUs)}));
  Span(200 * kUs);
  EXPECT_TRUE(Turn(6 * kMs)) << "it waits";
  EXPECT_TRUE(told_.empty()) << "a stretch of interrupts may still come";
  EXPECT_FALSE(Turn(6 * kMs));
  ASSERT_EQ(told_.size(), 1u);
  const Spike& spike = told_[0];
  EXPECT_EQ(spike.kind, SpikeKind::kOperation);
  EXPECT_TRUE(spike.thread == kMadeThread);
  EXPECT_EQ(spike.start_mono_ns, end_ns - 200 * kUs);
  EXPECT_EQ(spike.duration_ns, 200 * kUs);
  EXPECT_EQ(spike.causes[0].tid, 9u);
  EXPECT_EQ(std::string(spike.mark.name, spike.mark.name_bytes), "order");
  EXPECT_EQ(spike.mark.value, 4711u);
  EXPECT_EQ(spike.mark.file_number, 2u);
  EXPECT_EQ(spike.mark.threshold_ns, 96 * kUs);
  EXPECT_EQ(spike.mark.floor_ns, 3 * kUs);
  EXPECT_FALSE(spike.mark.threshold_adaptive);
  const OperationSlowness slowness = Slowness();
  EXPECT_EQ(slowness.spike_count, 1u);
  EXPECT_EQ(slowness.hits[static_cast<size_t>(SpikeKind::kPreempted)].span_count, 1u);
  EXPECT_EQ(slowness.hits[static_cast<size_t>(SpikeKind::kPreempted)].duration_ns, 140 * kUs);
}

TEST_F(SlowOperationsTest, AnOperationBelowItsThresholdIsNoSpikeButAHitIsCounted) {
  clock_.AdvanceNs(10 * kMs);
  stalls_.Append(MakeStall(SpikeKind::kInterrupted, clock_.NowNs() - 20 * kUs, 10 * kUs, {}));
  stalls_.Append(MakeStall(SpikeKind::kInterrupted, clock_.NowNs() - 8 * kUs, 4 * kUs, {}));
  Span(40 * kUs);
  Turn(20 * kMs);
  EXPECT_TRUE(told_.empty());
  const OperationHits hits = Slowness().hits[static_cast<size_t>(SpikeKind::kInterrupted)];
  EXPECT_EQ(hits.span_count, 1u);
  EXPECT_EQ(hits.stall_count, 2u);
  EXPECT_EQ(hits.longest_ns, 10 * kUs);
}

TEST_F(SlowOperationsTest, AGapBetweenHeartbeatsWithoutAnyStallIsUnexplainedOrUsual) {
  for (int i = 0; i < 1'024; ++i) Span(10 * kUs, true);
  Turn(20 * kMs);
  clock_.AdvanceNs(kMs);
  Span(300 * kUs, true);
  Turn(20 * kMs);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].kind, SpikeKind::kGap);
  EXPECT_EQ(told_[0].unexplained_ns, told_[0].duration_ns - told_[0].mark.usual_ns);
}

TEST_F(SlowOperationsTest, WhereStallsWereNotRecordedAllTheTimeTheSpikeSaysSo) {
  floor_since_ns_ = SlowOperations::kNoStallFloorNs;
  Span(200 * kUs);
  Turn(20 * kMs);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].mark.floor_ns, -1);
  EXPECT_EQ(Slowness().uncompared_count, 1u);
}

TEST_F(SlowOperationsTest, WhereRecordsWereLostItIsNotComparedAndTheSpikeSaysSo) {
  seen_whole_ = false;
  Span(200 * kUs);
  Turn(20 * kMs);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].mark.floor_ns, -1);
  EXPECT_EQ(Slowness().uncompared_count, 1u);
}

TEST_F(SlowOperationsTest, WhileATargetWantsStacksNoShorterStallsAreRecorded) {
  wishes_.push_back({.pid = 7, .operation_threshold_ns = 0, .spike_threshold_ns = 40 * kUs, .stacks = true});
  Turn(SlowOperations::kWishesIntervalNs);
  EXPECT_EQ(wanted_.back(), 40 * kUs);
}

TEST_F(SlowOperationsTest, AThreadThatIsNotWatchedIsNotToldOfAndCounted) {
  watched_ = false;
  Span(200 * kUs);
  Turn(20 * kMs);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(Slowness().untold_count, 1u);
}

TEST_F(SlowOperationsTest, TheLastOperationOfAThreadThatHasEndedIsToldOfIt) {
  Span(1 * kUs);
  watched_ = false;
  Span(200 * kUs);
  Turn(20 * kMs);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(told_[0].thread == kMadeThread);
}

TEST_F(SlowOperationsTest, ALoopThatNeverCatchesUpDelaysASpanForItsPatienceOnly) {
  Span(200 * kUs);
  clock_.AdvanceNs(SlowOperations::kPatienceMaxNs - kMs);
  slow_.EndTurn();
  EXPECT_TRUE(told_.empty());
  clock_.AdvanceNs(10 * kMs);
  slow_.EndTurn();
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].mark.floor_ns, -1) << "its stalls may not be known";
}

TEST_F(SlowOperationsTest, NoMoreThanSoManyAreToldInASecond) {
  for (uint32_t i = 0; i < SlowOperations::kToldPerSecondMax + 5; ++i) Span(200 * kUs);
  Turn(20 * kMs);
  EXPECT_EQ(told_.size(), SlowOperations::kToldPerSecondMax);
  EXPECT_EQ(Slowness().untold_count, 5u);
}

TEST_F(SlowOperationsTest, NobodyWantsStallsWhenTheLastFileHasEnded) {
  Span(200 * kUs);
  file_->End();
  EXPECT_TRUE(Turn(1 * kMs)) << "what it marked last still waits";
  EXPECT_EQ(wanted_.back(), 3 * kUs) << "and its stalls are wanted until then";
  EXPECT_FALSE(Turn(20 * kMs));
  EXPECT_EQ(told_.size(), 1u);
  Turn(SlowOperations::kWishesIntervalNs);
  EXPECT_EQ(wanted_.back(), SlowOperations::kNoStallFloorNs);
  EXPECT_EQ(slow_.SlownessOf(file_->id()).at(1).spike_count, 1u) << "it is still known what was";
}

TEST_F(SlowOperationsTest, AdaptivelyTheFloorFollowsTheLowestThreshold) {
  wishes_[0].operation_threshold_ns = 0;
  Turn(SlowOperations::kWishesIntervalNs);
  EXPECT_EQ(wanted_.back(), 50 * kUs) << "nothing is usual yet: the target's own threshold";
  for (int i = 0; i < 1'024; ++i) Span(9 * kUs);
  Turn(SlowOperations::kWishesIntervalNs);
  EXPECT_EQ(wanted_.back(), 4'096) << "72 us / 16, as a power of two below";
}

}  // namespace
}  // namespace hftmon
