// SharedInterruptTotals: what interrupts took, read from the memory that the programs write.
// Threads: any. Reads mapped memory only. Bound: the slots up to the highest ever used; the possible CPUs.
#ifndef HFTMON_DAEMON_SHARED_INTERRUPT_TOTALS_H_
#define HFTMON_DAEMON_SHARED_INTERRUPT_TOTALS_H_

#include <functional>

#include "daemon/collectors/kernel_view.h"
#include "daemon/service/interrupt_totals.h"

namespace hftmon {

class SharedInterruptTotals : public InterruptTotals {
 public:
  // `high_water` tells the highest slot that may be in use. The view's memory outlives the object.
  SharedInterruptTotals(const KernelView& view, std::function<uint32_t()> high_water) : view_(view), high_water_(std::move(high_water)) {}

  std::vector<ThreadInterruptTotal> ThreadsOf(uint32_t tgid) const override;
  std::vector<CpuInterruptTotal> Cpus() const override;

 private:
  const KernelView view_;
  const std::function<uint32_t()> high_water_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_INTERRUPT_TOTALS_H_
