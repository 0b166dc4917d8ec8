// SharedFaultTotals: threads' page faults and TLB flushes, read from the memory that the programs write.
// Threads: any. Reads mapped memory only. Bound: the slots up to the highest ever used.
#ifndef HFTMON_DAEMON_SHARED_FAULT_TOTALS_H_
#define HFTMON_DAEMON_SHARED_FAULT_TOTALS_H_

#include <functional>
#include <string>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/service/fault_totals.h"

namespace hftmon {

class SharedFaultTotals : public FaultTotals {
 public:
  // `high_water` tells the highest slot that may be in use; `refusal`: why this host has none, else empty. The view's memory outlives the
  // object.
  SharedFaultTotals(const KernelView& view, std::function<uint32_t()> high_water, std::string refusal)
      : view_(view), high_water_(std::move(high_water)), refusal_(std::move(refusal)) {}

  std::vector<ThreadFaultTotal> ThreadsOf(uint32_t tgid) const override;

 private:
  std::string WhyNot(uint32_t slot) const;

  const KernelView view_;
  const std::function<uint32_t()> high_water_;
  const std::string refusal_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_FAULT_TOTALS_H_
