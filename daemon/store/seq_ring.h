// SeqRing<T>: a bounded history of trivially copyable values. One writer, many readers; a reader never blocks the writer.
//
// Threads: Append by one thread; everything else by any thread.
// Invariants:
//   1. Entry n stands in cell n % capacity until entry n + capacity is appended.
//   2. A cell's sequence is 2n+1 while entry n is written and 2n+2 when it is complete; it only grows.
//   3. A payload word is stored with release after the odd sequence and loaded with acquire before the second look at the sequence: a
//      reader that caught a word of a later entry therefore sees that entry's sequence too, and discards its copy. Release and acquire
//      on each word take the place of two fences: the same plain moves on x86-64, and the thread sanitizer understands them.
//   4. Only the parts of an entry that SeqRingParts<T> names are kept; the rest of a cell is left over from older entries and never shown.
#ifndef HFTMON_DAEMON_STORE_SEQ_RING_H_
#define HFTMON_DAEMON_STORE_SEQ_RING_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace hftmon {

enum class SeqRead { kOk, kNotYet, kOverwritten };

// A length that the compiler knows: such a part is copied without a loop.
template <size_t kBytes>
using SeqRingBytes = std::integral_constant<size_t, kBytes>;

// The parts of an entry that are worth keeping, as calls of keep(offset, SeqRingBytes), in the order of their offsets, which are multiples
// of 8. Specialise it for a type of whose fields few are used. Each() must depend on the kept bytes alone and must stay within the entry.
// Complete() says in what was read what is not there: it may have been left by an earlier reading.
template <typename T>
struct SeqRingParts {
  template <typename Keep>
  static void Each(const T&, Keep keep) {
    keep(0, SeqRingBytes<sizeof(T)>());
  }
  static void Complete(T*) {}
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
    // The next cell is the oldest one, long out of the cache: as much of it as this entry took is asked for before it is needed.
    const auto* next = reinterpret_cast<const std::byte*>(&cells_[(n + 1) & mask_]);
    SeqRingParts<T>::Each(value, [&](size_t offset, auto bytes) {
      CopyIn<bytes()>(value, offset, cell.words);
      for (size_t at = offset; at < offset + bytes() + sizeof(uint64_t); at += 64) __builtin_prefetch(next + at, 1);
    });
    cell.sequence.store(2 * n + 2, std::memory_order_release);  // pairs with Read's first acquire
    end_.store(n + 1, std::memory_order_release);               // pairs with end()
  }

  // Copies entry n to *out; bytes that are in none of its parts are left as they were. When it is not kOk, *out is not touched.
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
    SeqRingParts<T>::Each(
        whole, [&](size_t offset, auto bytes) { std::memcpy(reinterpret_cast<std::byte*>(out) + offset, copy + offset, bytes()); });
    SeqRingParts<T>::Complete(out);
    return SeqRead::kOk;
  }

 private:
  struct Cell {
    std::atomic<uint64_t> sequence{0};
    std::atomic<uint64_t> words[kWords]{};
  };

  // Whole words, so up to seven bytes more than the part has: a word that is put together from single bytes costs more than ten others.
  template <size_t kBytes>
  static void CopyIn(const T& value, size_t offset, std::atomic<uint64_t>* words) {
    const auto* from = reinterpret_cast<const std::byte*>(&value) + offset;
    std::atomic<uint64_t>* const to = words + offset / 8;
    [&]<size_t... kWord>(std::index_sequence<kWord...>) {
      (CopyWord(from + kWord * 8, std::min(sizeof(T) - offset - kWord * 8, size_t{8}), &to[kWord]), ...);
    }
    (std::make_index_sequence<(kBytes + 7) / 8>());
  }
  static void CopyWord(const std::byte* from, size_t bytes, std::atomic<uint64_t>* to) {
    uint64_t word = 0;
    if constexpr (sizeof(T) % 8 == 0) bytes = 8;
    std::memcpy(&word, from, bytes);
    to->store(word, std::memory_order_release);
  }

  uint64_t mask_ = 0;
  std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<uint64_t> end_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_SEQ_RING_H_
