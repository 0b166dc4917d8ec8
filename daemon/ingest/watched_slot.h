// Whether a slot is that of a living thread whose process is watched: of a thread that is watched no more, or by another slot, a slot shows
// what it showed last for ever. Any thread; no lock, no system call.
#ifndef HFTMON_DAEMON_INGEST_WATCHED_SLOT_H_
#define HFTMON_DAEMON_INGEST_WATCHED_SLOT_H_

#include <cstdint>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

inline bool IsWatchedSlot(const KernelView& view, uint32_t slot, uint32_t tid, uint32_t tgid) {
  // Acquire: pairs with whoever publishes a slot's identity by its state.
  if (LoadAcquire(view.slots[slot].state) != HFT_SLOT_LIVE) return false;
  return tid < view.slot_of_tid.size() && LoadRelaxed(view.slot_of_tid[tid]) == slot && tgid / 64 < view.watched_bits.size() &&
         ((LoadRelaxed(view.watched_bits[tgid / 64]) >> (tgid % 64)) & 1) != 0;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_WATCHED_SLOT_H_
