#include "daemon/operations/operation_baseline.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace hftmon {
namespace {

constexpr int64_t kMediansOfThreshold = 8;
constexpr int64_t kTailsOfThreshold = 2;

// At most the largest value: a program may mark what it likes.
int64_t Times(int64_t count, int64_t duration_ns) {
  return duration_ns > std::numeric_limits<int64_t>::max() / count ? std::numeric_limits<int64_t>::max() : count * duration_ns;
}

}  // namespace

uint32_t OperationBaseline::BucketOf(uint64_t duration_ns) {
  if (duration_ns < (uint64_t{1} << kSubBits)) return static_cast<uint32_t>(duration_ns);
  const uint32_t octave = static_cast<uint32_t>(std::bit_width(duration_ns)) - 1 - kSubBits;
  return (octave + 1) << kSubBits | (static_cast<uint32_t>(duration_ns >> octave) & ((1u << kSubBits) - 1));
}

uint64_t OperationBaseline::UpperEdge(uint32_t bucket) {
  if (bucket < (1u << kSubBits)) return bucket;
  const uint32_t octave = (bucket >> kSubBits) - 1;
  const uint64_t sub = (bucket & ((1u << kSubBits) - 1)) | (1u << kSubBits);
  return ((sub + 1) << octave) - 1;
}

bool OperationBaseline::Add(int64_t duration_ns) {
  ++counts_[BucketOf(static_cast<uint64_t>(std::max<int64_t>(duration_ns, 0)))];
  ++count_;
  ++seen_count_;
  if (--until_refresh_ > 0) return false;
  until_refresh_ = kRefreshCount;
  Refresh();
  return true;
}

// The upper edge of the bucket that has the `rank_from_top` longest.
uint64_t OperationBaseline::Percentile(uint64_t rank_from_top) const {
  uint64_t passed = 0;
  for (uint32_t bucket = kBuckets; bucket > 0; --bucket) {
    passed += counts_[bucket - 1];
    if (passed >= rank_from_top) return UpperEdge(bucket - 1);
  }
  return 0;
}

void OperationBaseline::Refresh() {
  if (seen_count_ < kKnownCount) return;
  if (count_ >= kForgetCount) {
    count_ = 0;
    for (uint32_t& count : counts_) {
      count /= 2;
      count_ += count;
    }
  }
  if (count_ == 0) return;
  usual_ns_ = static_cast<int64_t>(Percentile(count_ - count_ / 2));
  const auto tail_ns = static_cast<int64_t>(Percentile(std::max<uint64_t>(count_ / 100, 1)));
  threshold_ns_ = std::max({kThresholdMinNs, Times(kMediansOfThreshold, usual_ns_), Times(kTailsOfThreshold, tail_ns)});
}

}  // namespace hftmon
