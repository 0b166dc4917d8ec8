// PlacementSample: which pages are looked at to know where a process's memory lies. Pure, any thread.
//
// Invariants: 1. The same regions, bound and seed give the same pages. 2. Never more pages than the bound, no page of a region twice, none
// outside it. 3. Each region is divided into as many equal strata as it gives pages, and each stratum gives one at random: every part of a
// region has its say, and no regular pattern in it can deceive. 4. A region with as many pages in the sample as it has is looked at whole.
#ifndef HFTMON_DAEMON_NUMA_PLACEMENT_SAMPLE_H_
#define HFTMON_DAEMON_NUMA_PLACEMENT_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hftmon {

// Pages that each region gives, or all that it has, as long as the bound allows.
inline constexpr uint64_t kRegionPagesLeast = 16;
inline constexpr uint64_t kSamplePagesMax = 65'536;

struct SampledRegion {
  uint64_t start = 0;       // at a page's beginning
  uint64_t page_count = 0;  // ≤ 2^45
};

struct SampledPage {
  uint64_t address = 0;
  uint32_t region = 0;  // its place among the regions
};

struct PlacementSample {
  std::vector<SampledPage> pages;  // in the order of the regions, within each of addresses
  uint64_t left_out_count = 0;     // regions with pages of which none is looked at: the bound does not reach for them
};

// How many pages each region gives: first each its least, the largest region first; what is left of `pages_max` in proportion to size.
std::vector<uint64_t> SharePages(std::span<const SampledRegion> regions, uint64_t pages_max);

// pages_max ≤ kSamplePagesMax, else that. `region_pages_max`: no region gives more, however much of pages_max is left.
PlacementSample ChoosePages(std::span<const SampledRegion> regions, uint64_t page_bytes, uint64_t pages_max, uint64_t seed,
                            uint64_t region_pages_max = kSamplePagesMax);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PLACEMENT_SAMPLE_H_
