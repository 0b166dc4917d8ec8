// A thread's last switch-out, as its slot tells it. Any thread; no lock, no system call.
#ifndef HFTMON_DAEMON_INGEST_DEPARTURE_H_
#define HFTMON_DAEMON_INGEST_DEPARTURE_H_

#include <cstdint>
#include <cstring>

#include "daemon/bpf/switch_events.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

// In one load: its parts belong together. Whether the thread has left since, `out_clock_ns` tells.
inline hft_departure LoadDeparture(hft_thread_slot& slot) {
  const uint64_t word = LoadRelaxed(*reinterpret_cast<__u64*>(&slot.out));
  hft_departure out;
  static_assert(sizeof(out) == sizeof(word));
  std::memcpy(&out, &word, sizeof(out));
  return out;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_DEPARTURE_H_
