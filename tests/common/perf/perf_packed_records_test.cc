// Compressed records, of what zstd itself packs. In builds without it there is nothing to test here.
#include "common/perf/perf_packed_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "common/perf/perf_data_format.h"
#include "common/perf/perf_data_reader.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

// A stream that is never ended, as perf's: flushed after each piece.
class Packer {
 public:
  Packer() : stream_(ZSTD_createCStream(), ZSTD_freeCStream) {}
  Bytes Pack(std::span<const std::byte> bytes) {
    Bytes packed(ZSTD_compressBound(bytes.size()) + 64);
    ZSTD_inBuffer in{.src = bytes.data(), .size = bytes.size(), .pos = 0};
    ZSTD_outBuffer out{.dst = packed.data(), .size = packed.size(), .pos = 0};
    while (ZSTD_compressStream2(stream_.get(), &out, &in, ZSTD_e_flush) != 0) EXPECT_LT(out.pos, out.size);
    packed.resize(out.pos);
    return packed;
  }

 private:
  std::unique_ptr<ZSTD_CStream, size_t (*)(ZSTD_CStream*)> stream_;
};

struct SampleCounter : PerfDataVisitor {
  void OnSample(const PerfEvent&, const PerfSample& sample, uint16_t) override { ips += sample.ip.value_or(0); }
  uint64_t ips = 0;
};

PerfAttr Attr() {
  return PlainAttr(PerfSampleBit::kIdentifier | PerfSampleBit::kIp | PerfSampleBit::kTid);
}

Bytes Samples(uint64_t count) {
  ByteWriter to;
  for (uint64_t ip = 1; ip <= count; ++ip) to.Append(RecordBytes(PerfRecordType::kSample, 2, SampleBody(Attr(), {.id = 5, .ip = ip})));
  return to.bytes;
}

absl::StatusOr<PerfDataSummary> Read(const PerfDataWriter& writer, bool pipe, PerfDataVisitor* visitor) {
  const Bytes bytes = pipe ? writer.Pipe() : writer.File();
  MemoryByteSource source(bytes);
  return ReadPerfData(source, *visitor);
}

TEST(PerfPackedRecordsTest, RecordsMayStraddleWhatPacksThem) {
  const Bytes samples = Samples(5'000);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Packer packer;
    PerfDataWriter writer;
    writer.AddEvent(Attr(), {5}, "a");
    std::span<const std::byte> left = samples;
    uint64_t pieces = 0;
    for (; !left.empty(); ++pieces) {
      const size_t bytes = std::min<size_t>(left.size(), 1 + random() % 40'000);
      const Bytes packed = packer.Pack(left.first(bytes));
      left = left.subspan(bytes);
      ASSERT_LT(packed.size(), 65'000u);
      if (seed % 2 == 0) {
        writer.AddRecord(PerfRecordType::kCompressed, packed);  // of any size, odd ones among them
      } else {
        writer.AddRecord(PerfRecordType::kCompressed2,
                         ByteWriter().Put<uint64_t>(packed.size()).Append(packed).Fill((8 - packed.size() % 8) % 8).bytes);
      }
    }
    SampleCounter counter;
    const auto summary = Read(writer, seed % 3 == 0, &counter);
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_TRUE(summary->compressed);
    EXPECT_EQ(summary->events[0].sample_count, 5'000u);
    EXPECT_EQ(counter.ips, 5'000u * 5'001 / 2);
    EXPECT_EQ(summary->RecordCount(seed % 2 == 0 ? PerfRecordType::kCompressed : PerfRecordType::kCompressed2), pieces);
  }
}

TEST(PerfPackedRecordsTest, AStreamThatEndsWithinARecordIsDamage) {
  const Bytes samples = Samples(10);
  for (const size_t cut : {1, 8, 31}) {
    PerfDataWriter writer;
    writer.AddEvent(Attr(), {5}, "a");
    writer.AddRecord(PerfRecordType::kCompressed, Packer().Pack(std::span(samples).first(samples.size() - cut)));
    SampleCounter counter;
    const absl::Status status = Read(writer, false, &counter).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("end within one"));
  }
}

TEST(PerfPackedRecordsTest, WhatIsNoStreamOrPacksWhatIsNeverPackedIsDamage) {
  const auto failure = [](const Bytes& packed) {
    PerfDataWriter writer;
    writer.AddEvent(Attr(), {5}, "a");
    writer.AddRecord(PerfRecordType::kCompressed, packed);
    SampleCounter counter;
    return Read(writer, false, &counter).status();
  };
  EXPECT_THAT(std::string(failure(Bytes(100, std::byte{0x55})).message()), HasSubstr("zstd"));
  EXPECT_TRUE(absl::IsDataLoss(failure(Bytes(100, std::byte{0x55}))));
  for (const PerfRecordType type : {PerfRecordType::kCompressed, PerfRecordType::kCompressed2, PerfRecordType::kAuxtrace}) {
    const absl::Status status = failure(Packer().Pack(RecordBytes(type, 0, WordsBody({8, 0}))));
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("never compresses"));
  }
  EXPECT_TRUE(absl::IsDataLoss(failure(Packer().Pack(Bytes(8))))) << "a record of no size";
}

TEST(PerfPackedRecordsTest, LittleThatUnpacksToEndlesslyMuchIsRefused) {
  const Bytes record = RecordBytes(PerfRecordType::kFinishedRound, 0, Bytes(65'000));
  Packer packer;
  PerfPackedRecords records;
  absl::Status status;
  uint64_t told_bytes = 0;
  uint64_t packed_bytes = 0;
  for (uint64_t bytes = 0; status.ok() && bytes <= 2 * PerfDataFormat::kUnpackedBytesMax; bytes += record.size()) {
    const Bytes packed = packer.Pack(record);
    packed_bytes += packed.size();
    status = records.Take(packed, [&](const PerfRecord& one) {
      told_bytes += one.header.size;
      return absl::OkStatus();
    });
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_LE(told_bytes, PerfDataFormat::kUnpackedBytesMax);
  EXPECT_GT(told_bytes, PerfDataFormat::kUnpackedBytesMax - (uint64_t{2} << 20));
  EXPECT_LT(packed_bytes, told_bytes / 100);
}

}  // namespace
}  // namespace hftmon
