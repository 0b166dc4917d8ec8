// TargetRegistry::Resync: the books rebuilt from the kernel's own state, after events were lost.
//
// A lost FORK leaves a live slot that nobody knows, or a child's bit without a target; a lost ENDED leaves an ended slot, or a target
// without threads. Every slot is looked at now; the targets one after the other in the following Maintain() calls, because each costs an
// enumeration.
#include <algorithm>
#include <bit>
#include <vector>

#include "daemon/control/target_registry.h"

namespace hftmon {

void TargetRegistry::Resync() {
  std::lock_guard lock(mutex_);
  const int64_t now_ns = clock_->NowNs();
  ++counters_.resync_count;
  ReconcileBits(now_ns);  // first: a lost child's slots find their target
  for (uint32_t slot = 1; slot < watcher_.slots().slot_count(); ++slot) ReconcileSlot(static_cast<uint16_t>(slot), now_ns);
  next_look_mono_ns_ = now_ns;  // an exec's record may be among the lost
  for (auto& [pid, target] : targets_) {
    target.verify = true;
    target.next_check_mono_ns = now_ns;
  }
}

void TargetRegistry::ReconcileSlot(uint16_t slot, int64_t now_ns) {
  SlotTable& slots = watcher_.slots();
  if (slots.IsRetiring(slot)) return;
  const SlotTable::Identity identity = slots.Read(slot);
  switch (identity.state) {
    case HFT_SLOT_FREE:
      return;
    case HFT_SLOT_ENDED:
      return slots.Retire(slot, now_ns, slots.unseen_grace_ns());
    case HFT_SLOT_LIVE:
      break;
  }
  const bool has_target = targets_.contains(identity.thread.tgid);
  if (has_target && slots.IsPublished(slot)) {
    slots.Adopt(slot, identity.thread, now_ns);
  } else {
    // A stray, or a slot that the fork hook is about to publish: the audit tells.
    watcher_.Suspect(slot, now_ns);
  }
}

void TargetRegistry::ReconcileBits(int64_t now_ns) {
  const WatchedBits& bits = watcher_.bits();
  std::vector<uint32_t> unexplained;
  for (uint32_t index = 0; index < bits.limit() / 64; ++index) {
    for (uint64_t word = bits.Word(index); word != 0; word &= word - 1) {
      const uint32_t tgid = index * 64 + static_cast<uint32_t>(std::countr_zero(word));
      if (!targets_.contains(tgid)) unexplained.push_back(tgid);
    }
  }
  // Children of lost children need another round.
  while (AdoptLostChildren(&unexplained, now_ns)) {
  }
  for (const uint32_t tgid : unexplained) watcher_.Unwatch(tgid, now_ns);
  for (const auto& [pid, target] : targets_) {
    if (target.info.state == TargetState::kRunning) {
      watcher_.Resume(pid);
    } else {
      watcher_.Suspend(pid);
    }
  }
}

// True when one at least was adopted; those are taken off the list.
bool TargetRegistry::AdoptLostChildren(std::vector<uint32_t>* unexplained, int64_t now_ns) {
  const size_t before = unexplained->size();
  std::erase_if(*unexplained, [this, now_ns](uint32_t tgid) {
    absl::StatusOr<ProcessInfo> process = watcher_.Find(tgid);
    if (!process.ok() || !FollowChild(*process, now_ns)) return false;
    WatchMissing(&targets_.at(tgid), now_ns);
    return true;
  });
  return unexplained->size() < before;
}

}  // namespace hftmon
