// BucketLog: the entries of one resolution's buckets in a fixed ring of words, with an index of the closed buckets.
//
// Threads: the writer half by one thread, which never waits, allocates or calls the system; the reader half by any thread.
// Invariants:
//   1. Word p stands at p % capacity until word p + capacity is written. Positions only grow.
//   2. `reserved` is raised above a word's position before the word is stored with release; a reader loads words with acquire and looks at
//      `reserved` afterwards, so one that caught a word of a later lap sees `reserved` more than a lap above its bucket, and discards the
//      copy.
//   3. A bucket stands in the index only when it is closed; its words never change after that.
//   4. Buckets follow each other without gap or overlap: each begins where the one before ended.
#ifndef HFTMON_DAEMON_STORE_BUCKET_LOG_H_
#define HFTMON_DAEMON_STORE_BUCKET_LOG_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/store/seq_ring.h"

namespace hftmon {

class BucketLog {
 public:
  struct Bucket {
    int64_t begin_mono_ns = 0;
    int64_t end_mono_ns = 0;
    uint64_t first_word = 0;
    uint32_t word_count = 0;
    uint32_t entry_count = 0;
    uint64_t dropped_count = 0;  // entries that did not fit into it
  };
  struct Numbered {
    uint64_t number = 0;
    Bucket bucket;
  };

  // `bytes` of entries (rounded up to a power of two, at least 64 KiB) and one index cell for every 256 of them.
  explicit BucketLog(uint64_t bytes);
  static uint64_t CapacityWordsOf(uint64_t bytes);

  uint64_t capacity_words() const { return mask_ + 1; }
  uint64_t capacity_buckets() const { return index_.capacity(); }
  uint64_t bytes() const { return capacity_words() * 8 + index_.bytes(); }

  // --- Writer.
  // The most that one bucket may take; half the ring until it is set.
  void LimitBucketWords(uint64_t words) { bucket_words_max_ = words; }
  uint64_t bucket_words_max() const { return bucket_words_max_; }
  uint64_t position() const { return position_; }  // of the next word
  bool Fits(size_t word_count) const { return open_.word_count + word_count <= bucket_words_max_; }
  // Requires Fits(entry.size()).
  void Append(std::span<const uint64_t> entry);
  void CountDropped(uint64_t count) { open_.dropped_count += count; }
  void CloseBucket(int64_t begin_mono_ns, int64_t end_mono_ns);
  // The writer reads back what it wrote: words [position, position + count), which must be within the last lap.
  void Load(uint64_t position, size_t count, uint64_t* words) const;

  // --- Readers.
  // The first bucket that is still kept and ends after `mono_ns`; none when there is no such bucket (yet).
  std::optional<Numbered> FindFirstEndingAfter(int64_t mono_ns) const;
  // Bucket `number`, when it is closed and still kept.
  std::optional<Bucket> Find(uint64_t number) const;
  // Copies a bucket's words; false when the writer lapped it meanwhile.
  bool Copy(const Bucket& bucket, std::vector<uint64_t>* words) const;

 private:
  bool Kept(const Bucket& bucket) const;

  uint64_t mask_ = 0;
  std::unique_ptr<std::atomic<uint64_t>[]> words_;
  SeqRing<Bucket> index_;
  uint64_t bucket_words_max_ = 0;
  uint64_t position_ = 0;
  Bucket open_;
  alignas(64) std::atomic<uint64_t> reserved_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_BUCKET_LOG_H_
