// Stalls as tests make them.
#ifndef HFTMON_TESTS_DAEMON_OPERATIONS_MADE_STALL_H_
#define HFTMON_TESTS_DAEMON_OPERATIONS_MADE_STALL_H_

#include <cstdint>
#include <initializer_list>

#include "daemon/analysis/stall.h"

namespace hftmon {

inline constexpr ThreadKey kMadeThread = {.tid = 101, .tgid = 100, .start_ns = 7};

// What the causes do not have is unexplained.
inline Stall MakeStall(SpikeKind kind, int64_t start_mono_ns, int64_t duration_ns, std::initializer_list<Cause> causes,
                       const ThreadKey& thread = kMadeThread) {
  Stall stall;
  stall.thread = thread;
  stall.kind = kind;
  stall.start_mono_ns = start_mono_ns;
  stall.duration_ns = duration_ns;
  stall.unexplained_ns = duration_ns;
  stall.cpu = 1;
  for (const Cause& cause : causes) {
    stall.causes[stall.cause_count++] = cause;
    stall.unexplained_ns -= cause.duration_ns;
  }
  return stall;
}

inline Cause ByThread(uint32_t tid, int64_t duration_ns) {
  return {.kind = CauseKind::kThread, .run_count = 1, .tid = tid, .tgid = tid, .duration_ns = duration_ns};
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_OPERATIONS_MADE_STALL_H_
