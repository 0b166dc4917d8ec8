// The shapes of real reports of perf c2c as streams of accesses; the figures are those of the reports.
//
// Where a report sums up a process, the number of CPUs of a row stands for its threads. Its percentages, rounded to 0.01, are turned into
// counts by the largest remainder.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <vector>

#include "common/memory_access/contended_lines.h"
#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kLocksLine = 0x602180;
constexpr uint64_t kReadersLine = 0x602100;
constexpr uint64_t kTaskLine = 0xffff883ffb6a7e80;
constexpr uint64_t kTickLine = 0xffffffff81aec000;
constexpr uint64_t kClockLine = 0xffffffff81e3f540;

// Four sockets; a line that locks and readers share, one of readers, three of the kernel. Sums: remote 12757 and local 3402 HITM.
std::vector<MemoryAccess> FourSocketStream() {
  std::vector<MemoryAccess> stream;
  const std::vector<StreamRow> locks{{0x0, 101, 9, 0x400b4f, 6442, 1268, 81'995, 0, 27'161, 26'039, 28'297},
                                     {0x0, 101, 9, 0x400b56, 40, 8, 0, 0, 18'088, 12'601},
                                     {0x0, 101, 9, 0x400b61, 0, 0, 27'041, 468},
                                     {0x20, 201, 2, 0x400ba7, 738, 225, 0, 0, 2'470, 1'729},
                                     {0x28, 203, 2, 0x400bc1, 1732, 474, 0, 0, 2'294, 1'575},
                                     {0x30, 205, 2, 0x400bdb, 882, 294, 0, 0, 2'325, 1'897}};
  AppendRows(kLocksLine, locks, &stream);
  const std::vector<StreamRow> readers{{0x20, 201, 2, 0x400bb3, 825, 405, 0, 0, 1'964, 1'230, 8'177},
                                       {0x28, 203, 2, 0x400bcd, 1237, 385, 0, 0, 2'274, 1'566},
                                       {0x30, 205, 2, 0x400be7, 770, 329, 0, 0, 2'045, 1'247}};
  AppendRows(kReadersLine, readers, &stream);
  const std::vector<StreamRow> task{{0x0, 101, 9, 0xffffffff810cf16d, 7, 3, 0, 0, 1'380, 941, 84},
                                    {0x0, 101, 13, 0xffffffff810c9379, 2, 0, 159, 0, 1'794},
                                    {0x0, 101, 12, 0xffffffff810ce098, 2, 0, 0, 0, 1'382},
                                    {0x8, 101, 8, 0xffffffff810cf18c, 1, 0, 0, 0, 2'560},
                                    {0x8, 101, 2, 0xffffffff810cf14f, 0, 0, 2}};
  AppendRows(kTaskLine, task, &stream);
  const std::vector<StreamRow> tick{{0x0, 101, 12, 0xffffffff810c331f, 7, 0, 0, 0, 430, 0, 147},
                                    {0x0, 101, 11, 0xffffffff810d3126, 2, 0, 0, 0, 332},
                                    {0x0, 120, 1, 0xffffffff810eb556, 0, 0, 0, 1}};
  AppendRows(kTickLine, tick, &stream);
  const std::vector<StreamRow> clock{{0x0, 120, 1, 0xffffffff810eb0b0, 1, 0, 0, 0, 429, 0, 53},
                                     {0x8, 120, 1, 0xffffffff810eb1f3, 0, 0, 4, 2},
                                     {0x8, 120, 1, 0xffffffff810eb27d, 0, 0, 5},
                                     {0x18, 120, 1, 0xffffffff810eaf96, 0, 0, 4},
                                     {0x20, 120, 1, 0xffffffff810eaffa, 0, 0, 1},
                                     {0x38, 101, 10, 0xffffffff810ea2e1, 4, 1, 0, 0, 442, 218},
                                     {0x38, 101, 10, 0xffffffff810eb593, 3, 0, 0, 0, 593},
                                     {0x38, 118, 3, 0xffffffff810eb088, 0, 0, 11},
                                     {0x38, 120, 1, 0xffffffff810eb0c6, 0, 0, 26, 18},
                                     {0x3c, 120, 1, 0xffffffff8168ab02, 0, 0, 1},
                                     {0x3c, 118, 3, 0xffffffff8168acff, 0, 0, 45}};
  AppendRows(kClockLine, clock, &stream);
  // The 50 lines that the report sums up without printing them.
  for (uint64_t i = 0; i < 50; ++i) {
    const std::vector<StreamRow> rest{{0x0, 101, 1, 0x400b00, i < 12 ? 2u : 1u, i < 10 ? 1u : 0u, 0, 0, 300, 150}};
    AppendRows(0x610000 + 64 * i, rest, &stream);
  }
  std::mt19937_64 random(1);
  std::shuffle(stream.begin(), stream.end(), random);
  return stream;
}

std::vector<uint64_t> FirstAddresses(const ContendedLineTable& table, size_t count) {
  std::vector<uint64_t> addresses;
  for (size_t i = 0; i < count; ++i) addresses.push_back(table.lines.at(i).address);
  return addresses;
}

std::vector<uint64_t> FirstCycles(const ContendedLineTable& table, size_t count) {
  std::vector<uint64_t> cycles;
  for (size_t i = 0; i < count; ++i) cycles.push_back(table.lines.at(i).estimated_cycles.value());
  return cycles;
}

TEST(ContendedLinesRecordingsTest, FourSocketsAreRankedAsTheReportRanksThemByRemoteHitm) {
  const ContendedLineTable table = TableOf(FourSocketStream(), LineOrder::kRemoteHitm);
  EXPECT_EQ(table.contended_lines, 55u);
  EXPECT_EQ(table.total.hitm_remote, 12'757u);
  EXPECT_EQ(table.total.hitm_local, 3'402u);
  EXPECT_THAT(FirstAddresses(table, 5), ElementsAre(kLocksLine, kReadersLine, kTaskLine, kTickLine, kClockLine));
  std::vector<uint64_t> remote;
  std::vector<uint64_t> local;
  std::vector<uint64_t> share_percent_100;
  for (size_t i = 0; i < 5; ++i) {
    remote.push_back(table.lines[i].counts.hitm_remote);
    local.push_back(table.lines[i].counts.hitm_local);
    share_percent_100.push_back(static_cast<uint64_t>(table.lines[i].share * 10'000 + 0.5));
  }
  EXPECT_THAT(remote, ElementsAre(9834u, 2832u, 12u, 9u, 8u));
  EXPECT_THAT(local, ElementsAre(2269u, 1119u, 3u, 0u, 1u));
  EXPECT_THAT(share_percent_100, ElementsAre(7709u, 2220u, 9u, 7u, 6u));
  const AccessCounts& locks = table.lines[0].counts;
  EXPECT_EQ(locks.accesses, 149'904u);
  EXPECT_EQ(locks.stores, 109'504u);
  EXPECT_EQ(locks.store_l1_hits, 109'036u);
  EXPECT_EQ(locks.store_l1_misses, 468u);
  EXPECT_EQ(table.lines[1].counts.accesses, 12'128u);
}

TEST(ContendedLinesRecordingsTest, ByCyclesTheKernelsLastTwoChangePlaces) {
  const ContendedLineTable table = TableOf(FourSocketStream(), LineOrder::kCycles);
  EXPECT_THAT(FirstAddresses(table, 5), ElementsAre(kLocksLine, kReadersLine, kTaskLine, kClockLine, kTickLine));
  EXPECT_THAT(FirstCycles(table, 5), ElementsAre(218'352'953u, 7'519'211u, 21'395u, 4'194u, 3'674u));
}

TEST(ContendedLinesRecordingsTest, OfFourSocketsTheLocksLineIsSharedBothWaysAndTheReadersWriterWasNotSeen) {
  const ContendedLineTable table = TableOf(FourSocketStream());
  const ContendedLine& locks = table.lines.at(0);
  EXPECT_EQ(locks.sharing.verdict, SharingVerdict::kBoth);
  EXPECT_EQ(locks.sharing.true_contended, 6442u + 40 + 1268 + 8);
  EXPECT_EQ(locks.sharing.false_contended, 738u + 1732 + 882 + 225 + 474 + 294);
  ASSERT_EQ(locks.advice.size(), 2u);
  EXPECT_EQ(locks.advice[0].kind, AdviceKind::kPerThreadCopies);
  EXPECT_THAT(locks.advice[0].offsets, ElementsAre(0x0));
  EXPECT_EQ(locks.advice[1].kind, AdviceKind::kSeparateReadMostly);
  EXPECT_THAT(locks.advice[1].offsets, ElementsAre(0x20, 0x28, 0x30));
  EXPECT_EQ(locks.advice[1].contended, locks.sharing.false_contended);
  const ContendedLine& readers = table.lines.at(1);
  EXPECT_EQ(readers.sharing.verdict, SharingVerdict::kWriterNotSeen);
  ASSERT_EQ(readers.advice.size(), 1u);
  EXPECT_EQ(readers.advice[0].kind, AdviceKind::kRecordStores);
}

TEST(ContendedLinesRecordingsTest, LoadsOfFourSocketsAreToldByTheLineTheyLoadAndFromHowFarTheyCame) {
  const ContendedLineTable table = TableOf(FourSocketStream());
  uint64_t local = 0;
  uint64_t remote = 0;
  for (const BusyLine& line : table.busy_lines) {
    remote += line.LoadsOf(LoadOrigin::kRemoteCache);
    local += line.LoadsOf(LoadOrigin::kLocalCache);
  }
  EXPECT_EQ(table.busy_line_count, 55u);
  EXPECT_EQ(table.busy_lines[0].address, kLocksLine);
  EXPECT_EQ(remote, table.total.hitm_remote) << "each came from another socket's cache";
  EXPECT_EQ(local + remote, table.total.loads);
}

TEST(ContendedLinesRecordingsTest, TwoThreadsWithNeighbouringFieldsAreToldToPad) {
  const std::vector<StreamRow> rows{{0x18, 42783, 1, 0x5b26bef9044e, 0, 554, 0, 0, 0, 119, 4},
                                    {0x18, 42783, 1, 0x5b26bef90453, 0, 0, 33, 1450},
                                    {0x1c, 42784, 1, 0x5b26bef9049e, 0, 476, 0, 0, 0, 115},
                                    {0x1c, 42784, 1, 0x5b26bef904a4, 0, 0, 21, 1415}};
  std::vector<MemoryAccess> stream;
  AppendRows(0x7ffd0c7c0f40, rows, &stream);
  const ContendedLineTable table = TableOf(stream);
  ASSERT_EQ(table.lines.size(), 1u);
  const ContendedLine& line = table.lines[0];
  EXPECT_EQ(line.counts.accesses, 3'953u);
  EXPECT_EQ(line.counts.store_l1_hits, 54u);
  EXPECT_EQ(line.counts.store_l1_misses, 2'865u);
  EXPECT_EQ(line.sharing, (SharingSplit{.verdict = SharingVerdict::kFalse, .false_contended = 1'030}));
  EXPECT_EQ(line.estimated_cycles, 554u * 119 + 476 * 115);
  ASSERT_EQ(line.advice.size(), 1u);
  EXPECT_EQ(line.advice[0].kind, AdviceKind::kPad);
  EXPECT_EQ(line.advice[0].text,
            "1030 of 1030 HITM, about 120666 cycles, are of fields that other threads leave alone while they write elsewhere in the line "
            "(0x18 of thread 42783, 0x1c of thread 42784): pad, so that each thread's fields begin on a line of their own, alignas(64); "
            "twice that where the CPU fetches lines in pairs");
}

TEST(ContendedLinesRecordingsTest, FieldsOfTwoThreadsBetweenEachOtherAreToldToSplit) {
  const std::vector<StreamRow> rows{
      {0x34, 59666, 1, 0x63e5d83b7486, 0, 311, 0, 0, 0, 121, 7}, {0x34, 59666, 1, 0x63e5d83b748b, 0, 0, 45, 1140},
      {0x38, 59667, 1, 0x63e5d83b7526, 0, 427, 0, 0, 0, 112, 4}, {0x38, 59667, 1, 0x63e5d83b752c, 0, 0, 74, 1457},
      {0x3c, 59666, 1, 0x63e5d83b7491, 0, 3, 0, 0, 0, 123, 358}, {0x3c, 59666, 1, 0x63e5d83b7499, 0, 0, 1}};
  std::vector<MemoryAccess> stream;
  AppendRows(0x7fff7afa0980, rows, &stream);
  const ContendedLineTable table = TableOf(stream);
  ASSERT_EQ(table.lines.size(), 1u);
  const ContendedLine& line = table.lines[0];
  EXPECT_EQ(line.counts.accesses, 3'827u);
  EXPECT_EQ(line.counts.loads, 1'110u);
  EXPECT_EQ(line.sharing, (SharingSplit{.verdict = SharingVerdict::kFalse, .false_contended = 741}));
  EXPECT_EQ(line.estimated_cycles, 85'824u);
  ASSERT_EQ(line.advice.size(), 1u);
  EXPECT_EQ(line.advice[0].kind, AdviceKind::kSplit);
  EXPECT_THAT(line.advice[0].offsets, ElementsAre(0x34, 0x38, 0x3c));
}

// The same program with its fields padded: 82 samples, none of them HITM.
TEST(ContendedLinesRecordingsTest, AfterPaddingNoLineIsContended) {
  const std::vector<StreamRow> first{{0x0, 42783, 1, 0x5b26bef9044e, 0, 0, 41, 0, 0, 0, 2}};
  const std::vector<StreamRow> second{{0x0, 42784, 1, 0x5b26bef9049e, 0, 0, 37, 0, 0, 0, 2}};
  std::vector<MemoryAccess> stream;
  AppendRows(0x7ffd0c7c0f40, first, &stream);
  AppendRows(0x7ffd0c7c0f80, second, &stream);
  const ContendedLineTable table = TableOf(stream);
  EXPECT_THAT(table.lines, IsEmpty());
  EXPECT_EQ(table.uncontended.accesses, 82u);
  EXPECT_EQ(table.uncontended_lines, 2u);
  ASSERT_EQ(table.busy_lines.size(), 2u) << "those that nobody contends for have heat too";
  EXPECT_EQ(table.busy_lines[0].address, 0x7ffd0c7c0f40u);
  EXPECT_EQ(table.busy_lines[0].accesses, 43u);
  EXPECT_EQ(table.busy_lines[0].LoadsOf(LoadOrigin::kLocalCache), 2u);
}

}  // namespace
}  // namespace hftmon
