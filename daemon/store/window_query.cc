#include "daemon/store/window_query.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "daemon/store/delta_entry.h"

namespace hftmon {
namespace {

constexpr size_t kLevelsMax = 4;
// Overwritten buckets that the last attempt steps over before it gives up on the rest of the window.
constexpr int kLappedMax = 64;

// Walks one level's buckets forward in time.
class LevelCursor {
 public:
  LevelCursor() = default;
  explicit LevelCursor(const BucketLog* log) : log_(log) {}

  // The first kept bucket that ends after `mono_ns`, which must not decrease from call to call.
  const Bucket* Seek(int64_t mono_ns) {
    if (exhausted_) return nullptr;
    if (at_ && at_->bucket.end_mono_ns > mono_ns) return &at_->bucket;
    if (at_) {
      // Mostly the very next one: no search.
      const std::optional<Bucket> next = log_->Find(at_->number + 1);
      if (next && next->end_mono_ns > mono_ns) {
        at_ = BucketLog::Numbered{at_->number + 1, *next};
        return &at_->bucket;
      }
    }
    at_ = log_->FindFirstEndingAfter(mono_ns);
    exhausted_ = !at_;  // what is closed from now on belongs to a later question
    return at_ ? &at_->bucket : nullptr;
  }

  // Forgets a bucket that turned out to be overwritten.
  void Forget() {
    at_.reset();
    exhausted_ = false;
  }

 private:
  const BucketLog* log_ = nullptr;
  std::optional<BucketLog::Numbered> at_;
  bool exhausted_ = false;
};

// What a sum has so far of what a piece tells.
ThreadPiece PieceOf(const ThreadWindow& sum) {
  ThreadPiece piece;
  piece.in_count = static_cast<uint32_t>(std::accumulate(sum.depth.begin(), sum.depth.end(), uint64_t{0}));
  piece.timed_count = static_cast<uint32_t>(sum.off_cpu_count + sum.discarded_count);
  piece.out_count = static_cast<uint32_t>(std::accumulate(sum.kind_count.begin(), sum.kind_count.end(), uint64_t{0}));
  piece.off_cpu_ns = static_cast<int64_t>(sum.off_cpu_ns);
  piece.run_delay_ns = static_cast<int64_t>(sum.run_delay_ns);
  piece.interrupted_ns = static_cast<int64_t>(std::accumulate(sum.interrupted_ns.begin(), sum.interrupted_ns.end(), uint64_t{0}));
  return piece;
}

// What came to the sum since `before`; counts are modulo 2^32, so is their difference.
ThreadPiece PieceSince(const ThreadPiece& before, const ThreadWindow& sum, const Bucket& bucket) {
  ThreadPiece piece = PieceOf(sum);
  piece.thread = sum.thread;
  piece.begin_mono_ns = bucket.begin_mono_ns;
  piece.end_mono_ns = bucket.end_mono_ns;
  piece.in_count -= before.in_count;
  piece.timed_count -= before.timed_count;
  piece.out_count -= before.out_count;
  piece.off_cpu_ns -= before.off_cpu_ns;
  piece.run_delay_ns -= before.run_delay_ns;
  piece.interrupted_ns -= before.interrupted_ns;
  return piece;
}

// Sums by thread. The filter is asked once for each thread.
class Sums {
 public:
  // `pieces` may be null.
  Sums(const std::function<bool(const ThreadKey&)>& filter, std::vector<ThreadPiece>* pieces) : filter_(filter), pieces_(pieces) {}

  void AddBucket(const Bucket& bucket, const std::vector<uint64_t>& words) {
    places_.clear();
    size_t thread_count = threads_.size();
    for (size_t at = 0; at < words.size(); at += ReadEntryHead(&words[at]).word_count) {
      const ThreadKey thread = ReadEntryHead(&words[at]).thread;
      const auto [place, is_new] = place_of_.try_emplace(thread, kRefused);
      if (is_new && (!filter_ || filter_(thread))) place->second = static_cast<int64_t>(thread_count++);
      places_.push_back(place->second);
    }
    // A ThreadWindow is half a KiB: make room once for all of a bucket's new threads.
    if (thread_count > threads_.capacity()) threads_.reserve(std::max(thread_count, threads_.capacity() * 2));
    threads_.resize(thread_count);
    size_t at = 0;
    for (const int64_t place : places_) {
      const EntryHead head = ReadEntryHead(&words[at]);
      if (place != kRefused) {
        ThreadWindow& sum = threads_[static_cast<size_t>(place)];
        sum.thread = head.thread;
        const ThreadPiece before = pieces_ != nullptr ? PieceOf(sum) : ThreadPiece();
        AddEntry(&words[at], &sum);
        if (pieces_ != nullptr) pieces_->push_back(PieceSince(before, sum, bucket));
      }
      at += head.word_count;
    }
  }

  std::vector<ThreadWindow> Take() { return std::move(threads_); }

 private:
  static constexpr int64_t kRefused = -1;
  const std::function<bool(const ThreadKey&)>& filter_;
  std::vector<ThreadPiece>* const pieces_;
  absl::flat_hash_map<ThreadKey, int64_t, ThreadKeyHash> place_of_;
  std::vector<int64_t> places_;
  std::vector<ThreadWindow> threads_;
};

class Walk {
 public:
  Walk(std::span<const BucketLog* const> levels, int64_t begin_mono_ns, int64_t end_mono_ns,
       const std::function<bool(const ThreadKey&)>& filter, std::vector<ThreadPiece>* pieces)
      : levels_(levels.first(std::min(levels.size(), kLevelsMax))),
        at_mono_ns_(begin_mono_ns),
        end_mono_ns_(end_mono_ns),
        finest_first_(pieces != nullptr),
        sums_(filter, pieces) {
    for (size_t i = 0; i < levels_.size(); ++i) cursors_[i] = LevelCursor(levels_[i]);
  }

  // False when the writer lapped a bucket that was wanted and `tolerant` is not set.
  bool Run(bool tolerant, WindowAnswer* answer) {
    std::vector<uint64_t> words;
    while (at_mono_ns_ < end_mono_ns_) {
      const std::optional<size_t> level = Choose();
      if (!level) {
        answer->truncated = true;
        if (!SkipToNextKept()) break;
        if (started_ && !tolerant) return false;  // kept a moment ago, overwritten since
        continue;
      }
      const Bucket bucket = *cursors_[*level].Seek(at_mono_ns_);
      if (!levels_[*level]->Copy(bucket, &words)) {
        if (!tolerant) return false;
        answer->truncated = true;
        if (++lapped_count_ > kLappedMax) break;
        for (LevelCursor& cursor : cursors_) cursor.Forget();
        continue;
      }
      Use(bucket, words, answer);
    }
    answer->threads = sums_.Take();
    return true;
  }

 private:
  // The level whose bucket comes next: the coarsest that begins here and fits, unless the finest is wanted; else the finest that holds this
  // moment.
  std::optional<size_t> Choose() {
    for (size_t i = finest_first_ ? 0 : levels_.size(); i-- > 0;) {
      const Bucket* bucket = cursors_[i].Seek(at_mono_ns_);
      if (bucket != nullptr && bucket->begin_mono_ns == at_mono_ns_ && bucket->end_mono_ns <= end_mono_ns_) return i;
    }
    for (size_t i = 0; i < levels_.size(); ++i) {
      const Bucket* bucket = cursors_[i].Seek(at_mono_ns_);
      if (bucket == nullptr) continue;
      // Only the first bucket may reach back before this moment: later on that would count time twice.
      if (bucket->begin_mono_ns == at_mono_ns_ || (!started_ && bucket->begin_mono_ns < at_mono_ns_)) return i;
    }
    return std::nullopt;
  }

  bool SkipToNextKept() {
    std::optional<int64_t> next;
    for (size_t i = 0; i < levels_.size(); ++i) {
      const Bucket* bucket = cursors_[i].Seek(at_mono_ns_);
      if (bucket != nullptr && bucket->begin_mono_ns > at_mono_ns_) next = std::min(next.value_or(INT64_MAX), bucket->begin_mono_ns);
    }
    if (!next || *next >= end_mono_ns_) return false;
    at_mono_ns_ = *next;
    return true;
  }

  void Use(const Bucket& bucket, const std::vector<uint64_t>& words, WindowAnswer* answer) {
    sums_.AddBucket(bucket, words);
    if (!started_) {
      answer->begin_mono_ns = bucket.begin_mono_ns;
      answer->begin_read_ns = bucket.begin_read_ns;
    }
    started_ = true;
    answer->end_mono_ns = bucket.end_mono_ns;
    answer->end_read_ns = bucket.end_read_ns;
    answer->resolution_ns = std::max(answer->resolution_ns, bucket.end_mono_ns - bucket.begin_mono_ns);
    if (bucket.dropped_count > 0) answer->truncated = true;
    at_mono_ns_ = bucket.end_mono_ns;
  }

  const std::span<const BucketLog* const> levels_;
  std::array<LevelCursor, kLevelsMax> cursors_;
  int64_t at_mono_ns_;
  const int64_t end_mono_ns_;
  const bool finest_first_;
  bool started_ = false;
  int lapped_count_ = 0;
  Sums sums_;
};

}  // namespace

WindowAnswer SumWindow(std::span<const BucketLog* const> levels, int64_t begin_mono_ns, int64_t end_mono_ns,
                       const std::function<bool(const ThreadKey&)>& filter, std::vector<ThreadPiece>* pieces) {
  for (int attempt = 1;; ++attempt) {
    if (pieces != nullptr) pieces->clear();
    WindowAnswer answer;
    answer.begin_mono_ns = answer.end_mono_ns = begin_mono_ns;
    if (Walk(levels, begin_mono_ns, end_mono_ns, filter, pieces).Run(attempt == kWindowAttempts, &answer)) return answer;
  }
}

}  // namespace hftmon
