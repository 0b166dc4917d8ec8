#include "common/memory_access/contended_lines.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kLine = 0x7f0000001000;

std::vector<uint64_t> AddressesOf(const ContendedLineTable& table) {
  std::vector<uint64_t> addresses;
  for (const ContendedLine& line : table.lines) addresses.push_back(line.address);
  return addresses;
}

// The same by looking at each access against all others.
SharingSplit SplitBySearch(const std::vector<MemoryAccess>& stream, uint64_t line) {
  SharingSplit split;
  for (const MemoryAccess& access : stream) {
    if (access.address / 64 * 64 != line || !IsContended(access)) continue;
    bool same = false;
    bool other = false;
    for (const MemoryAccess& write : stream) {
      if (write.address / 64 * 64 != line || !IsWrite(write) || write.tid == access.tid) continue;
      (write.address == access.address ? same : other) = true;
    }
    ++(same ? split.true_contended : other ? split.false_contended : split.no_writer_contended);
  }
  if (split.true_contended != 0) split.verdict = SharingVerdict::kTrue;
  if (split.false_contended != 0) split.verdict = split.true_contended != 0 ? SharingVerdict::kBoth : SharingVerdict::kFalse;
  return split;
}

TEST(ContendedLinesTest, NothingGivesAnEmptyTable) {
  const ContendedLineTable table = TableOf({});
  EXPECT_THAT(table.lines, IsEmpty());
  EXPECT_EQ(table.total, AccessCounts());
  EXPECT_EQ(table.line_bytes, 64u);
}

TEST(ContendedLinesTest, ALineThatStaysWithItsCoreIsNotListed) {
  const ContendedLineTable table = TableOf(std::vector{LoadAt(kLine, 1), StoreAt(kLine + 8, 2), HitmAt(kLine + 64, 1)});
  ASSERT_EQ(table.lines.size(), 1u);
  EXPECT_EQ(table.lines[0].address, kLine + 64);
  EXPECT_EQ(table.uncontended_lines, 1u);
  EXPECT_EQ(table.uncontended.accesses, 2u);
}

TEST(ContendedLinesTest, WhereContentionIsNotToldLinesThatThreadsShareAreListedApart) {
  std::vector<MemoryAccess> stream;
  for (int i = 0; i < 3; ++i) stream.push_back(StoreAt(kLine, 1));
  for (int i = 0; i < 2; ++i) stream.push_back(StoreAt(kLine + 8, 2));
  stream.push_back(StoreAt(kLine + 64, 1));  // padded: each has its own
  stream.push_back(StoreAt(kLine + 128, 2));
  for (const uint32_t tid : {1u, 2u}) stream.push_back(LoadAt(kLine + 192, tid));   // nobody writes it
  for (const uint32_t tid : {1u, 2u}) stream.push_back(StoreAt(kLine + 256, tid));  // one word of both
  const ContendedLineTable table = TableOf(stream);
  EXPECT_THAT(table.lines, IsEmpty());
  EXPECT_EQ(table.shared_line_count, 2u);
  ASSERT_EQ(table.shared_lines.size(), 2u);
  const ContendedLine& line = table.shared_lines[0];
  EXPECT_EQ(line.address, kLine);
  EXPECT_EQ(line.counts.stores, 5u);
  EXPECT_DOUBLE_EQ(line.share, 5.0 / 11);
  EXPECT_EQ(line.sharing, (SharingSplit{.verdict = SharingVerdict::kFalse, .false_contended = 5}));
  ASSERT_EQ(line.offsets.size(), 2u);
  EXPECT_THAT(line.offsets[0].writer_tids, ElementsAre(1u));
  EXPECT_THAT(line.offsets[1].writer_tids, ElementsAre(2u));
  EXPECT_EQ(line.offsets[1].counts.stores, 2u);
  EXPECT_THAT(line.advice, IsEmpty());
  EXPECT_FALSE(line.estimated_cycles.has_value());
  EXPECT_EQ(table.shared_lines[1].sharing, (SharingSplit{.verdict = SharingVerdict::kTrue, .true_contended = 2}));
}

TEST(ContendedLinesTest, SharedLinesAreCutAsOthersAreAndAContendedOneIsNoneOfThem) {
  std::vector<MemoryAccess> stream = {StoreAt(kLine, 1), HitmAt(kLine, 2)};
  for (uint64_t line = 1; line <= 3; ++line) {
    for (const uint32_t tid : {1u, 2u}) stream.push_back(StoreAt(kLine + 64 * line, tid));
  }
  ContendedLines lines;
  for (const MemoryAccess& access : stream) lines.Add(access);
  const ContendedLineTable table = lines.Build(LineOrder::kCycles, {}, 2);
  EXPECT_THAT(AddressesOf(table), ElementsAre(kLine));
  EXPECT_EQ(table.shared_line_count, 3u);
  ASSERT_EQ(table.shared_lines.size(), 2u);
  EXPECT_EQ(table.shared_lines[0].address, kLine + 64) << "equal ones stand by address";
}

TEST(ContendedLinesTest, ALineTellsItsOffsetsThreadsSitesCpusAndNodes) {
  MemoryAccess waits = HitmAt(kLine + 8, 2, 100);
  waits.cpu = 5;
  MemoryAccess writes = StoreAt(kLine + 16, 1);
  writes.cpu = 0;
  MemoryAccess untold = StoreAt(kLine + 16, 1);
  untold.code_address = 0x400100;
  ContendedLines lines;
  for (const MemoryAccess& access : {waits, waits, writes, untold}) lines.Add(access);
  const std::vector<std::optional<uint32_t>> node_of_cpu{0, 0, 0, 1, 1, 1};
  const ContendedLineTable table = lines.Build(LineOrder::kCycles, node_of_cpu);
  ASSERT_EQ(table.lines.size(), 1u);
  const ContendedLine& line = table.lines[0];
  EXPECT_THAT(line.cpus, ElementsAre(0u, 5u));
  EXPECT_THAT(line.nodes, ElementsAre(0u, 1u));
  ASSERT_EQ(line.offsets.size(), 2u);
  EXPECT_EQ(line.offsets[0].offset, 8u);
  EXPECT_THAT(line.offsets[0].tids, ElementsAre(2u));
  EXPECT_THAT(line.offsets[0].writer_tids, IsEmpty());
  EXPECT_EQ(line.offsets[1].counts.stores, 2u);
  EXPECT_THAT(line.offsets[1].writer_tids, ElementsAre(1u));
  ASSERT_EQ(line.sites.size(), 3u);
  EXPECT_EQ(line.sites[0].counts.hitm_local, 2u);
  ASSERT_EQ(line.threads.size(), 2u);
  EXPECT_EQ(line.threads[0].tid, 2u);
  EXPECT_EQ(line.estimated_cycles, 200u);
  EXPECT_EQ(line.share, 1.0);
  EXPECT_EQ(line.sharing.verdict, SharingVerdict::kFalse);
  EXPECT_EQ(line.dropped_site_accesses, 0u);
  EXPECT_THAT(lines.Build(LineOrder::kCycles, std::span(node_of_cpu).first(1)).lines[0].nodes, ElementsAre(0u));
}

TEST(ContendedLinesTest, NeighboursOfFourBytesAreToldApart) {
  const ContendedLineTable table =
      TableOf(std::vector{HitmAt(kLine + 0x18, 1), StoreAt(kLine + 0x18, 1), HitmAt(kLine + 0x1c, 2), StoreAt(kLine + 0x1c, 2)});
  EXPECT_EQ(table.lines.at(0).sharing.verdict, SharingVerdict::kFalse);
  EXPECT_EQ(table.lines.at(0).sharing.false_contended, 2u);
}

TEST(ContendedLinesTest, TheSizeOfALineCanBeSet) {
  const std::vector<MemoryAccess> stream{HitmAt(kLine, 1), StoreAt(kLine + 64, 2)};
  EXPECT_EQ(TableOf(stream).lines.at(0).sharing.verdict, SharingVerdict::kWriterNotSeen);
  const ContendedLineTable wide = TableOf(stream, LineOrder::kCycles, {.line_bytes = 128});
  EXPECT_EQ(wide.lines.at(0).sharing.verdict, SharingVerdict::kFalse);
  EXPECT_EQ(wide.line_bytes, 128u);
}

TEST(ContendedLinesTest, LimitsThatMakeNoSenseAreTold) {
  EXPECT_TRUE(ContendedLineLimits().Valid());
  for (const uint32_t bytes : {0u, 8u, 63u, 96u, 2048u, 0x80000000u})
    EXPECT_FALSE(ContendedLineLimits{.line_bytes = bytes}.Valid()) << bytes;
  EXPECT_TRUE(ContendedLineLimits{.line_bytes = 128}.Valid());
  EXPECT_FALSE(ContendedLineLimits{.lines = 3}.Valid());
  EXPECT_FALSE(ContendedLineLimits{.sites = 0}.Valid());
  EXPECT_FALSE(ContendedLineLimits{.sites_per_line = 0}.Valid());
  EXPECT_FALSE(ContendedLineLimits{.cpus_per_line = 0}.Valid());
}

TEST(ContendedLinesTest, ProcessesMeetInASharedMappingAlone) {
  MemoryAccess writes = StoreAt(0x7f0000002000, 1);
  MemoryAccess waits = HitmAt(0x7f0000001000, 2);
  waits.pid = writes.pid + 1;
  EXPECT_EQ(TableOf(std::vector{writes, waits}).lines.at(0).sharing.verdict, SharingVerdict::kWriterNotSeen);
  ContendedLines shared;
  shared.Add(writes, SharedMappingPlace(0, 5, 9, 0x40));
  shared.Add(waits, SharedMappingPlace(0, 5, 9, 0x40));
  const ContendedLineTable table = shared.Build(LineOrder::kCycles);
  EXPECT_EQ(table.lines.at(0).sharing.verdict, SharingVerdict::kTrue);
  EXPECT_EQ(table.lines.at(0).address, 0x7f0000001000u);
  EXPECT_EQ(table.lines.at(0).place, SharedMappingPlace(0, 5, 9, 0x40));
}

TEST(ContendedLinesTest, SamplesWithoutAnAddressOrAnAccessAreCountedApart) {
  MemoryAccess nothing = HitmAt(kLine, 1);
  nothing.source.load = false;
  ContendedLines lines;
  lines.Add(HitmAt(0, 1));
  lines.Add(nothing);
  lines.Add(nothing, SharedMappingPlace(0, 1, 2, 0));
  lines.Add(HitmAt(0, 1), SharedMappingPlace(0, 1, 2, 0));  // its place is known, its address is not
  const ContendedLineTable table = lines.Build(LineOrder::kCycles);
  EXPECT_EQ(table.no_address, 1u);
  EXPECT_EQ(table.no_access, 2u);
  EXPECT_EQ(table.total.accesses, 1u);
  EXPECT_EQ(table.lines.at(0).address, 0u);
}

TEST(ContendedLinesTest, TheHighestAndLowestAddressesAreLinesToo) {
  const ContendedLineTable table =
      TableOf(std::vector{HitmAt(UINT64_MAX, 1), StoreAt(UINT64_MAX - 1, 2), HitmAt(1, 1), StoreAt(2, 2), HitmAt(UINT64_MAX - 64, 1)});
  EXPECT_THAT(AddressesOf(table), ElementsAre(0u, UINT64_MAX - 127, UINT64_MAX - 63));
  EXPECT_EQ(table.lines.at(2).offsets.at(1).offset, 63u);
}

TEST(ContendedLinesTest, WithoutAnyLatencyLinesStandByTheirHitm) {
  const ContendedLineTable table = TableOf(std::vector{HitmAt(kLine, 1), HitmAt(kLine + 64, 1), HitmAt(kLine + 64, 1)});
  EXPECT_EQ(table.order, LineOrder::kTotalHitm);
  EXPECT_THAT(AddressesOf(table), ElementsAre(kLine + 64, kLine));
  EXPECT_FALSE(table.lines[0].estimated_cycles.has_value());
  EXPECT_DOUBLE_EQ(table.lines[0].share, 2.0 / 3);
}

TEST(ContendedLinesTest, LinesWithoutCyclesStandBehindThoseWithSome) {
  const ContendedLineTable table = TableOf(std::vector{HitmAt(kLine, 1), HitmAt(kLine, 1), HitmAt(kLine + 64, 1, 0)});
  EXPECT_EQ(table.order, LineOrder::kCycles);
  EXPECT_THAT(AddressesOf(table), ElementsAre(kLine + 64, kLine));
  EXPECT_EQ(table.lines[0].estimated_cycles, 0u);
  EXPECT_FALSE(table.lines[1].estimated_cycles.has_value());
}

TEST(ContendedLinesTest, NearEqualCountsOfVeryDifferentCostAreToldApart) {
  std::vector<MemoryAccess> stream;
  for (int i = 0; i < 1'119; ++i) stream.push_back(RemoteHitmAt(kLine, 1, 1'900));
  for (int i = 0; i < 1'130; ++i) stream.push_back(HitmAt(kLine + 64, 2, 117));
  const ContendedLineTable by_cycles = TableOf(stream);
  EXPECT_THAT(AddressesOf(by_cycles), ElementsAre(kLine, kLine + 64));
  EXPECT_GT(*by_cycles.lines[0].estimated_cycles, 10 * *by_cycles.lines[1].estimated_cycles);
  EXPECT_EQ(by_cycles.lines[1].counts.cycles_per_contended(), 117.0);
  EXPECT_THAT(AddressesOf(TableOf(stream, LineOrder::kTotalHitm)), ElementsAre(kLine + 64, kLine));
}

TEST(ContendedLinesTest, TheOrderOfTheAccessesDoesNotMatter) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<MemoryAccess> stream = RandomStream(random, 400, 1 + random() % 20, 1 + static_cast<uint32_t>(random() % 5));
    const std::string first = Described(TableOf(stream));
    for (int i = 0; i < 5; ++i) {
      std::shuffle(stream.begin(), stream.end(), random);
      ASSERT_EQ(Described(TableOf(stream)), first);
    }
  }
}

TEST(ContendedLinesTest, VerdictsEqualASearchThroughAllAccesses) {
  std::mt19937_64 random(2);
  std::map<SharingVerdict, int> seen;
  for (int round = 0; round < 100; ++round) {
    const std::vector<MemoryAccess> stream = RandomStream(random, 10 + random() % 80, 6, 3);
    for (const ContendedLine& line : TableOf(stream).lines) {
      EXPECT_EQ(line.sharing, SplitBySearch(stream, line.address));
      EXPECT_EQ(line.sharing.false_contended + line.sharing.true_contended + line.sharing.no_writer_contended, line.counts.contended());
      EXPECT_FALSE(line.advice.empty());
      ++seen[line.sharing.verdict];
    }
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST(ContendedLinesTest, TheRankingEqualsASortOfTheSums) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 30; ++round) {
    const std::vector<MemoryAccess> stream = RandomStream(random, 300, 20, 4);
    std::map<uint64_t, AccessCounts> sums;
    for (const MemoryAccess& access : stream) sums[access.address / 64 * 64].Add(access);
    for (const LineOrder order : {LineOrder::kCycles, LineOrder::kRemoteHitm, LineOrder::kTotalHitm}) {
      const auto weight = [order](const AccessCounts& counts) {
        if (order == LineOrder::kCycles) return counts.contended_latency_samples == 0 ? -1.0 : static_cast<double>(counts.contended_cycles);
        return static_cast<double>(order == LineOrder::kRemoteHitm ? counts.hitm_remote : counts.contended());
      };
      std::vector<std::pair<std::pair<double, double>, uint64_t>> ranked;
      for (const auto& [address, counts] : sums) {
        if (counts.contended() != 0) ranked.push_back({{-weight(counts), -static_cast<double>(counts.contended())}, address});
      }
      std::sort(ranked.begin(), ranked.end());
      std::vector<uint64_t> expected;
      for (const auto& [key, address] : ranked) expected.push_back(address);
      EXPECT_EQ(AddressesOf(TableOf(stream, order)), expected);
    }
  }
}

TEST(ContendedLinesTest, TheLinesUsedMostAreToldContendedOrNotWithWhatServedTheirLoads) {
  ContendedLines lines;
  MemoryAccess far = LoadAt(kLine, 1);
  far.source.level = AccessLevel::kRemoteDram;
  MemoryAccess missed = LoadAt(kLine + 8, 1);
  missed.source.level_hit = false;
  lines.Add(far);
  lines.Add(far);
  lines.Add(missed);
  lines.Add(StoreAt(kLine, 2));
  for (int i = 0; i < 2; ++i) lines.Add(RemoteHitmAt(kLine + 64, 2));
  lines.Add(LoadAt(kLine + 64, 1));
  const ContendedLineTable table = lines.Build(LineOrder::kCycles, {}, 0);
  EXPECT_THAT(table.lines, IsEmpty());
  EXPECT_EQ(table.busy_line_count, 2u);
  ASSERT_EQ(table.busy_lines.size(), 2u) << "whatever lines_max is";
  const BusyLine& first = table.busy_lines[0];
  EXPECT_EQ(first.address, kLine);
  EXPECT_EQ(first.accesses, 4u);
  EXPECT_EQ(first.loads, 3u);
  EXPECT_EQ(first.stores, 1u);
  EXPECT_EQ(first.LoadsOf(LoadOrigin::kRemoteMemory), 2u);
  EXPECT_EQ(first.LoadsOf(LoadOrigin::kUnknown), 1u) << "what it missed did not serve it";
  EXPECT_EQ(table.busy_lines[1].LoadsOf(LoadOrigin::kRemoteCache), 2u);
  EXPECT_EQ(table.busy_lines[1].LoadsOf(LoadOrigin::kLocalCache), 1u);
}

TEST(ContendedLinesTest, BusyLinesAreBoundedAndDoNotDependOnTheOrderOfTheAccesses) {
  std::mt19937_64 random(9);
  std::vector<MemoryAccess> stream = RandomStream(random, 20'000, 2 * ContendedLineTable::kBusyLinesMax, 4);
  const ContendedLineTable one = TableOf(stream);
  std::shuffle(stream.begin(), stream.end(), random);
  const ContendedLineTable other = TableOf(stream);
  ASSERT_EQ(one.busy_lines.size(), ContendedLineTable::kBusyLinesMax);
  EXPECT_GT(one.busy_line_count, ContendedLineTable::kBusyLinesMax);
  for (size_t i = 0; i < one.busy_lines.size(); ++i) {
    const BusyLine& line = one.busy_lines[i];
    EXPECT_EQ(line.address, other.busy_lines[i].address);
    EXPECT_EQ(line.loads_by_origin, other.busy_lines[i].loads_by_origin);
    EXPECT_EQ(std::accumulate(line.loads_by_origin.begin(), line.loads_by_origin.end(), uint64_t{0}), line.loads);
    if (i > 0) {
      EXPECT_LE(line.accesses, one.busy_lines[i - 1].accesses);
    }
  }
}

TEST(ContendedLinesTest, ACutTableStillTellsTheSums) {
  std::mt19937_64 random(4);
  ContendedLines lines;
  for (const MemoryAccess& access : RandomStream(random, 2'000, 50, 4)) lines.Add(access);
  const ContendedLineTable all = lines.Build(LineOrder::kCycles);
  const ContendedLineTable cut = lines.Build(LineOrder::kCycles, {}, 3);
  ASSERT_EQ(cut.lines.size(), 3u);
  EXPECT_EQ(cut.contended_lines, all.lines.size());
  EXPECT_EQ(cut.contended, all.contended);
  EXPECT_EQ(AddressesOf(cut), std::vector<uint64_t>({all.lines[0].address, all.lines[1].address, all.lines[2].address}));
  EXPECT_EQ(cut.lines[2].share, all.lines[2].share);
}

}  // namespace
}  // namespace hftmon
