// WindowLevel: one resolution of the window store. It appends deltas to its bucket log and, when a coarser edge is reached, sums the closed
// buckets by thread into the next coarser level, a few entries at a time.
//
// Threads: the housekeeping thread alone, except log() (readers' half) and dropped_count(). No allocation after construction.
//
// How a coarser bucket is made: each entry links back to the same slot's entry before it, and a list names the slots that were active since
// the last edge. At an edge the list changes hands; from then on each appended word pays for kMergeWordsPerWord words of summing, and each
// closed bucket for kMergeWordsPerClose, so the loop is never held for long. One dense sum is enough for any number of threads.
// Invariants:
//   1. With trigger T and bucket limit L in words, at most P = T + L words wait to be summed, and summing them lets P / 4 new words in
//      (kMergeWordsPerWord). L <= 3T, so P / 4 <= T: an edge that comes from T finds the sum before it done. P <= capacity * 3/4, so
//      P + P / 4 < capacity: nothing is overwritten before its sum is published.
//      A bucket's close takes kBucketFrameWords more and pays for more than four times as many.
//   2. A sum is never longer than the entries it is made of, so a coarser bucket takes at most T + L words: the coarser level's limit is
//      at least that, and no delta that the finest level took is dropped on its way up.
#ifndef HFTMON_DAEMON_STORE_WINDOW_LEVEL_H_
#define HFTMON_DAEMON_STORE_WINDOW_LEVEL_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "daemon/store/bucket_log.h"
#include "daemon/store/delta_entry.h"

namespace hftmon {

class WindowLevel {
 public:
  struct Options {
    uint64_t bytes = 0;             // of the log
    uint64_t log_id = 0;            // of its segments
    uint64_t bucket_words_max = 0;  // L
    uint64_t trigger_words = 0;     // T: an edge comes early once this much was written since the last one
    uint32_t slot_count = 0;
    WindowLevel* coarser = nullptr;  // outlives this; nullptr at the coarsest
    int64_t coarser_period_ns = 0;   // its edges lie at multiples of this, as near as this level's buckets allow
  };
  explicit WindowLevel(const Options& options);

  // False (and counted) when the bucket is full or the slot is not below slot_count.
  bool Append(const ThreadDelta& delta, uint16_t slot) { return AppendSums(delta, slot); }
  bool Append(const ThreadWindow& sum, uint16_t slot) { return AppendSums(sum, slot); }
  // Requires begin to be the end of the bucket before, and end > begin.
  void CloseBucket(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t begin_read_ns, int64_t end_read_ns);
  // The bucket that is being filled is known to be incomplete by that many deltas.
  void CountDropped(uint64_t count);

  const BucketLog& log() const { return log_; }
  uint64_t bytes() const;
  uint64_t dropped_count() const { return dropped_count_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kMergeWordsPerWord = 4;
  static constexpr uint64_t kMergeWordsPerClose = 128;

  // What happened since a coarser edge: the active slots, each with the position of its newest entry.
  struct Span {
    std::unique_ptr<uint64_t[]> newest;  // by slot: position + 1, 0 when it was not active
    std::unique_ptr<uint16_t[]> active;
    uint32_t active_count = 0;
    uint64_t word_count = 0;
    uint64_t bucket_count = 0;
    uint64_t dropped_count = 0;
    int64_t begin_mono_ns = 0;
    int64_t end_mono_ns = 0;
    int64_t begin_read_ns = 0;
    int64_t end_read_ns = 0;
  };

  template <typename Sums>
  bool AppendSums(const Sums& sums, uint16_t slot);
  uint32_t LinkNext(uint16_t slot);
  void CutWhenDue();
  void StartMerge();
  void Merge(uint64_t budget_words);
  uint64_t MergeOneEntry();
  void FinishSum();
  void FinishMerge();

  const Options options_;
  BucketLog log_;
  uint64_t open_dropped_count_ = 0;
  std::array<Span, 2> spans_;
  Span* filling_ = &spans_[0];
  Span* merging_ = &spans_[1];
  bool merge_pending_ = false;
  uint32_t merge_active_ = 0;    // index into merging_->active of the slot being summed
  uint64_t merge_position_ = 0;  // its next entry, position + 1; 0 between slots
  bool sum_open_ = false;
  ThreadWindow sum_;
  EntryWords entry_;
  EntryWords read_back_;
  std::atomic<uint64_t> dropped_count_{0};  // single writer
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_WINDOW_LEVEL_H_
