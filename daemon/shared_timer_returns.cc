#include "daemon/shared_timer_returns.h"

#include <algorithm>
#include <atomic>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

SleepEnd EndOf(uint64_t wake_at_ns) {
  if (wake_at_ns == HFT_RETURN_INTERRUPTED) return SleepEnd::kSignal;
  return wake_at_ns == HFT_RETURN_UNREAD ? SleepEnd::kTimeLost : SleepEnd::kTime;
}

}  // namespace

bool SharedTimerReturns::Copy(const hft_timer_return& entry, uint64_t index, hft_timer_return* out) const {
  const auto expected = static_cast<uint32_t>(index + 1);
  // Acquire: pairs with the program's exchange that published it.
  std::atomic_ref<__u32> sequence(const_cast<__u32&>(entry.sequence));
  if (sequence.load(std::memory_order_acquire) != expected) return false;
  out->tid = LoadWord(entry.tid);
  out->start_ns = LoadWord(entry.start_ns);
  out->wake_at_ns = LoadWord(entry.wake_at_ns);
  out->mono_ns = LoadWord(entry.mono_ns);
  // Keeps the copy above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  return sequence.load(std::memory_order_relaxed) == expected;
}

// From the newest back: of one CPU they are in the order of time.
void SharedTimerReturns::AddRing(hft_return_ring* ring, int64_t begin_mono_ns, int64_t end_mono_ns, KeptReturns* kept) const {
  const uint64_t head = LoadWord(ring->head);
  const uint64_t first = head - std::min<uint64_t>(head, view_.return_entries);
  int64_t oldest_ns = end_mono_ns;
  for (uint64_t index = head; index > first;) {
    --index;
    hft_timer_return entry{};
    if (!Copy(ring->entries[index & (view_.return_entries - 1)], index, &entry)) {
      // The newest may still be being written; below it, it has been overwritten meanwhile, as has all that is older.
      if (index + 1 == head) continue;
      kept->since_mono_ns = std::max(kept->since_mono_ns, oldest_ns);
      return;
    }
    const auto mono_ns = static_cast<int64_t>(entry.mono_ns);
    if (mono_ns < begin_mono_ns) return;
    oldest_ns = std::min(oldest_ns, mono_ns);
    if (mono_ns > end_mono_ns) continue;
    kept->returns.push_back({.tid = entry.tid,
                             .start_ns = static_cast<int64_t>(entry.start_ns),
                             .wake_at_mono_ns = static_cast<int64_t>(entry.wake_at_ns),
                             .mono_ns = mono_ns,
                             .end = EndOf(entry.wake_at_ns)});
  }
  if (first > 0) kept->since_mono_ns = std::max(kept->since_mono_ns, oldest_ns);
}

KeptReturns SharedTimerReturns::Between(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  KeptReturns kept{.since_mono_ns = begin_mono_ns};
  for (uint32_t cpu = 0; view_.return_rings != nullptr && cpu < view_.ring_count; ++cpu) {
    AddRing(reinterpret_cast<hft_return_ring*>(view_.return_rings + cpu * view_.return_stride_bytes), begin_mono_ns, end_mono_ns, &kept);
  }
  return kept;
}

}  // namespace hftmon
