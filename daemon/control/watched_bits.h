// WatchedBits: the bitmap in the kernel's programs' memory that says which processes are watched.
//
// Threads: any; each call is one atomic read-modify-write or load, because the kernel's fork hook sets and clears bits beside us.
#ifndef HFTMON_DAEMON_CONTROL_WATCHED_BITS_H_
#define HFTMON_DAEMON_CONTROL_WATCHED_BITS_H_

#include <atomic>
#include <cstdint>
#include <span>

namespace hftmon {

class WatchedBits {
 public:
  // `words` outlives the object.
  explicit WatchedBits(std::span<uint64_t> words) : words_(words) {}

  uint32_t limit() const { return static_cast<uint32_t>(words_.size() * 64); }

  // Sequentially consistent: a set bit is visible before the enumeration of threads that follows it, a cleared one before the grace time.
  void Set(uint32_t tgid) {
    if (tgid < limit()) {
      std::atomic_ref<uint64_t>(words_[tgid / 64]).fetch_or(Mask(tgid), std::memory_order_seq_cst);
    }
  }
  void Clear(uint32_t tgid) {
    if (tgid < limit()) {
      std::atomic_ref<uint64_t>(words_[tgid / 64]).fetch_and(~Mask(tgid), std::memory_order_seq_cst);
    }
  }
  bool Test(uint32_t tgid) const { return tgid < limit() && (Word(tgid / 64) & Mask(tgid)) != 0; }
  uint64_t Word(uint32_t index) const { return std::atomic_ref<uint64_t>(words_[index]).load(std::memory_order_seq_cst); }

 private:
  static uint64_t Mask(uint32_t tgid) { return uint64_t{1} << (tgid % 64); }

  std::span<uint64_t> words_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_WATCHED_BITS_H_
