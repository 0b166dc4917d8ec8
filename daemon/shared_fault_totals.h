// SharedFaultTotals: threads' page faults, TLB flushes and moved pages, read from the memory that the programs write.
// Threads: any. Reads mapped memory only. Bound: the slots up to the highest ever used.
#ifndef HFTMON_DAEMON_SHARED_FAULT_TOTALS_H_
#define HFTMON_DAEMON_SHARED_FAULT_TOTALS_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/service/fault_totals.h"

namespace hftmon {

class SharedFaultTotals : public FaultTotals {
 public:
  using Parts = std::vector<std::pair<std::string, std::string>>;
  // `high_water` tells the highest slot that may be in use; `refusal`: why this host has none, else empty; `missing`: parts that it has
  // not, with the reasons. The view's memory outlives the object.
  SharedFaultTotals(const KernelView& view, std::function<uint32_t()> high_water, std::string refusal, Parts missing = {})
      : view_(view), high_water_(std::move(high_water)), refusal_(std::move(refusal)), missing_(std::move(missing)) {}

  std::vector<ThreadFaultTotal> ThreadsOf(uint32_t tgid) const override;
  std::optional<CollapseTotal> CollapsesOf(uint32_t tgid) const override;
  Parts Missing() const override { return missing_; }

 private:
  std::string WhyNot(uint32_t slot) const;

  const KernelView view_;
  const std::function<uint32_t()> high_water_;
  const std::string refusal_;
  const Parts missing_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_FAULT_TOTALS_H_
