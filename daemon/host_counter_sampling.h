// HostCounterSampling: has processes' counters read at a stated rate on request, for a stated time, each in a thread of its own.
//
// Owner: the daemon; what `parts` points to outlives it, and it outlives its runs. Threads: any. Nothing of it runs but while somebody
// samples: each overflow interrupts the thread that is counted, which is why it is never done on the daemon's own account, and why quiet
// mode and `off` refuse it and end what goes on, or opens. Its groups come before hftmon's own of each CPU where both want the same
// counters: those then say that they ran for less than they were enabled. Bounds: kRunsMax samplings at once, one of a process; of each the
// threads and rings as ProcessOverflows has them, and of each thread one window of rates.
#ifndef HFTMON_DAEMON_HOST_COUNTER_SAMPLING_H_
#define HFTMON_DAEMON_HOST_COUNTER_SAMPLING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "common/monotonic_clock.h"
#include "daemon/control/status_source.h"
#include "daemon/pmu/host_overflow_events.h"
#include "daemon/sampled_process.h"
#include "daemon/service/counter_sampling.h"

namespace hftmon {

class HostCounterSampling final : public CounterSampling {
 public:
  static constexpr size_t kRunsMax = 4;
  static constexpr int64_t kDrainIntervalNs = 10'000'000;  // a ring holds five times what the asked rate writes meanwhile
  static constexpr int64_t kLookIntervalNs = 100'000'000;  // for new threads, the process's end; for quiet mode at each drain

  struct Parts {
    PerfEventCalls* calls = nullptr;
    PerfRingMemory* memory = nullptr;
    const MonotonicClock* clock = nullptr;
    ListThreads threads;
    std::function<PerfEventRefusalFacts()> facts;
    // In production HostOverflowEvents.
    std::function<absl::StatusOr<OverflowEvents>(const PerfEventRefusalFacts& facts, const CounterSamplingPlan& plan)> events;
    std::function<std::optional<int64_t>()> sample_rate_max;
    std::function<absl::Status()> admit;  // not OK: quiet mode, or off
    LookAtProcess look_at;
  };

  explicit HostCounterSampling(Parts parts) : parts_(std::move(parts)) {}

  absl::StatusOr<std::unique_ptr<CounterSamplingRun>> Begin(const CounterSamplingPlan& plan) override;
  // Of those that go on.
  Bound bound() const;

 private:
  class Run;

  void Leave(uint32_t pid);

  const Parts parts_;
  mutable std::mutex mutex_;
  std::set<uint32_t> pids_;  // that are sampled
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HOST_COUNTER_SAMPLING_H_
