#include "daemon/store/bucket_log.h"

#include <algorithm>
#include <bit>

namespace hftmon {
namespace {

constexpr uint64_t kBytesMin = 64u << 10;
constexpr uint64_t kBytesPerIndexCell = 256;

uint64_t RoundedBytes(uint64_t bytes) {
  return std::bit_ceil(std::max(bytes, kBytesMin));
}

}  // namespace

BucketLog::BucketLog(uint64_t bytes)
    : mask_(RoundedBytes(bytes) / 8 - 1),
      words_(std::make_unique<std::atomic<uint64_t>[]>(mask_ + 1)),
      index_(RoundedBytes(bytes) / kBytesPerIndexCell),
      bucket_words_max_((mask_ + 1) / 2) {}

uint64_t BucketLog::CapacityWordsOf(uint64_t bytes) {
  return RoundedBytes(bytes) / 8;
}

void BucketLog::Append(std::span<const uint64_t> entry) {
  reserved_.store(position_ + entry.size(), std::memory_order_relaxed);  // ordered before every word by the words' release
  for (const uint64_t word : entry) {
    words_[position_ & mask_].store(word, std::memory_order_release);  // pairs with Copy's acquire; see invariant 2
    ++position_;
  }
  open_.word_count += static_cast<uint32_t>(entry.size());
  ++open_.entry_count;
}

void BucketLog::CloseBucket(int64_t begin_mono_ns, int64_t end_mono_ns) {
  open_.begin_mono_ns = begin_mono_ns;
  open_.end_mono_ns = end_mono_ns;
  open_.first_word = position_ - open_.word_count;
  index_.Append(open_);
  open_ = Bucket{};
}

void BucketLog::Load(uint64_t position, size_t count, uint64_t* words) const {
  for (size_t i = 0; i < count; ++i) words[i] = words_[(position + i) & mask_].load(std::memory_order_relaxed);  // own stores
}

bool BucketLog::Kept(const Bucket& bucket) const {
  // Relaxed: ordered after Copy's acquire loads. An empty bucket goes with its neighbours, so that what is kept is one unbroken range.
  return reserved_.load(std::memory_order_relaxed) <= bucket.first_word + capacity_words();
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

std::optional<BucketLog::Bucket> BucketLog::Find(uint64_t number) const {
  Bucket bucket;
  if (index_.Read(number, &bucket) != SeqRead::kOk || !Kept(bucket)) return std::nullopt;
  return bucket;
}

bool BucketLog::Copy(const Bucket& bucket, std::vector<uint64_t>* words) const {
  words->resize(bucket.word_count);
  const uint64_t first = bucket.first_word & mask_;
  const size_t before_wrap = std::min<uint64_t>(bucket.word_count, capacity_words() - first);
  uint64_t* out = words->data();
  // Acquire pairs with Append's release, so that the look at `reserved` below cannot miss the writer of any word copied here.
  for (size_t i = 0; i < before_wrap; ++i) out[i] = words_[first + i].load(std::memory_order_acquire);
  for (size_t i = before_wrap; i < bucket.word_count; ++i) out[i] = words_[i - before_wrap].load(std::memory_order_acquire);
  return Kept(bucket);
}

}  // namespace hftmon
