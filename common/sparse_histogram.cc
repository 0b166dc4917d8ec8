#include "common/sparse_histogram.h"

namespace hftmon {

void SparseHistogram::Add(const SparseHistogram& other) {
  size_t rank = 0;
  other.ForEachGroup([&](size_t group) {
    const Group& from = other.groups_[rank++];
    Group& to = GroupAt(group);
    for (size_t i = 0; i < kGroupBuckets; ++i) to.counts[i] += from.counts[i];
    to.present |= from.present;
  });
}

uint64_t SparseHistogram::operator[](size_t bucket) const {
  const size_t group = bucket / kGroupBuckets;
  return Has(group) ? groups_[RankOf(group)].counts[bucket % kGroupBuckets] : 0;
}

uint64_t SparseHistogram::total() const {
  uint64_t total = 0;
  for (const Group& group : groups_) total += TotalCount(group.counts);
  return total;
}

std::optional<size_t> SparseHistogram::top() const {
  std::optional<size_t> top;
  ForEachGroup([&top](size_t group) { top = group; });
  if (!top) return std::nullopt;
  return *top * kGroupBuckets + static_cast<size_t>(std::bit_width(groups_.back().present)) - 1;
}

std::optional<PercentilePlace> FindPercentile(const SparseHistogram& counts, double percent) {
  const std::optional<uint64_t> rank = PercentileRank(counts.total(), percent);
  if (!rank) return std::nullopt;
  std::optional<PercentilePlace> place;
  uint64_t below = 0;
  counts.ForEach([&](size_t bucket, uint64_t count) {
    if (place) return;
    if (below + count >= *rank) place = PercentilePlace{.bucket = bucket, .rank = *rank - below, .bucket_count = count};
    below += count;
  });
  return place;
}

}  // namespace hftmon
