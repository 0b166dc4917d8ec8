// SparseHistogram: counts in the log-linear layout, in memory only where there are any.
//
// Buckets are kept in groups of 16 (a quarter of an octave), each taken when its first count comes. Merging is addition, bucket by bucket:
// exact, and in any order the same.
// Threads: one at a time, like any value. Bound: Reserve() takes all that it can ever need (16 KiB); after that nothing is allocated, and
// Clear keeps the memory.
#ifndef HFTMON_COMMON_SPARSE_HISTOGRAM_H_
#define HFTMON_COMMON_SPARSE_HISTOGRAM_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/histogram.h"

namespace hftmon {

struct SparseHistogramGroup {
  static constexpr size_t kBuckets = 16;

  void Add(size_t i, uint64_t count) {
    counts[i] += count;
    present |= uint64_t{1} << i;
  }
  bool operator==(const SparseHistogramGroup&) const = default;

  uint64_t present = 0;  // bit i: counts[i] is not 0
  std::array<uint64_t, kBuckets> counts{};
};

class SparseHistogram {
 public:
  static constexpr size_t kGroupBuckets = SparseHistogramGroup::kBuckets;
  static constexpr size_t kGroups = kHistogramBuckets / kGroupBuckets;

  void Reserve() { groups_.reserve(kGroups); }
  void Clear() {
    present_ = {};
    groups_.clear();
  }

  // Requires bucket < kHistogramBuckets.
  void Add(size_t bucket, uint64_t count) {
    if (count != 0) GroupAt(bucket / kGroupBuckets).Add(bucket % kGroupBuckets, count);
  }
  void Add(const SparseHistogram& other);

  uint64_t operator[](size_t bucket) const;
  bool empty() const { return groups_.empty(); }
  uint64_t total() const;
  // The highest bucket with a count.
  std::optional<size_t> top() const;
  size_t bytes() const { return sizeof(*this) + groups_.capacity() * sizeof(Group); }

  // visit(bucket, count) for every bucket with a count, in ascending order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    size_t rank = 0;
    ForEachGroup([&](size_t group) {
      const Group& from = groups_[rank++];
      for (uint64_t mask = from.present; mask != 0; mask &= mask - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(mask));
        visit(group * kGroupBuckets + i, from.counts[i]);
      }
    });
  }

  bool operator==(const SparseHistogram&) const = default;

  // Adds counts whose buckets ascend, mostly near each other, without looking each one's place up anew. Nothing else may change the
  // histogram meanwhile.
  class Appender {
   public:
    explicit Appender(SparseHistogram* histogram) : histogram_(histogram) {}
    void Add(size_t bucket, uint64_t count) {
      if (count == 0) return;
      if (at_ == nullptr || bucket / kGroupBuckets != group_) {
        group_ = bucket / kGroupBuckets;
        at_ = &histogram_->GroupAt(group_);
      }
      at_->Add(bucket % kGroupBuckets, count);
    }

   private:
    SparseHistogram* const histogram_;
    size_t group_ = 0;
    SparseHistogramGroup* at_ = nullptr;
  };

 private:
  using Group = SparseHistogramGroup;
  static constexpr size_t kWordBits = 64;
  using Mask = std::array<uint64_t, (kGroups + kWordBits - 1) / kWordBits>;

  // The place of a group among those that are there.
  size_t RankOf(size_t group) const {
    size_t rank = 0;
    for (size_t word = 0; word < group / kWordBits; ++word) rank += static_cast<size_t>(std::popcount(present_[word]));
    return rank + static_cast<size_t>(std::popcount(present_[group / kWordBits] & ((uint64_t{1} << (group % kWordBits)) - 1)));
  }
  bool Has(size_t group) const { return (present_[group / kWordBits] >> (group % kWordBits) & 1) != 0; }
  Group& GroupAt(size_t group) {
    const size_t rank = RankOf(group);
    if (Has(group)) return groups_[rank];
    present_[group / kWordBits] |= uint64_t{1} << (group % kWordBits);
    return *groups_.insert(groups_.begin() + static_cast<std::ptrdiff_t>(rank), Group{});
  }
  template <typename Visit>
  void ForEachGroup(Visit visit) const {
    for (size_t word = 0; word < present_.size(); ++word) {
      for (uint64_t mask = present_[word]; mask != 0; mask &= mask - 1) {
        visit(word * kWordBits + static_cast<size_t>(std::countr_zero(mask)));
      }
    }
  }

  Mask present_{};             // bit g: group g has a count
  std::vector<Group> groups_;  // of the groups that are present, in their order
};

// A percentile's place: the `rank`-th value, in ascending order and from 1 on, of the `bucket_count` values in `bucket`.
struct PercentilePlace {
  size_t bucket = 0;
  uint64_t rank = 0;
  uint64_t bucket_count = 0;
};

// Nearest rank. Absent when `percent` is not within (0, 100) or fewer than PercentileSamplesMin(percent) values are there.
std::optional<PercentilePlace> FindPercentile(const SparseHistogram& counts, double percent);

}  // namespace hftmon

#endif  // HFTMON_COMMON_SPARSE_HISTOGRAM_H_
