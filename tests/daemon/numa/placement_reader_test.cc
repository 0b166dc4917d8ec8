#include "daemon/numa/placement_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "tests/daemon/numa/captured.h"
#include "tests/daemon/numa/fake_page_locations.h"
#include "tests/daemon/os/fixture_tree.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr pid_t kPid = 4711;
constexpr uint64_t kPool = 0x7f0000000000;
constexpr uint64_t kBook = 0x7f8000000000;
constexpr uint64_t kPage = FakePageLocations::kPageBytes;

// Counts, and gives up when told so.
class CountingPacer final : public Pacer {
 public:
  bool Pause() override { return ++pause_count <= pause_count_max; }
  int pause_count = 0;
  int pause_count_max = 1'000'000;
};

// A pool of 64 MiB of which the first quarter lies on node 1 and the rest on node 0; a book of 10 pages, two never touched; a guard.
class PlacementReaderTest : public ::testing::Test {
 protected:
  PlacementReaderTest() {
    WriteMaps("7f8000000000-7f800000a000 rw-p 00000000 00:00 0 \n");
    tree_.Write("/proc/4711/statm", "20000 16400 10 1 0 16390 0\n");
    locations_.Put(kPool, kPool + (16 << 20), 1);
    locations_.Put(kPool + (16 << 20), kPool + (64 << 20), 0);
    locations_.Put(kBook, kBook + 8 * kPage, 1);
    locations_.on_call = [this](size_t call) {
      clock_.AdvanceNs(call == 3 ? 9'000 : 1'000);
      return 0;
    };
  }
  void WriteMaps(const std::string& behind) const {
    tree_.Write("/proc/4711/maps", "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \n7f7000000000-7f7000001000 ---p 00000000 00:00 0 \n" +
                                       behind + "7fff00000000-7fff00002000 r-xp 00000000 00:00 0                          [vdso]\n");
  }
  absl::StatusOr<ProcessPlacement> Read(const PlacementWish& wish) {
    return PlacementReader(tree_.root(), locations_, pacer_, clock_, kPage).Read(wish);
  }
  std::string Message(const PlacementWish& wish) { return std::string(Read(wish).status().message()); }

  FixtureTree tree_;
  FakePageLocations locations_{kPid};
  CountingPacer pacer_;
  FakeMonotonicClock clock_;
};

TEST_F(PlacementReaderTest, SharesOfASampleHoldTheTruthAndSmallMappingsAreExact) {
  const auto placement = Read({.pid = kPid, .pages_max = 1024});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(placement->mappings, SizeIs(2));
  EXPECT_EQ(placement->unlisted_count, 2u) << "the guard and the kernel's";
  const MappingPlacement& pool = placement->mappings[0];
  EXPECT_EQ(pool.sampled_count, 1014u);
  EXPECT_EQ(pool.absent_count, 0u);
  EXPECT_FALSE(pool.exact);
  ASSERT_THAT(pool.nodes, SizeIs(2));
  EXPECT_NEAR(pool.nodes[1].share, 0.25, 0.002) << "strata cannot be far off";
  EXPECT_LT(pool.nodes[1].interval.low, 0.25);
  EXPECT_GT(pool.nodes[1].interval.high, 0.25);
  const MappingPlacement& book = placement->mappings[1];
  EXPECT_EQ(book.sampled_count, 10u);
  EXPECT_EQ(book.absent_count, 2u);
  EXPECT_TRUE(book.exact);
  ASSERT_THAT(book.nodes, SizeIs(1));
  EXPECT_EQ(book.nodes[0].node, 1);
  EXPECT_EQ(book.nodes[0].pages, 8u);
  EXPECT_EQ(locations_.asked.size(), 1024u);
  EXPECT_EQ(locations_.repeat_count, 0u);
}

TEST_F(PlacementReaderTest, PagesAreAskedForInSmallPortionsWithAPauseBetween) {
  const auto placement = Read({.pid = kPid, .pages_max = 1000});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(locations_.sizes, SizeIs(63));
  EXPECT_EQ(locations_.sizes.back(), 8u);
  locations_.sizes.pop_back();
  EXPECT_THAT(locations_.sizes, Each(kLocatedPagesMax));
  EXPECT_EQ(pacer_.pause_count, 62);
}

TEST_F(PlacementReaderTest, PagesOfSingleAddressesAreLookedAtOnceEachBesideTheMappings) {
  std::vector<uint64_t> addresses = {kBook + 9 * kPage + 1, kPool + 100, kPool + 64};
  for (uint64_t i = 0; i < 20; ++i) addresses.push_back(kPool + (20 << 20) + i * kPage + 7);
  const auto placement = Read({.pid = kPid, .pages_max = 16, .addresses = addresses});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(placement->asked_pages, SizeIs(22));
  EXPECT_EQ(placement->asked_pages[0].address, kPool);
  EXPECT_EQ(placement->asked_pages[0].node, 1);
  EXPECT_EQ(placement->asked_pages[1].address, kPool + (20 << 20));
  EXPECT_EQ(placement->asked_pages[1].node, 0);
  EXPECT_LT(placement->asked_pages[21].node, 0) << "it was never touched";
  EXPECT_THAT(placement->pages, IsEmpty());
  EXPECT_EQ(placement->look_cost.page_count, 16u + 22u);
  EXPECT_EQ(placement->look_cost.beside_page_count, 22u);
  EXPECT_EQ(pacer_.pause_count, 2) << "a pause before each portion but the first";
  addresses.resize(kPlacementAddressesMax + 1, kPool);
  EXPECT_TRUE(absl::IsInvalidArgument(Read({.pid = kPid, .addresses = addresses}).status()));
}

TEST_F(PlacementReaderTest, WhatTheLookTookIsInTheAnswer) {
  const int64_t begin_ns = clock_.NowNs();
  const auto placement = Read({.pid = kPid, .pages_max = 160, .seed = 5});
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_EQ(placement->look_cost.call_count, 12u) << "maps before and after, and ten portions";
  EXPECT_EQ(placement->look_cost.page_count, 160u);
  EXPECT_EQ(placement->look_cost.sum_ns, 18'000);
  EXPECT_EQ(placement->look_cost.longest_ns, 9'000);
  EXPECT_EQ(placement->begin_ns, begin_ns);
  EXPECT_EQ(placement->end_ns, begin_ns + 18'000);
  EXPECT_EQ(placement->seed, 5u);
}

TEST_F(PlacementReaderTest, PoliciesOfALargeProcessAreAbsentWithTheReason) {
  const auto placement = Read({.pid = kPid});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(placement->unavailable, SizeIs(2));
  EXPECT_EQ(placement->unavailable[0].part, "policy");
  EXPECT_EQ(placement->unavailable[1].part, "huge_pages");
  EXPECT_THAT(placement->unavailable[0].reason,
              HasSubstr("with 64 MiB resident they hold up its memory calls for some 1 ms each; ask for exact"));
  EXPECT_EQ(placement->mappings[0].policy, std::nullopt);
  EXPECT_EQ(placement->mappings[0].huge_bytes, std::nullopt);
}

TEST_F(PlacementReaderTest, ExactBeyondWhatIsAllowedIsASampleAndSaysSo) {
  const auto placement = Read({.pid = kPid, .exact = true, .exact_rss_bytes_max = 64 << 20});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(placement->unavailable, SizeIs(3));
  EXPECT_EQ(placement->unavailable[2].part, "exact");
  EXPECT_THAT(placement->unavailable[2].reason, HasSubstr("64 MiB are resident, more than the 64 up to which"));
  EXPECT_FALSE(placement->mappings[0].exact);
}

TEST_F(PlacementReaderTest, ExactIsNotReadOfAProcessWithMoreMappingsThanTheKernelWalksInAMoment) {
  std::string maps;
  for (size_t i = 0; i <= kWholeMappingsMax; ++i) {
    const uint64_t start = 0x7f0000000000 + i * 0x2000;
    maps += fmt::format("{:x}-{:x} rw-p 00000000 00:00 0 \n", start, start + 0x1000);
  }
  tree_.Write("/proc/4711/maps", maps);
  const auto placement = Read({.pid = kPid, .exact = true});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(placement->unavailable, SizeIs(3));
  EXPECT_EQ(placement->unavailable[2].part, "exact");
  EXPECT_THAT(placement->unavailable[2].reason, HasSubstr("with 4097 mappings, more than 4096"));
}

TEST_F(PlacementReaderTest, ExactAsksForNoPageByItself) {
  tree_.Write("/proc/4711/numa_maps",
              "7f0000000000 bind:0-1 anon=16384 dirty=16384 active=0 N0=12288 N1=4096 kernelpagesize_kB=4\n7f7000000000 default\n"
              "7f8000000000 default anon=8 dirty=8 mapmax=3 N1=8 kernelpagesize_kB=4\n");
  tree_.Write("/proc/4711/smaps", "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \nAnonHugePages: 4096 kB\n");
  const auto placement = Read({.pid = kPid, .exact = true});
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_THAT(placement->unavailable, IsEmpty());
  const MappingPlacement& pool = placement->mappings[0];
  EXPECT_TRUE(pool.exact);
  EXPECT_EQ(pool.policy, "bind:0-1");
  EXPECT_EQ(pool.huge_bytes, 4u << 20);
  EXPECT_EQ(pool.nodes[1].pages, 4096u);
  EXPECT_EQ(pool.nodes[1].interval.high, 0.25);
  EXPECT_EQ(placement->mappings[1].mapper_count, 3u);
  EXPECT_EQ(placement->mappings[1].huge_bytes, std::nullopt) << "smaps has no such mapping: it is new";
  EXPECT_THAT(locations_.sizes, IsEmpty());
  EXPECT_EQ(pacer_.pause_count, 0);
  EXPECT_EQ(placement->look_cost.call_count, 3u);
}

TEST_F(PlacementReaderTest, ASmallProcessIsReadExactlyByItself) {
  tree_.Write("/proc/4711/statm", "20000 8192 10 1 0 8000 0\n");
  tree_.Write("/proc/4711/numa_maps", "7f0000000000 prefer (many):1 anon=8000 N1=8000 kernelpagesize_kB=4\n");
  const auto placement = Read({.pid = kPid});
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_EQ(placement->mappings[0].policy, "prefer (many):1");
  EXPECT_TRUE(placement->mappings[0].exact);
  EXPECT_EQ(placement->mappings[1].policy, std::nullopt);
  EXPECT_EQ(locations_.asked.size(), 10u) << "the mapping that numa_maps does not have is looked at by its pages";
  ASSERT_THAT(placement->unavailable, SizeIs(1));
  EXPECT_EQ(placement->unavailable[0].part, "huge_pages");
  EXPECT_THAT(placement->unavailable[0].reason, HasSubstr("/proc/4711/smaps"));
  tree_.Write("/proc/4711/statm", "20000 8193 10 1 0 8000 0\n");
  locations_.asked.clear();
  const auto larger = Read({.pid = kPid});
  ASSERT_TRUE(larger.ok()) << larger.status();
  EXPECT_EQ(larger->mappings[0].policy, std::nullopt) << "one page above 32 MiB";
}

TEST_F(PlacementReaderTest, AKernelWithoutNumaMapsIsSampledAndSaysSo) {
  const auto placement = Read({.pid = kPid, .exact = true});
  ASSERT_TRUE(placement.ok()) << placement.status();
  std::vector<std::string> parts;
  for (const UnavailablePlacement& part : placement->unavailable) parts.push_back(part.part);
  EXPECT_THAT(parts, ElementsAre("policy", "exact", "huge_pages"));
  EXPECT_THAT(placement->unavailable[0].reason, HasSubstr("CONFIG_NUMA"));
  EXPECT_EQ(placement->mappings[0].sampled_count + placement->mappings[1].sampled_count, 4096u);
}

TEST_F(PlacementReaderTest, OfRangesOnlyTheyAreLookedAt) {
  const std::vector<AddressRange> ranges = {{.start = kPool + (8 << 20), .end = kPool + (24 << 20), .name = "queue"},
                                            {.start = kBook + 100, .end = kBook + 200, .name = "top of book"}};
  const auto placement = Read({.pid = kPid, .pages_max = 513, .ranges = ranges});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(placement->mappings, SizeIs(2));
  EXPECT_EQ(placement->mappings[0].name, "queue");
  EXPECT_EQ(placement->mappings[0].sampled_count, 512u);
  EXPECT_NEAR(placement->mappings[0].nodes[1].share, 0.5, 0.002);
  EXPECT_EQ(placement->mappings[1].sampled_count, 1u);
  EXPECT_TRUE(placement->mappings[1].exact);
  for (const uint64_t address : locations_.asked) {
    EXPECT_TRUE((address >= ranges[0].start && address < ranges[0].end) || address == kBook) << std::hex << address;
  }
}

TEST_F(PlacementReaderTest, NamedRangesAreLookedAtMoreCloselyBesideTheMappings) {
  const std::vector<AddressRange> named = {{.start = kPool + (8 << 20), .end = kPool + (24 << 20), .name = "queue"},
                                           {.start = kBook + 100, .end = kBook + 200, .name = "top of book"},
                                           {.start = kBook, .end = kBook + 10 * kPage, .name = "book"}};
  const auto placement = Read({.pid = kPid, .pages_max = 64, .named_ranges = named, .keep_pages = true});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_THAT(placement->mappings, SizeIs(2));
  EXPECT_EQ(placement->mappings[0].sampled_count + placement->mappings[1].sampled_count, 64u);
  EXPECT_THAT(placement->pages, SizeIs(64)) << "of the mappings alone";
  ASSERT_THAT(placement->ranges, SizeIs(3));
  const MappingPlacement& queue = placement->ranges[0];
  EXPECT_EQ(queue.name, "queue");
  EXPECT_EQ(queue.page_count, 4096u);
  EXPECT_EQ(queue.sampled_count, kNamedRangePagesMax);
  EXPECT_NEAR(queue.nodes[1].share, 0.5, 0.002);
  EXPECT_EQ(placement->ranges[1].page_count, 1u);
  EXPECT_TRUE(placement->ranges[1].exact);
  EXPECT_EQ(placement->ranges[2].sampled_count, 10u);
  EXPECT_EQ(placement->ranges[2].absent_count, 2u);
  EXPECT_EQ(placement->left_out_count, 0u);
  EXPECT_EQ(placement->look_cost.page_count, 64u + 1024 + 1 + 10);
  EXPECT_EQ(placement->look_cost.beside_page_count, 1024u + 1 + 10);
  EXPECT_THAT(locations_.sizes, Each(::testing::Le(kLocatedPagesMax)));
  EXPECT_EQ(pacer_.pause_count + 1, static_cast<int>(locations_.sizes.size())) << "a pause between any two";
}

TEST_F(PlacementReaderTest, ManyNamedRangesShareWhatAllMayCost) {
  std::vector<AddressRange> named;
  for (uint64_t i = 0; i < kPlacementRangesMax; ++i) {
    named.push_back({.start = kPool + (i % 8 << 23), .end = kPool + ((i % 8 + 1) << 23), .name = std::to_string(i)});
  }
  const auto placement = Read({.pid = kPid, .pages_max = 1, .named_ranges = named});
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_EQ(placement->look_cost.page_count, kNamedPagesMax + 1) << "the bound of all that a look asks for beside pages_max";
  for (const MappingPlacement& range : placement->ranges) EXPECT_EQ(range.sampled_count, kNamedPagesMax / kPlacementRangesMax);
}

TEST_F(PlacementReaderTest, ARangeThatIsAWholeMappingIsTakenFromNumaMapsAndOneWithinHasThePolicy) {
  tree_.Write("/proc/4711/numa_maps",
              "7f0000000000 bind:0-1 anon=16384 N0=12288 N1=4096 kernelpagesize_kB=4\n7f8000000000 default anon=8 N1=8\n");
  tree_.Write("/proc/4711/smaps", "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \nAnonHugePages: 4096 kB\n");
  const std::vector<AddressRange> named = {{.start = kPool, .end = kPool + (64 << 20), .name = "pool"},
                                           {.start = kPool, .end = kPool + 16 * kPage, .name = "queue"}};
  const auto placement = Read({.pid = kPid, .named_ranges = named, .exact = true});
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_TRUE(placement->ranges[0].exact);
  EXPECT_EQ(placement->ranges[0].nodes[1].pages, 4096u);
  EXPECT_EQ(placement->ranges[0].huge_bytes, 4u << 20);
  EXPECT_EQ(placement->ranges[1].policy, "bind:0-1");
  EXPECT_EQ(placement->ranges[1].huge_bytes, std::nullopt);
  EXPECT_EQ(placement->ranges[1].sampled_count, 16u);
  EXPECT_EQ(placement->look_cost.page_count, 16u) << "the rest is known";
}

TEST_F(PlacementReaderTest, ARangeThatIsNotMappedHasNoPagesAndOneThatIsUnmappedMeanwhileIsChanged) {
  const std::vector<AddressRange> named = {{.start = 0x10000, .end = 0x30000, .name = "nothing"},
                                           {.start = kBook, .end = kBook + kPage, .name = "book"}};
  locations_.on_call = [this](size_t) {
    WriteMaps("");
    return 0;
  };
  const auto placement = Read({.pid = kPid, .pages_max = 16, .named_ranges = named});
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_EQ(placement->ranges[0].sampled_count, 32u);
  EXPECT_EQ(placement->ranges[0].absent_count, 32u);
  EXPECT_FALSE(placement->ranges[0].changed);
  EXPECT_TRUE(placement->ranges[1].changed);
}

TEST_F(PlacementReaderTest, WhatIsBeyondABoundIsRefusedBeforeAnythingIsRead) {
  const std::vector<AddressRange> many(kPlacementRangesMax + 1, AddressRange{.start = 0x1000, .end = 0x2000});
  const std::vector<AddressRange> empty = {{.start = 0x2000, .end = 0x2000, .name = "book"}};
  const std::vector<AddressRange> wraps = {{.start = 0x2000, .end = UINT64_MAX, .name = "book"}};
  for (const PlacementWish& wish :
       {PlacementWish{.pid = 0}, PlacementWish{.pid = -kPid}, PlacementWish{.pid = kPid, .pages_max = 0},
        PlacementWish{.pid = kPid, .pages_max = kSamplePagesMax + 1}, PlacementWish{.pid = kPid, .ranges = many},
        PlacementWish{.pid = kPid, .ranges = empty}, PlacementWish{.pid = kPid, .ranges = wraps},
        PlacementWish{.pid = kPid, .named_ranges = many}, PlacementWish{.pid = kPid, .named_ranges = wraps}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Read(wish).status())) << Read(wish).status();
  }
  EXPECT_THAT(Message({.pid = kPid, .ranges = wraps}), HasSubstr("'book'"));
  EXPECT_THAT(locations_.sizes, IsEmpty());
}

TEST_F(PlacementReaderTest, EachRefusalHasItsCauseAndMend) {
  EXPECT_TRUE(absl::IsNotFound(Read({.pid = 1234}).status()));
  tree_.Write("/proc/2/maps", "");
  EXPECT_TRUE(absl::IsFailedPrecondition(Read({.pid = 2}).status()));
  EXPECT_THAT(Message({.pid = 2}), HasSubstr("kernel thread"));
  const auto after = [this](int error) {
    locations_.sizes.clear();
    locations_.asked.clear();
    locations_.on_call = [error](size_t call) { return call == 4 ? error : 0; };
    return Read({.pid = kPid}).status();
  };
  EXPECT_TRUE(absl::IsNotFound(after(-ESRCH)));
  EXPECT_TRUE(absl::IsNotFound(after(-EINVAL))) << "it had memory when it was first looked at";
  EXPECT_TRUE(absl::IsPermissionDenied(after(-EPERM)));
  EXPECT_THAT(std::string(after(-EPERM).message()), HasSubstr("CAP_SYS_PTRACE"));
  EXPECT_TRUE(absl::IsUnavailable(after(-ENOSYS)));
  EXPECT_THAT(std::string(after(-ENOSYS).message()), HasSubstr("CONFIG_NUMA"));
  EXPECT_FALSE(after(-ENOMEM).ok());
}

TEST_F(PlacementReaderTest, WhoIsGivenUpAsksNoMore) {
  pacer_.pause_count_max = 2;
  const auto placement = Read({.pid = kPid});
  EXPECT_TRUE(absl::IsCancelled(placement.status()));
  EXPECT_THAT(std::string(placement.status().message()), HasSubstr("given up after 48 pages"));
  EXPECT_THAT(locations_.sizes, SizeIs(3));
}

TEST_F(PlacementReaderTest, AMappingThatIsReplacedMeanwhileIsMarkedAndAnotherProgramIsNone) {
  locations_.on_call = [this](size_t call) {
    if (call == 2) WriteMaps("7f8000000000-7f8000002000 rw-p 00000000 00:00 0 \n");
    return 0;
  };
  const auto placement = Read({.pid = kPid});
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_FALSE(placement->mappings[0].changed);
  EXPECT_TRUE(placement->mappings[1].changed);
  locations_.asked.clear();
  locations_.on_call = [this](size_t) {
    tree_.Write("/proc/4711/maps", "5500000000-5500001000 rw-p 00000000 00:00 0 [heap]\n");
    return 0;
  };
  EXPECT_TRUE(absl::IsAborted(Read({.pid = kPid}).status()));
  locations_.asked.clear();
  locations_.on_call = [this](size_t) {
    tree_.Write("/proc/4711/maps", "");
    return 0;
  };
  WriteMaps("");
  EXPECT_TRUE(absl::IsNotFound(Read({.pid = kPid}).status())) << "a zombie";
}

// Whatever stands in the files of a process, the answer's sums are right and no page is asked for that its maps do not have.
TEST_F(PlacementReaderTest, HostileTextOfProcBreaksNoSum) {
  const std::string maps = Captured("6.18-policies.maps");
  const std::string numa_maps = Captured("6.18-policies.numa_maps");
  const std::string smaps = Captured("6.18-policies.smaps").substr(0, 3000);
  uint64_t state = 1;
  const auto next = [&state] { return (state = state * 6364136223846793005 + 1442695040888963407) >> 33; };
  const auto spoil = [&](std::string text) {
    for (uint64_t i = next() % 40; i > 0; --i) text[next() % text.size()] = "0179af-= N\n\\\x00\xff"[next() % 13];
    return text.substr(0, text.size() - next() % 2 * (next() % text.size()));
  };
  size_t answered = 0;
  for (int round = 0; round < 150; ++round) {
    tree_.Write("/proc/4711/maps", spoil(maps));
    tree_.Write("/proc/4711/numa_maps", spoil(numa_maps));
    tree_.Write("/proc/4711/smaps", spoil(smaps));
    locations_.asked.clear();
    const auto placement = Read({.pid = kPid, .pages_max = 256, .exact = round % 2 == 0});
    if (!placement.ok()) continue;
    ++answered;
    for (const uint64_t address : locations_.asked) {
      ASSERT_TRUE(std::any_of(placement->mappings.begin(), placement->mappings.end(),
                              [&](const MappingPlacement& row) { return address + kPage > row.start && address < row.end; }))
          << std::hex << address;
    }
    for (const MappingPlacement& row : placement->mappings) {
      const uint64_t present = std::accumulate(row.nodes.begin(), row.nodes.end(), uint64_t{0},
                                               [](uint64_t sum, const NodeShare& node) { return sum + node.pages; });
      ASSERT_EQ(present + row.absent_count, row.sampled_count) << "round " << round;
      ASSERT_LE(row.sampled_count, row.page_count);
      for (const NodeShare& node : row.nodes) ASSERT_TRUE(node.share > 0 && node.share <= 1 && node.interval.low <= node.interval.high);
    }
  }
  EXPECT_GT(answered, 100u);
}

}  // namespace
}  // namespace hftmon
