#include "daemon/os/perf_time_page.h"

#include <linux/perf_event.h>

#include <atomic>
#include <cstdint>

namespace hftmon {
namespace {

constexpr int kAttemptsMax = 16;

}  // namespace

std::optional<PerfTimeConversion> ReadTimeConversion(std::span<std::byte> ring_memory) {
  if (ring_memory.size() < sizeof(perf_event_mmap_page)) return std::nullopt;
  auto* const page = reinterpret_cast<perf_event_mmap_page*>(ring_memory.data());
  const std::atomic_ref<uint32_t> lock(page->lock);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    // Pairs with the kernel's barriers around its writing: odd while it writes, another number afterwards.
    const uint32_t before = lock.load(std::memory_order_acquire);
    const auto* const now = static_cast<const volatile perf_event_mmap_page*>(page);
    const bool has_zero = now->cap_user_time_zero != 0;
    PerfTimeConversion conversion{.shift = now->time_shift, .multiplier = now->time_mult, .zero_ns = now->time_zero};
    if (now->cap_user_time_short != 0) {
      conversion.base_cycles = now->time_cycles;
      conversion.mask = now->time_mask;
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 != 0 || lock.load(std::memory_order_relaxed) != before) continue;
    if (!has_zero || conversion.multiplier == 0 || conversion.shift >= 64) return std::nullopt;
    return conversion;
  }
  return std::nullopt;
}

}  // namespace hftmon
