// HostAccessSampling: samples processes' memory accesses on request, for a stated time, each in a thread of its own.
//
// Owner: the daemon; what `parts` points to outlives it, and it outlives its runs. Threads: any. Nothing of it runs but while somebody
// samples: each sample interrupts the thread that made the access, which is why it is never done on the daemon's own account, and why quiet
// mode and `off` refuse it and end what goes on. Bounds: kRunsMax samplings at once, one of a process; of each the threads, rings and lines
// as stated below and by ProcessAccesses.
#ifndef HFTMON_DAEMON_HOST_ACCESS_SAMPLING_H_
#define HFTMON_DAEMON_HOST_ACCESS_SAMPLING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/os/proc_maps.h"
#include "daemon/pmu/memory_sampling_events.h"
#include "daemon/sampled_process.h"
#include "daemon/service/access_sampling.h"

namespace hftmon {

class HostAccessSampling final : public AccessSampling {
 public:
  static constexpr size_t kRunsMax = 4;
  static constexpr int64_t kDrainIntervalNs = 10'000'000;  // a ring holds what the kernel samples at most meanwhile (100,000 a second)
  static constexpr int64_t kLookIntervalNs = 100'000'000;  // for new threads, the process's end; for quiet mode at each drain
  // An eighth of what an imported recording may take: 40 MiB a sampling, usually a tenth of that.
  static constexpr size_t kLinesMax = 8'192;
  static constexpr size_t kSitesMax = 32'768;

  struct Parts {
    PerfEventCalls* calls = nullptr;
    PerfRingMemory* memory = nullptr;
    const MonotonicClock* clock = nullptr;
    ListThreads threads;
    std::function<PerfEventRefusalFacts()> facts;
    // The events to open, or why there are none. In production HostMemoryEvents.
    std::function<absl::StatusOr<std::vector<SampledEvent>>(const PerfEventRefusalFacts& facts, const MemorySamplingWish& wish)> events;
    std::function<absl::StatusOr<ProcMaps>(uint32_t pid)> mappings;
    std::function<absl::Status()> admit;  // not OK: quiet mode, or off
    LookAtProcess look_at;
    std::function<std::vector<std::optional<uint32_t>>()> node_of_cpu;          // as ContendedLines::Build has it
    std::function<uint32_t()> line_bytes;                                       // as ContendedLineLimits allows
    std::function<void(const AccessSamplingPlan&, const AccessSamples&)> note;  // of each that came to its end; may be empty
  };

  explicit HostAccessSampling(Parts parts) : parts_(std::move(parts)) {}

  absl::StatusOr<std::unique_ptr<AccessSamplingRun>> Begin(const AccessSamplingPlan& plan) override;
  // Of kRunsMax, those that go on.
  size_t run_count() const;

 private:
  class Run;

  void Leave(uint32_t pid);

  const Parts parts_;
  mutable std::mutex mutex_;
  std::set<uint32_t> pids_;  // that are sampled
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HOST_ACCESS_SAMPLING_H_
