#include "common/memory_access/sharing_advice.h"

#include <gmock/gmock.h>

#include <random>
#include <set>
#include <vector>

#include "common/memory_access/contended_lines.h"
#include "tests/common/memory_access/coherence_model.h"
#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kBase = 0x7f0000001000;
constexpr int kRounds = 50;

ContendedLineTable ModelTable(std::span<const ModelStep> steps) {
  return TableOf(RunModel(steps, kRounds));
}

// Reads a field and writes it back.
void Increment(uint32_t tid, uint64_t address, std::vector<ModelStep>* steps) {
  steps->push_back({tid, address, false});
  steps->push_back({tid, address, true});
}

std::vector<AdviceKind> KindsOf(const ContendedLine& line) {
  std::vector<AdviceKind> kinds;
  for (const SharingAdvice& advice : line.advice) kinds.push_back(advice.kind);
  return kinds;
}

TEST(SharingAdviceTest, CountersOfTwoThreadsArePaddedAndThenNobodyWaits) {
  std::vector<ModelStep> together;
  Increment(1, kBase, &together);
  Increment(2, kBase + 8, &together);
  const ContendedLineTable table = ModelTable(together);
  ASSERT_EQ(table.lines.size(), 1u);
  EXPECT_EQ(table.lines[0].sharing.verdict, SharingVerdict::kFalse);
  EXPECT_THAT(KindsOf(table.lines[0]), ElementsAre(AdviceKind::kPad));
  EXPECT_EQ(table.lines[0].advice[0].contended, table.lines[0].counts.contended());
  EXPECT_EQ(table.lines[0].advice[0].estimated_cycles, table.lines[0].estimated_cycles);
  std::vector<ModelStep> padded;
  Increment(1, kBase, &padded);
  Increment(2, kBase + 64, &padded);
  EXPECT_THAT(ModelTable(padded).lines, IsEmpty());
}

TEST(SharingAdviceTest, FieldsBetweenEachOtherAreGroupedAndThenNobodyWaits) {
  std::vector<ModelStep> mixed;
  std::vector<ModelStep> grouped;
  for (uint64_t i = 0; i < 4; ++i) {
    const auto tid = static_cast<uint32_t>(1 + i % 2);
    Increment(tid, kBase + 8 * i, &mixed);
    Increment(tid, kBase + 64 * (i % 2) + 8 * (i / 2), &grouped);
  }
  const ContendedLineTable table = ModelTable(mixed);
  ASSERT_EQ(table.lines.size(), 1u);
  EXPECT_THAT(KindsOf(table.lines[0]), ElementsAre(AdviceKind::kSplit));
  EXPECT_THAT(table.lines[0].advice[0].text, HasSubstr("0x0 of thread 1, 0x8 of thread 2, 0x10 of thread 1, 0x18 of thread 2"));
  EXPECT_THAT(ModelTable(grouped).lines, IsEmpty());
}

// Objects of 64 bytes, one for each thread, in an array: each thread uses the first and the last field of its own.
std::vector<ModelStep> ArrayOfObjects(uint64_t begin, uint32_t threads) {
  std::vector<ModelStep> steps;
  for (uint32_t i = 0; i < threads; ++i) {
    Increment(1 + i, begin + 64 * i, &steps);
    Increment(1 + i, begin + 64 * i + 56, &steps);
  }
  return steps;
}

TEST(SharingAdviceTest, ObjectsAcrossTheEdgesOfLinesAreAlignedAndThenNobodyWaits) {
  const ContendedLineTable table = ModelTable(ArrayOfObjects(kBase + 32, 4));
  ASSERT_EQ(table.lines.size(), 3u);  // the outermost lines are one thread's
  for (const ContendedLine& line : table.lines) EXPECT_THAT(KindsOf(line), ElementsAre(AdviceKind::kAlign));
  EXPECT_THAT(ModelTable(ArrayOfObjects(kBase, 4)).lines, IsEmpty());
}

TEST(SharingAdviceTest, PhysicalNeighboursBeyondAPageTellNothing) {
  const uint64_t page = 0x7f0000002000;
  std::vector<ModelStep> steps;
  for (const uint64_t field : {0, 56}) Increment(1, page - 32 + field, &steps);
  Increment(2, page + 32, &steps);
  const std::vector<MemoryAccess> stream = RunModel(steps, kRounds);
  EXPECT_THAT(KindsOf(TableOf(stream).lines.at(0)), ElementsAre(AdviceKind::kAlign));
  ContendedLines physical;
  for (MemoryAccess access : stream) {
    access.physical_address = access.address - 0x7f0000000000;
    physical.Add(access, PhysicalPlace(access).value());
  }
  EXPECT_THAT(KindsOf(physical.Build(LineOrder::kCycles).lines.at(0)), ElementsAre(AdviceKind::kPad));
}

// Whoever owns which field: apart they do not disturb each other, and what is said depends on whether they lie between each other.
TEST(SharingAdviceTest, EachThreadsFieldsOnALineOfTheirOwnEndAllContention) {
  std::mt19937_64 random(1);
  std::set<AdviceKind> seen;
  for (int round = 0; round < 200; ++round) {
    std::vector<ModelStep> together;
    std::vector<ModelStep> apart;
    std::vector<uint32_t> runs;  // owners in the line's order, once for each stretch
    for (uint64_t offset = 0; offset < 64; offset += 8) {
      const auto tid = static_cast<uint32_t>(1 + random() % 2);
      if (random() % 3 == 0) continue;
      Increment(tid, kBase + offset, &together);
      Increment(tid, kBase + uint64_t{64} * tid + offset, &apart);
      if (runs.empty() || runs.back() != tid) runs.push_back(tid);
    }
    EXPECT_THAT(ModelTable(apart).lines, IsEmpty());
    const ContendedLineTable table = ModelTable(together);
    ASSERT_EQ(table.lines.size(), runs.size() > 1 ? 1u : 0u);
    if (table.lines.empty()) continue;
    EXPECT_EQ(table.lines[0].sharing.verdict, SharingVerdict::kFalse);
    EXPECT_THAT(KindsOf(table.lines[0]), ElementsAre(runs.size() > 2 ? AdviceKind::kSplit : AdviceKind::kPad));
    EXPECT_EQ(table.lines[0].advice[0].contended, table.lines[0].counts.contended());
    seen.insert(table.lines[0].advice[0].kind);
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(SharingAdviceTest, ObjectsLargerThanALineAreNotToldThatAligningIsEnough) {
  // 96 bytes each: aligning the first leaves the second's begin where it is. Once the first alone shows its size, once the second.
  const std::vector<std::vector<uint64_t>> first_fields{{0, 88}, {48, 88}};
  const std::vector<std::vector<uint64_t>> second_fields{{0}, {0, 88}};
  for (size_t i = 0; i < 2; ++i) {
    std::vector<ModelStep> steps;
    for (const uint64_t field : first_fields[i]) Increment(1, kBase + field, &steps);
    for (const uint64_t field : second_fields[i]) Increment(2, kBase + 96 + field, &steps);
    const ContendedLineTable table = ModelTable(steps);
    ASSERT_EQ(table.lines.size(), 1u);
    EXPECT_THAT(KindsOf(table.lines[0]), ElementsAre(AdviceKind::kPad));
  }
}

TEST(SharingAdviceTest, FieldsThatAreOnlyReadLeaveTheWrittenOneAndThenTheirReadersDoNotWait) {
  std::vector<ModelStep> together;
  std::vector<ModelStep> apart;
  for (const uint32_t reader : {2u, 3u}) {
    for (const uint64_t field : {8, 16}) {
      together.insert(together.end(), {{1, kBase, true}, {reader, kBase + field, false}});
      apart.insert(apart.end(), {{1, kBase + 64, true}, {reader, kBase + field, false}});
    }
  }
  const ContendedLineTable table = ModelTable(together);
  ASSERT_EQ(table.lines.size(), 1u);
  EXPECT_THAT(KindsOf(table.lines[0]), ElementsAre(AdviceKind::kSeparateReadMostly));
  EXPECT_THAT(table.lines[0].advice[0].offsets, ElementsAre(8, 16));
  EXPECT_THAT(table.lines[0].advice[0].text, HasSubstr("only read (0x8, 0x10), beside 0x0, written by thread 1: "));
  EXPECT_THAT(ModelTable(apart).lines, IsEmpty());
}

TEST(SharingAdviceTest, ThreadsThatReadASettingBesideTheirOwnCountersKeepThemApart) {
  std::vector<ModelStep> steps;
  for (const uint32_t tid : {1u, 2u}) {
    steps.push_back({tid, kBase, false});
    Increment(tid, kBase + 8 * tid, &steps);
  }
  const ContendedLineTable table = ModelTable(steps);
  std::set<AdviceKind> kinds;
  for (const SharingAdvice& advice : table.lines.at(0).advice) kinds.insert(advice.kind);
  EXPECT_TRUE(kinds.contains(AdviceKind::kSeparateReadMostly));
}

TEST(SharingAdviceTest, ACounterOfAllIsGivenToEachAndThenNobodyWaits) {
  std::vector<ModelStep> one;
  std::vector<ModelStep> copies;
  for (const uint32_t tid : {1u, 2u, 3u}) {
    Increment(tid, kBase, &one);
    Increment(tid, kBase + uint64_t{64} * tid, &copies);
  }
  const ContendedLineTable table = ModelTable(one);
  ASSERT_EQ(table.lines.size(), 1u);
  EXPECT_EQ(table.lines[0].sharing.verdict, SharingVerdict::kTrue);
  EXPECT_THAT(KindsOf(table.lines[0]), ElementsAre(AdviceKind::kPerThreadCopies));
  EXPECT_THAT(table.lines[0].advice[0].text, HasSubstr("threads 1, 2, 3 write (150 sampled writes, 0 of them locked)"));
  EXPECT_THAT(ModelTable(copies).lines, IsEmpty());
}

TEST(SharingAdviceTest, TwoWritersAreSeveral) {
  std::vector<ModelStep> steps;
  for (const uint32_t tid : {1u, 2u}) Increment(tid, kBase, &steps);
  EXPECT_THAT(KindsOf(ModelTable(steps).lines.at(0)), ElementsAre(AdviceKind::kPerThreadCopies));
}

TEST(SharingAdviceTest, WhereTheWritersSiteWasDroppedNothingIsSaidOfIt) {
  ContendedLines lines({.sites_per_line = 4});
  lines.Add(StoreAt(kBase, 1));
  for (uint64_t code = 0; code < 10; ++code) {
    MemoryAccess access = HitmAt(kBase, 2, 100);
    access.code_address = code;
    lines.Add(access);
  }
  const ContendedLine line = lines.Build(LineOrder::kCycles).lines.at(0);
  EXPECT_EQ(line.sharing.true_contended + line.sharing.no_writer_contended, 10u);
  EXPECT_EQ(line.sharing.verdict, SharingVerdict::kTrue);
  EXPECT_THAT(line.advice, IsEmpty());
}

TEST(SharingAdviceTest, WhatOneWritesAndOthersReadIsMendedByNoLayout) {
  const std::vector<ModelStep> steps{{1, kBase, true}, {2, kBase, false}, {1, kBase, true}, {3, kBase, false}};
  const ContendedLineTable table = ModelTable(steps);
  ASSERT_EQ(table.lines.size(), 1u);
  EXPECT_THAT(KindsOf(table.lines[0]), ElementsAre(AdviceKind::kWriteLess));
  EXPECT_THAT(table.lines[0].advice[0].text, HasSubstr("0x0, written by thread 1, waited for by threads 2, 3, "));
  EXPECT_THAT(table.lines[0].advice[0].text, HasSubstr("no layout mends that"));
}

TEST(SharingAdviceTest, WithoutStoresItSaysWhatToRecord) {
  const std::vector<MemoryAccess> loads(5, HitmAt(kBase, 1, 100));
  EXPECT_THAT(TableOf(loads).lines.at(0).advice.at(0).text, HasSubstr("no store of any line was recorded"));
  std::vector<MemoryAccess> beside = loads;
  beside.push_back(StoreAt(kBase + 0x1000, 1));
  EXPECT_THAT(TableOf(beside).lines.at(0).advice.at(0).text, HasSubstr("none of this line by another thread"));
}

TEST(SharingAdviceTest, WhatCameFromPeersWithoutAWriterMayBeClean) {
  MemoryAccess peer = LoadAt(kBase, 1);
  peer.source.peer = true;
  const ContendedLine line = TableOf(std::vector{peer, StoreAt(kBase + 0x1000, 2)}).lines.at(0);
  EXPECT_THAT(KindsOf(line), ElementsAre(AdviceKind::kRecordStores));
  EXPECT_THAT(line.advice[0].text, HasSubstr("1 of 1 HITM and peer accesses are without a writer (1 thread at 0x0)"));
  EXPECT_THAT(line.advice[0].text, HasSubstr("may be clean"));
}

TEST(SharingAdviceTest, WhatTakesMostAwayStandsFirst) {
  std::vector<MemoryAccess> stream;
  for (int i = 0; i < 10; ++i) stream.push_back(HitmAt(kBase, 2, 10));  // of what thread 1 publishes
  stream.push_back(StoreAt(kBase, 1));
  stream.push_back(HitmAt(kBase + 32, 3, 5'000));  // only read
  const ContendedLine line = TableOf(stream).lines.at(0);
  EXPECT_THAT(KindsOf(line), ElementsAre(AdviceKind::kSeparateReadMostly, AdviceKind::kWriteLess));
  EXPECT_EQ(line.advice[0].estimated_cycles, 5'000u);
  EXPECT_EQ(line.advice[1].contended, 10u);
}

TEST(SharingAdviceTest, ManyThreadsAndOffsetsAreCutShort) {
  std::vector<ModelStep> steps;
  for (uint32_t tid = 1; tid <= 7; ++tid) Increment(tid, kBase + uint64_t{8} * tid, &steps);
  const ContendedLineTable table = ModelTable(steps);
  EXPECT_THAT(table.lines.at(0).advice.at(0).text, HasSubstr("0x20 of thread 4 and 3 more"));
  EXPECT_EQ(table.lines.at(0).advice.at(0).offsets.size(), 7u);
}

TEST(SharingAdviceTest, NamesAreStable) {
  EXPECT_EQ(AdviceKindName(AdviceKind::kPad), "pad");
  EXPECT_EQ(AdviceKindName(AdviceKind::kAlign), "align");
  EXPECT_EQ(AdviceKindName(AdviceKind::kSplit), "split");
  EXPECT_EQ(AdviceKindName(AdviceKind::kSeparateReadMostly), "separate_read_mostly");
  EXPECT_EQ(AdviceKindName(AdviceKind::kPerThreadCopies), "per_thread_copies");
  EXPECT_EQ(AdviceKindName(AdviceKind::kWriteLess), "write_less");
  EXPECT_EQ(AdviceKindName(AdviceKind::kRecordStores), "record_stores");
}

}  // namespace
}  // namespace hftmon
