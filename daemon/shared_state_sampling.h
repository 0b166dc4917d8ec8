// SharedStateSampling: has the housekeeping loop sample the states of CPUs, where its CPU is its own to spend.
//
// Owner: the daemon. Threads: any. Quiet hours do not matter to it: it attaches nothing and makes no map.
#ifndef HFTMON_DAEMON_SHARED_STATE_SAMPLING_H_
#define HFTMON_DAEMON_SHARED_STATE_SAMPLING_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/state_sampler.h"
#include "daemon/placement.h"
#include "daemon/service/state_sampling.h"

namespace hftmon {

// Whom a loop that does not rest would keep from its CPU, and what to do about it; empty: nobody who has nowhere else to go. Facts as they
// are now. Pure.
std::string WhoSharesLoopCpu(const HostFacts& facts, const std::vector<int>& usable_cpus);

class SharedStateSampling : public StateSampling {
 public:
  // Below it ticks take a shared CPU from others: a sleep between two of them would be longer than the way into it and out.
  static constexpr int64_t kSharedIntervalMinNs = 100'000;

  struct Parts {
    StateSampler* sampler = nullptr;  // outlives the object
    KernelView view;                  // its memory too
    std::function<std::vector<int>()> online_cpus;
    std::function<std::string()> shared;  // WhoSharesLoopCpu, now
    std::function<int()> loop_cpu;
  };
  explicit SharedStateSampling(Parts parts) : parts_(std::move(parts)) {}

  absl::Status Begin(const StateSamplingPlan& plan) override;
  const StateSamples* Result() const override { return parts_.sampler->result(); }
  void End() override { parts_.sampler->End(); }
  std::vector<UnsampledState> Unsampled(const StateSamples& samples) const override;

 private:
  absl::StatusOr<std::vector<int>> ChooseCpus(const std::vector<int>& asked) const;
  std::vector<int> CpusOfWatched() const;

  const Parts parts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_STATE_SAMPLING_H_
