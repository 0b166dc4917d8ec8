// ReturnEntriesOf: how many entries each CPU's ring of returns has (daemon/bpf/return_events.h). Pure, any thread.
//
// Bound: 2 MiB for all CPUs together, as long as each has at least kReturnEntriesMin.
#ifndef HFTMON_DAEMON_COLLECTORS_RETURN_RINGS_H_
#define HFTMON_DAEMON_COLLECTORS_RETURN_RINGS_H_

#include <linux/types.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "daemon/bpf/return_events.h"

namespace hftmon {

inline constexpr uint64_t kReturnRingsBytes = 2u << 20;
inline constexpr uint32_t kReturnEntriesMin = 256;

// A power of two; `cpus` are the possible ones, at least 1.
inline uint32_t ReturnEntriesOf(uint32_t cpus) {
  const auto share = static_cast<uint32_t>(kReturnRingsBytes / sizeof(hft_timer_return) / cpus);
  return std::clamp<uint32_t>(std::bit_floor(share), kReturnEntriesMin, HFT_RETURN_ENTRIES_MAX);
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_RETURN_RINGS_H_
