// MemoryLook: looks where the memory of targets lies, for facts about it, and waits until the look is over. Nothing is moved.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_MEMORY_LOOK_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_MEMORY_LOOK_H_

#include <cstddef>
#include <cstdint>
#include <stop_token>

#include "absl/status/statusor.h"
#include "daemon/advice/evidence_source.h"
#include "daemon/service/numa_look.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

inline constexpr size_t kLookedProcessesMax = 64;
inline constexpr uint64_t kLookedPagesMax = 4'096;  // of each process

struct LookTargets {
  NumaLookPlan plan;          // as QueryNuma looks by default, at those that run, by pid
  size_t left_out_count = 0;  // processes beyond kLookedProcessesMax
};
LookTargets TargetsToLookAt(const TargetSelection& selection);

// Sleeps, some 0.3 s a process: for a thread that nobody waits for. CANCELLED: `stop` was asked for. The errors of NumaLooks and of its
// result.
absl::StatusOr<NumaLook> LookAtMemory(NumaLooks* looks, const NumaLookPlan& plan, const std::stop_token& stop);

// Of all processes together.
EvidenceCost CostOf(const NumaLook& look);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_MEMORY_LOOK_H_
