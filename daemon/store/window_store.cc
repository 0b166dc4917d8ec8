#include "daemon/store/window_store.h"

#include <algorithm>

#include "daemon/store/window_query.h"

namespace hftmon {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMinuteNs = 60 * kSecondNs;
constexpr uint32_t kSlotsMax = kBucketFrameMark;
// Of the levels' logs, beside the run's.
enum LogNumber : uint64_t { kFineLog = 1, kSecondLog = 2, kMinuteLog = 3 };

// In words of the rounded log, as BucketLog takes them.
uint64_t SmallestLogWords(const WindowStore::Options& options) {
  return BucketLog::CapacityWordsOf(std::min({options.fine_bytes, options.second_bytes, options.minute_bytes}));
}

}  // namespace

// T and L of window_level.h: T + L of a level is L of the next coarser one.
WindowStore::WindowStore(const Options& options)
    : unit_words_(SmallestLogWords(options)),
      minute_({.bytes = options.minute_bytes,
               .log_id = options.run_id + kMinuteLog,
               .bucket_words_max = unit_words_ / 4 * 3,
               .slot_count = std::min(options.slot_count, kSlotsMax)}),
      second_({.bytes = options.second_bytes,
               .log_id = options.run_id + kSecondLog,
               .bucket_words_max = unit_words_ / 2,
               .trigger_words = unit_words_ / 4,
               .slot_count = std::min(options.slot_count, kSlotsMax),
               .coarser = &minute_,
               .coarser_period_ns = kMinuteNs}),
      fine_({.bytes = options.fine_bytes,
             .log_id = options.run_id + kFineLog,
             .bucket_words_max = unit_words_ / 4,
             .trigger_words = unit_words_ / 4,
             .slot_count = std::min(options.slot_count, kSlotsMax),
             .coarser = &second_,
             .coarser_period_ns = kSecondNs}) {}

void WindowStore::OnThreadDelta(const ThreadDelta& delta) {
  fine_.Append(delta, delta.slot);
}

void WindowStore::OnBucketClosed(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t read_until_mono_ns) {
  const int64_t begin = last_end_mono_ns_.value_or(begin_mono_ns);
  if (end_mono_ns <= begin) return;
  const int64_t read_ns = std::max<int64_t>(read_until_mono_ns - end_mono_ns, 0);
  fine_.CloseBucket(begin, end_mono_ns, last_read_ns_, read_ns);
  last_end_mono_ns_ = end_mono_ns;
  last_read_ns_ = read_ns;
  closed_until_mono_ns_.store(end_mono_ns, std::memory_order_release);  // pairs with closed_until_mono_ns()
}

WindowAnswer WindowStore::Query(int64_t begin_mono_ns, int64_t end_mono_ns, const std::function<bool(const ThreadKey&)>& filter) const {
  return SumWindow(logs(), begin_mono_ns, end_mono_ns, filter);
}

WindowAnswer WindowStore::QueryPieces(int64_t begin_mono_ns, int64_t end_mono_ns, const std::function<bool(const ThreadKey&)>& filter,
                                      std::vector<ThreadPiece>* pieces) const {
  return SumWindow(logs(), begin_mono_ns, end_mono_ns, filter, pieces);
}

int64_t WindowStore::achieved_interval_ns() const {
  const BucketLog& log = fine_.log();
  const uint64_t end = log.bucket_end();
  if (end == 0) return 0;
  const uint64_t first = end > kAchievedBuckets ? end - kAchievedBuckets : 0;
  const std::optional<Bucket> oldest = log.Find(first);
  const std::optional<Bucket> newest = log.Find(end - 1);
  if (!oldest || !newest) return 0;  // lapped meanwhile: as good as not known
  return (newest->end_mono_ns - oldest->begin_mono_ns) / static_cast<int64_t>(end - first);
}

uint64_t WindowStore::bytes() const {
  return fine_.bytes() + second_.bytes() + minute_.bytes();
}

uint64_t WindowStore::dropped_count() const {
  return fine_.dropped_count() + second_.dropped_count() + minute_.dropped_count();
}

}  // namespace hftmon
