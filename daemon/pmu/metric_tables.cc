#include "daemon/pmu/metric_tables.h"

namespace hftmon {
namespace {

using M = HardwareMetric;

constexpr std::string_view kAsMapped = "as the kernel maps its generic event on this processor";

// Of every processor: the kernel knows these numbers, or refuses.
constexpr MetricRow kEverywhere[] = {
    {M::kCycles, "cycles", "cycles of the core while it did not halt", true},
    {M::kInstructions, "instructions", "instructions retired", true},
    {M::kBranches, "branches", "branch instructions retired", true},
    {M::kBranchMisses, "branch-misses", "mispredicted branches retired", true},
};

// Where no table tells more.
constexpr MetricRow kUnknownKind[] = {
    {M::kFrontendStalls, "stalled-cycles-frontend", kAsMapped, true},
    {M::kBackendStalls, "stalled-cycles-backend", kAsMapped, true},
    {M::kL1dLoads, "L1-dcache-loads", kAsMapped, true},
    {M::kL1dMisses, "L1-dcache-load-misses", kAsMapped, true},
    {M::kL1iMisses, "L1-icache-load-misses", kAsMapped, true},
    {M::kL3Accesses, "LLC-loads", kAsMapped, true},
    {M::kL3Misses, "LLC-load-misses", kAsMapped, true},
    {M::kDtlbMisses, "dTLB-load-misses", kAsMapped, true},
    {M::kItlbMisses, "iTLB-load-misses", kAsMapped, true},
};

MetricRows RowsOf(CoreKind kind) {
  for (const auto rows_of : {IntelRows, AmdRows, ArmRows}) {
    if (MetricRows rows = rows_of(kind); !rows.empty()) return rows;
  }
  return {kUnknownKind};
}

}  // namespace

const MetricRow* FindMetricRow(CoreKind kind, HardwareMetric metric) {
  MetricRows rows = RowsOf(kind);
  rows.push_back(kEverywhere);
  for (const std::span<const MetricRow> table : rows) {
    for (const MetricRow& row : table) {
      if (row.metric == metric) return &row;
    }
  }
  return nullptr;
}

}  // namespace hftmon
