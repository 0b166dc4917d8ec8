#include "daemon/pmu/metric_tables.h"

namespace hftmon {
namespace {

using M = HardwareMetric;

constexpr std::string_view kOneSocket = "a processor of one socket: there is no remote cache or memory";
constexpr std::string_view kSumOfHits = "not counted by itself: hits and misses sum to it";
constexpr std::string_view kSumOfTlb = "not counted by itself: second-level hits and walks sum to it";
constexpr std::string_view kNoGenericStalls = "the kernel maps none on this processor: stalled_cycles has all stalls of execution";

// The performance cores from Skylake to Golden Cove count retired loads by the same numbers.
constexpr MetricRow kBigCores[] = {
    {M::kStalledCycles, "CYCLE_ACTIVITY:STALLS_TOTAL", "cycles in which nothing was executed", false, 0x40004a3},
    {M::kFrontendStalls, "", kNoGenericStalls},
    {M::kBackendStalls, "", kNoGenericStalls},
    {M::kL1dLoads, "MEM_INST_RETIRED:ALL_LOADS", "load instructions retired", false, 0x81d0},
    {M::kL1dHits, "MEM_LOAD_RETIRED:L1_HIT", "retired loads served by the L1D", false, 0x01d1},
    {M::kL1dMisses, "MEM_LOAD_RETIRED:L1_MISS", "retired loads that missed the L1D; lines on their way already are not in it", false,
     0x08d1},
    {M::kL2Accesses, "", kSumOfHits},
    {M::kL2Hits, "MEM_LOAD_RETIRED:L2_HIT", "retired loads served by the L2", false, 0x02d1},
    {M::kL2Misses, "MEM_LOAD_RETIRED:L2_MISS", "retired loads that missed the L2", false, 0x10d1},
    {M::kL3Accesses, "", kSumOfHits},
    {M::kL3Hits, "MEM_LOAD_RETIRED:L3_HIT", "retired loads served by the L3", false, 0x04d1},
    {M::kL3Misses, "MEM_LOAD_RETIRED:L3_MISS", "retired loads that missed the L3", false, 0x20d1},
    {M::kDtlbMisses, "", kSumOfTlb},
    {M::kItlbMisses, "", kSumOfTlb},
};

constexpr std::string_view kStlbLoads = "loads that missed the first level and hit the second";
constexpr std::string_view kStlbFetches = "fetches that missed the first level and hit the second";
constexpr std::string_view kWalkedLoads = "walks completed for loads";
constexpr std::string_view kWalkedStores = "walks completed for stores";
constexpr std::string_view kWalkedFetches = "walks completed for instructions";
constexpr std::string_view kFetchMisses = "fetches of 64-byte lines that missed the L1I";
constexpr std::string_view kRetiredFetchMisses = "retired instructions whose fetch missed the L1I";
constexpr std::string_view kModifiedHere = "retired loads of a line that another core of the socket had modified";
constexpr std::string_view kModifiedThere = "retired loads of a line modified in another socket's cache";
constexpr std::string_view kHere = "retired loads served by this socket's memory";
constexpr std::string_view kThere = "retired loads served by another socket's memory";

// From Skylake to Ice Lake.
constexpr MetricRow kToIceLake[] = {
    {M::kL1iMisses, "ICACHE_64B:IFTAG_MISS", kFetchMisses, false, 0x0283},
    {M::kDtlbSecondLevelHits, "DTLB_LOAD_MISSES:STLB_HIT", kStlbLoads, false, 0x2008},
    {M::kDtlbLoadWalks, "DTLB_LOAD_MISSES:WALK_COMPLETED", kWalkedLoads, false, 0x0e08},
    {M::kDtlbStoreWalks, "DTLB_STORE_MISSES:WALK_COMPLETED", kWalkedStores, false, 0x0e49},
    {M::kItlbSecondLevelHits, "ITLB_MISSES:STLB_HIT", kStlbFetches, false, 0x2085},
    {M::kItlbWalks, "ITLB_MISSES:WALK_COMPLETED", kWalkedFetches, false, 0x0e85},
    {M::kHitmLocal, "MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM", kModifiedHere, false, 0x04d2},
};
// From Golden Cove on.
constexpr MetricRow kFromGoldenCove[] = {
    {M::kL1iMisses, "FRONTEND_RETIRED:L1I_MISS", kRetiredFetchMisses, false, 0x01c6, 0x12},
    {M::kDtlbSecondLevelHits, "DTLB_LOAD_MISSES:STLB_HIT", kStlbLoads, false, 0x2012},
    {M::kDtlbLoadWalks, "DTLB_LOAD_MISSES:WALK_COMPLETED", kWalkedLoads, false, 0x0e12},
    {M::kDtlbStoreWalks, "DTLB_STORE_MISSES:WALK_COMPLETED", kWalkedStores, false, 0x0e13},
    {M::kItlbSecondLevelHits, "ITLB_MISSES:STLB_HIT", kStlbFetches, false, 0x2011},
    {M::kItlbWalks, "ITLB_MISSES:WALK_COMPLETED", kWalkedFetches, false, 0x0e11},
    {M::kHitmLocal, "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD", kModifiedHere, false, 0x04d2},
};

constexpr MetricRow kSkylakeMemory[] = {
    {M::kHitmRemote, "", kOneSocket},
    {M::kLocalDram, "", "not told by this processor: with one socket its L3 misses are the loads from memory"},
    {M::kRemoteDram, "", kOneSocket},
};
// The client cores after Skylake's tell their memory apart.
constexpr MetricRow kClientMemory[] = {
    {M::kHitmRemote, "", kOneSocket},
    {M::kLocalDram, "MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", kHere, false, 0x01d3},
    {M::kRemoteDram, "", kOneSocket},
};
constexpr MetricRow kServerMemory[] = {
    {M::kHitmRemote, "MEM_LOAD_L3_MISS_RETIRED:REMOTE_HITM", kModifiedThere, false, 0x04d3},
    {M::kLocalDram, "MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", kHere, false, 0x01d3},
    {M::kRemoteDram, "MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", kThere, false, 0x02d3},
};
// Counts micro-operations where the performance cores count instructions: the two are not to be added up.
constexpr MetricRow kGracemont[] = {
    {M::kStalledCycles, "", "this kind of core counts stalls by their cause alone"},
    {M::kFrontendStalls, "", "this kind of core counts stalls by their cause alone"},
    {M::kBackendStalls, "", "this kind of core counts stalls by their cause alone"},
    {M::kL1dLoads, "MEM_UOPS_RETIRED:ALL_LOADS", "load micro-operations retired", false, 0x81d0},
    {M::kL1dHits, "MEM_LOAD_UOPS_RETIRED:L1_HIT", "retired load micro-operations served by the L1D", false, 0x01d1},
    {M::kL1dMisses, "MEM_LOAD_UOPS_RETIRED:L1_MISS", "retired load micro-operations that missed the L1D", false, 0x08d1},
    {M::kL1iMisses, "ICACHE:MISSES", "requests to the L1I that missed", false, 0x0280},
    {M::kL2Accesses, "", kSumOfHits},
    {M::kL2Hits, "MEM_LOAD_UOPS_RETIRED:L2_HIT", "retired load micro-operations served by the L2", false, 0x02d1},
    {M::kL2Misses, "MEM_LOAD_UOPS_RETIRED:L2_MISS", "retired load micro-operations that missed the L2", false, 0x10d1},
    {M::kL3Accesses, "", kSumOfHits},
    {M::kL3Hits, "MEM_LOAD_UOPS_RETIRED:L3_HIT", "retired load micro-operations served by the L3", false, 0x04d1},
    {M::kL3Misses, "MEM_LOAD_UOPS_RETIRED_MISC:L3_MISS", "retired load micro-operations that missed the L3", false, 0x20d2},
    {M::kDtlbMisses, "", "this kind of core counts only what missed the second level too: dtlb_load_walks"},
    {M::kDtlbSecondLevelHits, "", "this kind of core counts only what missed the second level too: dtlb_load_walks"},
    {M::kDtlbLoadWalks, "DTLB_LOAD_MISSES:WALK_COMPLETED", kWalkedLoads, false, 0x0e08},
    {M::kDtlbStoreWalks, "DTLB_STORE_MISSES:WALK_COMPLETED", kWalkedStores, false, 0x0e49},
    {M::kItlbMisses, "", "this kind of core counts only what missed the second level too: itlb_walks"},
    {M::kItlbSecondLevelHits, "", "this kind of core counts only what missed the second level too: itlb_walks"},
    {M::kItlbWalks, "ITLB_MISSES:WALK_COMPLETED", kWalkedFetches, false, 0x0e85},
    {M::kHitmLocal, "MEM_LOAD_UOPS_RETIRED:HITM", "retired load micro-operations of a line that another core had modified", false, 0x20d1},
    {M::kHitmRemote, "", kOneSocket},
    {M::kLocalDram, "MEM_LOAD_UOPS_RETIRED:DRAM_HIT", "retired load micro-operations served by memory", false, 0x80d1},
    {M::kRemoteDram, "", kOneSocket},
};

}  // namespace

MetricRows IntelRows(CoreKind kind) {
  switch (kind) {
    case CoreKind::kIntelSkylake:
      return {kSkylakeMemory, kToIceLake, kBigCores};
    case CoreKind::kIntelIceLake:
      return {kClientMemory, kToIceLake, kBigCores};
    case CoreKind::kIntelSkylakeServer:
    case CoreKind::kIntelIceLakeServer:
      return {kServerMemory, kToIceLake, kBigCores};
    case CoreKind::kIntelGoldenCove:
      return {kClientMemory, kFromGoldenCove, kBigCores};
    case CoreKind::kIntelSapphireRapids:
      return {kServerMemory, kFromGoldenCove, kBigCores};
    case CoreKind::kIntelGracemont:
      return {kGracemont};
    default:
      return {};
  }
}

}  // namespace hftmon
