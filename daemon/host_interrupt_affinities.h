// HostInterruptAffinities: where this host's device interrupts may arrive, against the CPUs that are kept free of them and the threads that
// are bound to CPUs.
//
// Kept free: isolated CPUs, CPUs without a tick, and those that a rule audits. Threads: any but the housekeeping thread; one reads at a
// time, the others wait. Bounds: threads_max threads an answer and kHitThreadsMax hits a line are told, the rest is counted.
#ifndef HFTMON_DAEMON_HOST_INTERRUPT_AFFINITIES_H_
#define HFTMON_DAEMON_HOST_INTERRUPT_AFFINITIES_H_

#include <map>
#include <mutex>
#include <vector>

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
  // Bound threads by the CPUs they may run on: there are few different masks.
  using ThreadsOfCpus = std::map<std::vector<int>, std::vector<ThreadKey>>;

  ThreadsOfCpus BoundThreads(std::span<const ThreadKey> threads, const std::vector<int>& online, uint64_t* unread_count) const;

  const FileRoot root_;
  const KernelView view_;
  const size_t threads_max_;
  mutable std::mutex mutex_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HOST_INTERRUPT_AFFINITIES_H_
