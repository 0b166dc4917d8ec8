#include "daemon/store/window_level.h"

#include <algorithm>
#include <span>

namespace hftmon {

WindowLevel::WindowLevel(const Options& options) : options_(options), log_(options.bytes, options.log_id) {
  sum_.run_queue.Reserve();
  sum_.off_cpu.Reserve();
  log_.LimitBucketWords(options.bucket_words_max);
  if (options_.coarser == nullptr) return;
  for (Span& span : spans_) {
    span.newest = std::make_unique<uint64_t[]>(options_.slot_count);
    span.active = std::make_unique<uint16_t[]>(options_.slot_count);
  }
}

uint64_t WindowLevel::bytes() const {
  const uint64_t links = options_.coarser == nullptr ? 0 : spans_.size() * options_.slot_count * (sizeof(uint64_t) + sizeof(uint16_t));
  return log_.bytes() + links + sizeof(*this);
}

void WindowLevel::CountDropped(uint64_t count) {
  if (count == 0) return;
  log_.CountDropped(count);
  open_dropped_count_ += count;
}

template <typename Sums>
bool WindowLevel::AppendSums(const Sums& sums, uint16_t slot) {
  const size_t word_count = EncodeEntry(sums, slot, &entry_);
  if (slot >= options_.slot_count || !log_.Fits(word_count)) {
    dropped_count_.store(dropped_count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    CountDropped(1);
    return false;
  }
  if (options_.coarser != nullptr) {
    SetEntryBackWords(LinkNext(slot), entry_.data());
    filling_->word_count += word_count;
  }
  log_.Append(std::span(entry_.data(), word_count));
  Merge(kMergeWordsPerWord * word_count);
  return true;
}

template bool WindowLevel::AppendSums<ThreadDelta>(const ThreadDelta&, uint16_t);
template bool WindowLevel::AppendSums<ThreadWindow>(const ThreadWindow&, uint16_t);

// The entry about to be appended becomes the slot's newest; the distance to the one before it, 0 when there is none in this span.
uint32_t WindowLevel::LinkNext(uint16_t slot) {
  const uint64_t position = log_.position() + 1;
  const uint64_t before = filling_->newest[slot];
  filling_->newest[slot] = position;
  if (before != 0) return static_cast<uint32_t>(position - before);
  filling_->active[filling_->active_count++] = slot;
  return 0;
}

void WindowLevel::CloseBucket(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t begin_read_ns, int64_t end_read_ns) {
  log_.CloseBucket(begin_mono_ns, end_mono_ns, begin_read_ns, end_read_ns);
  const uint64_t dropped = open_dropped_count_;
  open_dropped_count_ = 0;
  if (options_.coarser == nullptr) return;
  if (filling_->bucket_count == 0) {
    filling_->begin_mono_ns = begin_mono_ns;
    filling_->begin_read_ns = begin_read_ns;
  }
  filling_->end_mono_ns = end_mono_ns;
  filling_->end_read_ns = end_read_ns;
  filling_->word_count += kBucketFrameWords;
  filling_->dropped_count += dropped;
  ++filling_->bucket_count;
  CutWhenDue();
  Merge(kMergeWordsPerClose);
}

void WindowLevel::CutWhenDue() {
  const bool full = filling_->word_count >= options_.trigger_words || filling_->bucket_count >= log_.capacity_buckets() / 4;
  // An edge in time can wait for the sum before it; a full span cannot, and finds it done already (invariant 1; a quarter of the index is
  // many more closes than a sum needs).
  if (full && merge_pending_) Merge(UINT64_MAX);
  if (merge_pending_) return;
  const bool in_time = filling_->end_mono_ns / options_.coarser_period_ns != filling_->begin_mono_ns / options_.coarser_period_ns;
  if (full || in_time) StartMerge();
}

void WindowLevel::StartMerge() {
  std::swap(filling_, merging_);
  merge_pending_ = true;
  merge_active_ = 0;
  merge_position_ = 0;
}

void WindowLevel::Merge(uint64_t budget_words) {
  while (merge_pending_ && budget_words > 0) {
    if (merge_active_ == merging_->active_count) {
      FinishMerge();
      return;
    }
    budget_words -= std::min(budget_words, MergeOneEntry());
  }
}

// Adds one entry of the slot being summed, newest first; returns its length in words.
uint64_t WindowLevel::MergeOneEntry() {
  const uint16_t slot = merging_->active[merge_active_];
  if (merge_position_ == 0) merge_position_ = merging_->newest[slot];
  log_.Load(merge_position_ - 1, kEntryHeadWords, read_back_.data());
  const EntryHead head = ReadEntryHead(read_back_.data());
  log_.Load(merge_position_ - 1 + kEntryHeadWords, head.word_count - kEntryHeadWords, read_back_.data() + kEntryHeadWords);
  // A slot may have been given to another thread since: each gets a sum of its own.
  if (sum_open_ && !(sum_.thread == head.thread)) FinishSum();
  if (!sum_open_) {
    ClearWindow(&sum_);
    sum_.thread = head.thread;
    sum_open_ = true;
  }
  AddEntry(read_back_.data(), &sum_);
  if (head.back_words != 0) {
    merge_position_ -= head.back_words;
  } else {
    FinishSum();
    merging_->newest[slot] = 0;
    merge_position_ = 0;
    ++merge_active_;
  }
  return head.word_count;
}

void WindowLevel::FinishSum() {
  options_.coarser->Append(sum_, merging_->active[merge_active_]);
  sum_open_ = false;
}

void WindowLevel::FinishMerge() {
  options_.coarser->CountDropped(merging_->dropped_count);
  options_.coarser->CloseBucket(merging_->begin_mono_ns, merging_->end_mono_ns, merging_->begin_read_ns, merging_->end_read_ns);
  merging_->active_count = 0;
  merging_->word_count = 0;
  merging_->bucket_count = 0;
  merging_->dropped_count = 0;
  merge_pending_ = false;
}

}  // namespace hftmon
