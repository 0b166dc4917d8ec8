#include "daemon/pmu/metric_tables.h"

namespace hftmon {
namespace {

using M = HardwareMetric;

constexpr std::string_view kFilled = "cache lines filled on demand, for loads and stores; prefetches are not in it";
constexpr std::string_view kFromMemory = "cache lines filled on demand from memory or devices of this node";
constexpr std::string_view kFromFarMemory = "cache lines filled on demand from memory or devices of another node";
constexpr std::string_view kFromComplex = "cache lines filled on demand from the L3, or another L2 of the same core complex";
constexpr std::string_view kBeyondComplex = "cache lines filled on demand from beyond the core complex: other caches, memory, devices";
constexpr std::string_view kOneCount =
    "this processor has one count for the L3 and other cores' caches; PMU amd_l3 counts for a whole core complex";

// From the first Zen on.
constexpr MetricRow kZen[] = {
    {M::kStalledCycles, "", "AMD's cores count stalls by their cause alone"},
    {M::kFrontendStalls, "stalled-cycles-frontend", "as the kernel maps its generic event on this processor", true},
    {M::kBackendStalls, "stalled-cycles-backend", "as the kernel maps its generic event on this processor", true},
    {M::kL1dLoads, "LS_DISPATCH:LD_DISPATCH:LD_ST_DISPATCH", "loads dispatched, those among them that are never retired", false, 0x0529},
    {M::kL1dHits, "", "not counted by itself: loads without misses are more than the hits, which need no fill of their own"},
    {M::kL2Accesses, "", "not counted by itself: hits and misses sum to it"},
    {M::kL3Accesses, "", "not counted by itself: hits and misses sum to it"},
    {M::kDtlbMisses,
     "L1_DTLB_MISS:TLB_RELOAD_1G_L2_MISS:TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_COALESCED_PAGE_MISS:TLB_RELOAD_4K_L2_MISS:"
     "TLB_RELOAD_1G_L2_HIT:TLB_RELOAD_2M_L2_HIT:TLB_RELOAD_COALESCED_PAGE_HIT:TLB_RELOAD_4K_L2_HIT",
     "loads and stores that missed the first level", false, 0xff45},
    {M::kDtlbSecondLevelHits, "L1_DTLB_MISS:TLB_RELOAD_1G_L2_HIT:TLB_RELOAD_2M_L2_HIT:TLB_RELOAD_COALESCED_PAGE_HIT:TLB_RELOAD_4K_L2_HIT",
     "loads and stores that missed the first level and hit the second", false, 0x0f45},
    {M::kDtlbLoadWalks, "L1_DTLB_MISS:TLB_RELOAD_1G_L2_MISS:TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_COALESCED_PAGE_MISS:TLB_RELOAD_4K_L2_MISS",
     "loads and stores that missed both levels", false, 0xf045},
    {M::kDtlbStoreWalks, "", "counted with those of loads: dtlb_load_walks"},
    {M::kItlbMisses, "", "not counted by itself: second-level hits and walks sum to it"},
    {M::kItlbSecondLevelHits, "L1_ITLB_MISS_L2_ITLB_HIT", "fetches that missed the first level and hit the second", false, 0x84},
    {M::kHitmLocal, "", "AMD's cores count no line by its having been modified; IBS samples tell it"},
    {M::kHitmRemote, "", "AMD's cores count no line by its having been modified; IBS samples tell it"},
};

constexpr std::string_view kHitMasks =
    "CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C_S:LS_RD_BLK_L_HIT_X:LS_RD_BLK_L_HIT_S:LS_RD_BLK_X";
constexpr std::string_view kMissMask = "CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C";
constexpr std::string_view kL2Hit = "requests of the L1D that hit the L2; the L2's own prefetches are not in it";
constexpr std::string_view kL2Miss = "requests of the L1D that missed the L2; the L2's own prefetches are not in it";
constexpr std::string_view kSmallPages = "L1_ITLB_MISS_L2_ITLB_MISS:IF1G:IF2M:IF4K";
constexpr std::string_view kAllPages = "L1_ITLB_MISS_L2_ITLB_MISS:COALESCED4K:IF1G:IF2M:IF4K";
constexpr std::string_view kMissedBoth = "fetches that missed both levels";

constexpr MetricRow kZen1[] = {
    {M::kL1dMisses, "", "this processor counts no fills by demand"},
    {M::kL1iMisses, "32_BYTE_INSTRUCTION_CACHE_MISSES", "fetches of 32-byte windows that missed the L1I", false, 0x81},
    {M::kL2Hits, kHitMasks, kL2Hit, false, 0xf064},
    {M::kL2Misses, kMissMask, kL2Miss, false, 0x0864},
    {M::kL3Hits, "", "this processor counts no fills by their source; PMU amd_l3 counts for a whole core complex"},
    {M::kL3Misses, "", "this processor counts no fills by their source; PMU amd_l3 counts for a whole core complex"},
    {M::kItlbWalks, kSmallPages, kMissedBoth, false, 0x0785},
    {M::kLocalDram, "", "this processor counts no fills by their source"},
    {M::kRemoteDram, "", "this processor counts no fills by their source"},
};
constexpr MetricRow kZen2[] = {
    {M::kL1dMisses,
     "DATA_CACHE_REFILLS_FROM_SYSTEM:MABRESP_LCL_L2:LS_MABRESP_LCL_CACHE:LS_MABRESP_LCL_DRAM:LS_MABRESP_RMT_CACHE:LS_MABRESP_RMT_DRAM",
     kFilled, false, 0x5b43},
    {M::kL1iMisses, "", "this processor counts the fills of the L1I, from the L2 and from beyond, not its misses"},
    {M::kL2Hits, kHitMasks, kL2Hit, false, 0xf064},
    {M::kL2Misses, kMissMask, kL2Miss, false, 0x0864},
    {M::kL3Hits, "", kOneCount},
    {M::kL3Misses, "", kOneCount},
    {M::kItlbWalks, kSmallPages, kMissedBoth, false, 0x0785},
    {M::kLocalDram, "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM", kFromMemory, false, 0x0843},
    {M::kRemoteDram, "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_RMT_DRAM", kFromFarMemory, false, 0x4043},
};
constexpr MetricRow kZen3[] = {
    {M::kL1dMisses, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LCL_L2:INT_CACHE:EXT_CACHE_LCL:MEM_IO_LCL:EXT_CACHE_RMT:MEM_IO_RMT", kFilled,
     false, 0x5f43},
    {M::kL1iMisses, "IC_TAG_HIT_MISS:IC_MISS", "fetches that missed the L1I", false, 0x10000188e},
    {M::kL2Hits, kHitMasks, kL2Hit, false, 0xf064},
    {M::kL2Misses, kMissMask, kL2Miss, false, 0x0864},
    {M::kL3Hits, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:INT_CACHE", kFromComplex, false, 0x0243},
    {M::kL3Misses, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_LCL:MEM_IO_LCL:EXT_CACHE_RMT:MEM_IO_RMT", kBeyondComplex, false, 0x5c43},
    {M::kItlbWalks, kAllPages, kMissedBoth, false, 0x0f85},
    {M::kLocalDram, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL", kFromMemory, false, 0x0843},
    {M::kRemoteDram, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_RMT", kFromFarMemory, false, 0x4043},
};
constexpr MetricRow kZen4[] = {
    {M::kL1dMisses,
     "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LCL_L2:LOCAL_CCX:NEAR_CACHE_NEAR_FAR:DRAM_IO_NEAR:FAR_CACHE_NEAR_FAR:DRAM_IO_FAR:ALT_MEM_NEAR_"
     "FAR",
     kFilled, false, 0xdf43},
    {M::kL1iMisses, "IC_TAG_HIT_MISS:IC_MISS", "fetches that missed the L1I", false, 0x10000188e},
    {M::kL2Hits, kHitMasks, kL2Hit, false, 0xf064},
    {M::kL2Misses, kMissMask, kL2Miss, false, 0x0864},
    {M::kL3Hits, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:LOCAL_CCX", kFromComplex, false, 0x0243},
    {M::kL3Misses, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:NEAR_CACHE_NEAR_FAR:DRAM_IO_NEAR:FAR_CACHE_NEAR_FAR:DRAM_IO_FAR:ALT_MEM_NEAR_FAR",
     kBeyondComplex, false, 0xdc43},
    {M::kItlbWalks, kAllPages, kMissedBoth, false, 0x0f85},
    {M::kLocalDram, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR", kFromMemory, false, 0x0843},
    {M::kRemoteDram, "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_FAR", kFromFarMemory, false, 0x4043},
};
// By AMD's own names: libpfm4 4.13 does not know it.
constexpr MetricRow kZen5[] = {
    {M::kL1dMisses, "ls_dmnd_fills_from_sys.all", kFilled, false, 0xff43},
    {M::kL1iMisses, "ic_tag_hit_miss.instruction_cache_miss", "fetches that missed the L1I", false, 0x10000188e},
    {M::kL2Hits, "ls_dmnd_fills_from_sys.local_l2", "cache lines filled on demand from the core's L2", false, 0x0143},
    {M::kL2Misses, "ls_dmnd_fills_from_sys, all but local_l2", "cache lines filled on demand from beyond the core's L2", false, 0xde43},
    {M::kL3Hits, "ls_dmnd_fills_from_sys.local_ccx", kFromComplex, false, 0x0243},
    {M::kL3Misses, "ls_dmnd_fills_from_sys, all but local_all", kBeyondComplex, false, 0xdc43},
    {M::kItlbWalks, "bp_l1_tlb_miss_l2_tlb_miss.all", kMissedBoth, false, 0x0f85},
    {M::kLocalDram, "ls_dmnd_fills_from_sys.dram_io_near", kFromMemory, false, 0x0843},
    {M::kRemoteDram, "ls_dmnd_fills_from_sys.dram_io_far", kFromFarMemory, false, 0x4043},
};

}  // namespace

MetricRows AmdRows(CoreKind kind) {
  switch (kind) {
    case CoreKind::kAmdZen1:
      return {kZen1, kZen};
    case CoreKind::kAmdZen2:
      return {kZen2, kZen};
    case CoreKind::kAmdZen3:
      return {kZen3, kZen};
    case CoreKind::kAmdZen4:
      return {kZen4, kZen};
    case CoreKind::kAmdZen5:
      return {kZen5, kZen};
    default:
      return {};
  }
}

}  // namespace hftmon
