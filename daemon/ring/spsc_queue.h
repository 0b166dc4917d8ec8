// SpscQueue<T>: a bounded queue of trivially copyable values between two threads. Neither waits for the other.
//
// Threads: TryPush and dropped_count's writer: one producer. TryPop: one consumer. dropped_count(): anyone.
// Invariants:
//   1. pushed counts values ever pushed, popped values ever popped; popped <= pushed <= popped + capacity.
//   2. Value n stands in cell n % capacity from its push (release) until its pop (release): each side writes only cells the other has
//   released.
//   3. A value that does not fit is not pushed and is counted in dropped_count; it never overwrites another.
#ifndef HFTMON_DAEMON_RING_SPSC_QUEUE_H_
#define HFTMON_DAEMON_RING_SPSC_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace hftmon {

template <typename T>
class SpscQueue {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // `capacity` is rounded up to a power of two; all memory is taken and touched here.
  explicit SpscQueue(uint64_t capacity) {
    uint64_t size = 1;
    while (size < capacity) size *= 2;
    mask_ = size - 1;
    cells_ = std::make_unique<T[]>(size);
  }

  uint64_t capacity() const { return mask_ + 1; }

  // Producer. False when the queue is full: the value is dropped and counted.
  bool TryPush(const T& value) {
    const uint64_t pushed = pushed_.load(std::memory_order_relaxed);  // the producer's own
    if (pushed - popped_seen_ > mask_) {
      popped_seen_ = popped_.load(std::memory_order_acquire);  // pairs with TryPop's release: the cell was read
      if (pushed - popped_seen_ > mask_) {
        dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // single writer
        return false;
      }
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

  uint64_t dropped_count() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  uint64_t mask_ = 0;
  std::unique_ptr<T[]> cells_;
  alignas(64) std::atomic<uint64_t> pushed_{0};
  uint64_t popped_seen_ = 0;  // producer's last look
  std::atomic<uint64_t> dropped_{0};
  alignas(64) std::atomic<uint64_t> popped_{0};
  uint64_t pushed_seen_ = 0;  // consumer's last look
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_RING_SPSC_QUEUE_H_
