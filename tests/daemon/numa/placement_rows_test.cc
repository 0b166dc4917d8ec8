#include "daemon/numa/placement_rows.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/daemon/numa/captured.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kPage = 4096;

class PlacementRowsTest : public ::testing::Test {
 protected:
  const MappingPlacement& At(uint64_t start) const {
    const auto found = std::find_if(placement_.mappings.begin(), placement_.mappings.end(),
                                    [&](const MappingPlacement& row) { return row.start == start; });
    EXPECT_NE(found, placement_.mappings.end()) << std::hex << start;
    return found == placement_.mappings.end() ? none_ : *found;
  }

  const ProcMaps maps_ = ProcMaps::Parse(Captured("6.18-policies.maps"));
  ProcessPlacement placement_;

 private:
  const MappingPlacement none_;
};

TEST_F(PlacementRowsTest, MappingsOfTheProcessAreListedAndTheKernelsOwnAreCounted) {
  PutMappings(maps_, kPage, &placement_);
  EXPECT_EQ(maps_.mappings().size(), 41u);
  EXPECT_EQ(placement_.unlisted_count, 4u) << "[vvar], [vvar_vclock], [vdso], [vsyscall]";
  EXPECT_EQ(placement_.mappings.size(), 37u);
  EXPECT_FALSE(placement_.truncated);
  EXPECT_EQ(At(0x200028000000).page_count, 2048u);
  EXPECT_EQ(At(0x200034000000).kind, MappingKind::kSharedMemory);
  EXPECT_TRUE(At(0x200034000000).shared);
  EXPECT_EQ(At(0x55b73c119000).kind, MappingKind::kHeap);
  EXPECT_THAT(At(0x200000000000).nodes, IsEmpty());
  EXPECT_FALSE(At(0x200000000000).exact);
}

TEST_F(PlacementRowsTest, GuardsAndWhatLiesBeyondAProgramsReachAreNotListed) {
  PutMappings(ProcMaps::Parse("1000-2000 ---p 0 0:0 0 \n2000-3000 --xp 0 0:0 0 \nfffffffffffff000-ffffffffffffffff rw-p 0 0:0 0 \n"), kPage,
              &placement_);
  ASSERT_EQ(placement_.mappings.size(), 1u);
  EXPECT_EQ(placement_.mappings[0].start, 0x2000u);
  EXPECT_EQ(placement_.unlisted_count, 2u);
}

TEST_F(PlacementRowsTest, NumaMapsGivesExactFiguresAndPolicies) {
  PutMappings(maps_, kPage, &placement_);
  AddNumaMaps(ParseNumaMaps(Captured("6.18-policies.numa_maps")), maps_, kPage, &placement_);
  AddHugePages(ParseHugePageUse(Captured("6.18-policies.smaps")), &placement_);
  for (const MappingPlacement& row : placement_.mappings) EXPECT_TRUE(row.exact && row.policy.has_value()) << row.name;
  const MappingPlacement& bound = At(0x200000000000);
  EXPECT_EQ(bound.policy, "bind:0");
  ASSERT_EQ(bound.nodes.size(), 1u);
  EXPECT_EQ(bound.nodes[0].pages, 128u);
  EXPECT_EQ(bound.nodes[0].share, 1);
  EXPECT_EQ(bound.sampled_count, 256u);
  EXPECT_EQ(bound.absent_count, 128u);
  EXPECT_EQ(bound.huge_bytes, 0u);
  EXPECT_EQ(At(0x200028000000).huge_bytes, 6u << 20);
  EXPECT_EQ(At(0x200034000000).nodes.size(), 1u) << "names with escapes are the same name";
  EXPECT_THAT(At(0x200038000000).nodes, IsEmpty());
  EXPECT_EQ(At(0x200038000000).absent_count, 256u);
  const MappingPlacement& huge = At(0x200090000000);
  EXPECT_EQ(huge.kind, MappingKind::kHugetlb) << "maps calls it a memfd";
  EXPECT_EQ(huge.page_bytes, 2 << 20);
  EXPECT_EQ(huge.page_count, 1u);
  EXPECT_EQ(huge.absent_count, 0u);
}

TEST_F(PlacementRowsTest, ALineThatDoesNotFitItsMappingAddsNothing) {
  const ProcMaps maps = ProcMaps::Parse("1000-3000 rw-p 0 0:0 0 \n4000-5000 r--p 0 0:0 0 /a\n6000-7000 rw-p 0 0:0 0 [heap]\n");
  PutMappings(maps, kPage, &placement_);
  AddNumaMaps(ParseNumaMaps("1000 default N0=2 N1=1\n4000 default file=/b N0=1\n6000 default heap N0=1\n8000 default N0=1\nbad\n"), maps,
              kPage, &placement_);
  EXPECT_FALSE(At(0x1000).exact) << "3 pages of 2: it has grown meanwhile";
  EXPECT_EQ(At(0x1000).policy, std::nullopt);
  EXPECT_FALSE(At(0x4000).exact) << "another file's";
  EXPECT_TRUE(At(0x6000).exact);
  EXPECT_EQ(placement_.bad_line_count, 1u);
}

TEST_F(PlacementRowsTest, ARangeHasItsMappingsPolicyAndKindButNotItsFigures) {
  const std::vector<AddressRange> ranges = {{.start = 0x200000001800, .end = 0x200000002001, .name = "queue"},
                                            {.start = 0x200000000000, .end = 0x200000100000, .name = "book"},
                                            {.start = 0x2000000ff000, .end = 0x200004001000, .name = "both"},
                                            {.start = 0x1000, .end = 0x2000, .name = "nothing"}};
  PutRanges(maps_, ranges, kPage, &placement_.mappings);
  AddNumaMaps(ParseNumaMaps(Captured("6.18-policies.numa_maps")), maps_, kPage, &placement_);
  AddHugePages(ParseHugePageUse(Captured("6.18-policies.smaps")), &placement_);
  ASSERT_EQ(placement_.mappings.size(), 4u);
  const std::vector<MappingPlacement>& rows = placement_.mappings;
  EXPECT_EQ(rows[0].name, "queue");
  EXPECT_EQ(rows[0].page_count, 2u) << "two bytes of two pages are two pages";
  EXPECT_EQ(rows[0].policy, "bind:0");
  EXPECT_FALSE(rows[0].exact);
  EXPECT_TRUE(rows[1].exact) << "the whole of a mapping";
  EXPECT_EQ(rows[2].kind, MappingKind::kSeveral);
  EXPECT_EQ(rows[2].policy, std::nullopt);
  EXPECT_EQ(rows[3].kind, MappingKind::kSeveral);
  EXPECT_EQ(rows[0].huge_bytes, std::nullopt);
}

TEST_F(PlacementRowsTest, SharesAreOfThePagesThatAreThere) {
  PutMappings(ProcMaps::Parse("100000-200000 rw-p 0 0:0 0 \n300000-302000 rw-p 0 0:0 0 \n400000-500000 rw-p 0 0:0 0 \n"), kPage,
              &placement_);
  PlacementTally tally(3);
  for (int i = 0; i < 60; ++i) tally.Add(0, 2);
  for (int i = 0; i < 20; ++i) tally.Add(0, 0);
  for (int i = 0; i < 10; ++i) tally.Add(0, -14);
  tally.Add(1, 1);
  tally.Add(1, -2);
  tally.Finish(placement_.mappings);
  const MappingPlacement& sampled = At(0x100000);
  EXPECT_EQ(sampled.sampled_count, 90u);
  EXPECT_EQ(sampled.absent_count, 10u);
  ASSERT_EQ(sampled.nodes.size(), 2u);
  EXPECT_EQ(sampled.nodes[0].node, 0);
  EXPECT_DOUBLE_EQ(sampled.nodes[0].share, 0.25);
  EXPECT_DOUBLE_EQ(sampled.nodes[1].share, 0.75);
  EXPECT_LT(sampled.nodes[1].interval.low, 0.75);
  EXPECT_GT(sampled.nodes[1].interval.high, 0.75);
  EXPECT_FALSE(sampled.exact);
  const MappingPlacement& whole = At(0x300000);
  EXPECT_TRUE(whole.exact) << "both its pages were looked at";
  EXPECT_EQ(whole.absent_count, 1u);
  EXPECT_EQ(whole.nodes[0].interval.low, 1);
  EXPECT_EQ(At(0x400000).sampled_count, 0u);
  EXPECT_FALSE(At(0x400000).exact);
}

TEST_F(PlacementRowsTest, WhatIsNoLongerWhatItWasIsMarked) {
  const ProcMaps before = ProcMaps::Parse(
      "1000-3000 rw-p 0 0:0 0 \n4000-6000 rw-p 0 0:0 0 [heap]\n8000-a000 rw-p 0 0:0 0 \nb000-d000 r--p 0 0:0 0 /a\ne000-f000 rw-p 0 0:0 0 "
      "\n");
  const ProcMaps after = ProcMaps::Parse(
      "1000-2000 r--p 0 0:0 0 \n2000-3000 rw-p 0 0:0 0 \n4000-7000 rw-p 0 0:0 0 [heap]\n8000-9000 rw-p 0 0:0 0 \nb000-d000 r--p 0 0:0 0 "
      "/b\n");
  PutMappings(before, kPage, &placement_);
  const std::vector<AddressRange> ranges = {
      {.start = 0x2000, .end = 0x5000}, {.start = 0x5000, .end = 0x9000}, {.start = 0x5000, .end = 0xa000}};
  PutRanges(before, ranges, kPage, &placement_.mappings);
  MarkChanged(before, after, placement_.mappings);
  std::vector<bool> changed;
  for (const MappingPlacement& row : placement_.mappings) changed.push_back(row.changed);
  // Split, grown, cut, replaced, gone; ranges over a hole that stay, stay, and are cut.
  EXPECT_THAT(changed, ElementsAre(false, false, true, true, true, false, false, true));
  EXPECT_TRUE(AnythingStays(before, after));
  EXPECT_FALSE(AnythingStays(before, ProcMaps::Parse("101000-102000 rw-p 0 0:0 0 [heap]\n")));
  EXPECT_FALSE(AnythingStays(maps_, ProcMaps::Parse("ffffffffff600000-ffffffffff601000 --xp 0 0:0 0 [vsyscall]\n")));
}

}  // namespace
}  // namespace hftmon
