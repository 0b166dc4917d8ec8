// SeqRing<T>: a bounded history of trivially copyable values. One writer, many readers; a reader never blocks the writer.
//
// Threads: Append by one thread; everything else by any thread.
// Invariants:
//   1. Entry n stands in cell n % capacity until entry n + capacity is appended.
//   2. A cell's sequence is 2n+1 while entry n is written and 2n+2 when it is complete; it only grows.
//   3. Payload words are copied with relaxed atomics; a reader that sees the same even sequence before and after its copy has entry n whole.
#ifndef HFTMON_DAEMON_STORE_SEQ_RING_H_
#define HFTMON_DAEMON_STORE_SEQ_RING_H_

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

namespace hftmon {

enum class SeqRead { kOk, kNotYet, kOverwritten };

template <typename T>
class SeqRing {
  static_assert(std::is_trivially_copyable_v<T>);
  static constexpr size_t kWords = (sizeof(T) + 7) / 8;

 public:
  // `capacity` is rounded up to a power of two; all memory is taken (and touched) here.
  explicit SeqRing(uint64_t capacity) {
    uint64_t size = 1;
    while (size < capacity) size *= 2;
    mask_ = size - 1;
    cells_ = std::make_unique<Cell[]>(size);
  }

  uint64_t capacity() const { return mask_ + 1; }
  uint64_t bytes() const { return capacity() * sizeof(Cell); }

  // Entries ever appended: the next entry's number. Acquire: pairs with Append's release, so entries below it can be read.
  uint64_t end() const { return end_.load(std::memory_order_acquire); }

  // The oldest entry that may still be there.
  uint64_t begin() const {
    const uint64_t end_now = end();
    return end_now > capacity() ? end_now - capacity() : 0;
  }

  void Append(const T& value) {
    const uint64_t n = end_.load(std::memory_order_relaxed);
    Cell& cell = cells_[n & mask_];
    uint64_t words[kWords] = {};
    std::memcpy(words, &value, sizeof(T));
    cell.sequence.store(2 * n + 1, std::memory_order_relaxed);
    // Keeps the payload stores below the odd sequence; pairs with the readers' acquire fence.
    std::atomic_thread_fence(std::memory_order_release);
    for (size_t i = 0; i < kWords; ++i) cell.words[i].store(words[i], std::memory_order_relaxed);
    cell.sequence.store(2 * n + 2, std::memory_order_release);  // pairs with Read's acquire
    end_.store(n + 1, std::memory_order_release);               // pairs with end()
  }

  SeqRead Read(uint64_t n, T* out) const {
    if (n >= end()) return SeqRead::kNotYet;
    const Cell& cell = cells_[n & mask_];
    if (cell.sequence.load(std::memory_order_acquire) != 2 * n + 2) return SeqRead::kOverwritten;
    uint64_t words[kWords];
    for (size_t i = 0; i < kWords; ++i) words[i] = cell.words[i].load(std::memory_order_relaxed);
    // Keeps the payload loads above the second look at the sequence; pairs with Append's release fence.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (cell.sequence.load(std::memory_order_relaxed) != 2 * n + 2) return SeqRead::kOverwritten;
    std::memcpy(out, words, sizeof(T));
    return SeqRead::kOk;
  }

 private:
  struct Cell {
    std::atomic<uint64_t> sequence{0};
    std::atomic<uint64_t> words[kWords];
  };
  uint64_t mask_ = 0;
  std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<uint64_t> end_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_SEQ_RING_H_
