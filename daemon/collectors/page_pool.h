// PagePool: the daemon's side of the histogram pages: fills the pool at start, gives a slot's pages back, says how many are in use.
//
// Owner: whoever needs it makes one over the view's memory; it has no state of its own. Threads: Fill before the programs are attached;
// GiveBack by one thread at a time, beside the programs; the observers by any thread.
// Invariants: 1. A page is zero before it is free: its next owner counts from 0. 2. GiveBack is called only when no program can still find
// the page in a slot's table (see SlotTable's grace time).
#ifndef HFTMON_DAEMON_COLLECTORS_PAGE_POOL_H_
#define HFTMON_DAEMON_COLLECTORS_PAGE_POOL_H_

#include <linux/types.h>

#include <cstdint>

#include "daemon/bpf/switch_events.h"

namespace hftmon {

class PagePool {
 public:
  static constexpr uint32_t kPages = HFT_PAGES - 1;  // page 0 is never given out

  explicit PagePool(hft_histogram_pool* pool) : pool_(pool) {}

  // All pages are free afterwards.
  void Fill();
  // Zeroes the page and makes it free. Requires a page that was given out.
  void GiveBack(uint16_t page);
  uint64_t in_use_count() const;

 private:
  hft_histogram_pool* const pool_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_PAGE_POOL_H_
