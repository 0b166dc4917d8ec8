// LoopLateness: how late the loop's looks were: each iteration's distance from the one before, less the sleep that was meant.
//
// Threads: Note and Restart by the housekeeping thread; the rest by anyone. Relaxed: each figure stands for itself, and a reader that meets
// a Restart sees some of both modes for once.
#ifndef HFTMON_DAEMON_INGEST_LOOP_LATENESS_H_
#define HFTMON_DAEMON_INGEST_LOOP_LATENESS_H_

#include <array>
#include <cstdint>

#include "common/histogram.h"
#include "daemon/ingest/loop_stats.h"

namespace hftmon {

class LoopLateness {
 public:
  void Note(int64_t late_ns) {
    LoopCounter<uint64_t>& count = histogram_[BucketOf(late_ns)];
    count.Set(count.Get() + 1);
    sum_ns_.Add(late_ns);
    max_ns_.Raise(late_ns);
  }
  // Another mode means other distances.
  void Restart() {
    for (LoopCounter<uint64_t>& count : histogram_) count.Set(0);
    sum_ns_.Set(0);
    max_ns_.Set(0);
  }

  std::array<uint64_t, HFT_HISTOGRAM_BUCKETS> histogram() const {
    std::array<uint64_t, HFT_HISTOGRAM_BUCKETS> counts;
    for (size_t i = 0; i < counts.size(); ++i) counts[i] = histogram_[i].Get();
    return counts;
  }
  int64_t sum_ns() const { return sum_ns_.Get(); }
  int64_t max_ns() const { return max_ns_.Get(); }

 private:
  std::array<LoopCounter<uint64_t>, HFT_HISTOGRAM_BUCKETS> histogram_;
  LoopCounter<int64_t> sum_ns_;
  LoopCounter<int64_t> max_ns_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_LOOP_LATENESS_H_
