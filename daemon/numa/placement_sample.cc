#include "daemon/numa/placement_sample.h"

#include <algorithm>
#include <numeric>

namespace hftmon {
namespace {

// SplitMix64: the library's distributions differ from one library to the next, and the same question is to give the same pages.
class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}
  // In [0, bound), bound ≥ 1. Bounds are less than 2^46: the bias of the remainder is nothing.
  uint64_t Below(uint64_t bound) {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return (mixed ^ (mixed >> 31)) % bound;
  }

 private:
  uint64_t state_;
};

}  // namespace

std::vector<uint64_t> SharePages(std::span<const SampledRegion> regions, uint64_t pages_max) {
  uint64_t left = std::min(pages_max, kSamplePagesMax);
  std::vector<uint64_t> shares(regions.size());
  std::vector<size_t> by_size(regions.size());
  std::iota(by_size.begin(), by_size.end(), size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(), [&](size_t a, size_t b) { return regions[a].page_count > regions[b].page_count; });
  for (const size_t region : by_size) {
    shares[region] = std::min({regions[region].page_count, kRegionPagesLeast, left});
    left -= shares[region];
  }
  uint64_t rest = 0;
  for (size_t region = 0; region < regions.size(); ++region) rest += regions[region].page_count - shares[region];
  // What is left of both after each region: no rounding is lost, and the last takes what remains. 2^16 × 2^45 fits.
  for (size_t region = 0; region < regions.size() && rest > 0 && left > 0; ++region) {
    const uint64_t open = regions[region].page_count - shares[region];
    const uint64_t given = left >= rest ? open : left * open / rest;
    shares[region] += given;
    left -= given;
    rest -= open;
  }
  return shares;
}

PlacementSample ChoosePages(std::span<const SampledRegion> regions, uint64_t page_bytes, uint64_t pages_max, uint64_t seed,
                            uint64_t region_pages_max) {
  std::vector<SampledRegion> giving(regions.begin(), regions.end());
  if (region_pages_max < kSamplePagesMax) {
    for (SampledRegion& region : giving) region.page_count = std::min(region.page_count, region_pages_max);
  }
  const std::vector<uint64_t> shares = SharePages(giving, pages_max);
  PlacementSample sample;
  sample.pages.reserve(std::accumulate(shares.begin(), shares.end(), uint64_t{0}));
  Generator generator(seed);
  for (size_t region = 0; region < regions.size(); ++region) {
    const uint64_t count = regions[region].page_count;
    if (count > 0 && shares[region] == 0) ++sample.left_out_count;
    for (uint64_t stratum = 0; stratum < shares[region]; ++stratum) {
      const uint64_t begin = stratum * count / shares[region];
      const uint64_t end = (stratum + 1) * count / shares[region];
      const uint64_t page = begin + generator.Below(end - begin);
      sample.pages.push_back({.address = regions[region].start + page * page_bytes, .region = static_cast<uint32_t>(region)});
    }
  }
  return sample;
}

}  // namespace hftmon
