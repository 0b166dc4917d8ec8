// SlotTotals: the kernel's own counts of watched threads, read from their slots.
// Threads: any. Reads mapped memory only. Bound: the slots up to the highest ever used.
#ifndef HFTMON_DAEMON_SLOT_TOTALS_H_
#define HFTMON_DAEMON_SLOT_TOTALS_H_

#include <functional>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/earlier_sleeps.h"
#include "daemon/service/thread_totals.h"

namespace hftmon {

class SlotTotals : public ThreadTotals {
 public:
  // `high_water` tells the highest slot that may be in use. `sleeps` may be null. It and the view's memory outlive the object.
  SlotTotals(const KernelView& view, std::function<uint32_t()> high_water, const EarlierSleeps* sleeps = nullptr)
      : view_(view), high_water_(std::move(high_water)), sleeps_(sleeps) {}

  std::optional<ThreadTotal> Find(const ThreadKey& thread) const override;
  std::vector<ThreadTotal> AllOf(uint32_t tgid) const override;
  // Sum over the slots of intervals that were in no figure.
  uint64_t DiscardedCount() const;

 private:
  std::optional<ThreadTotal> Read(uint32_t slot) const;
  std::optional<ThreadDeparture> ReadDeparture(uint32_t slot, uint32_t generation) const;

  const KernelView view_;
  const std::function<uint32_t()> high_water_;
  const EarlierSleeps* const sleeps_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SLOT_TOTALS_H_
