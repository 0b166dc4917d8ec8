// HostNumaMeasuring: measures how far nodes' memory is from nodes' CPUs, on request, in a thread of its own that starts a process for each
// pair and waits for it.
//
// Owner: the daemon; what `parts` holds outlives it, and it outlives its runs. Threads: any. One measurement at a time, of one pair after
// another, kPatienceNs in all; pairs that it does not reach say so. Which CPUs are free is asked anew for each node, and whether it may go
// on (quiet mode, off) for each pair.
#ifndef HFTMON_DAEMON_HOST_NUMA_MEASURING_H_
#define HFTMON_DAEMON_HOST_NUMA_MEASURING_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "common/monotonic_clock.h"
#include "daemon/numa/probe_report.h"
#include "daemon/service/numa_measuring.h"

namespace hftmon {

class HostNumaMeasuring final : public NumaMeasuring {
 public:
  static constexpr int64_t kPatienceNs = 10'000'000'000;
  static constexpr int64_t kPairPatienceNs = 5'000'000'000;  // most of it is spent on making the memory, and on waiting for the CPU

  using Probe = std::function<absl::StatusOr<ProbeReport>(const PlannedPair& pair, int64_t patience_ns, std::function<bool()> given_up)>;

  struct Parts {
    const MonotonicClock* clock = nullptr;
    std::function<absl::StatusOr<MeasureHost>()> host;
    std::function<absl::Status()> admit;  // not OK: quiet mode, or off
    Probe probe;
  };

  explicit HostNumaMeasuring(Parts parts) : parts_(std::move(parts)) {}

  absl::StatusOr<std::unique_ptr<NumaMeasureRun>> Begin(const NumaMeasureWish& wish) override;

 private:
  class Run;

  const Parts parts_;
  std::atomic<bool> busy_{false};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HOST_NUMA_MEASURING_H_
