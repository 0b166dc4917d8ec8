#include "daemon/stacks/stack_ring_reader.h"

#include <cstring>

namespace hftmon {
namespace {

// Acquire: what was written before the word is seen; pairs with the programs' exchanges.
uint64_t Acquire(const __u64& word) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(word)).load(std::memory_order_acquire);
}

}  // namespace

void StackRingReader::Skip(uint64_t count) {
  next_ += count;
  reads_in_vain_ = 0;
  lost_count_.fetch_add(count, std::memory_order_relaxed);
}

bool StackRingReader::Read(hft_stack* record) {
  while (true) {
    const uint64_t head = Acquire(ring_->head);
    if (next_ >= head) return false;
    if (head - next_ > HFT_STACK_CELLS) Skip(head - next_ - HFT_STACK_CELLS);
    const hft_stack& cell = ring_->cells[next_ % HFT_STACK_CELLS];
    const uint64_t sequence = Acquire(cell.sequence);
    if (sequence != next_ + 1) {
      // Overwritten by a later one, or still being written.
      if (sequence <= next_ && ++reads_in_vain_ < kReadsUntilGivenUp) return false;
      Skip(1);
      continue;
    }
    std::memcpy(record, &cell, sizeof(*record));
    std::atomic_thread_fence(std::memory_order_acquire);  // the copy before the second look
    if (Acquire(cell.sequence) != next_ + 1) {
      Skip(1);
      continue;
    }
    ++next_;
    reads_in_vain_ = 0;
    return true;
  }
}

}  // namespace hftmon
