// OperationBaseline: how long an operation usually takes, learned from its own durations, and the threshold that follows from it.
//
// One thread. Bounds: 2.6 KiB, constant time a duration; every kRefreshCount durations one walk over the buckets. It forgets: when
// kForgetCount durations are in it, every count is halved, so what is usual now outweighs what was.
#ifndef HFTMON_DAEMON_OPERATIONS_OPERATION_BASELINE_H_
#define HFTMON_DAEMON_OPERATIONS_OPERATION_BASELINE_H_

#include <array>
#include <cstdint>

namespace hftmon {

class OperationBaseline {
 public:
  static constexpr uint32_t kRefreshCount = 1'024;
  static constexpr uint32_t kForgetCount = 1u << 16;
  static constexpr uint64_t kKnownCount = 1'000;  // durations before anything is called usual
  static constexpr int64_t kThresholdMinNs = 1'000;

  // True when the figures below were made anew.
  bool Add(int64_t duration_ns);

  // The median, within an eighth; -1: too few durations.
  int64_t usual_ns() const { return usual_ns_; }
  // The larger of eight medians and twice the 99th percentile, kThresholdMinNs at least: what one in a hundred takes is no exception. -1:
  // too few durations.
  int64_t threshold_ns() const { return threshold_ns_; }

 private:
  static constexpr uint32_t kSubBits = 4;  // 16 buckets an octave
  static constexpr uint32_t kBuckets = (64 - kSubBits + 1) << kSubBits;

  static uint32_t BucketOf(uint64_t duration_ns);
  static uint64_t UpperEdge(uint32_t bucket);
  uint64_t Percentile(uint64_t rank_from_top) const;
  void Refresh();

  std::array<uint32_t, kBuckets> counts_{};
  uint64_t count_ = 0;       // in the buckets now
  uint64_t seen_count_ = 0;  // ever
  uint32_t until_refresh_ = kRefreshCount;
  int64_t usual_ns_ = -1;
  int64_t threshold_ns_ = -1;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OPERATIONS_OPERATION_BASELINE_H_
