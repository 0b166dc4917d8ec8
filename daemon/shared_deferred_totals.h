// SharedDeferredTotals: what the programs keep of work that interrupts put off, read from the memory that they write.
// Threads: any. Bound: the possible CPUs, the rows of each.
#ifndef HFTMON_DAEMON_SHARED_DEFERRED_TOTALS_H_
#define HFTMON_DAEMON_SHARED_DEFERRED_TOTALS_H_

#include <functional>
#include <string>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/os/kernel_functions.h"
#include "daemon/service/deferred_totals.h"

namespace hftmon {

// Below which all delays of a bucket of hft_delay lie; the last one's has no end and is told as its lower edge plus its width.
int64_t DelayBucketUpperNs(size_t bucket);

class SharedDeferredTotals : public DeferredTotals {
 public:
  struct Parts {
    KernelView view;                       // its memory outlives the object
    std::function<bool()> collecting;      // whether the programs are attached
    std::string refusal;                   // DeferredPrograms::refusal, and
    std::vector<std::string> missing;      // missing
    KernelFunctions* functions = nullptr;  // outlives the object
  };
  explicit SharedDeferredTotals(Parts parts) : parts_(std::move(parts)) {}

  void LearnNames() const override;
  DeferredTotal Read() const override;

 private:
  CpuDeferredTotal ReadCpu(uint32_t cpu) const;

  const Parts parts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_DEFERRED_TOTALS_H_
