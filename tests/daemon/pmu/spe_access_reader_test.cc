#include "daemon/pmu/spe_access_reader.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/common/perf/spe_recorded.h"
#include "tests/common/perf/spe_writer.h"

namespace hftmon {
namespace {

constexpr uint64_t kInterval = 1'024;

struct Reading {
  std::vector<MemoryAccess> accesses;
  SpeReadCounts counts;
  uint64_t unread_sources = 0;
};

// The bytes as they stand where the memory ends `split` bytes behind their begin.
Reading Read(const Bytes& all, size_t split, SpeAccessReader::Source source = {}, const PerfAux* told = nullptr) {
  source.interval = kInterval;
  SpeAccessReader reader(source);
  Reading reading;
  const std::span<const std::byte> bytes(all);
  reader.Read({.offset = (uint64_t{1} << 40) - split, .first = bytes.first(split), .second = bytes.subspan(split), .told = told},
              [&](const MemoryAccess& access) { reading.accesses.push_back(access); });
  reading.counts = reader.counts();
  reading.unread_sources = reader.unread_source_count();
  return reading;
}

void ExpectSame(const Reading& a, const Reading& b) {
  ASSERT_EQ(a.accesses.size(), b.accesses.size());
  for (size_t i = 0; i < a.accesses.size(); ++i) {
    EXPECT_EQ(a.accesses[i].address, b.accesses[i].address);
    EXPECT_EQ(a.accesses[i].code_address, b.accesses[i].code_address);
    EXPECT_EQ(a.accesses[i].latency_cycles, b.accesses[i].latency_cycles);
    EXPECT_EQ(a.accesses[i].time_ns, b.accesses[i].time_ns);
    EXPECT_EQ(a.accesses[i].source.level, b.accesses[i].source.level);
  }
  EXPECT_EQ(a.counts.records, b.counts.records);
  EXPECT_EQ(a.counts.malformed, b.counts.malformed);
  EXPECT_EQ(a.counts.cut_records, b.counts.cut_records);
}

TEST(SpeAccessReaderTest, ARecordedLoadIsTheThreadsWithItsPlaceLatencyAndTime) {
  const PerfAux told{.sample_id = {.time_ns = 900, .cpu = 3}};
  const Bytes recorded = RecordedSpe("el2-load-and-branch");
  const Reading reading = Read(recorded, recorded.size(),
                               {.pid = 500,
                                .tid = 501,
                                .encoding = SpeSourceEncoding::kArm,
                                .conversion = PerfTimeConversion{.shift = 0, .multiplier = 1, .zero_ns = 7}},
                               &told);
  ASSERT_EQ(reading.accesses.size(), 2u);
  const MemoryAccess& load = reading.accesses[0];
  EXPECT_EQ(load.pid, 500u);
  EXPECT_EQ(load.tid, 501u) << "by whose memory it stood in, whatever the context says";
  EXPECT_EQ(load.cpu, 3u);
  EXPECT_EQ(load.time_ns, 0xa6a2f652e + 7);
  EXPECT_EQ(load.period, kInterval);
  EXPECT_EQ(load.latency_cycles, 12u);
  EXPECT_EQ(load.address, 0xffff0e3703096b28u);
  EXPECT_TRUE(load.source.load);
  EXPECT_EQ(load.source.level, AccessLevel::kL1);
  EXPECT_FALSE(reading.accesses[1].source.IsAccess()) << "a branch";
  EXPECT_EQ(reading.unread_sources, 0u);
}

TEST(SpeAccessReaderTest, WithoutAConversionTheTimeIsWhenTheKernelToldAndWithoutARecordThereIsNone) {
  const PerfAux told{.sample_id = {.time_ns = 900, .cpu = 3}};
  const Bytes recorded = RecordedSpe("el2-load-and-branch");
  EXPECT_EQ(Read(recorded, recorded.size(), {}, &told).accesses.at(0).time_ns, 900);
  const Reading untold = Read(recorded, recorded.size());
  EXPECT_EQ(untold.accesses.at(0).time_ns, 0);
  EXPECT_FALSE(untold.accesses.at(0).cpu.has_value());
  EXPECT_EQ(untold.unread_sources, 1u) << "of a CPU whose codes are not known";
}

TEST(SpeAccessReaderTest, RecordedBytesAreTheSameAccessesWhereverTheMemoryEnds) {
  Bytes all;
  for (int i = 0; i < 3; ++i) {
    const Bytes recorded = RecordedSpe("el2-load-and-branch");
    all.insert(all.end(), recorded.begin(), recorded.end());
  }
  const Reading whole = Read(all, all.size());
  ASSERT_EQ(whole.accesses.size(), 6u);
  for (size_t split = 1; split < all.size() && !testing::Test::HasFailure(); ++split) {
    SCOPED_TRACE(split);
    ExpectSame(Read(all, split), whole);
  }
}

TEST(SpeAccessReaderTest, ACutRecordIsCountedWhereverTheMemoryEnds) {
  const Bytes recorded = RecordedSpe("el2-load-and-branch");
  for (size_t bytes = 1; bytes < recorded.size() && !testing::Test::HasFailure(); ++bytes) {
    SCOPED_TRACE(bytes);
    const Bytes cut(recorded.begin(), recorded.begin() + static_cast<ptrdiff_t>(bytes));
    const Reading whole = Read(cut, bytes);
    EXPECT_EQ(whole.counts.cut_records, bytes == 64 ? 0u : 1u);
    EXPECT_EQ(whole.accesses.size(), bytes / 64);
    for (size_t split = 1; split < bytes; ++split) ExpectSame(Read(cut, split), whole);
  }
}

TEST(SpeAccessReaderTest, DamageIsCountedAndReadingGoesOnBehindIt) {
  SpeWriter to;
  for (uint64_t i = 0; i < 20; ++i) Write({.data = 0x1000 + 64 * i, .cycles = i + 1}, &to);
  Bytes damaged = to.bytes();
  const size_t record_bytes = damaged.size() / 20;
  damaged[10 * record_bytes + 9] = std::byte{0xff};
  const Reading whole = Read(damaged, damaged.size());
  EXPECT_EQ(whole.accesses.size(), 18u) << "all but the one that it hit, and the next, by whose end the reader finds its way";
  EXPECT_EQ(whole.counts.malformed, 1u);
  for (size_t split = 1; split < damaged.size() && !testing::Test::HasFailure(); ++split) {
    SCOPED_TRACE(split);
    const Reading reading = Read(damaged, split);
    // Alignment is counted from the memory's pages: only where a page begins between records does it say where they may.
    if (split % 64 == 0) ExpectSame(reading, whole);
    EXPECT_EQ(reading.counts.malformed, 1u);
  }
}

}  // namespace
}  // namespace hftmon
