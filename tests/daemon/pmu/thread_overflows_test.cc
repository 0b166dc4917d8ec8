#include "daemon/pmu/thread_overflows.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <numeric>

#include "tests/daemon/pmu/overflowing_threads.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr pid_t kThread = 500;
constexpr size_t kPlenty = 100'000;

struct Span {
  int64_t begin_ns = 0, end_ns = 0;
  uint64_t enabled_ns = 0, running_ns = 0;
  std::vector<uint64_t> values;
  uint16_t cpu = 0;
  bool rest = false, throttled = false;
};

class ThreadOverflowsTest : public ::testing::Test {
 protected:
  absl::StatusOr<ThreadOverflows> Open(size_t ring_pages = 16) {
    return ThreadOverflows::Open(threads_.kernel, threads_.kernel, kThread, OverflowingThreads::Overflow(), OverflowingThreads::Members(),
                                 {.ring_pages = ring_pages});
  }
  ThreadOverflows MustEnable(int64_t now_ns, size_t ring_pages = 16) {
    auto overflows = Open(ring_pages);
    EXPECT_TRUE(overflows.ok()) << overflows.status();
    EXPECT_TRUE(overflows->Enable(now_ns).ok());
    return *std::move(overflows);
  }
  auto Keep() {
    return [this](const OverflowSpan& span) {
      spans_.push_back({.begin_ns = span.begin_mono_ns,
                        .end_ns = span.end_mono_ns,
                        .enabled_ns = span.enabled_ns,
                        .running_ns = span.running_ns,
                        .values = {span.values.begin(), span.values.end()},
                        .cpu = span.cpu,
                        .rest = span.rest,
                        .throttled = span.throttled});
    };
  }
  void End(ThreadOverflows* overflows, int64_t now_ns) {
    ASSERT_TRUE(overflows->Disable().ok());
    overflows->Drain(kPlenty, Keep());
    ASSERT_TRUE(overflows->Finish(now_ns, Keep()).ok());
  }
  uint64_t SumOf(size_t member) const {
    return std::accumulate(spans_.begin(), spans_.end(), uint64_t{0},
                           [member](uint64_t sum, const Span& span) { return sum + span.values[member]; });
  }

  OverflowingThreads threads_{{kThread}};
  std::vector<Span> spans_;
};

TEST_F(ThreadOverflowsTest, TheOverflowingEventLeadsWithAPeriodAndTheOthersCountByItsClock) {
  const auto overflows = Open();
  ASSERT_TRUE(overflows.ok()) << overflows.status();
  std::vector<FakeSamplingEvents::Event> events;
  for (const auto& [descriptor, event] : threads_.kernel.events()) events.push_back(event);
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].attributes.sample_period, 1'000'000u);
  EXPECT_EQ(events[0].attributes.freq, 0u) << "a frequency keeps the tick of every CPU on";
  EXPECT_EQ(events[0].attributes.clockid, CLOCK_MONOTONIC);
  EXPECT_TRUE(events[0].attributes.disabled);
  EXPECT_TRUE(events[0].attributes.pinned) << "as it was tried: unpinned ones of each CPU would come before it";
  EXPECT_FALSE(events[1].attributes.pinned) << "the kernel takes it of a leader alone";
  for (const FakeSamplingEvents::Event& event : events) {
    EXPECT_FALSE(event.attributes.inherit) << "the kernel gives no ring to a thread with heirs";
    EXPECT_EQ(event.attributes.read_format, static_cast<uint64_t>(PerfReadBit::kKnown));
  }
  EXPECT_EQ(events[1].attributes.sample_period, 0u);
  EXPECT_EQ(events[2].attributes.sample_period, 0u);
  EXPECT_EQ(threads_.kernel.mapping_count(), 1u);
}

TEST_F(ThreadOverflowsTest, SpansLieBetweenNeighbouringSamplesAndTheRestEndsThem) {
  ThreadOverflows overflows = MustEnable(1'000);
  ASSERT_TRUE(threads_.Overflow(kThread, 2'000, {.enabled_ns = 900, .running_ns = 900, .values = {900, 3, 0}}, 1));
  ASSERT_TRUE(threads_.Overflow(kThread, 3'000, {.enabled_ns = 1'800, .running_ns = 1'500, .values = {1'800, 10, 2}}, 3));
  overflows.Drain(kPlenty, Keep());
  threads_.counts[kThread] = {.enabled_ns = 2'000, .running_ns = 1'600, .lost = 0, .values = {2'000, 11, 2}};
  End(&overflows, 3'500);
  ASSERT_THAT(spans_, SizeIs(3));
  EXPECT_EQ(spans_[0].begin_ns, 1'000);
  EXPECT_EQ(spans_[0].end_ns, 2'000);
  EXPECT_EQ(spans_[0].enabled_ns, 900u);
  EXPECT_THAT(spans_[0].values, ElementsAre(3, 0));
  EXPECT_EQ(spans_[1].begin_ns, 2'000);
  EXPECT_EQ(spans_[1].running_ns, 600u);
  EXPECT_THAT(spans_[1].values, ElementsAre(7, 2));
  EXPECT_EQ(spans_[1].cpu, 3);
  EXPECT_FALSE(spans_[1].rest);
  EXPECT_EQ(spans_[2].end_ns, 3'500);
  EXPECT_THAT(spans_[2].values, ElementsAre(1, 0));
  EXPECT_TRUE(spans_[2].rest);
  EXPECT_EQ(overflows.counts().sample_count, 2u);
  EXPECT_EQ(overflows.counts().interrupt_count(), 2u);
  EXPECT_TRUE(overflows.counts().complete());
}

TEST_F(ThreadOverflowsTest, ACounterThatPassesItsRegistersWidthGoesOn) {
  constexpr uint64_t kTurn = uint64_t{1} << 48;  // the kernel extends what the register holds
  ThreadOverflows overflows = MustEnable(0);
  ASSERT_TRUE(threads_.Overflow(kThread, 10, {.enabled_ns = 10, .running_ns = 10, .values = {1, kTurn - 5, kTurn - 1}}));
  ASSERT_TRUE(threads_.Overflow(kThread, 20, {.enabled_ns = 20, .running_ns = 20, .values = {2, kTurn + 7, kTurn}}));
  End(&overflows, 20);
  EXPECT_THAT(spans_[1].values, ElementsAre(12, 1));
  EXPECT_EQ(SumOf(0), kTurn + 7);
}

TEST_F(ThreadOverflowsTest, AValueThatFallsIsDiscardedAndCountingGoesOnFromThere) {
  ThreadOverflows overflows = MustEnable(0);
  ASSERT_TRUE(threads_.Overflow(kThread, 10, {.enabled_ns = 10, .running_ns = 10, .values = {1, 100}}));
  ASSERT_TRUE(threads_.Overflow(kThread, 20, {.enabled_ns = 20, .running_ns = 20, .values = {2, 40}}));
  ASSERT_TRUE(threads_.Overflow(kThread, 15, {.enabled_ns = 30, .running_ns = 30, .values = {3, 41}}));
  ASSERT_TRUE(threads_.Overflow(kThread, 40, {.enabled_ns = 40, .running_ns = 40, .values = {4, 45}}));
  End(&overflows, 40);
  ASSERT_THAT(spans_, SizeIs(3));
  EXPECT_THAT(spans_[1].values, ElementsAre(4, 0));
  EXPECT_EQ(overflows.counts().discarded_count, 2u);
  EXPECT_EQ(overflows.counts().interrupt_count(), 4u);
  EXPECT_FALSE(overflows.counts().complete());
}

TEST_F(ThreadOverflowsTest, LostSamplesMakeASpanLongerAndLeaveTheSum) {
  ThreadOverflows overflows = MustEnable(0, /*ring_pages=*/1);
  uint64_t written = 0;
  constexpr uint64_t kOverflows = 200;
  for (uint64_t i = 1; i <= kOverflows; ++i) {
    written += threads_.Overflow(kThread, static_cast<int64_t>(i * 10),
                                 {.enabled_ns = i * 10, .running_ns = i * 10, .lost = i - 1 - written, .values = {i, i * 2}});
    if (i == 100) overflows.Drain(kPlenty, Keep());
  }
  ASSERT_LT(written, kOverflows) << "a page holds fewer";
  threads_.counts[kThread].lost = kOverflows - written;
  End(&overflows, 2'001);
  EXPECT_EQ(SumOf(0), 2 * kOverflows);
  EXPECT_EQ(overflows.counts().sample_count, written);
  EXPECT_EQ(overflows.counts().lost_count, kOverflows - written) << "the last of them are told by no record";
  EXPECT_EQ(overflows.counts().interrupt_count(), kOverflows);
  for (size_t i = 1; i < spans_.size(); ++i) EXPECT_EQ(spans_[i].begin_ns, spans_[i - 1].end_ns) << "no gap";
  EXPECT_FALSE(overflows.counts().complete());
}

TEST_F(ThreadOverflowsTest, TheSpanInWhichTheEventWasHeldBackIsMarkedAndNotTheOneBefore) {
  ThreadOverflows overflows = MustEnable(0);
  ASSERT_TRUE(threads_.Throttle(kThread, 10, true));
  ASSERT_TRUE(threads_.Overflow(kThread, 11, {.enabled_ns = 11, .running_ns = 11, .values = {1, 1}}));  // the one too many
  ASSERT_TRUE(threads_.Throttle(kThread, 60, false));
  ASSERT_TRUE(threads_.Overflow(kThread, 70, {.enabled_ns = 70, .running_ns = 70, .values = {2, 2}}));
  ASSERT_TRUE(threads_.Overflow(kThread, 80, {.enabled_ns = 80, .running_ns = 80, .values = {3, 3}}));
  ASSERT_TRUE(threads_.Throttle(kThread, 90, true));
  End(&overflows, 100);
  ASSERT_THAT(spans_, SizeIs(4));
  std::vector<bool> throttled;
  for (const Span& span : spans_) throttled.push_back(span.throttled);
  EXPECT_THAT(throttled, ElementsAre(false, true, false, true));
  EXPECT_EQ(overflows.counts().throttle_count, 2u);
  EXPECT_EQ(overflows.counts().throttled_ns, 50 + 10);
  EXPECT_FALSE(overflows.counts().complete());
}

TEST_F(ThreadOverflowsTest, ADiscardedSampleLeavesTheMarkOfHoldingBackToTheNextSpan) {
  ThreadOverflows overflows = MustEnable(0);
  ASSERT_TRUE(threads_.Overflow(kThread, 5, {.enabled_ns = 5, .running_ns = 5, .values = {1, 7}}));
  ASSERT_TRUE(threads_.Throttle(kThread, 10, true));
  ASSERT_TRUE(threads_.Throttle(kThread, 60, false));
  ASSERT_TRUE(threads_.Overflow(kThread, 70, {.enabled_ns = 70, .running_ns = 70, .values = {2, 2}}));  // a value fell
  ASSERT_TRUE(threads_.Overflow(kThread, 80, {.enabled_ns = 80, .running_ns = 80, .values = {3, 3}}));
  ASSERT_TRUE(threads_.Overflow(kThread, 90, {.enabled_ns = 90, .running_ns = 90, .values = {4, 4}}));
  threads_.counts[kThread].values = {4, 4};
  End(&overflows, 100);
  EXPECT_EQ(overflows.counts().discarded_count, 1u);
  std::vector<bool> throttled;
  for (const Span& span : spans_) throttled.push_back(span.throttled);
  EXPECT_THAT(throttled, ElementsAre(false, true, false, false));
}

TEST_F(ThreadOverflowsTest, WhoHadToDoWithoutCountersKeepsItsSpansAndSaysSo) {
  ThreadOverflows overflows = MustEnable(0);
  ASSERT_TRUE(threads_.Overflow(kThread, 10, {.enabled_ns = 10, .running_ns = 10, .values = {1, 5}}));
  threads_.kernel.reading = [](int) { return std::vector<uint64_t>(); };  // as of a pinned group that found no counters
  End(&overflows, 100);
  ASSERT_THAT(spans_, SizeIs(1)) << "no rest";
  EXPECT_EQ(SumOf(0), 5u);
  EXPECT_TRUE(overflows.counts().starved);
  EXPECT_FALSE(overflows.counts().complete());
}

TEST_F(ThreadOverflowsTest, WhenTheEndOfHoldingBackIsLostTheNextSampleButOneEndsIt) {
  ThreadOverflows overflows = MustEnable(0);
  ASSERT_TRUE(threads_.Throttle(kThread, 10, true));
  ASSERT_TRUE(threads_.Overflow(kThread, 11, {.enabled_ns = 11, .running_ns = 11, .values = {1}}));
  ASSERT_TRUE(threads_.Overflow(kThread, 40, {.enabled_ns = 40, .running_ns = 40, .values = {2}}));
  End(&overflows, 50);
  EXPECT_TRUE(spans_[1].throttled);
  EXPECT_FALSE(spans_[2].throttled);
  EXPECT_EQ(overflows.counts().throttled_ns, 30);
}

TEST_F(ThreadOverflowsTest, WhatIsNoSampleOfTheGroupIsCountedAndNotBelieved) {
  ThreadOverflows overflows = MustEnable(0);
  const Bytes cut = WordsBody({20, 0, 3});
  ASSERT_TRUE(threads_.kernel.Write(kThread, 0, RecordBytes(PerfRecordType::kSample, 2, cut)));
  ASSERT_TRUE(threads_.kernel.Write(kThread, 0, RecordBytes(PerfRecordType::kThrottle, 0, {})));
  // Time, CPU, then three events of which none is known.
  const Bytes strange = WordsBody({20, 0, 3, 10, 10, 1, 1, 0, 1, 2, 0, 1, 3, 0});
  ASSERT_TRUE(threads_.kernel.Write(kThread, 0, RecordBytes(PerfRecordType::kSample, 2, strange)));
  ASSERT_TRUE(threads_.Overflow(kThread, 30, {.enabled_ns = 30, .running_ns = 30, .values = {1, 9}}));
  End(&overflows, 31);
  EXPECT_EQ(overflows.counts().undecoded_count, 3u);
  EXPECT_EQ(overflows.counts().sample_count, 1u);
  EXPECT_EQ(SumOf(0), 9u);
}

TEST_F(ThreadOverflowsTest, AKernelThatDoesNotTellWhatWasLostIsReadAllTheSame) {
  threads_.kernel.open_errors = {EINVAL};
  const auto overflows = Open();
  ASSERT_TRUE(overflows.ok()) << overflows.status();
  for (const auto& [descriptor, event] : threads_.kernel.events()) {
    EXPECT_EQ(event.attributes.read_format & PERF_FORMAT_LOST, 0u);
  }
}

TEST_F(ThreadOverflowsTest, ARefusalNamesTheEventTheCauseAndTheMend) {
  const auto refused = [&](std::deque<int> errors) {
    threads_.kernel.open_errors = std::move(errors);
    const auto status = Open().status();
    EXPECT_TRUE(threads_.kernel.events().empty()) << "nothing stays open";
    return status;
  };
  const absl::Status busy = refused({0, EBUSY});
  EXPECT_TRUE(absl::IsResourceExhausted(busy));
  EXPECT_THAT(std::string(busy.message()), AllOf(HasSubstr("page-faults of thread 500"), HasSubstr("perf, a vendor's profiler")));
  const absl::Status forbidden = refused({EACCES});
  EXPECT_TRUE(absl::IsPermissionDenied(forbidden));
  EXPECT_THAT(std::string(forbidden.message()), HasSubstr("CAP_PERFMON"));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused({ENOENT})));
  EXPECT_TRUE(absl::IsNotFound(refused({ESRCH})));
  threads_.kernel.open_errors = {};
  threads_.kernel.map_errors = {EPERM};
  const absl::Status locked = Open().status();
  EXPECT_TRUE(absl::IsResourceExhausted(locked));
  EXPECT_THAT(std::string(locked.message()), AllOf(HasSubstr("the ring of cpu-clock of thread 500"), HasSubstr("perf_event_mlock_kb")));
  EXPECT_TRUE(threads_.kernel.events().empty());
}

}  // namespace
}  // namespace hftmon
