// SpscQueue<T>: a bounded queue of trivially copyable values from one thread to another. Neither waits for the other.
//
// Threads: TryPush: one producer. TryPop and empty: one consumer. No allocation after construction.
// Invariants:
//   1. pushed counts values ever pushed, popped values ever popped; popped <= pushed <= popped + capacity.
//   2. Value n stands in cell n % capacity from its push (release) until its pop (release): each side writes only what the other released.
// Each side's counter has a cache line of its own, with that side's last look at the other's: in the steady state a push and a pop touch
// their own line and the value's.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SPSC_QUEUE_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SPSC_QUEUE_H_

#include <atomic>
#include <bit>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace hftmon::order_book {

template <typename T>
class SpscQueue {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // `capacity` (at least 1) is rounded up to a power of two.
  explicit SpscQueue(uint64_t capacity) : cells_(std::bit_ceil(capacity)), mask_(cells_.size() - 1) {}

  uint64_t capacity() const { return cells_.size(); }

  // Producer. False when the queue is full; the value is not taken.
  bool TryPush(const T& value) {
    const uint64_t pushed = pushed_.load(std::memory_order_relaxed);  // the producer's own
    if (pushed - popped_seen_ > mask_) {
      popped_seen_ = popped_.load(std::memory_order_acquire);  // pairs with TryPop's release: the cell was read
      if (pushed - popped_seen_ > mask_) return false;
    }
    cells_[pushed & mask_] = value;
    pushed_.store(pushed + 1, std::memory_order_release);  // pairs with TryPop's acquire
    return true;
  }

  // Consumer. False when the queue is empty.
  bool TryPop(T* out) {
    const uint64_t popped = popped_.load(std::memory_order_relaxed);  // the consumer's own
    if (popped == pushed_seen_) {
      pushed_seen_ = pushed_.load(std::memory_order_acquire);  // pairs with TryPush's release: the value is there
      if (popped == pushed_seen_) return false;
    }
    *out = cells_[popped & mask_];
    popped_.store(popped + 1, std::memory_order_release);  // pairs with TryPush's acquire
    return true;
  }

 private:
  std::vector<T> cells_;
  const uint64_t mask_;
  alignas(64) std::atomic<uint64_t> pushed_{0};
  uint64_t popped_seen_ = 0;  // the producer's last look
  alignas(64) std::atomic<uint64_t> popped_{0};
  uint64_t pushed_seen_ = 0;  // the consumer's last look
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SPSC_QUEUE_H_
