// Stall: what held a watched thread up once, with its time budget: what the causes of slow operations are made of. Passive data, trivially
// copyable. Invariant: as Spike's.
#ifndef HFTMON_DAEMON_ANALYSIS_STALL_H_
#define HFTMON_DAEMON_ANALYSIS_STALL_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/analysis/spike.h"

namespace hftmon {

// Spike.cpu of a mark's spike in which nothing told where its thread was.
inline constexpr uint16_t kUnknownCpu = 0xffff;

struct Stall {
  ThreadKey thread;
  int64_t start_mono_ns = 0;
  int64_t duration_ns = 0;
  int64_t unexplained_ns = 0;
  SpikeKind kind = SpikeKind::kPreempted;
  uint8_t cause_count = 0;
  uint16_t cpu = 0;
  uint16_t slot = 0;
  std::array<Cause, kCausesMax> causes;

  int64_t end_mono_ns() const { return start_mono_ns + duration_ns; }
};

template <>
struct SeqRingParts<Stall> {
  template <typename Keep>
  static void Each(const Stall& stall, Keep keep) {
    keep(0, SeqRingBytes<offsetof(Stall, causes)>());
    const size_t cause_count = std::min<size_t>(stall.cause_count, kCausesMax);
    for (size_t i = 0; i < cause_count; ++i) keep(offsetof(Stall, causes) + i * sizeof(Cause), SeqRingBytes<sizeof(Cause)>());
  }
  static void Complete(Stall*) {}
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_STALL_H_
