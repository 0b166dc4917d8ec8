// BucketLog: the buckets of one resolution, in a ring of segments (segment_format.h), with an index of those that are closed.
//
// Threads: the writer half by one thread, which never waits, allocates or calls the system; the reader half by any thread.
// Positions count payload words from the log's beginning; the segments' heads lie between them and have none.
// Invariants:
//   1. Word p stands in its place until word p + capacity is written. Positions only grow.
//   2. `reserved` is raised above a word's position before the word, or the head of its segment, is stored with release; a reader loads
//   words
//      with acquire and looks at `reserved` afterwards, so one that caught a word of a later lap sees `reserved` more than a lap above its
//      bucket, and discards the copy.
//   3. A bucket stands in the index only when it is closed; its words never change after that.
//   4. Buckets follow each other without gap or overlap: each begins where the one before ended.
//   5. A segment is sealed, with its time span and checksum, before the first word of the next one is written.
#ifndef HFTMON_DAEMON_STORE_BUCKET_LOG_H_
#define HFTMON_DAEMON_STORE_BUCKET_LOG_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/store/segment_format.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

class BucketLog {
 public:
  struct Numbered {
    uint64_t number = 0;
    Bucket bucket;
  };

  // `bytes` of segments (rounded up to a power of two, at least one segment) and one index cell for every 256 of them. `log_id` tells this
  // log's segments from others'.
  explicit BucketLog(uint64_t bytes, uint64_t log_id = 0);
  static uint64_t CapacityWordsOf(uint64_t bytes);

  uint64_t capacity_words() const { return segment_count() * kSegmentPayloadWords; }
  uint64_t capacity_buckets() const { return index_.capacity(); }
  uint64_t segment_count() const { return segment_mask_ + 1; }
  uint64_t bytes() const { return segment_count() * kSegmentBytes + index_.bytes(); }

  // --- Writer.
  // The most that one bucket's entries may take; half the ring until it is set.
  void LimitBucketWords(uint64_t words) { bucket_words_max_ = words; }
  uint64_t bucket_words_max() const { return bucket_words_max_; }
  uint64_t position() const { return position_; }  // of the next word
  bool Fits(size_t word_count) const { return open_.word_count + word_count <= bucket_words_max_; }
  // Requires Fits(entry.size()).
  void Append(std::span<const uint64_t> entry);
  void CountDropped(uint64_t count) { open_.dropped_count += count; }
  // *_read_ns as in Bucket.
  void CloseBucket(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t begin_read_ns, int64_t end_read_ns);
  // The writer reads back what it wrote: words [position, position + count), which must be within the last lap.
  void Load(uint64_t position, size_t count, uint64_t* words) const;

  // --- Readers.
  // The first bucket that is still kept and ends after `mono_ns`; none when there is no such bucket (yet).
  std::optional<Numbered> FindFirstEndingAfter(int64_t mono_ns) const;
  // Bucket `number`, when it is closed and still kept.
  std::optional<Bucket> Find(uint64_t number) const;
  uint64_t bucket_end() const { return index_.end(); }  // buckets ever closed
  // Copies the words of a bucket's entries; false when the writer lapped it meanwhile.
  bool Copy(const Bucket& bucket, std::vector<uint64_t>* words) const;
  // Segments begun so far: the last one is open. Acquire.
  uint64_t segments_begun() const { return segments_begun_.load(std::memory_order_acquire); }
  // Copies a whole segment as it stands; false when it was not begun yet or is no longer kept.
  bool CopySegment(uint64_t sequence, std::span<uint64_t, kSegmentWords> words) const;

 private:
  // Where the word at a position stands. Walks on over the heads of segments.
  class Place {
   public:
    Place(uint64_t position, uint64_t segment_mask)
        : segment_mask_(segment_mask), segment_(position / kSegmentPayloadWords), offset_(position % kSegmentPayloadWords) {}
    uint64_t index() const { return (segment_ & segment_mask_) * kSegmentWords + kSegmentHeadWords + offset_; }
    uint64_t run() const { return kSegmentPayloadWords - offset_; }  // words until the next head
    void SkipRun() {
      ++segment_;
      offset_ = 0;
    }

   private:
    uint64_t segment_mask_;
    uint64_t segment_;
    uint64_t offset_;
  };

  // Announces that `word_count` words follow, all of one frame.
  void BeginFrame(size_t word_count);
  void Put(std::span<const uint64_t> words);
  void Store(uint64_t index, uint64_t word) { words_[index].store(word, std::memory_order_release); }  // see invariant 2
  void BeginSegment();
  void SealSegment();
  bool Kept(uint64_t first_word) const;

  uint64_t segment_mask_ = 0;
  uint64_t log_id_ = 0;
  std::unique_ptr<std::atomic<uint64_t>[]> words_;
  SeqRing<Bucket> index_;
  uint64_t bucket_words_max_ = 0;
  uint64_t position_ = 0;
  Bucket open_;

  // Of the segment being filled.
  uint64_t segment_base_ = 0;  // index of its head
  size_t segment_fill_ = kSegmentPayloadWords;
  uint64_t sequence_ = UINT64_MAX;  // the first one is 0
  uint64_t checksum_ = kChecksumSeed;
  uint64_t first_frame_ = 0;
  int64_t span_begin_mono_ns_ = 0;
  size_t frame_words_ = 0;  // of the frame being written,
  size_t frame_left_ = 0;   // and how many of them are still to come
  bool any_closed_ = false;
  int64_t closed_until_mono_ns_ = 0;

  alignas(64) std::atomic<uint64_t> reserved_{0};
  std::atomic<uint64_t> segments_begun_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_BUCKET_LOG_H_
