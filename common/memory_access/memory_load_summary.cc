#include "common/memory_access/memory_load_summary.h"

#include <algorithm>

#include "common/histogram.h"
#include "common/memory_access/access_counts.h"
#include "common/saturating_sum.h"

namespace hftmon {

void LoadLatencies::Add(uint64_t latency_cycles) {
  ++count_;
  sum_cycles_ = SaturatingSum(sum_cycles_, latency_cycles);
  max_cycles_ = std::max(max_cycles_, latency_cycles);
  counts_.Add(BucketOf(static_cast<int64_t>(std::min<uint64_t>(latency_cycles, INT64_MAX))), 1);
}

std::optional<uint64_t> LoadLatencies::max_cycles() const {
  if (count_ == 0) return std::nullopt;
  return max_cycles_;
}

std::optional<double> LoadLatencies::mean_cycles() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(sum_cycles_) / static_cast<double>(count_);
}

std::optional<uint64_t> LoadLatencies::PercentileCycles(double percent) const {
  const std::optional<PercentilePlace> place = FindPercentile(counts_, percent);
  if (!place.has_value()) return std::nullopt;
  return std::min(static_cast<uint64_t>(BucketMiddleNs(place->bucket)), max_cycles_);
}

void MemoryLoadSummary::Add(const MemoryAccess& access) {
  const DataSource& source = access.source;
  if (!source.load) {
    ++(source.store ? stores_ : others_);
    return;
  }
  ++loads_;
  const auto told = static_cast<size_t>(source.level);
  if (source.level_hit == false) ++missed_[told];
  LevelLoads& served = levels_[source.level_hit == false ? static_cast<size_t>(AccessLevel::kUnknown) : told];
  ++served.loads;
  if (access.latency_cycles.has_value()) served.latency.Add(*access.latency_cycles);
  if (source.tlb == TlbResult::kHit) ++tlb_hits_;
  if (source.tlb == TlbResult::kMiss) ++tlb_misses_;
  if (source.tlb_walked) ++tlb_walks_;
  if (!source.locked.has_value()) ++lock_unknown_;
  if (source.locked == true) ++locked_;
  if (source.IsHitm()) {
    ++hitm_;
  } else if (IsContended(access)) {
    ++peer_;
  }
}

}  // namespace hftmon
