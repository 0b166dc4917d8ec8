#include "daemon/ring/ring_merger.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace hftmon {

namespace {
constexpr int64_t kNever = std::numeric_limits<int64_t>::min();
}  // namespace

RingMerger::RingMerger(std::vector<RecordRing> rings, const MonotonicClock* clock)
    : rings_(std::move(rings)), clock_(clock), engaged_(rings_.size(), 0), seen_ns_(kNever), horizon_ns_(kNever), last_mono_ns_(kNever) {
  ready_.reserve(rings_.size());
  waiting_.reserve(rings_.size());
  losses_.reserve(2 * rings_.size());  // each ring reports at most once in a review and once in a sweep before losses go out
}

RingMerger::Step RingMerger::Next() {
  for (;;) {
    if (!losses_.empty()) {
      loss_ = losses_.back();
      losses_.pop_back();
      return Step::kLoss;
    }
    if (!waiting_.empty()) {
      const bool still_waiting = ReviewWaiting();
      if (!losses_.empty()) continue;
      if (still_waiting) return Step::kWaiting;
    }
    if (ready_.empty() || ready_.front().mono_ns > horizon_ns_) {
      Sweep();
      if (!losses_.empty() || !waiting_.empty()) continue;
      if (ready_.empty()) return Step::kIdle;
      // What this sweep found first needs one more look at the other rings. At most one: it is seen now, so the next horizon covers it.
      if (ready_.front().mono_ns > horizon_ns_) Sweep();
      if (!losses_.empty() || !waiting_.empty()) continue;
    }
    const First first = ready_.front();
    const bool taken = rings_[first.ring].Consume(&record_);
    ReplaceEarliest(first.ring);
    if (!taken) continue;
    if (first.mono_ns < last_mono_ns_) {
      ++nested_count_;
    } else {
      last_mono_ns_ = first.mono_ns;
    }
    return Step::kRecord;
  }
}

void RingMerger::Sweep() {
  horizon_ns_ = seen_ns_;
  const uint32_t count = static_cast<uint32_t>(rings_.size());
  for (uint32_t i = 0; i < count; ++i) {
    RecordRing& ring = rings_[i];
    if (!ring.RefreshHead()) continue;
    if (!engaged_[i]) Enter(i);
    // A later horizon for the next sweep, so that it lets out many records at once.
    if (!ring.empty()) seen_ns_ = std::max(seen_ns_, ring.NewestMonoNs());
  }
}

// True while a ring must be waited for.
bool RingMerger::ReviewWaiting() {
  for (size_t i = 0; i < waiting_.size();) {
    const uint32_t ring = waiting_[i].ring;
    RecordRing::State state = rings_[ring].Peek();
    if (state == RecordRing::State::kUnpublished) {
      const int64_t now_ns = clock_->NowNs();
      if (now_ns - waiting_[i].since_ns < kStuckNs) {
        ++i;
        continue;
      }
      rings_[ring].SkipStuck();
      state = rings_[ring].Peek();
      if (state == RecordRing::State::kUnpublished) {  // the next cell, with a time of its own
        waiting_[i].since_ns = now_ns;
        ++i;
        continue;
      }
    }
    waiting_[i] = waiting_.back();
    waiting_.pop_back();
    if (state == RecordRing::State::kReady) {
      NoteReady(ring);
      Push({rings_[ring].first_mono_ns(), ring});
    } else {
      NoteEmpty(ring);
    }
  }
  return !waiting_.empty();
}

void RingMerger::Enter(uint32_t ring) {
  engaged_[ring] = 1;
  switch (rings_[ring].Peek()) {
    case RecordRing::State::kReady:
      NoteReady(ring);
      Push({rings_[ring].first_mono_ns(), ring});
      break;
    case RecordRing::State::kUnpublished:
      StartWaiting(ring);
      break;
    case RecordRing::State::kEmpty:
      NoteEmpty(ring);
      break;
  }
}

void RingMerger::ReplaceEarliest(uint32_t ring) {
  const RecordRing::State state = rings_[ring].Peek();
  if (state == RecordRing::State::kReady) {
    NoteReady(ring);
    SiftDown(0, {rings_[ring].first_mono_ns(), ring});
    return;
  }
  PopEarliest();
  if (state == RecordRing::State::kUnpublished) {
    StartWaiting(ring);
  } else {
    NoteEmpty(ring);
  }
}

void RingMerger::NoteReady(uint32_t ring) {
  const int64_t mono_ns = rings_[ring].first_mono_ns();
  seen_ns_ = std::max(seen_ns_, mono_ns);
  if (rings_[ring].has_loss() && rings_[ring].TakeLoss(mono_ns, &loss_)) losses_.push_back(loss_);
}

void RingMerger::NoteEmpty(uint32_t ring) {
  engaged_[ring] = 0;
  if (rings_[ring].has_loss() && rings_[ring].TakeLoss(clock_->NowNs(), &loss_)) losses_.push_back(loss_);
}

void RingMerger::StartWaiting(uint32_t ring) {
  waiting_.push_back({clock_->NowNs(), ring});
}

void RingMerger::Push(First first) {
  ready_.push_back(first);
  std::push_heap(ready_.begin(), ready_.end(), [](const First& a, const First& b) { return a.mono_ns > b.mono_ns; });
}

void RingMerger::PopEarliest() {
  const First last = ready_.back();
  ready_.pop_back();
  if (!ready_.empty()) SiftDown(0, last);
}

void RingMerger::SiftDown(size_t hole, First first) {
  const size_t count = ready_.size();
  for (;;) {
    size_t child = 2 * hole + 1;
    if (child >= count) break;
    if (child + 1 < count && ready_[child + 1].mono_ns < ready_[child].mono_ns) ++child;
    if (ready_[child].mono_ns >= first.mono_ns) break;
    ready_[hole] = ready_[child];
    hole = child;
  }
  ready_[hole] = first;
}

uint64_t RingMerger::delivered_count() const {
  uint64_t sum = 0;
  for (const RecordRing& ring : rings_) sum += ring.delivered_count();
  return sum;
}

uint64_t RingMerger::lost_count() const {
  uint64_t sum = 0;
  for (const RecordRing& ring : rings_) sum += ring.lost_count();
  return sum;
}

uint64_t RingMerger::stuck_count() const {
  uint64_t sum = 0;
  for (const RecordRing& ring : rings_) sum += ring.stuck_count();
  return sum;
}

}  // namespace hftmon
