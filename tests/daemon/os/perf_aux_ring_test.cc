#include "daemon/os/perf_aux_ring.h"

#include <gmock/gmock.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/os/perf_ring.h"
#include "tests/fakes/allocation_counter.h"
#include "tests/fakes/perf_aux_writer.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr size_t kPage = PerfRingWriter::kPageBytes;
constexpr size_t kAuxBytes = 4 * kPage;
constexpr uint64_t kFar = uint64_t{1} << 40;

struct Stretch {
  uint64_t offset = 0;
  Bytes bytes;
  bool told = false;
  std::optional<uint32_t> cpu;
  bool operator==(const Stretch&) const = default;
};

void PrintTo(const Stretch& stretch, std::ostream* to) {
  *to << stretch.bytes.size() << " bytes at " << stretch.offset << (stretch.told ? ", told" : "");
}

Bytes Pattern(size_t bytes, uint8_t first = 1) {
  Bytes pattern(bytes);
  for (size_t i = 0; i < bytes; ++i) pattern[i] = static_cast<std::byte>(first + i % 251);
  return pattern;
}

class PerfAuxRingTest : public ::testing::Test {
 protected:
  PerfAuxRingTest() : words_((kPage + 4 * kPage) / sizeof(uint64_t)), aux_words_(kAuxBytes / sizeof(uint64_t)) { Begin(0); }

  void Begin(uint64_t position) {
    ring_writer_.emplace(memory());
    EXPECT_EQ(PerfAuxRing::Ask(memory(), kAuxBytes), memory().size());
    writer_.emplace(memory(), aux(), &*ring_writer_, position);
    auto ring = PerfRing::Over(memory(), kPage);
    auto aux_ring = PerfAuxRing::Over(memory(), aux(), kPage);
    ASSERT_TRUE(ring.ok() && aux_ring.ok()) << ring.status() << aux_ring.status();
    ring_.emplace(*std::move(ring));
    aux_.emplace(*std::move(aux_ring));
  }
  std::span<std::byte> memory() { return std::as_writable_bytes(std::span(words_)); }
  std::span<std::byte> aux() { return std::as_writable_bytes(std::span(aux_words_)); }
  static WrittenSample On(uint32_t cpu) { return {.time_ns = 77, .pid = 500, .tid = 501, .cpu = cpu}; }

  template <typename Visit>
  void Drain(const Visit& visit, size_t records_max = 1'000) {
    aux_->Begin();
    const size_t count = ring_->Drain(records_max, [&](const PerfRecord& record) {
      if (!record.header.Is(PerfRecordType::kAux)) return;
      const auto told = ParseAux(PlainAttr(PerfAuxWriter::kSampleType), record);
      ASSERT_TRUE(told.ok()) << told.status();
      aux_->Take(*told, visit);
    });
    aux_->End(count < records_max, visit);
  }
  std::vector<Stretch> Read(size_t records_max = 1'000) {
    std::vector<Stretch> all;
    Drain(
        [&](const PerfAuxBytes& bytes) {
          EXPECT_FALSE(bytes.first.empty());
          Stretch one{.offset = bytes.offset, .bytes = Bytes(bytes.first.begin(), bytes.first.end()), .told = bytes.told != nullptr};
          one.bytes.insert(one.bytes.end(), bytes.second.begin(), bytes.second.end());
          if (bytes.told != nullptr) one.cpu = bytes.told->sample_id.cpu;
          all.push_back(std::move(one));
        },
        records_max);
    return all;
  }
  // Whatever was before, the next stretch is read whole, and the hardware has all its room again.
  void ExpectGoesOn() {
    const uint64_t at = writer_->head();
    ASSERT_TRUE(writer_->Write(Pattern(128, 9), On(3)));
    EXPECT_THAT(Read(), ElementsAre(Stretch{at, Pattern(128, 9), true, 3}));
    EXPECT_EQ(writer_->tail(), writer_->head());
  }

  std::vector<uint64_t> words_, aux_words_;
  std::optional<PerfRingWriter> ring_writer_;
  std::optional<PerfAuxWriter> writer_;
  std::optional<PerfRing> ring_;
  std::optional<PerfAuxRing> aux_;
};

TEST_F(PerfAuxRingTest, WhatIsToldIsReadInOrderAndOnce) {
  ASSERT_TRUE(writer_->Write(Pattern(64), On(1)));
  ASSERT_TRUE(writer_->Write(Pattern(192, 50), On(2)));
  EXPECT_THAT(Read(), ElementsAre(Stretch{0, Pattern(64), true, 1}, Stretch{64, Pattern(192, 50), true, 2}));
  EXPECT_EQ(writer_->tail(), writer_->head()) << "the hardware has its room again";
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(aux_->counts().record_count, 2u);
  EXPECT_EQ(aux_->counts().read_bytes, 256u);
  EXPECT_EQ(aux_->counts().untold_bytes, 0u);
  EXPECT_EQ(aux_->counts().damage_count, 0u);
  EXPECT_FALSE(aux_->stopped());
}

TEST_F(PerfAuxRingTest, AStretchIsReadWholeAtEveryOffsetWhereItMayWrap) {
  for (const uint64_t from : {kFar, uint64_t{0} - kAuxBytes}) {
    for (size_t before = 0; before <= 200; ++before) {
      SCOPED_TRACE(before);
      Begin(from + kAuxBytes - before);
      const uint64_t at = writer_->head();
      ASSERT_TRUE(writer_->Write(Pattern(190), On(1)));
      ASSERT_TRUE(writer_->Write(Pattern(3 * kPage, 7), On(1)));
      ASSERT_THAT(Read(), ElementsAre(Stretch{at, Pattern(190), true, 1}, Stretch{at + 190, Pattern(3 * kPage, 7), true, 1}));
      ASSERT_EQ(aux_->counts().damage_count, 0u);
    }
  }
}

TEST_F(PerfAuxRingTest, WhatTheHeadHasNotPassedIsKeptUntilItHas) {
  writer_->Put(Pattern(64));
  ASSERT_TRUE(writer_->Tell(64, 0, On(1)));
  EXPECT_THAT(Read(), IsEmpty()) << "the kernel writes the record first";
  EXPECT_EQ(writer_->tail(), 0u);
  writer_->SetHead(64);
  EXPECT_THAT(Read(), ElementsAre(Stretch{0, Pattern(64), true, 1}));
  EXPECT_EQ(aux_->counts().damage_count, 0u);
  // Or until the next is told.
  writer_->Put(Pattern(64));
  ASSERT_TRUE(writer_->Tell(64, 0, On(1)));
  EXPECT_THAT(Read(), IsEmpty());
  writer_->SetHead(128);
  ASSERT_TRUE(writer_->Write(Pattern(64, 5), On(2)));
  EXPECT_THAT(Read(), ElementsAre(Stretch{64, Pattern(64), true, 1}, Stretch{128, Pattern(64, 5), true, 2}));
  EXPECT_EQ(aux_->counts().damage_count, 0u);
}

TEST_F(PerfAuxRingTest, ARecordThatTheHeadNeverPassesIsDamageAndCostsItsBytesAlone) {
  writer_->Put(Pattern(64));
  ASSERT_TRUE(writer_->Tell(64, 0, On(1)));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(aux_->counts().damage_count, 1u);
  EXPECT_EQ(aux_->counts().damaged_bytes, 64u);
  ExpectGoesOn();
}

TEST_F(PerfAuxRingTest, WhatNoRecordTellsIsHandedOutAsThat) {
  ASSERT_TRUE(writer_->Write(Pattern(100), On(1)));
  writer_->Pad(28);
  ASSERT_TRUE(writer_->Write(Pattern(64, 30), On(1)));
  // The last record's loss is seen at the end, when the ring has no more.
  writer_->Pad(36);
  EXPECT_THAT(Read(), ElementsAre(Stretch{0, Pattern(100), true, 1}, Stretch{100, Bytes(28), false, std::nullopt},
                                  Stretch{128, Pattern(64, 30), true, 1}, Stretch{192, Bytes(36), false, std::nullopt}));
  EXPECT_EQ(aux_->counts().untold_bytes, 64u);
  EXPECT_EQ(aux_->counts().damage_count, 0u);
}

TEST_F(PerfAuxRingTest, WhatRecordsToComeTellIsLeftToThem) {
  for (uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(writer_->Write(Pattern(64, 1), On(i)));
  EXPECT_EQ(Read(2).size(), 2u);
  EXPECT_EQ(writer_->tail(), 128u);
  const std::vector<Stretch> rest = Read();
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].cpu, 2u);
  EXPECT_EQ(aux_->counts().untold_bytes, 0u);
}

TEST_F(PerfAuxRingTest, FlagsAreCountedAndAFullMemorySaysThatTheEventMayBeOff) {
  ASSERT_TRUE(writer_->Write(Pattern(64), On(1), PerfAux::kCollision));
  ASSERT_TRUE(writer_->Write(Pattern(64), On(1), PerfAux::kCollision | PerfAux::kPartial));
  Read();
  EXPECT_FALSE(aux_->stopped());
  ASSERT_FALSE(writer_->Write(Pattern(kAuxBytes), On(1)));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_TRUE(aux_->stopped());
  EXPECT_EQ(aux_->counts().record_count, 3u);
  EXPECT_EQ(aux_->counts().collision_count, 2u);
  EXPECT_EQ(aux_->counts().partial_count, 1u);
  EXPECT_EQ(aux_->counts().truncated_count, 1u);
  aux_->Resumed();
  // The record that says so may be lost, and there is none where not a byte is left.
  ASSERT_TRUE(writer_->Write(Pattern(kAuxBytes - 1), On(1)));
  EXPECT_EQ(Read().size(), 1u);
  EXPECT_TRUE(aux_->stopped());
  aux_->Resumed();
  ExpectGoesOn();
  EXPECT_FALSE(aux_->stopped());
}

TEST_F(PerfAuxRingTest, AHeadThatCannotBeCostsWhatIsUnreadAndIsCounted) {
  for (const int64_t step : {int64_t{-64}, -static_cast<int64_t>(kAuxBytes), static_cast<int64_t>(kAuxBytes) + 1, int64_t{1} << 50}) {
    SCOPED_TRACE(step);
    Begin(kFar);
    ASSERT_TRUE(writer_->Write(Pattern(64), On(1)));
    EXPECT_EQ(Read().size(), 1u);
    writer_->SetHead(writer_->head() + static_cast<uint64_t>(step));
    EXPECT_THAT(Read(), IsEmpty());
    EXPECT_EQ(aux_->counts().damage_count, 1u);
    EXPECT_THAT(Read(), IsEmpty());
    EXPECT_EQ(aux_->counts().damage_count, 1u) << "once is enough";
    ExpectGoesOn();
  }
}

TEST_F(PerfAuxRingTest, ARecordThatCannotBeIsCountedAndNothingOfItRead) {
  struct Told {
    uint64_t offset, bytes, flags;
  };
  const std::vector<Told> hostile = {{kFar - 64, 64, 0},
                                     {kFar, kAuxBytes + 1, 0},
                                     {kFar, ~uint64_t{0}, 0},
                                     {kFar + kAuxBytes, 1, 0},
                                     {kFar + kAuxBytes + 1, 8, 0},
                                     {~uint64_t{0}, 64, 0},
                                     {0, 64, 0},
                                     {kFar, 32, PerfAux::kOverwrite}};
  for (const Told& told : hostile) {
    SCOPED_TRACE(told.offset);
    Begin(kFar);
    ASSERT_TRUE(writer_->TellOf(told.offset, told.bytes, told.flags, On(1)));
    EXPECT_THAT(Read(), IsEmpty());
    EXPECT_EQ(aux_->counts().damage_count, 1u);
    EXPECT_EQ(aux_->counts().damaged_bytes, told.bytes);
    ExpectGoesOn();
  }
}

TEST_F(PerfAuxRingTest, WhateverStandsInTheMemoryReadingStaysWithinItAndEnds) {
  std::mt19937_64 random(20'261'127);
  uint64_t told_bytes = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto near = [&] { return writer_->tail() + random() % (2 * kAuxBytes) - kAuxBytes / 2; };
    for (uint64_t records = random() % 4; records > 0; --records) {
      writer_->TellOf(random() % 8 == 0 ? random() : near(), random() % 8 == 0 ? random() : random() % 4'096, random() % 16, On(1));
    }
    writer_->SetHead(random() % 4 == 0 ? random() : near());
    size_t bytes_read = 0;
    Drain([&](const PerfAuxBytes& bytes) {
      ASSERT_LE(bytes.first.size() + bytes.second.size(), kAuxBytes);
      ASSERT_GE(bytes.first.data(), aux().data());
      ASSERT_LE(bytes.first.data() + bytes.first.size(), aux().data() + kAuxBytes);
      ASSERT_TRUE(bytes.second.empty() || bytes.second.data() == aux().data());
      bytes_read += bytes.first.size() + bytes.second.size();
      told_bytes += bytes.told != nullptr ? bytes.first.size() + bytes.second.size() : 0;
    });
    ASSERT_LE(bytes_read, 2 * kAuxBytes);
  }
  EXPECT_GT(told_bytes, 0u);
  EXPECT_GT(aux_->counts().damage_count, 0u);
}

TEST_F(PerfAuxRingTest, ReadingAllocatesNothing) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(writer_->Write(Pattern(640), On(1)));
  const PerfAttr attr = PlainAttr(PerfAuxWriter::kSampleType);
  size_t bytes_read = 0;
  const auto visit = [&bytes_read](const PerfAuxBytes& bytes) { bytes_read += bytes.first.size(); };
  const uint64_t before = allocation_count;
  aux_->Begin();
  ring_->Drain(1'000, [&](const PerfRecord& record) { aux_->Take(*ParseAux(attr, record), visit); });
  aux_->End(true, visit);
  EXPECT_EQ(allocation_count, before);
  EXPECT_EQ(bytes_read, 20u * 640);
}

TEST_F(PerfAuxRingTest, MemoryThatWasNotAskedForIsRefused) {
  const auto refused = [&](std::span<const std::byte> of) { return PerfAuxRing::Over(memory(), of, kPage).status(); };
  for (const size_t bytes : {size_t{0}, kPage, 3 * kPage}) {
    EXPECT_TRUE(absl::IsInvalidArgument(refused(aux().first(bytes)))) << bytes;
  }
  const absl::Status other = refused(aux().first(2 * kPage));
  EXPECT_TRUE(absl::IsFailedPrecondition(other)) << other;
  EXPECT_THAT(std::string(other.message()), HasSubstr("the control page has AUX memory of 16384 bytes"));
}

}  // namespace
}  // namespace hftmon
