// ConversionLatch: the LinearConversion in force, published by one thread to many that must neither lock nor wait.
//
// Threads: Publish by one thread (the control thread); Read by any thread, the housekeeping thread included.
// Invariants:
//   1. Publication n stands in slot n % 2; the writer fills slot (n + 1) % 2 while readers use slot n % 2.
//   2. A reader that sees the same count before and after its copy has one publication whole. It only tries again when a whole
//      publication fell into its copy, so a writer that is preempted half way holds nobody up.
#ifndef HFTMON_DAEMON_OS_CONVERSION_LATCH_H_
#define HFTMON_DAEMON_OS_CONVERSION_LATCH_H_

#include <atomic>
#include <cstdint>

#include "common/clock_conversion.h"

namespace hftmon {

class ConversionLatch {
 public:
  // Publication 0: the empty conversion.
  ConversionLatch() = default;

  void Publish(const LinearConversion& conversion) {
    const uint64_t next = count_.load(std::memory_order_relaxed) + 1;
    Slot& slot = slots_[next % 2];
    // Keeps these stores below the publication before: pairs with the acquire fence in Read.
    std::atomic_thread_fence(std::memory_order_release);
    slot.anchor_ticks.store(conversion.anchor_ticks, std::memory_order_relaxed);
    slot.anchor_ns.store(conversion.anchor_ns, std::memory_order_relaxed);
    slot.multiplier.store(conversion.multiplier, std::memory_order_relaxed);
    slot.error_ns.store(conversion.error_ns, std::memory_order_relaxed);
    count_.store(next, std::memory_order_release);  // pairs with Read's acquire
  }

  LinearConversion Read() const {
    while (true) {
      const uint64_t count = count_.load(std::memory_order_acquire);
      const Slot& slot = slots_[count % 2];
      LinearConversion conversion;
      conversion.anchor_ticks = slot.anchor_ticks.load(std::memory_order_relaxed);
      conversion.anchor_ns = slot.anchor_ns.load(std::memory_order_relaxed);
      conversion.multiplier = slot.multiplier.load(std::memory_order_relaxed);
      conversion.error_ns = slot.error_ns.load(std::memory_order_relaxed);
      // Keeps the copy above the second look at the count; pairs with Publish's release fence.
      std::atomic_thread_fence(std::memory_order_acquire);
      if (count_.load(std::memory_order_relaxed) == count) return conversion;
    }
  }

 private:
  struct Slot {
    std::atomic<uint64_t> anchor_ticks{0};
    std::atomic<int64_t> anchor_ns{0};
    std::atomic<uint64_t> multiplier{0};
    std::atomic<int64_t> error_ns{0};
  };
  Slot slots_[2];
  std::atomic<uint64_t> count_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_CONVERSION_LATCH_H_
