// Arm SPE traces that are noise, cut and spoilt: the records of them, and the import of recordings with them. They never crash, always end,
// and what is told adds up.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "client/cli/import/import_report.h"
#include "client/cli/import/import_warnings.h"
#include "client/cli/render/import.h"
#include "common/perf/spe_records.h"
#include "tests/common/perf/spe_writer.h"

namespace hftmon {
namespace {

constexpr uint64_t kRounds = 20'000;

struct Reading {
  std::vector<SpeRecord> records;
  SpeReadCounts counts;
};

// `begin_at`: of the first byte, any number; places are compared as distances from it.
Reading ReadRecords(std::span<const std::byte> all, size_t piece_bytes, uint64_t begin_at) {
  SpeRecordReader reader;
  reader.Begin(begin_at);
  Reading reading;
  Bytes held;
  std::span<const std::byte> rest;
  uint64_t last_end = 0;
  for (size_t given = 0; given < all.size();) {
    EXPECT_LE(rest.size(), kSpePacketBytesMax);
    Bytes next(rest.begin(), rest.end());
    const size_t more = std::min(piece_bytes, all.size() - given);
    next.insert(next.end(), all.begin() + static_cast<ptrdiff_t>(given), all.begin() + static_cast<ptrdiff_t>(given + more));
    given += more;
    held = std::move(next);
    rest = held;
    while (const std::optional<SpeRecord> record = reader.Next(&rest)) {
      EXPECT_GE(record->begin_at - begin_at, last_end);
      last_end = reader.next_at() - begin_at;
      EXPECT_LT(record->begin_at - begin_at, last_end);
      EXPECT_LE(last_end, all.size());
      reading.records.push_back(*record);
    }
  }
  reader.End(rest.size());
  reading.counts = reader.counts();
  EXPECT_EQ(reading.counts.records, reading.records.size());
  EXPECT_LE(reading.counts.skipped_bytes, all.size());
  EXPECT_LE(reading.counts.malformed, reading.counts.skipped_bytes);
  EXPECT_LE(reading.counts.cut_records, 1u);
  return reading;
}

void ExpectSameInPieces(std::span<const std::byte> all, std::mt19937_64* random, uint64_t begin_at = 0) {
  const Reading whole = ReadRecords(all, SIZE_MAX, begin_at);
  const Reading pieces = ReadRecords(all, 1 + (*random)() % 200, begin_at);
  EXPECT_EQ(whole.records.size(), pieces.records.size());
  EXPECT_EQ(whole.counts.skipped_bytes, pieces.counts.skipped_bytes);
  EXPECT_EQ(whole.counts.malformed, pieces.counts.malformed);
  for (size_t i = 0; i < std::min(whole.records.size(), pieces.records.size()); ++i) {
    EXPECT_EQ(whole.records[i].begin_at, pieces.records[i].begin_at);
    EXPECT_EQ(whole.records[i].timestamp, pieces.records[i].timestamp);
  }
}

Bytes Trace(uint64_t count, uint32_t tid) {
  SpeWriter to;
  for (uint64_t i = 0; i < count; ++i) {
    Write({.tid = tid, .code = 0x402000, .data = 0x7f0000001040u + 8 * tid, .cycles = 1'000 + i, .store = i % 3 == 0, .source = 9}, &to);
  }
  return to.bytes();
}

// Where a stretch of that many bytes may begin: anywhere, at 0, or with the end of all numbers within it or just behind.
uint64_t BeginWord(size_t bytes, std::mt19937_64* random) {
  const uint64_t word = (*random)();
  switch ((*random)() % 3) {
    case 0:
      return word;
    case 1:
      return 0;
    default:
      return ~(word % (bytes + 64));
  }
}

TEST(SpeFuzz, NoiseEndsAndAddsUp) {
  static constexpr uint8_t kHeaders[] = {0x00, 0x01, 0x20, 0x42, 0x43, 0x49, 0x4a, 0x52, 0x65, 0x71, 0x98, 0xb0, 0xb2};
  for (uint64_t seed = 0; seed < kRounds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Bytes bytes(random() % 3'000);
    for (std::byte& byte : bytes) {
      byte = random() % 2 == 0 ? std::byte{kHeaders[random() % std::size(kHeaders)]} : static_cast<std::byte>(random());
    }
    ExpectSameInPieces(bytes, &random, BeginWord(bytes.size(), &random));
  }
}

TEST(SpeFuzz, DamageAtTheEndOfAllNumbersEndsToo) {
  const Bytes sound = Trace(60, 1);
  for (uint64_t seed = 0; seed < kRounds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Bytes bytes = sound;
    for (uint64_t harm = 1 + random() % 4; harm > 0; --harm) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    ExpectSameInPieces(bytes, &random, BeginWord(bytes.size(), &random));
  }
}

TEST(SpeFuzz, DamageCostsTheRecordsItHitsAndOneMore) {
  constexpr uint64_t kRecords = 60, kRecordBytes = 64;
  const Bytes sound = Trace(kRecords, 1);
  ASSERT_EQ(sound.size(), kRecords * kRecordBytes);
  uint64_t read_count = 0;
  for (uint64_t seed = 0; seed < kRounds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Bytes bytes = sound;
    // Behind the first few, which show where records begin, whatever one byte may make of a later one.
    const size_t at = 8 * kRecordBytes + random() % (bytes.size() - 8 * kRecordBytes);
    bytes[at] = static_cast<std::byte>(random());
    const Reading reading = ReadRecords(bytes, SIZE_MAX, 0);
    EXPECT_GE(reading.records.size() + 2, kRecords);
    EXPECT_LE(reading.records.size(), kRecords + 4) << "a byte in the middle may end a record early";
    for (size_t i = 0; i < at / kRecordBytes; ++i) EXPECT_EQ(reading.records[i].timestamp, std::optional<uint64_t>(1'000 + i));
    ExpectSameInPieces(bytes, &random);
    read_count += reading.records.size();
  }
  EXPECT_LT(read_count, kRounds * kRecords) << "some damage is noticed";
}

// A recording of two threads on two CPUs, with all that goes with it.
Bytes Recording() {
  PerfDataWriter writer;
  PerfAttr attr = PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kTid | PerfSampleBit::kTime | PerfSampleBit::kCpu);
  attr.type = 33;
  attr.period_or_frequency = 1'024;
  writer.AddEvent(attr, {11}, "arm_spe_0//");
  ByteWriter info;
  info.Put<uint32_t>(4).Put<uint32_t>(0).Append(WordsBody({2, 4, 33, 1, 0x1010101010101010, 0, 1, 0x411fd401}));
  writer.AddRecord(PerfRecordType::kAuxtraceInfo, info.bytes);
  writer.AddRecord(PerfRecordType::kTimeConversion, WordsBody({0, 1, 0, 0, ~uint64_t{0}, 0x0101}));
  for (const uint32_t tid : {1u, 2u}) {
    const WrittenSample who{.id = 11, .time_ns = 1'010, .pid = 1, .tid = tid, .cpu = tid - 1};
    writer.AddKernelRecord(0, PerfRecordType::kComm, 0, CommBody(1, tid, "engine"), who);
    writer.AddKernelRecord(0, PerfRecordType::kMmap2, 2, Mmap2Body(1, 0x400000, 0x10000, 77, 2, "/opt/engine"), who);
    writer.AddKernelRecord(0, PerfRecordType::kItraceStart, 0, ByteWriter().Put<uint32_t>(1).Put(tid).bytes, who);
    writer.AddKernelRecord(0, PerfRecordType::kSwitchCpuWide, 0, WordsBody({9}), who);
    const Bytes trace = Trace(20, tid);
    writer.AddKernelRecord(0, PerfRecordType::kAux, 0, WordsBody({0, trace.size(), 1}), who);
    ByteWriter head;
    head.Put<uint64_t>(trace.size())
        .Put<uint64_t>(0)
        .Put<uint64_t>(0)
        .Put(tid - 1)
        .Put<uint32_t>(1)
        .Put(tid == 1 ? 0u : ~0u)
        .Put<uint32_t>(0);
    writer.AddRecord(PerfRecordType::kAuxtrace, head.bytes);
    writer.AddBytes(trace);
  }
  return writer.File();
}

// Whether it was read; what must hold either way is asserted.
bool Import(std::span<const std::byte> bytes) {
  MemoryByteSource source(bytes);
  const absl::StatusOr<ImportReport> report = ReadImportReport(source, {});
  if (!report.ok()) {
    EXPECT_NE(report.status().message().find("perf.data"), std::string::npos) << report.status();
    return false;
  }
  if (report->trace) {
    const ImportedTrace& trace = *report->trace;
    EXPECT_EQ(trace.accesses + trace.other_operations, trace.counts.read.records);
    EXPECT_LE(trace.counts.read.skipped_bytes, trace.bytes);
    const std::optional<MemoryLoadSummary>& loads = report->accesses.loads;
    EXPECT_EQ(loads ? loads->loads() + loads->stores() : 0, trace.accesses);
  }
  EXPECT_FALSE(ImportText("x", *report).empty());
  EXPECT_FALSE(ImportJson("x", *report).empty());
  return true;
}

TEST(SpeFuzz, RecordingsWithATraceAreReadOrRefusedWhateverBefallsThem) {
  const Bytes sound = Recording();
  ASSERT_TRUE(Import(sound));
  uint64_t read_count = 0;
  for (uint64_t seed = 0; seed < kRounds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Bytes bytes = sound;
    for (uint64_t harm = 1 + random() % 4; harm > 0; --harm) {
      const size_t at = 104 + random() % (bytes.size() - 104);
      const uint64_t value = random() % 2 == 0 ? random() : ~(random() % 16);
      std::memcpy(bytes.data() + at, &value, std::min<size_t>(bytes.size() - at, size_t{1} << (random() % 4)));
    }
    read_count += Import(bytes) ? 1 : 0;
  }
  EXPECT_GT(read_count, kRounds / 20);
}

TEST(SpeFuzz, NoSingleByteHarms) {
  const Bytes sound = Recording();
  for (size_t at = 0; at < sound.size() && !HasFailure(); ++at) {
    SCOPED_TRACE(at);
    for (const uint8_t value : {0x00, 0x01, 0x20, 0x7f, 0xff}) {
      Bytes bytes = sound;
      bytes[at] = std::byte{value};
      Import(bytes);
    }
  }
}

}  // namespace
}  // namespace hftmon
