#include "daemon/pmu/metric_tables.h"

namespace hftmon {
namespace {

using M = HardwareMetric;

// Common numbers, by the kernel's names. Which of them a processor has, the kernel tells: one that it has not is refused with that reason.
constexpr MetricRow kPmuV3[] = {
    {M::kCycles, "cpu_cycles", "cycles of the core while it did not halt", false, 0x11},
    {M::kInstructions, "inst_retired", "instructions retired", false, 0x08},
    {M::kBranches, "br_retired", "branch instructions retired", false, 0x21},
    {M::kBranchMisses, "br_mis_pred_retired", "mispredicted branches retired", false, 0x22},
    {M::kStalledCycles, "stall", "cycles in which nothing was dispatched", false, 0x3c},
    {M::kFrontendStalls, "stall_frontend", "cycles in which the front end gave nothing", false, 0x23},
    {M::kBackendStalls, "stall_backend", "cycles in which the back end took nothing", false, 0x24},
    {M::kL1dLoads, "l1d_cache", "accesses of the L1D, stores among them", false, 0x04},
    {M::kL1dHits, "", "not counted by itself: accesses less refills"},
    {M::kL1dMisses, "l1d_cache_refill", "refills of the L1D, for loads and stores", false, 0x03},
    {M::kL1iMisses, "l1i_cache_refill", "refills of the L1I", false, 0x01},
    {M::kL2Accesses, "l2d_cache", "accesses of the L2", false, 0x16},
    {M::kL2Hits, "", "not counted by itself: accesses less refills"},
    {M::kL2Misses, "l2d_cache_refill", "refills of the L2", false, 0x17},
    {M::kL3Accesses, "ll_cache_rd", "reads of the last level of cache that the core sees", false, 0x36},
    {M::kL3Hits, "", "not counted by itself: accesses less misses"},
    {M::kL3Misses, "ll_cache_miss_rd", "reads that missed the last level of cache that the core sees", false, 0x37},
    {M::kDtlbMisses, "l1d_tlb_refill", "refills of the first level, for loads and stores", false, 0x05},
    {M::kDtlbSecondLevelHits, "", "not counted by itself: first-level refills less walks"},
    {M::kDtlbLoadWalks, "dtlb_walk", "walks for loads and stores", false, 0x34},
    {M::kDtlbStoreWalks, "", "counted with those of loads: dtlb_load_walks"},
    {M::kItlbMisses, "l1i_tlb_refill", "refills of the first level", false, 0x02},
    {M::kItlbSecondLevelHits, "", "not counted by itself: first-level refills less walks"},
    {M::kItlbWalks, "itlb_walk", "walks for instructions", false, 0x35},
    {M::kHitmLocal, "", "Arm's common events count no line by its having been modified"},
    {M::kHitmRemote, "", "Arm's common events count no line by its having been modified"},
    {M::kLocalDram, "", "Arm's common events do not tell memory from caches beyond the core's"},
    {M::kRemoteDram, "", "Arm's remote_access counts caches and memory of other sockets together"},
};

}  // namespace

MetricRows ArmRows(CoreKind kind) {
  if (kind != CoreKind::kArmPmuV3) return {};
  return {kPmuV3};
}

}  // namespace hftmon
