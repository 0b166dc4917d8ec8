#include "daemon/store/bucket_log.h"

#include <algorithm>
#include <array>
#include <bit>

namespace hftmon {
namespace {

constexpr uint64_t kBytesPerIndexCell = 256;

uint64_t RoundedBytes(uint64_t bytes) {
  return std::bit_ceil(std::max<uint64_t>(bytes, kSegmentBytes));
}

uint64_t SegmentsOf(uint64_t bytes) {
  return RoundedBytes(bytes) / kSegmentBytes;
}

}  // namespace

BucketLog::BucketLog(uint64_t bytes, uint64_t log_id)
    : segment_mask_(SegmentsOf(bytes) - 1),
      log_id_(log_id),
      words_(std::make_unique<std::atomic<uint64_t>[]>(SegmentsOf(bytes) * kSegmentWords)),
      index_(RoundedBytes(bytes) / kBytesPerIndexCell),
      bucket_words_max_(CapacityWordsOf(bytes) / 2) {}

uint64_t BucketLog::CapacityWordsOf(uint64_t bytes) {
  return SegmentsOf(bytes) * kSegmentPayloadWords;
}

void BucketLog::BeginFrame(size_t word_count) {
  reserved_.store(position_ + word_count, std::memory_order_relaxed);  // ordered before every word by the words' release
  frame_words_ = word_count;
  frame_left_ = word_count;
}

void BucketLog::Put(std::span<const uint64_t> words) {
  while (!words.empty()) {
    if (segment_fill_ == kSegmentPayloadWords) BeginSegment();
    const size_t run = std::min(words.size(), kSegmentPayloadWords - segment_fill_);
    const uint64_t index = segment_base_ + kSegmentHeadWords + segment_fill_;
    uint64_t checksum = checksum_;
    for (size_t i = 0; i < run; ++i) {
      Store(index + i, words[i]);
      checksum = ChecksumWith(checksum, words[i]);
    }
    checksum_ = checksum;
    segment_fill_ += run;
    position_ += run;
    frame_left_ -= run;
    words = words.subspan(run);
  }
}

void BucketLog::BeginSegment() {
  if (position_ > 0) SealSegment();
  ++sequence_;
  segment_base_ = (sequence_ & segment_mask_) * kSegmentWords;
  segment_fill_ = 0;
  checksum_ = kChecksumSeed;
  // A frame that began in the segment before ends, if it does, where the first one of this segment begins.
  const bool inside_frame = frame_left_ < frame_words_;
  first_frame_ = inside_frame ? std::min(frame_left_, kSegmentPayloadWords) : 0;
  span_begin_mono_ns_ = closed_until_mono_ns_;
  const std::array<uint64_t, kSegmentHeadWords> head = {kSegmentMagic, kSegmentLayout, log_id_, sequence_, 0, 0, 0, 0};
  for (size_t i = 0; i < head.size(); ++i) Store(segment_base_ + i, head[i]);
  segments_begun_.store(sequence_ + 1, std::memory_order_release);  // pairs with segments_begun()
}

void BucketLog::SealSegment() {
  const std::array<uint64_t, kSegmentHeadWords> head = {kSegmentMagic,
                                                        kSegmentLayout,
                                                        log_id_,
                                                        sequence_,
                                                        static_cast<uint64_t>(span_begin_mono_ns_),
                                                        static_cast<uint64_t>(closed_until_mono_ns_),
                                                        segment_fill_ | first_frame_ << 32,
                                                        0};
  for (size_t i = 4; i + 1 < head.size(); ++i) Store(segment_base_ + i, head[i]);
  Store(segment_base_ + kSegmentHeadWords - 1, SegmentChecksum(checksum_, head));
}

void BucketLog::Append(std::span<const uint64_t> entry) {
  BeginFrame(entry.size());
  Put(entry);
  open_.word_count += static_cast<uint32_t>(entry.size());
  ++open_.entry_count;
}

void BucketLog::CloseBucket(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t begin_read_ns, int64_t end_read_ns) {
  open_.begin_mono_ns = begin_mono_ns;
  open_.end_mono_ns = end_mono_ns;
  open_.begin_read_ns = begin_read_ns;
  open_.end_read_ns = end_read_ns;
  open_.first_word = position_ - open_.word_count;
  if (!any_closed_) span_begin_mono_ns_ = closed_until_mono_ns_ = begin_mono_ns;
  any_closed_ = true;
  BeginFrame(kBucketFrameWords);
  const std::array<uint64_t, kBucketFrameWords - 1> frame = {
      kBucketFrameMark | static_cast<uint64_t>(kBucketFrameWords) << 16 | static_cast<uint64_t>(open_.entry_count) << 32,
      static_cast<uint64_t>(begin_mono_ns),
      static_cast<uint64_t>(end_mono_ns),
      static_cast<uint64_t>(begin_read_ns),
      static_cast<uint64_t>(end_read_ns),
      open_.dropped_count,
      open_.word_count};
  Put(frame);
  if (segment_fill_ == kSegmentPayloadWords) BeginSegment();  // the checksum is that of the segment in which it stands
  closed_until_mono_ns_ = end_mono_ns;
  const uint64_t checksum = CloseChecksum(checksum_);
  Put(std::span(&checksum, 1));
  index_.Append(open_);
  open_ = Bucket{};
}

void BucketLog::Load(uint64_t position, size_t count, uint64_t* words) const {
  for (Place place(position, segment_mask_); count > 0; place.SkipRun()) {
    const size_t run = std::min<uint64_t>(count, place.run());
    const std::atomic<uint64_t>* from = &words_[place.index()];
    for (size_t i = 0; i < run; ++i) words[i] = from[i].load(std::memory_order_relaxed);  // own stores
    words += run;
    count -= run;
  }
}

bool BucketLog::Kept(uint64_t first_word) const {
  // Relaxed: ordered after Copy's acquire loads. An empty bucket goes with its neighbours, so that what is kept is one unbroken range.
  return reserved_.load(std::memory_order_relaxed) <= first_word + capacity_words();
}

std::optional<BucketLog::Numbered> BucketLog::FindFirstEndingAfter(int64_t mono_ns) const {
  // Overwritten buckets are the oldest ones, so "kept and ends later" is false up to some number and true from there on.
  const uint64_t end = index_.end();
  uint64_t low = index_.begin();
  uint64_t high = end;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const std::optional<Bucket> bucket = Find(middle);
    if (bucket && bucket->end_mono_ns > mono_ns) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  if (low >= end) return std::nullopt;
  const std::optional<Bucket> bucket = Find(low);
  if (!bucket) return std::nullopt;  // lapped since it was looked at: the caller starts again
  return Numbered{low, *bucket};
}

std::optional<Bucket> BucketLog::Find(uint64_t number) const {
  Bucket bucket;
  if (index_.Read(number, &bucket) != SeqRead::kOk || !Kept(bucket.first_word)) return std::nullopt;
  return bucket;
}

bool BucketLog::Copy(const Bucket& bucket, std::vector<uint64_t>* words) const {
  words->resize(bucket.word_count);
  uint64_t* out = words->data();
  size_t left = bucket.word_count;
  for (Place place(bucket.first_word, segment_mask_); left > 0; place.SkipRun()) {
    const size_t run = std::min<uint64_t>(left, place.run());
    const std::atomic<uint64_t>* from = &words_[place.index()];
    // Acquire pairs with Store's release, so that the look at `reserved` below cannot miss the writer of any word copied here.
    for (size_t i = 0; i < run; ++i) out[i] = from[i].load(std::memory_order_acquire);
    out += run;
    left -= run;
  }
  return Kept(bucket.first_word);
}

bool BucketLog::CopySegment(uint64_t sequence, std::span<uint64_t, kSegmentWords> words) const {
  if (sequence >= segments_begun()) return false;
  const std::atomic<uint64_t>* from = &words_[(sequence & segment_mask_) * kSegmentWords];
  for (size_t i = 0; i < words.size(); ++i) words[i] = from[i].load(std::memory_order_acquire);  // as in Copy
  return Kept(sequence * kSegmentPayloadWords);
}

}  // namespace hftmon
