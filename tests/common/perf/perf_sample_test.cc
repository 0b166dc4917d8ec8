#include "common/perf/perf_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>
#include <string>

#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

// Every field another number, so that one in another's place shows.
WrittenSample RandomSample(const PerfAttr& attr, std::mt19937_64* random) {
  const auto word = [&] { return (*random)() | 1; };  // never 0, which is "not told" for some
  const auto words = [&](size_t count) {
    std::vector<uint64_t> some(count);
    for (uint64_t& one : some) one = word();
    return some;
  };
  WrittenSample sample;
  sample.id = word();
  sample.ip = word();
  sample.time_ns = word() >> 1;
  sample.address = word();
  sample.stream_id = word();
  sample.period = word();
  sample.pid = static_cast<uint32_t>(word());
  sample.tid = static_cast<uint32_t>(word());
  sample.cpu = static_cast<uint32_t>(word());
  sample.enabled_ns = word();
  sample.running_ns = word();
  sample.values.resize(attr.Reads(PerfReadBit::kGroup) ? (*random)() % 4 : 1);
  for (WrittenValue& value : sample.values) value = {.value = word(), .id = word(), .lost = word()};
  sample.callchain = words((*random)() % 5);
  sample.raw.resize(4 + 8 * ((*random)() % 4), std::byte{7});
  sample.branch_index = word();
  const size_t branches = 1 + (*random)() % 3;  // none at all is a case of its own
  sample.branches = words(3 * branches);
  sample.branch_counters = words(branches);
  sample.user_abi = (*random)() % 3;
  sample.interrupt_abi = (*random)() % 3;
  sample.user_registers = words(static_cast<size_t>(std::popcount(attr.user_registers)));
  sample.interrupt_registers = words(static_cast<size_t>(std::popcount(attr.interrupt_registers)));
  sample.user_stack.resize(8 * ((*random)() % 4), std::byte{9});
  sample.user_stack_copied = sample.user_stack.empty() ? 0 : (*random)() % (sample.user_stack.size() + 1);
  sample.weight = attr.Samples(PerfSampleBit::kWeight) ? word() : word() & 0xffffffff;
  sample.weight2 = static_cast<uint16_t>(word());
  sample.weight3 = static_cast<uint16_t>(word());
  sample.data_source = word();
  sample.transaction = word();
  sample.physical_address = word();
  sample.cgroup = word();
  sample.data_page_bytes = word();
  sample.code_page_bytes = word();
  sample.aux.resize(8 * ((*random)() % 4), std::byte{3});
  return sample;
}

template <typename T>
void ExpectField(const PerfAttr& attr, uint64_t bit, const std::optional<T>& found, uint64_t written) {
  EXPECT_EQ(found.has_value(), attr.Samples(bit)) << "bit " << std::hex << bit;
  if (!found.has_value()) return;
  EXPECT_EQ(static_cast<uint64_t>(*found), written) << "bit " << std::hex << bit;
}

template <typename T>
void ExpectBytes(bool wanted, std::span<const std::byte> found, const std::vector<T>& written) {
  const auto expected = wanted ? std::as_bytes(std::span(written)) : std::span<const std::byte>();
  EXPECT_TRUE(std::ranges::equal(found, expected)) << found.size() << " bytes, not " << expected.size();
}

void ExpectReading(const PerfAttr& attr, const WrittenSample& written, const PerfSample& sample) {
  ASSERT_EQ(sample.read.has_value(), attr.Samples(PerfSampleBit::kRead));
  if (!sample.read.has_value()) return;
  ASSERT_EQ(sample.read->size(), written.values.size());
  EXPECT_EQ(sample.read->enabled_ns(), attr.Reads(PerfReadBit::kEnabled) ? std::optional(written.enabled_ns) : std::nullopt);
  EXPECT_EQ(sample.read->running_ns(), attr.Reads(PerfReadBit::kRunning) ? std::optional(written.running_ns) : std::nullopt);
  for (size_t i = 0; i < written.values.size(); ++i) {
    const PerfReadValue value = sample.read->at(i);
    EXPECT_EQ(value.value, written.values[i].value);
    EXPECT_EQ(value.id, attr.Reads(PerfReadBit::kId) ? std::optional(written.values[i].id) : std::nullopt);
    EXPECT_EQ(value.lost, attr.Reads(PerfReadBit::kLost) ? std::optional(written.values[i].lost) : std::nullopt);
  }
}

void ExpectSame(const PerfAttr& attr, const WrittenSample& written, const PerfSample& sample) {
  using Bit = PerfSampleBit;
  ExpectField(attr, Bit::kId | Bit::kIdentifier, sample.id, written.id);
  ExpectField(attr, Bit::kIp, sample.ip, written.ip);
  ExpectField(attr, Bit::kTid, sample.pid, written.pid);
  ExpectField(attr, Bit::kTid, sample.tid, written.tid);
  ExpectField(attr, Bit::kTime, sample.time_ns, written.time_ns);
  ExpectField(attr, Bit::kAddress, sample.address, written.address);
  ExpectField(attr, Bit::kStreamId, sample.stream_id, written.stream_id);
  ExpectField(attr, Bit::kCpu, sample.cpu, written.cpu);
  ExpectField(attr, Bit::kPeriod, sample.period, written.period);
  ExpectReading(attr, written, sample);
  ExpectBytes(attr.Samples(Bit::kCallchain), sample.callchain, written.callchain);
  ExpectBytes(attr.Samples(Bit::kRaw), sample.raw, written.raw);
  ExpectBytes(attr.Samples(Bit::kBranchStack), sample.branches, written.branches);
  ExpectBytes(attr.Samples(Bit::kBranchStack) && (attr.branch_sample_type & 1u << 19) != 0, sample.branch_counters,
              written.branch_counters);
  EXPECT_EQ(sample.branch_hardware_index.has_value(), attr.Samples(Bit::kBranchStack) && (attr.branch_sample_type & 1u << 17) != 0);
  EXPECT_EQ(sample.branch_hardware_index.value_or(written.branch_index), written.branch_index);
  ExpectField(attr, Bit::kUserRegisters, sample.user_registers_abi, written.user_abi);
  ExpectBytes(attr.Samples(Bit::kUserRegisters) && written.user_abi != 0, sample.user_registers, written.user_registers);
  ExpectField(attr, Bit::kInterruptRegisters, sample.interrupt_registers_abi, written.interrupt_abi);
  ExpectBytes(attr.Samples(Bit::kInterruptRegisters) && written.interrupt_abi != 0, sample.interrupt_registers,
              written.interrupt_registers);
  Bytes stack = written.user_stack;
  stack.resize(written.user_stack_copied);
  ExpectBytes(attr.Samples(Bit::kUserStack), sample.user_stack, stack);
  ExpectField(attr, Bit::kWeight | Bit::kWeightStruct, sample.weight, written.weight);
  const bool three = attr.Samples(Bit::kWeightStruct) && !attr.Samples(Bit::kWeight);
  EXPECT_EQ(sample.weight2, three ? std::optional(written.weight2) : std::nullopt);
  EXPECT_EQ(sample.weight3, three ? std::optional(written.weight3) : std::nullopt);
  ExpectField(attr, Bit::kDataSource, sample.data_source, written.data_source);
  ExpectField(attr, Bit::kTransaction, sample.transaction, written.transaction);
  ExpectField(attr, Bit::kPhysicalAddress, sample.physical_address, written.physical_address);
  ExpectField(attr, Bit::kCgroup, sample.cgroup, written.cgroup);
  ExpectField(attr, Bit::kDataPageSize, sample.data_page_bytes, written.data_page_bytes);
  ExpectField(attr, Bit::kCodePageSize, sample.code_page_bytes, written.code_page_bytes);
  ExpectBytes(attr.Samples(Bit::kAux), sample.aux, written.aux);
}

// One sample there and back; no beginning of it, and nothing longer, is taken for a sample.
void ExpectRoundTrip(const PerfAttr& attr, const WrittenSample& written) {
  Bytes body = SampleBody(attr, written);
  const absl::StatusOr<PerfSample> sample = DecodeSample(attr, body);
  ASSERT_TRUE(sample.ok()) << sample.status();
  ExpectSame(attr, written, *sample);
  for (size_t length = 0; length < body.size(); ++length) {
    const auto cut = DecodeSample(attr, std::span(body).first(length));
    EXPECT_TRUE(absl::IsDataLoss(cut.status())) << length << " of " << body.size() << " bytes: " << cut.status();
  }
  body.resize(body.size() + 8);
  EXPECT_TRUE(absl::IsDataLoss(DecodeSample(attr, body).status()));
}

PerfAttr RandomAttr(uint64_t sample_type, std::mt19937_64* random) {
  PerfAttr attr = PlainAttr(sample_type);
  attr.read_format = (*random)() & PerfReadBit::kKnown;
  attr.branch_sample_type = (*random)() & (1u << 17 | 1u << 19);
  attr.user_registers = (*random)() & 0xffffff;
  attr.interrupt_registers = (*random)() & 0xffffff;
  return attr;
}

TEST(PerfSampleTest, EveryFieldAloneIsThereAndBack) {
  std::mt19937_64 random(6);
  for (int bit = 0; bit < 25; ++bit) {
    SCOPED_TRACE(bit);
    const PerfAttr attr = RandomAttr(uint64_t{1} << bit, &random);
    ExpectRoundTrip(attr, RandomSample(attr, &random));
  }
}

TEST(PerfSampleTest, EveryReadFormatIsThereAndBack) {
  std::mt19937_64 random(7);
  for (uint64_t format = 0; format <= PerfReadBit::kKnown; ++format) {
    SCOPED_TRACE(format);
    PerfAttr attr = PlainAttr(PerfSampleBit::kRead | PerfSampleBit::kPeriod);
    attr.read_format = format;
    ExpectRoundTrip(attr, RandomSample(attr, &random));
  }
}

TEST(PerfSampleTest, AnyFieldsTogetherAreThereAndBack) {
  for (uint64_t seed = 0; seed < 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    uint64_t bits = random() & PerfSampleBit::kKnown;
    if ((bits & PerfSampleBit::kWeight) != 0) bits &= ~PerfSampleBit::kWeightStruct;  // the kernel refuses both
    const PerfAttr attr = RandomAttr(bits, &random);
    ExpectRoundTrip(attr, RandomSample(attr, &random));
  }
}

TEST(PerfSampleTest, NoBranchesMayComeWithTheirIndexOrWithout) {
  PerfAttr attr = PlainAttr(PerfSampleBit::kBranchStack | PerfSampleBit::kPeriod);
  attr.branch_sample_type = 1u << 17;
  WrittenSample written{.period = 5, .branch_index = 77};
  auto sample = DecodeSample(attr, SampleBody(attr, written));
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(sample->branch_hardware_index, std::optional<uint64_t>(77));
  written.leave_out_index_of_no_branches = true;
  const Bytes without = SampleBody(attr, written);
  sample = DecodeSample(attr, without);
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(sample->branch_hardware_index, std::nullopt);
  EXPECT_EQ(sample->period, std::optional<uint64_t>(5));
}

TEST(PerfSampleTest, WhatTheKernelCouldNotTellIsAbsent) {
  const PerfAttr attr = PlainAttr(PerfSampleBit::kPhysicalAddress | PerfSampleBit::kDataPageSize | PerfSampleBit::kCodePageSize);
  const Bytes body = SampleBody(attr, {});
  const auto sample = DecodeSample(attr, body);
  ASSERT_TRUE(sample.ok());
  EXPECT_FALSE(sample->physical_address.has_value() || sample->data_page_bytes.has_value() || sample->code_page_bytes.has_value());
}

TEST(PerfSampleTest, HugeLengthsAreErrorsThatNameTheField) {
  const struct {
    uint64_t bit;
    const char* name;
  } kFields[] = {{PerfSampleBit::kCallchain, "CALLCHAIN"},
                 {PerfSampleBit::kBranchStack, "BRANCH_STACK"},
                 {PerfSampleBit::kUserStack, "STACK_USER"},
                 {PerfSampleBit::kAux, "AUX"},
                 {PerfSampleBit::kRead, "values of the group"}};
  for (const auto& field : kFields) {
    PerfAttr attr = PlainAttr(PerfSampleBit::kIp | field.bit);
    attr.read_format = PerfReadBit::kGroup;
    // A third of these times 24 is a small number again.
    for (const uint64_t length : {uint64_t{17}, uint64_t{1} << 61, (uint64_t{1} << 61) + 1, ~uint64_t{0}, 0xaaaaaaaaaaaaaaab}) {
      const auto sample = DecodeSample(attr, WordsBody({1, length, 3, 4}));
      ASSERT_TRUE(absl::IsDataLoss(sample.status())) << field.name << " " << length;
      EXPECT_THAT(std::string(sample.status().message()), HasSubstr(field.name));
      EXPECT_THAT(std::string(sample.status().message()), HasSubstr("at byte"));
    }
  }
}

TEST(PerfSampleTest, WhatIsNewerThanTheReaderIsNotGuessedAt) {
  PerfAttr attr = PlainAttr(uint64_t{1} << 25 | 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(DecodeSample(attr, WordsBody({1, 2})).status()));
  attr = PlainAttr(PerfSampleBit::kRead);
  attr.read_format = 1u << 5;
  const auto sample = DecodeSample(attr, WordsBody({1, 2}));
  EXPECT_TRUE(absl::IsFailedPrecondition(sample.status()));
  EXPECT_THAT(std::string(sample.status().message()), HasSubstr("newer"));
}

TEST(PerfSampleTest, TheEventIsFoundBeforeItsAttrIsKnown) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const PerfAttr attr = RandomAttr(random() & PerfSampleBit::kKnown, &random);
    const WrittenSample written = RandomSample(attr, &random);
    const bool told = attr.Samples(PerfSampleBit::kId | PerfSampleBit::kIdentifier);
    EXPECT_EQ(SampleEventId(attr, SampleBody(attr, written)), told ? std::optional(written.id) : std::nullopt) << seed;
    const Bytes record = ByteWriter().Fill(24, 0xcc).Append(TrailerBytes(attr, written)).bytes;
    EXPECT_EQ(TrailerEventId(attr, record), told ? std::optional(written.id) : std::nullopt) << seed;
  }
  EXPECT_EQ(SampleEventId(PlainAttr(PerfSampleBit::kIp | PerfSampleBit::kId), WordsBody({1})), std::nullopt);
}

TEST(PerfSampleTest, TheTrailerIsReadFromTheEnd) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    PerfAttr attr = RandomAttr(random() & PerfSampleBit::kKnown, &random);
    const WrittenSample written = RandomSample(attr, &random);
    const Bytes trailer = TrailerBytes(attr, written);
    const auto id = DecodeSampleId(attr, ByteWriter().Fill(random() % 5 * 8, 0xcc).Append(trailer).bytes);
    ASSERT_TRUE(id.ok()) << id.status();
    EXPECT_EQ(id->byte_count, trailer.size());
    ExpectField(attr, PerfSampleBit::kTid, id->pid, written.pid);
    ExpectField(attr, PerfSampleBit::kTid, id->tid, written.tid);
    ExpectField(attr, PerfSampleBit::kTime, id->time_ns, written.time_ns);
    ExpectField(attr, PerfSampleBit::kId | PerfSampleBit::kIdentifier, id->id, written.id);
    ExpectField(attr, PerfSampleBit::kStreamId, id->stream_id, written.stream_id);
    ExpectField(attr, PerfSampleBit::kCpu, id->cpu, written.cpu);
    if (!trailer.empty()) {
      EXPECT_TRUE(absl::IsDataLoss(DecodeSampleId(attr, std::span(trailer).first(trailer.size() - 1)).status()));
    }
    attr.flags = 0;
    EXPECT_EQ(DecodeSampleId(attr, trailer)->byte_count, 0u);
  }
}

TEST(PerfSampleIdTest, TheIdStandsBehindWhatTheAttrAsksForBeforeIt) {
  const auto place = [](uint64_t sample_type) { return SampleIdPlace(PlainAttr(sample_type)); };
  using Bit = PerfSampleBit;
  EXPECT_EQ(place(Bit::kIp | Bit::kTid), std::nullopt);
  EXPECT_EQ(place(Bit::kIp | Bit::kIdentifier), std::optional<size_t>(0));
  EXPECT_EQ(place(Bit::kIp | Bit::kId | Bit::kIdentifier), std::optional<size_t>(0));
  EXPECT_EQ(place(Bit::kId | Bit::kCpu), std::optional<size_t>(0));
  EXPECT_EQ(place(Bit::kIp | Bit::kTid | Bit::kTime | Bit::kAddress | Bit::kId | Bit::kPeriod), std::optional<size_t>(32));
}

}  // namespace
}  // namespace hftmon
