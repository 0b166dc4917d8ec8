#include "common/perf/spe_trace.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/common/perf/spe_writer.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kMagic = 0x1010101010101010;
constexpr uint64_t kNeoverseN1 = 0x413fd0c1;

// A trace whose bytes lie one after the other in memory.
class TraceTest : public ::testing::Test {
 protected:
  void Info(const Bytes& words) {
    trace_.OnInfo({.type = PerfAuxtraceType::kArmSpe, .words = words});
    trace_.OnTimeConversion({.shift = 0, .multiplier = 10});
  }
  void Block(std::optional<uint32_t> cpu, std::optional<uint32_t> tid, uint32_t index, const Bytes& bytes, uint64_t offset = 0) {
    trace_.OnTrace({.bytes = bytes.size(), .offset = offset, .index = index, .tid = tid, .cpu = cpu}, bytes_.size());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<SpeSample> Read(const SpeReadOptions& options = {}) {
    MemoryByteSource source(bytes_);
    std::vector<SpeSample> samples;
    EXPECT_TRUE(trace_.Read(source, options, [&](const SpeSample& sample) { samples.push_back(sample); }).ok());
    return samples;
  }
  static std::vector<int64_t> Times(const std::vector<SpeSample>& samples) {
    std::vector<int64_t> times;
    for (const SpeSample& sample : samples) times.push_back(sample.time_ns);
    return times;
  }
  static Bytes Loads(std::initializer_list<uint64_t> cycles) {
    SpeWriter to;
    for (const uint64_t at : cycles) Write({.tid = 7, .code = 1, .data = 2, .cycles = at, .source = 9}, &to);
    return to.bytes();
  }

  SpeTrace trace_;
  Bytes bytes_;
};

TEST_F(TraceTest, BuffersAreMergedByTime) {
  Info(WordsBody({33, 1}));
  Block(4, 7, 0, Loads({1, 5}));
  Block(6, 7, 1, Loads({2, 3, 9}));
  Block(4, 7, 0, Loads({6, 8}), 128);
  const std::vector<SpeSample> samples = Read({.host_midr = kNeoverseN1});
  EXPECT_THAT(Times(samples), ElementsAre(10, 20, 30, 50, 60, 80, 90));
  EXPECT_EQ(samples[0].cpu, std::optional(4u));
  EXPECT_EQ(samples[1].cpu, std::optional(6u));
  EXPECT_FALSE(samples[0].tid.has_value()) << "of a CPU's buffer the record's thread is not whose";
  EXPECT_TRUE(samples[0].own_time);
  EXPECT_EQ(samples[0].encoding, SpeSourceEncoding::kArm);
  EXPECT_EQ(trace_.counts().read.records, 7u);
  EXPECT_EQ(trace_.counts().unread_sources, 0u);
}

TEST_F(TraceTest, TheEncodingIsThatOfTheBuffersCpu) {
  Info(WordsBody({2, 4, 33, 2, kMagic, 0, 1, kNeoverseN1, kMagic, 1, 1, 0x410fd030}));
  Block(0, {}, 0, Loads({1}));
  Block(1, {}, 1, Loads({2}));
  Block(5, {}, 2, Loads({3}));
  Block({}, 7, 3, Loads({4}));
  const std::vector<SpeSample> samples = Read({.host_midr = kNeoverseN1});
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples[0].encoding, SpeSourceEncoding::kArm);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(samples[i].encoding, SpeSourceEncoding::kUnknown) << i;
  EXPECT_EQ(samples[3].tid, std::optional(7u));
  EXPECT_FALSE(samples[3].cpu.has_value());
  EXPECT_EQ(trace_.counts().unread_sources, 3u);
}

TEST_F(TraceTest, WithoutAClockTheTimeIsWhenTheKernelHandedItOver) {
  Info(WordsBody({33, 1}));
  Block(4, {}, 0, Loads({1, 2, 3}), 4'096);
  const auto aux = [&](uint64_t offset, uint64_t bytes, int64_t time_ns, uint64_t flags) {
    PerfAux one{.offset = offset, .bytes = bytes, .flags = flags};
    one.sample_id.time_ns = time_ns;
    one.sample_id.cpu = 4;
    one.sample_id.tid = 4;  // a thread of that number is another buffer's
    trace_.OnAux(one);
  };
  aux(4'160, 64, 700, PerfAux::kTruncated);
  aux(4'096, 64, 600, PerfAux::kCollision | PerfAux::kPartial);
  const std::vector<SpeSample> samples = Read({.clock_is_own = true});
  EXPECT_THAT(Times(samples), ElementsAre(600, 700, 0)) << "of the third no record tells";
  EXPECT_FALSE(samples[0].own_time);
  EXPECT_EQ(trace_.counts().truncated, 1u);
  EXPECT_EQ(trace_.counts().collided, 1u);
  EXPECT_EQ(trace_.counts().partial, 1u);
  EXPECT_EQ(trace_.counts().overwritten, 0u);
}

TEST_F(TraceTest, LossesAndWhatMayBeMoreAreCounted) {
  Info(WordsBody({33, 1}));
  SpeWriter to;
  Write({.cycles = 1, .latency = 0xfff}, &to);
  Write({.cycles = 2, .latency = 0xffe}, &to);
  to.Load().Byte(0x9f).Byte(1).Byte(0).Timestamp(3);  // a counter that has no meaning
  to.Load();
  Block(0, {}, 0, to.bytes());
  Block(0, {}, 0, Loads({4}), 4'096);
  EXPECT_THAT(Times(Read()), ElementsAre(10, 20, 30, 40));
  EXPECT_EQ(trace_.counts().saturated_latencies, 1u);
  EXPECT_EQ(trace_.counts().unknown_packets, 1u);
  EXPECT_EQ(trace_.counts().read.cut_records, 1u);
}

TEST_F(TraceTest, BlocksAtTheEndOfAllNumbersAreReadToTheirEnd) {
  Info(WordsBody({33, 1}));
  Block(0, {}, 0, {std::byte{0xff}}, ~uint64_t{0});
  Block(1, {}, 1, {std::byte{0xff}, std::byte{0x01}}, ~uint64_t{1});
  Block(2, {}, 2, Loads({1}), 0);
  Block(2, {}, 2, {std::byte{0xff}, std::byte{0xff}, std::byte{0x01}}, ~uint64_t{2});
  EXPECT_THAT(Times(Read()), ElementsAre(10));
  EXPECT_EQ(trace_.counts().read.malformed, 3u);
  EXPECT_EQ(trace_.counts().read.skipped_bytes, 6u);
}

TEST_F(TraceTest, WhatIsNewerThanThisIsRefusedWithTheReason) {
  Info(WordsBody({9, 4, 33, 0}));
  Block(0, {}, 0, Loads({1}));
  EXPECT_TRUE(trace_.is_spe());
  EXPECT_THAT(trace_.refusal(), ::testing::HasSubstr("version 9"));
  EXPECT_TRUE(Read().empty());
}

TEST_F(TraceTest, BuffersBeyondTheBoundAreCounted) {
  Info(WordsBody({33, 1}));
  for (uint32_t index = 0; index < SpeTrace::kBuffersMax + 3; ++index)
    Block(index, {}, index, index % 1'000 == 0 ? Loads({index}) : Bytes());
  EXPECT_EQ(Read().size(), 5u);
  EXPECT_EQ(trace_.counts().dropped_blocks, 3u);
}

TEST_F(TraceTest, ALargeTraceIsReadInPieces) {
  class Watched : public MemoryByteSource {
   public:
    using MemoryByteSource::MemoryByteSource;
    absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
      largest_bytes = std::max(largest_bytes, into.size());
      return MemoryByteSource::ReadAt(offset, into);
    }
    size_t largest_bytes = 0;
  };
  constexpr uint64_t kRecords = 20'000;
  Info(WordsBody({33, 1}));
  SpeWriter to;
  for (uint64_t i = 1; i <= kRecords; ++i) Write({.tid = 7, .data = i, .cycles = i}, &to);
  Block(0, {}, 0, to.bytes());
  Watched source(bytes_);
  uint64_t count = 0, wrong = 0;
  ASSERT_TRUE(trace_.Read(source, {}, [&](const SpeSample& sample) { wrong += sample.record.data_address == ++count ? 0 : 1; }).ok());
  EXPECT_EQ(count, kRecords);
  EXPECT_EQ(wrong, 0u);
  EXPECT_LE(source.largest_bytes, SpeTrace::kPieceBytes);
  EXPECT_GT(bytes_.size(), 10 * SpeTrace::kPieceBytes);
}

}  // namespace
}  // namespace hftmon
