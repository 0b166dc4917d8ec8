#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "common/memory_access/contended_lines.h"
#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

constexpr uint64_t kHotLine = 0x7f0000000000;

// Whatever was dropped: what is listed, what is not contended and what was dropped make up what came in.
void ExpectSumsAgree(const ContendedLineTable& table, uint64_t accesses) {
  AccessCounts listed;
  for (const ContendedLine& line : table.lines) {
    listed.Add(line.counts);
    uint64_t at_sites = line.dropped_site_accesses;
    for (const LineSite& site : line.sites) at_sites += site.counts.accesses;
    EXPECT_EQ(at_sites, line.counts.accesses);
    const SharingSplit& sharing = line.sharing;
    EXPECT_EQ(sharing.false_contended + sharing.true_contended + sharing.no_writer_contended, line.counts.contended());
  }
  EXPECT_EQ(Described(listed), Described(table.contended));
  AccessCounts sum = table.contended;
  sum.Add(table.uncontended);
  sum.Add(table.dropped);
  EXPECT_EQ(Described(sum), Described(table.total));
  EXPECT_EQ(table.total.accesses + table.no_address + table.no_access, accesses);
}

TEST(ContendedLinesBoundsTest, SumsAgreeWhereThereIsRoomAndWhereThereIsNot) {
  std::mt19937_64 random(1);
  uint64_t dropped_lines = 0;
  uint64_t dropped_sites = 0;
  for (int round = 0; round < 100; ++round) {
    const ContendedLineLimits limits{
        .lines = 4 + random() % 60, .sites = 4 + random() % 500, .sites_per_line = 4 + random() % 30, .cpus_per_line = 4};
    std::vector<MemoryAccess> stream = RandomStream(random, 2'000, 1 + random() % 200, 6);
    for (size_t i = 0; i < stream.size(); i += 50) stream[i].address = 0;
    for (size_t i = 1; i < stream.size(); i += 50) stream[i].source.load = stream[i].source.store = false;
    ContendedLines lines(limits);
    for (const MemoryAccess& access : stream) {
      lines.Add(access);
      ASSERT_LE(lines.size(), limits.lines);
    }
    const ContendedLineTable table = lines.Build(LineOrder::kCycles);
    ExpectSumsAgree(table, stream.size());
    dropped_lines += table.dropped_lines;
    for (const ContendedLine& line : table.lines) {
      EXPECT_LE(line.sites.size(), limits.sites_per_line);
      EXPECT_LE(line.cpus.size(), limits.cpus_per_line);
      dropped_sites += line.dropped_site_accesses;
    }
  }
  EXPECT_GT(dropped_lines, 0u);
  EXPECT_GT(dropped_sites, 0u);
}

TEST(ContendedLinesBoundsTest, AMillionLinesDoNotPushOutTheContendedOnes) {
  std::mt19937_64 random(2);
  std::vector<MemoryAccess> hot;
  for (uint64_t i = 0; i < 2'000; ++i) {
    hot.push_back(HitmAt(kHotLine + 64 * (i % 10), 1, 100));
    hot.push_back(StoreAt(kHotLine + 64 * (i % 10) + 8, 2));
  }
  ContendedLines lines;
  for (uint64_t i = 0; i < 1'000'000; ++i) {
    lines.Add(random() % 2 == 0 ? LoadAt(0x10000000 + 64 * i, 3) : StoreAt(0x10000000 + 64 * i, 3));
    if (i % 250 == 0) lines.Add(hot[i / 250]);
  }
  EXPECT_LE(lines.size(), ContendedLineLimits().lines);
  EXPECT_LE(lines.bytes(), ContendedLines::kBytesMax / 4);
  const ContendedLineTable table = lines.Build(LineOrder::kCycles);
  EXPECT_EQ(table.lines.size(), 10u);
  EXPECT_EQ(table.contended.hitm_local, 2'000u);
  EXPECT_EQ(table.dropped.contended(), 0u);
  EXPECT_GT(table.dropped.accesses, 900'000u);
  for (const ContendedLine& line : table.lines) EXPECT_EQ(line.sharing.verdict, SharingVerdict::kFalse);
  ExpectSumsAgree(table, 1'004'000);
}

TEST(ContendedLinesBoundsTest, TheContendedAccessesOfALineDoNotDependOnTheOrderThoughOthersAreDropped) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<MemoryAccess> stream;
    std::map<uint64_t, uint64_t> hitm;
    for (int i = 0; i < 3'000; ++i) stream.push_back(LoadAt(0x10000000 + random() % 500 * 64, 1));
    for (int i = 0; i < 200; ++i) {
      stream.push_back(HitmAt(kHotLine + random() % 40 * 64, 1, 100));
      ++hitm[stream.back().address];
    }
    std::shuffle(stream.begin(), stream.end(), random);
    const ContendedLineTable table = TableOf(stream, LineOrder::kTotalHitm, {.lines = 64, .sites = 300});
    EXPECT_GT(table.dropped_lines, 0u);
    EXPECT_EQ(table.lines.size(), hitm.size());
    for (const ContendedLine& line : table.lines) EXPECT_EQ(line.counts.hitm_local, hitm[line.address]);
  }
}

TEST(ContendedLinesBoundsTest, ALineThatCameWhenOthersHadGoneSaysThatItsBeginMayBeMissing) {
  ContendedLines lines({.lines = 8});
  lines.Add(HitmAt(kHotLine, 1));
  for (uint64_t i = 0; i < 20; ++i) lines.Add(LoadAt(0x10000 + 64 * i, 1));
  lines.Add(HitmAt(kHotLine + 64, 1));
  const ContendedLineTable table = lines.Build(LineOrder::kTotalHitm);
  ASSERT_EQ(table.lines.size(), 2u);
  EXPECT_FALSE(table.lines[0].begin_missing);
  EXPECT_TRUE(table.lines[1].begin_missing);
}

TEST(ContendedLinesBoundsTest, WhereSitesDoNotFitContendedLinesKeepTheirCountsAndSayThatSitesAreMissing) {
  ContendedLines lines({.lines = 64, .sites = 40});
  for (uint64_t i = 0; i < 30; ++i) {
    for (uint32_t tid = 1; tid <= 3; ++tid) lines.Add(HitmAt(kHotLine + 64 * i, tid, 100));
  }
  const ContendedLineTable table = lines.Build(LineOrder::kTotalHitm);
  EXPECT_EQ(table.lines.size(), 30u);
  EXPECT_EQ(table.dropped, AccessCounts());
  uint64_t sites = 0;
  for (const ContendedLine& line : table.lines) {
    EXPECT_EQ(line.counts.hitm_local, 3u);
    EXPECT_EQ(line.begin_missing, line.sites.size() < 3);
    sites += line.sites.size();
  }
  EXPECT_LE(sites, 40u);
  EXPECT_GT(sites, 0u);
  ExpectSumsAgree(table, 90);
}

TEST(ContendedLinesBoundsTest, MoreContendedLinesThanThereIsRoomForAreCountedAsDropped) {
  ContendedLines lines({.lines = 16});
  for (int i = 0; i < 50; ++i) lines.Add(HitmAt(kHotLine, 1));
  for (uint64_t i = 1; i <= 100; ++i) lines.Add(HitmAt(kHotLine + 64 * i, 1));
  const ContendedLineTable table = lines.Build(LineOrder::kTotalHitm);
  EXPECT_EQ(table.lines.at(0).counts.hitm_local, 50u);
  EXPECT_GT(table.dropped.contended(), 0u);
  ExpectSumsAgree(table, 150);
}

TEST(ContendedLinesBoundsTest, AThousandThreadsOnOneLineAreJudgedThoughTheirSitesDoNotFit) {
  std::vector<MemoryAccess> stream;
  for (uint32_t tid = 1; tid <= 1'000; ++tid) {
    stream.push_back(StoreAt(kHotLine, tid));
    stream.push_back(HitmAt(kHotLine, tid, 100));
    stream.push_back(HitmAt(kHotLine + 8, tid, 100));
  }
  std::mt19937_64 random(4);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(stream.begin(), stream.end(), random);
    const ContendedLineTable table = TableOf(stream);
    ASSERT_EQ(table.lines.size(), 1u);
    const ContendedLine& line = table.lines[0];
    EXPECT_EQ(
        line.sharing,
        (SharingSplit{.verdict = SharingVerdict::kBoth, .false_contended = 1'000, .true_contended = 1'000, .no_writer_contended = 0}));
    EXPECT_LE(line.sites.size(), ContendedLineLimits().sites_per_line);
    EXPECT_GT(line.dropped_site_accesses, 0u);
    ExpectSumsAgree(table, stream.size());
  }
}

TEST(ContendedLinesBoundsTest, TheSitesThatWaitOrWriteStayWhenOthersGo) {
  ContendedLines lines({.sites_per_line = 16});
  for (uint32_t tid = 1; tid <= 10; ++tid) lines.Add(tid % 2 == 0 ? HitmAt(kHotLine, tid, 100) : StoreAt(kHotLine, tid));
  for (uint32_t tid = 100; tid < 1'000; ++tid) {
    lines.Add(LoadAt(kHotLine + 8, tid));
    lines.Add(LoadAt(kHotLine + 8, tid));
  }
  const ContendedLine line = lines.Build(LineOrder::kCycles).lines.at(0);
  const auto kept = std::count_if(line.sites.begin(), line.sites.end(), [](const LineSite& site) { return site.tid <= 10; });
  EXPECT_EQ(kept, 10);
}

TEST(ContendedLinesBoundsTest, LinesOfSeveralThreadsStayWhenThoseOfOneGo) {
  ContendedLines lines({.lines = 16});
  for (uint64_t i = 0; i < 4; ++i) {
    lines.Add(StoreAt(kHotLine + 64 * i, 1));
    lines.Add(LoadAt(kHotLine + 64 * i + 8, 2));
  }
  for (uint64_t i = 0; i < 200; ++i) {
    for (int times = 0; times < 3; ++times) lines.Add(LoadAt(0x10000 + 64 * i, 1));
  }
  for (uint64_t i = 0; i < 4; ++i) lines.Add(HitmAt(kHotLine + 64 * i + 8, 2));
  const ContendedLineTable table = lines.Build(LineOrder::kCycles);
  ASSERT_EQ(table.lines.size(), 4u);
  for (const ContendedLine& line : table.lines) {
    EXPECT_EQ(line.sharing.verdict, SharingVerdict::kFalse);
    EXPECT_FALSE(line.begin_missing);
  }
}

TEST(ContendedLinesBoundsTest, CpusBeyondTheBoundAreSaidToBeMissing) {
  std::vector<MemoryAccess> stream;
  for (uint32_t cpu = 0; cpu < 10; ++cpu) {
    stream.push_back(HitmAt(kHotLine, 1));
    stream.back().cpu = 100 - cpu;
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < 10; ++round) {
    std::shuffle(stream.begin(), stream.end(), random);
    const ContendedLine line = TableOf(stream, LineOrder::kCycles, {.cpus_per_line = 4}).lines.at(0);
    EXPECT_EQ(line.cpus, std::vector<uint32_t>({91, 92, 93, 94}));
    EXPECT_TRUE(line.cpus_dropped);
  }
}

TEST(ContendedLinesBoundsTest, MemoryStaysBoundedWhateverComesIn) {
  std::mt19937_64 random(6);
  ContendedLines lines;
  for (int i = 0; i < 600'000; ++i) {
    // Lines come back, with ever new threads, code and CPUs, and all of them are contended.
    MemoryAccess access = HitmAt(0x10000000 + (random() % 50'000) * 64 + random() % 64, static_cast<uint32_t>(random()), random());
    access.code_address = random();
    access.cpu = static_cast<uint32_t>(random());
    lines.Add(access);
  }
  EXPECT_LE(lines.size(), ContendedLineLimits().lines);
  EXPECT_LE(lines.bytes(), ContendedLines::kBytesMax);
  const ContendedLineTable table = lines.Build(LineOrder::kCycles, {}, 10);
  EXPECT_EQ(table.total.accesses, 600'000u);
  EXPECT_EQ(table.contended.accesses + table.uncontended.accesses + table.dropped.accesses, 600'000u);
}

}  // namespace
}  // namespace hftmon
