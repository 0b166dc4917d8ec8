// SpscQueue<T>: a bounded queue of trivially copyable values from one thread to another. Neither waits for the other.
//
// Threads: TryPush: one producer. TryPop: one consumer. No allocation after construction.
// Invariants:
//   1. pushed counts values ever pushed, released cells ever given back; released <= popped <= pushed <= released + capacity.
//   2. Value n stands in cell n % capacity from its push (release) until its cell is given back (release): each side writes only what the
//      other has given up.
//   3. A consumer that found the queue empty has given back every cell.
// What makes it fast: each side's counter has a cache line of its own, with what only that side knows beside it. Cells are given back
// several at a time, whole cache lines of them: a producer that waits at a full queue would else take the consumer's counter, and the line
// that it reads next, away from it with every value.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SPSC_QUEUE_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SPSC_QUEUE_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace hftmon::order_book {

template <typename T>
class SpscQueue {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // `capacity` (at least 1) is rounded up to a power of two.
  explicit SpscQueue(uint64_t capacity)
      : mask_(std::bit_ceil(capacity) - 1),
        release_mask_(std::clamp<uint64_t>((mask_ + 1) / 2, 1, kReleasedAtOnce) - 1),
        lines_(mask_ / kPerLine + 1) {}

  uint64_t capacity() const { return mask_ + 1; }
  // Where the cells lie.
  std::span<const std::byte> memory() const { return std::as_bytes(std::span(lines_)); }

  // Producer. False when the queue is full; the value is not taken.
  bool TryPush(const T& value) {
    const uint64_t pushed = pushed_.load(std::memory_order_relaxed);  // the producer's own
    if (pushed - released_seen_ > mask_) {
      released_seen_ = released_.load(std::memory_order_acquire);  // pairs with TryPop's release: the cell was read
      if (pushed - released_seen_ > mask_) return false;
    }
    Cell(pushed) = value;
    pushed_.store(pushed + 1, std::memory_order_release);  // pairs with TryPop's acquire
    return true;
  }

  // Consumer. False when the queue is empty.
  bool TryPop(T* out) {
    if (popped_ == pushed_seen_) {
      pushed_seen_ = pushed_.load(std::memory_order_acquire);  // pairs with TryPush's release: the value is there
      if (popped_ == pushed_seen_) {
        if (released_.load(std::memory_order_relaxed) != popped_) released_.store(popped_, std::memory_order_release);
        return false;
      }
    }
    *out = Cell(popped_);
    ++popped_;
    if ((popped_ & release_mask_) == 0) released_.store(popped_, std::memory_order_release);  // pairs with TryPush's acquire
    return true;
  }

 private:
  static constexpr uint64_t kReleasedAtOnce = 16;  // a power of two; half of a small queue

  static constexpr uint64_t kPerLine = sizeof(T) < 64 ? 64 / std::bit_ceil(sizeof(T)) : 1;
  struct alignas(64) Line {
    T values[kPerLine];
  };

  T& Cell(uint64_t number) { return lines_[(number & mask_) / kPerLine].values[number % kPerLine]; }

  const uint64_t mask_;
  const uint64_t release_mask_;
  std::vector<Line> lines_;
  alignas(64) std::atomic<uint64_t> pushed_{0};
  uint64_t released_seen_ = 0;  // the producer's last look
  alignas(64) std::atomic<uint64_t> released_{0};
  uint64_t popped_ = 0;       // the consumer's own
  uint64_t pushed_seen_ = 0;  // the consumer's last look
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SPSC_QUEUE_H_
