#include "common/perf/perf_aux_records.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMagic = 0x1010101010101010;

PerfRecord RecordOf(PerfRecordType type, const Bytes& body) {
  return {.header = {.type = static_cast<uint32_t>(type), .size = static_cast<uint16_t>(8 + body.size())}, .body = body};
}

TEST(PerfAuxRecordsTest, TracesAreOfACpuOrOfAThread) {
  const Bytes of_cpu =
      ByteWriter().Put<uint64_t>(100).Put<uint64_t>(4'096).Put<uint64_t>(9).Put<uint32_t>(3).Put(~0u).Put<uint32_t>(5).Put(0u).bytes;
  const auto trace = ParseAuxtrace(RecordOf(PerfRecordType::kAuxtrace, of_cpu));
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(trace->bytes, 100u);
  EXPECT_EQ(trace->offset, 4'096u);
  EXPECT_EQ(trace->index, 3u);
  EXPECT_FALSE(trace->tid.has_value());
  EXPECT_EQ(trace->cpu, std::optional(5u));
  const Bytes of_thread =
      ByteWriter().Put<uint64_t>(1).Put<uint64_t>(0).Put<uint64_t>(9).Put<uint32_t>(0).Put<uint32_t>(77).Put(~0u).Put(0u).bytes;
  EXPECT_EQ(ParseAuxtrace(RecordOf(PerfRecordType::kAuxtrace, of_thread))->tid, std::optional(77u));
  EXPECT_FALSE(ParseAuxtrace(RecordOf(PerfRecordType::kAuxtrace, of_thread))->cpu.has_value());
  for (size_t size = 0; size < 36; ++size) {
    const Bytes cut(of_cpu.begin(), of_cpu.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_TRUE(absl::IsDataLoss(ParseAuxtrace(RecordOf(PerfRecordType::kAuxtrace, cut)).status())) << size;
  }
}

TEST(PerfAuxRecordsTest, ATraceThatEndsWhereNoBufferDoesIsDamage) {
  const auto parse = [](uint64_t bytes, uint64_t offset) {
    const Bytes body = ByteWriter().Append(WordsBody({bytes, offset, 0})).Put(0u).Put(~0u).Put(0u).Put(0u).bytes;
    return ParseAuxtrace(RecordOf(PerfRecordType::kAuxtrace, body));
  };
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  for (const auto& [bytes, offset] : std::initializer_list<std::pair<uint64_t, uint64_t>>{
           {1, ~uint64_t{0}}, {2, ~uint64_t{1}}, {1, kLimit - 1}, {0, kLimit}, {kLimit, 0}, {~uint64_t{0}, 1}, {kLimit, kLimit}}) {
    const auto trace = parse(bytes, offset);
    EXPECT_TRUE(absl::IsDataLoss(trace.status())) << bytes << " at " << offset;
    EXPECT_THAT(trace.status().message(), HasSubstr("AUXTRACE"));
    EXPECT_THAT(trace.status().message(), HasSubstr("offset " + std::to_string(offset)));
  }
  EXPECT_TRUE(parse(1, kLimit - 2).ok());
  EXPECT_TRUE(parse(kLimit - 1, 0).ok());
}

TEST(PerfAuxRecordsTest, TheKernelsRecordsHaveTheirTrailer) {
  const PerfAttr attr = PlainAttr(PerfSampleBit::kTid | PerfSampleBit::kTime | PerfSampleBit::kCpu);
  const WrittenSample who{.time_ns = 50, .pid = 7, .tid = 8, .cpu = 2};
  const Bytes aux =
      ByteWriter().Append(WordsBody({64, 128, PerfAux::kTruncated | PerfAux::kCollision})).Append(TrailerBytes(attr, who)).bytes;
  const auto parsed = ParseAux(attr, RecordOf(PerfRecordType::kAux, aux));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->offset, 64u);
  EXPECT_EQ(parsed->bytes, 128u);
  EXPECT_EQ(parsed->flags, 9u);
  EXPECT_EQ(parsed->sample_id.cpu, std::optional(2u));
  EXPECT_EQ(parsed->sample_id.time_ns, std::optional(int64_t{50}));
  const Bytes start = ByteWriter().Put<uint32_t>(5).Put<uint32_t>(6).Append(TrailerBytes(attr, who)).bytes;
  const auto started = ParseItraceStart(attr, RecordOf(PerfRecordType::kItraceStart, start));
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(started->pid, 5u);
  EXPECT_EQ(started->tid, 6u);
  EXPECT_TRUE(absl::IsDataLoss(ParseAux(attr, RecordOf(PerfRecordType::kAux, start)).status()));
}

TEST(PerfAuxRecordsTest, CyclesBecomeTheRecordingsTime) {
  // A counter of 25 MHz: 40 ns a cycle.
  const auto plain = ParseTimeConversion(RecordOf(PerfRecordType::kTimeConversion, WordsBody({10, 40 << 10, 1'000'000})));
  ASSERT_TRUE(plain.ok() && plain->has_value()) << plain.status();
  EXPECT_EQ((*plain)->ToNs(0), 1'000'000);
  EXPECT_EQ((*plain)->ToNs(25'000'001), 1'000'000 + 1'000'000'040);
  const auto body = [](uint8_t has_zero, uint8_t narrow) {
    return ByteWriter().Append(WordsBody({0, 2, 0, 0x1'0000'0010, 0xffff'ffff})).Put(has_zero).Put(narrow).Fill(6).bytes;
  };
  const auto narrow = ParseTimeConversion(RecordOf(PerfRecordType::kTimeConversion, body(1, 1)));
  ASSERT_TRUE(narrow.ok() && narrow->has_value()) << narrow.status();
  EXPECT_EQ((*narrow)->ToNs(0x18), 2 * int64_t{0x1'0000'0018});
  EXPECT_EQ((*narrow)->ToNs(0x0f), 2 * int64_t{0x2'0000'000f}) << "it has gone round since";
  const auto wide = ParseTimeConversion(RecordOf(PerfRecordType::kTimeConversion, body(1, 0)));
  EXPECT_EQ((*wide)->ToNs(0x18), 0x30);
  EXPECT_FALSE(ParseTimeConversion(RecordOf(PerfRecordType::kTimeConversion, body(0, 0)))->has_value());
  EXPECT_FALSE(ParseTimeConversion(RecordOf(PerfRecordType::kTimeConversion, WordsBody({10, 0, 5})))->has_value());
  for (const Bytes& bad : {WordsBody({64, 1, 0}), WordsBody({1, 1}), WordsBody({1, 1, 1, 1})}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseTimeConversion(RecordOf(PerfRecordType::kTimeConversion, bad)).status()));
  }
}

TEST(PerfAuxRecordsTest, WordsOfSpeTellThePmuAndInNewerVersionsTheCpus) {
  const auto first = ParseSpeTraceInfo(WordsBody({33, 1}));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->pmu_type, 33u);
  EXPECT_TRUE(first->cpus.empty());
  const Bytes body = WordsBody({2, 5, 34, 2, 99, kMagic, 0, 3, 0x413fd0c1, 34, 1'024, kMagic, 9, 4, 0x410fd4f1, 34, 1'024, 0});
  const auto second = ParseSpeTraceInfo(body);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->pmu_type, 34u);
  ASSERT_EQ(second->cpus.size(), 2u);
  EXPECT_EQ(second->cpus[1].cpu, 9u);
  EXPECT_EQ(second->cpus[1].midr, 0x410fd4f1u);
  const absl::Status newer = ParseSpeTraceInfo(WordsBody({3, 4, 34, 0})).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(newer));
  EXPECT_THAT(std::string(newer.message()), HasSubstr("version 3"));
  for (const Bytes& bad :
       {WordsBody({}), WordsBody({2, 4, 34}), WordsBody({2, 3, 34, 0}), WordsBody({2, 4, 34, ~uint64_t{0}}),
        WordsBody({2, ~uint64_t{0}, 34, 1}), WordsBody({2, 4, 34, 1, 5, 0, 1, 7}), WordsBody({2, 4, 34, 1, kMagic, 0, 0, 7}),
        WordsBody({2, 4, 34, 1, kMagic, 0, ~uint64_t{0}, 7}), WordsBody({2, 4, 34, 2, kMagic, 0, 1, 7})}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseSpeTraceInfo(bad).status())) << bad.size();
  }
}

}  // namespace
}  // namespace hftmon
