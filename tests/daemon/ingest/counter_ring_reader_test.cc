#include "daemon/ingest/counter_ring_reader.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kSpans = 8;
constexpr int64_t kNowNs = 1'000'000;

class CounterRingReaderTest : public ::testing::Test, public CounterSink {
 protected:
  void OnCounterSet(const CounterSet& set) override { told_.push_back("set " + std::to_string(set.number)); }
  void OnCounterSpan(const CounterSpan& span) override {
    spans_.push_back(span);
    told_.push_back(std::to_string(span.cpu) + ":" + std::to_string(span.values[0]));
  }
  void OnCounterLoss(uint16_t cpu, uint64_t lost_count, int64_t begin_ns, int64_t end_ns) override {
    told_.push_back(std::to_string(cpu) + " lost " + std::to_string(lost_count) + " of " + std::to_string(begin_ns) + "-" +
                    std::to_string(end_ns));
  }
  CounterRingReader::Parts Parts() {
    CounterRingReader::Parts parts;
    parts.view.cpu_counters = cpus_;
    parts.view.counter_spans = memory_;
    parts.view.counter_ring_spans = kSpans;
    parts.sink = this;
    parts.set = [this] { return CounterSet{.number = set_}; };
    return parts;
  }
  // As the program writes one.
  void Put(size_t cpu, uint64_t value) {
    hft_counter_span& span = memory_[cpu * kSpans + cpus_[cpu].position % kSpans];
    span = {.tid = 7,
            .tgid = 5,
            .set = static_cast<__u16>(set_ & HFT_COUNTER_SET_MASK),
            .counted = 3,
            .start_ns = 99,
            .begin_ns = 10 * value,
            .end_ns = 10 * value + 5,
            .on_cpu_ns = 4,
            .enabled_ns = 4,
            .running_ns = 2,
            .values = {value, 2 * value}};
    span.sequence = static_cast<uint32_t>(++cpus_[cpu].position);
  }

  uint32_t set_ = 1;
  std::vector<hft_cpu_counters> cpus_{2};
  std::vector<hft_counter_span> memory_{2 * kSpans};
  std::vector<std::string> told_;
  std::vector<CounterSpan> spans_;
};

TEST_F(CounterRingReaderTest, SpansComeInOrderBehindTheirSetAndOnce) {
  CounterRingReader reader(Parts());
  EXPECT_EQ(reader.Drain(kNowNs).span_count, 0u);
  Put(0, 1);
  Put(1, 2);
  Put(0, 3);
  const CounterRingReader::Look look = reader.Drain(kNowNs);
  EXPECT_EQ(look.span_count, 3u);
  EXPECT_EQ(look.lost_count, 0u);
  EXPECT_FALSE(look.crowded);
  EXPECT_THAT(told_, ElementsAre("set 1", "0:1", "0:3", "1:2"));
  reader.Drain(kNowNs);
  EXPECT_EQ(told_.size(), 4u);
  EXPECT_EQ(spans_[0].thread, (ThreadKey{.tid = 7, .tgid = 5, .start_ns = 99}));
  EXPECT_EQ(spans_[0].set, 1u);
  EXPECT_EQ(spans_[0].counted, 3);
  EXPECT_EQ(spans_[0].begin_mono_ns, 10);
  EXPECT_EQ(spans_[0].end_mono_ns, 15);
  EXPECT_EQ(spans_[0].running_ns, 2);
  EXPECT_EQ(spans_[0].values[1], 2u);
}

TEST_F(CounterRingReaderTest, WhatWasThereBeforeItBeganIsNotTold) {
  Put(0, 1);
  CounterRingReader reader(Parts());
  Put(0, 2);
  reader.Drain(kNowNs);
  EXPECT_THAT(told_, ElementsAre("set 1", "0:2"));
}

TEST_F(CounterRingReaderTest, WhatWasWrittenOverIsALossWithItsCountAndTimes) {
  CounterRingReader reader(Parts());
  Put(0, 1);
  reader.Drain(kNowNs);
  for (uint64_t value = 2; value < 2 + kSpans + 3; ++value) Put(0, value);
  const CounterRingReader::Look look = reader.Drain(kNowNs);
  EXPECT_EQ(look.lost_count, 3u);
  EXPECT_EQ(look.span_count, kSpans);
  EXPECT_TRUE(look.crowded);
  EXPECT_EQ(told_[2], "0 lost 3 of 15-55") << "from the end of the last one to that of the next";
  EXPECT_EQ(told_[3], "0:5");
}

TEST_F(CounterRingReaderTest, ASpanThatIsBeingWrittenOverIsALoss) {
  CounterRingReader reader(Parts());
  Put(0, 1);
  Put(0, 2);
  memory_[1].sequence = 0;
  EXPECT_EQ(reader.Drain(kNowNs).lost_count, 1u);
  EXPECT_THAT(told_, ElementsAre("set 1", "0:1", "0 lost 1 of 15-1000000"));
}

TEST_F(CounterRingReaderTest, AllOfASetComesBeforeTheNextOneWhicheverCpuChangedFirst) {
  CounterRingReader reader(Parts());
  Put(0, 1);
  Put(1, 2);
  set_ = 2;
  Put(0, 3);
  Put(1, 4);
  // The first set came and went before it was seen: nothing tells its events any more.
  EXPECT_EQ(reader.Drain(kNowNs).lost_count, 2u);
  EXPECT_THAT(told_, ElementsAre("set 2", "0 lost 1 of 0-35", "0:3", "1 lost 1 of 0-45", "1:4"));
  told_.clear();
  Put(0, 5);
  Put(1, 6);
  set_ = 3;
  Put(0, 7);
  EXPECT_EQ(reader.Drain(kNowNs).lost_count, 0u);
  EXPECT_THAT(told_, ElementsAre("0:5", "1:6", "set 3", "0:7"));
}

TEST_F(CounterRingReaderTest, ASetsNumberIsKnownBeyondTheBitsThatASpanHas) {
  set_ = 0xffff;
  CounterRingReader reader(Parts());
  // What is far from the number before is of an earlier one by its low bits: it is announced first.
  for (uint32_t number : {0x7000u, 0xd000u, 0xffffu, 0x10000u, 0x10001u}) {
    set_ = number;
    Put(0, number);
    reader.Drain(kNowNs);
  }
  ASSERT_EQ(spans_.size(), 5u);
  EXPECT_EQ(spans_.back().set, 0x10001u);
}

TEST_F(CounterRingReaderTest, WithoutRingsThereIsNothing) {
  CounterRingReader::Parts parts;
  parts.sink = this;
  CounterRingReader reader(parts);
  EXPECT_EQ(reader.Drain(kNowNs).span_count, 0u);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(CounterRingReaderTest, ASpanWithoutARunningCounterIsOneInWhichTheEventsWereToBeCounted) {
  CounterRingReader reader(Parts());
  Put(0, 1);
  memory_[0].running_ns = 0;
  reader.Drain(kNowNs);
  EXPECT_NE(spans_.front().counted, 0) << "else the time would be missing in what the others are scaled by";
  EXPECT_EQ(spans_.front().running_ns, 0);
}

}  // namespace
}  // namespace hftmon
