// HostInterruptAffinities: where this host's device interrupts may arrive, against the CPUs that are kept free of them and the threads that
// are bound to CPUs.
//
// Kept free: isolated CPUs, CPUs without a tick, and those that a rule audits. Threads: any but the housekeeping thread. Bound: threads_max
// threads an answer, the rest is counted.
#ifndef HFTMON_DAEMON_HOST_INTERRUPT_AFFINITIES_H_
#define HFTMON_DAEMON_HOST_INTERRUPT_AFFINITIES_H_

#include "daemon/collectors/kernel_view.h"
#include "daemon/os/file_root.h"
#include "daemon/service/interrupt_affinities.h"

namespace hftmon {

class HostInterruptAffinities : public InterruptAffinities {
 public:
  static constexpr size_t kThreadsMax = 4096;

  // The view's memory outlives the object.
  HostInterruptAffinities(FileRoot root, const KernelView& view, size_t threads_max = kThreadsMax)
      : root_(std::move(root)), view_(view), threads_max_(threads_max) {}

  absl::StatusOr<InterruptAffinityReport> Read(std::span<const ThreadKey> threads) const override;

 private:
  absl::StatusOr<std::vector<int>> ReservedCpus() const;
  std::vector<BoundThread> BoundThreads(std::span<const ThreadKey> threads) const;

  const FileRoot root_;
  const KernelView view_;
  const size_t threads_max_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HOST_INTERRUPT_AFFINITIES_H_
