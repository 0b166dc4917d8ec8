#include "daemon/numa/placement_sample.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "daemon/numa/share_interval.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kPage = 4096;

uint64_t Sum(const std::vector<uint64_t>& shares) {
  return std::accumulate(shares.begin(), shares.end(), uint64_t{0});
}

TEST(PlacementSampleTest, EachRegionGivesItsLeastAndTheRestGoesBySize) {
  const std::vector<SampledRegion> regions = {{0, 4}, {0, 100'016}, {0, 300'016}, {0, 16}};
  EXPECT_THAT(SharePages(regions, 4 + 16 + 16 + 16 + 400), ElementsAre(4, 116, 316, 16));
}

TEST(PlacementSampleTest, ARegionNeverGivesMoreThanItHas) {
  EXPECT_THAT(SharePages(std::vector<SampledRegion>{{0, 40}, {0, 0}, {0, 3}}, 4096), ElementsAre(40, 0, 3));
  EXPECT_THAT(SharePages({}, 4096), ElementsAre());
}

TEST(PlacementSampleTest, WhereTheBoundIsTooSmallTheLargestGiveTheirsAndTheRestIsCounted) {
  const std::vector<SampledRegion> regions = {{0, 10}, {1 << 20, 1000}, {1 << 24, 20}, {1 << 28, 500}};
  EXPECT_THAT(SharePages(regions, 40), ElementsAre(0, 16, 8, 16));
  EXPECT_EQ(ChoosePages(regions, kPage, 40, 0).left_out_count, 1u);
  EXPECT_EQ(ChoosePages(regions, kPage, 1, 0).left_out_count, 3u);
  EXPECT_EQ(ChoosePages(regions, kPage, 4096, 0).left_out_count, 0u);
}

TEST(PlacementSampleTest, TheBoundIsUsedUpAndNeverExceeded) {
  std::vector<SampledRegion> regions;
  for (uint64_t i = 0; i < 3000; ++i) regions.push_back({.start = i << 40, .page_count = i * i % 7919});
  for (const uint64_t pages_max : {1u, 15u, 16u, 17u, 4096u, 47'999u, 65'536u, 1'000'000u}) {
    EXPECT_EQ(Sum(SharePages(regions, pages_max)), std::min<uint64_t>(pages_max, kSamplePagesMax)) << pages_max;
  }
}

TEST(PlacementSampleTest, TheLargestAddressSpaceOverflowsNothing) {
  const std::vector<SampledRegion> regions(65'536, SampledRegion{.start = 0, .page_count = uint64_t{1} << 45});
  EXPECT_EQ(Sum(SharePages(regions, kSamplePagesMax)), kSamplePagesMax);
  const std::vector<SampledRegion> one = {{.start = 0, .page_count = uint64_t{1} << 45}};
  const PlacementSample sample = ChoosePages(one, kPage, kSamplePagesMax, 1);
  ASSERT_EQ(sample.pages.size(), kSamplePagesMax);
  for (const SampledPage& page : sample.pages) ASSERT_LT(page.address, uint64_t{1} << 57);
}

TEST(PlacementSampleTest, EveryStratumGivesOnePage) {
  const std::vector<SampledRegion> regions = {{.start = 0x10000, .page_count = 1000}};
  const PlacementSample sample = ChoosePages(regions, kPage, 100, 7);
  ASSERT_EQ(sample.pages.size(), 100u);
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ((sample.pages[i].address - 0x10000) % kPage, 0u);
    EXPECT_EQ((sample.pages[i].address - 0x10000) / kPage / 10, i);
  }
}

TEST(PlacementSampleTest, ASmallRegionIsLookedAtWhole) {
  const std::vector<SampledRegion> regions = {{.start = 0x10000, .page_count = 13}};
  const PlacementSample sample = ChoosePages(regions, kPage, 4096, 7);
  ASSERT_EQ(sample.pages.size(), 13u);
  for (uint64_t i = 0; i < 13; ++i) EXPECT_EQ(sample.pages[i].address, 0x10000 + i * kPage);
}

TEST(PlacementSampleTest, TheSameSeedGivesTheSamePagesAndAnotherGivesOthers) {
  const std::vector<SampledRegion> regions = {{.start = 0x10000, .page_count = 100'000}, {.start = uint64_t{1} << 40, .page_count = 5'000}};
  const auto addresses = [&](uint64_t seed) {
    std::vector<uint64_t> found;
    for (const SampledPage& page : ChoosePages(regions, kPage, 1000, seed).pages) found.push_back(page.address);
    return found;
  };
  EXPECT_EQ(addresses(1), addresses(1));
  const std::vector<uint64_t> one = addresses(1);
  const std::vector<uint64_t> other = addresses(2);
  std::vector<uint64_t> both;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(both));
  EXPECT_LT(both.size(), 100u);
}

// 95 % intervals of 500 samples: the truth is outside of few of them, and strata make it fewer. Also where every second page is far.
TEST(PlacementSampleTest, TheTruthLiesWithinTheIntervals) {
  const std::vector<SampledRegion> regions = {{.start = 0, .page_count = 50'000}};
  const auto outside = [&](double truth, auto is_far) {
    int count = 0;
    for (uint64_t seed = 0; seed < 500; ++seed) {
      const PlacementSample sample = ChoosePages(regions, kPage, 256, seed);
      const auto hits = static_cast<uint64_t>(
          std::count_if(sample.pages.begin(), sample.pages.end(), [&](const SampledPage& page) { return is_far(page.address / kPage); }));
      const ShareInterval interval = WilsonInterval(hits, sample.pages.size());
      count += truth < interval.low || truth > interval.high ? 1 : 0;
    }
    return count;
  };
  EXPECT_LE(outside(0.2, [](uint64_t page) { return page < 10'000; }), 10);
  const int alternating = outside(0.5, [](uint64_t page) { return page % 2 == 0; });
  EXPECT_LE(alternating, 45) << "5 % are 25";
  EXPECT_GT(alternating, 5) << "a regular pattern would never be missed";
  EXPECT_LE(outside(0.0, [](uint64_t) { return false; }), 0);
}

}  // namespace
}  // namespace hftmon
