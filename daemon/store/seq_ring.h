// SeqRing<T>: a bounded history of trivially copyable values. One writer, many readers; a reader never blocks the writer.
//
// Threads: Append by one thread; everything else by any thread.
// Invariants:
//   1. Entry n stands in cell n % capacity until entry n + capacity is appended.
//   2. A cell's sequence is 2n+1 while entry n is written and 2n+2 when it is complete; it only grows.
//   3. A payload word is stored with release after the odd sequence and loaded with acquire before the second look at the sequence: a
//      reader that caught a word of a later entry therefore sees that entry's sequence too, and discards its copy. Release and acquire
//      on each word take the place of two fences: the same plain moves on x86-64, and the thread sanitizer understands them.
//   4. Only the first SeqRingUsedBytes<T>::Of(entry) bytes are kept; the rest of a cell is left over from older entries and never shown.
#ifndef HFTMON_DAEMON_STORE_SEQ_RING_H_
#define HFTMON_DAEMON_STORE_SEQ_RING_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

namespace hftmon {

enum class SeqRead { kOk, kNotYet, kOverwritten };

// How many leading bytes of an entry are worth keeping. Specialise it for a type that ends in an array of which few elements are used.
// Of() must depend on the used bytes alone and must not exceed sizeof(T).
template <typename T>
struct SeqRingUsedBytes {
  static size_t Of(const T&) { return sizeof(T); }
};

template <typename T>
class SeqRing {
  static_assert(std::is_trivially_copyable_v<T>);
  static_assert(std::atomic<uint64_t>::is_always_lock_free);
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
    const uint64_t n = end_.load(std::memory_order_relaxed);  // this thread is the only writer
    Cell& cell = cells_[n & mask_];
    // Ordered before every word by the words' release. Release itself, so that whoever finds the old entry gone sees what was done before.
    cell.sequence.store(2 * n + 1, std::memory_order_release);
    const size_t used_bytes = std::min(SeqRingUsedBytes<T>::Of(value), sizeof(T));
    CopyIn(value, used_bytes, cell.words);
    cell.sequence.store(2 * n + 2, std::memory_order_release);  // pairs with Read's first acquire
    end_.store(n + 1, std::memory_order_release);               // pairs with end()
    Prefetch(n + 1, used_bytes);
  }

  // Copies entry n to *out; bytes beyond its used ones are left as they were. When it is not kOk, *out is not touched.
  SeqRead Read(uint64_t n, T* out) const {
    if (n >= end()) return SeqRead::kNotYet;
    const Cell& cell = cells_[n & mask_];
    if (cell.sequence.load(std::memory_order_acquire) != 2 * n + 2) return SeqRead::kOverwritten;  // pairs with Append's last release
    alignas(T) std::byte copy[kWords * 8];
    for (size_t i = 0; i < kWords; ++i) {
      const uint64_t word = cell.words[i].load(std::memory_order_acquire);  // pairs with CopyIn; see invariant 3
      std::memcpy(copy + i * 8, &word, 8);
    }
    if (cell.sequence.load(std::memory_order_relaxed) != 2 * n + 2) return SeqRead::kOverwritten;
    T whole;
    std::memcpy(&whole, copy, sizeof(T));
    std::memcpy(static_cast<void*>(out), copy, std::min(sizeof(T), SeqRingUsedBytes<T>::Of(whole)));
    return SeqRead::kOk;
  }

 private:
  struct Cell {
    std::atomic<uint64_t> sequence{0};
    std::atomic<uint64_t> words[kWords]{};
  };

  // The next cell is the oldest one, long out of the cache: ask for as much of it as this entry took, before it is needed.
  void Prefetch(uint64_t n, size_t used_bytes) const {
    const auto* cell = reinterpret_cast<const std::byte*>(&cells_[n & mask_]);
    for (size_t offset = 0; offset < used_bytes + sizeof(uint64_t); offset += 64) __builtin_prefetch(cell + offset, 1);
  }

  static void CopyIn(const T& value, size_t used, std::atomic<uint64_t>* words) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    size_t offset = 0;
    for (; offset + 8 <= used; offset += 8) {
      uint64_t word;
      std::memcpy(&word, bytes + offset, 8);
      words[offset / 8].store(word, std::memory_order_release);
    }
    if (offset < used) {
      uint64_t word = 0;
      std::memcpy(&word, bytes + offset, used - offset);
      words[offset / 8].store(word, std::memory_order_release);
    }
  }

  uint64_t mask_ = 0;
  std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<uint64_t> end_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_SEQ_RING_H_
