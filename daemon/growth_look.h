// GrowthLook: samples a process's page faults for a stated time, and tells where it touched memory and by which path.
//
// In the caller's thread, which it keeps for that time: Wait is where it sleeps. Nothing of it runs but while somebody asks: each sampled
// fault takes its thread some 2 us more, which is why quiet mode and `off` refuse it and end what goes on.
#ifndef HFTMON_DAEMON_GROWTH_LOOK_H_
#define HFTMON_DAEMON_GROWTH_LOOK_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "common/monotonic_clock.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/os/perf_ring_memory.h"
#include "daemon/os/proc_maps.h"
#include "daemon/pmu/thread_list.h"
#include "daemon/sampled_process.h"
#include "daemon/service/process_growth.h"
#include "daemon/stacks/stack_unwinder.h"

namespace hftmon {

struct GrowthParts {
  PerfEventCalls* calls = nullptr;
  PerfRingMemory* memory = nullptr;
  const MonotonicClock* clock = nullptr;
  ListThreads threads;
  std::function<PerfEventRefusalFacts()> facts;
  std::function<absl::StatusOr<ProcMaps>(uint32_t pid)> mappings;
  std::function<std::unique_ptr<StackUnwinder>()> unwinder;  // one for each look
  std::function<absl::Status()> admit;                       // not OK: quiet mode, or off
  LookAtProcess look_at;
};

inline constexpr int64_t kGrowthDrainIntervalNs = 10'000'000;
inline constexpr int64_t kGrowthLookIntervalNs = 100'000'000;  // for new threads, and the process's end

// `wait`: sleeps so long; true: end now. CANCELLED: it was to end. FAILED_PRECONDITION: what admit says. NOT_FOUND: the process ended, or
// is no target any more. A kernel that does not sample is no error: ProcessGrowth.unavailable says why.
absl::StatusOr<ProcessGrowth> LookForGrowth(const GrowthParts& parts, uint32_t pid, int64_t start_boottime_ns, int64_t duration_ns,
                                            const std::function<bool(int64_t)>& wait);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_GROWTH_LOOK_H_
