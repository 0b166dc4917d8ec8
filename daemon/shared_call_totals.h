// SharedCallTotals: what threads blocked in, read from the memory that the programs write.
// Threads: any. Reads mapped memory only. Bound: the slots up to the highest ever used.
#ifndef HFTMON_DAEMON_SHARED_CALL_TOTALS_H_
#define HFTMON_DAEMON_SHARED_CALL_TOTALS_H_

#include <functional>

#include "daemon/collectors/kernel_view.h"
#include "daemon/service/call_totals.h"

namespace hftmon {

class SharedCallTotals : public CallTotals {
 public:
  // `high_water` tells the highest slot that may be in use; `has_registers`: SwitchCollector's. The view's memory outlives the object.
  SharedCallTotals(const KernelView& view, std::function<uint32_t()> high_water, bool has_registers)
      : view_(view), high_water_(std::move(high_water)), has_registers_(has_registers) {}

  std::vector<ThreadCallTotal> ThreadsOf(uint32_t tgid) const override;

 private:
  std::string WhyNot(uint32_t slot) const;

  const KernelView view_;
  const std::function<uint32_t()> high_water_;
  const bool has_registers_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_CALL_TOTALS_H_
