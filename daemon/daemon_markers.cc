// The part of the daemon that reads what programs mark.
#include "daemon/daemon.h"
#include "daemon/ingest/stretch_hold.h"
#include "daemon/ingest/watched_slot.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

std::optional<WatchedThread> ThreadOf(const KernelView& view, uint32_t pid, uint32_t tid) {
  if (tid >= view.slot_of_tid.size()) return std::nullopt;
  const uint16_t slot = LoadRelaxed(view.slot_of_tid[tid]);
  if (slot == HFT_NO_SLOT || slot >= view.slots.size() || !IsWatchedSlot(view, slot, tid, pid)) return std::nullopt;
  const ThreadKey key = {.tid = tid, .tgid = pid, .start_ns = static_cast<int64_t>(LoadRelaxed(view.slots[slot].start_ns))};
  if (LoadRelaxed(view.slots[slot].tid) != tid || LoadRelaxed(view.slots[slot].tgid) != pid) return std::nullopt;
  return WatchedThread{.key = key, .slot = slot};
}

std::optional<std::vector<OperationWish>> WishesOf(const TargetRegistry& registry) {
  const std::optional<std::vector<TargetInfo>> targets = registry.TryList();
  if (!targets) return std::nullopt;
  std::vector<OperationWish> wishes;
  for (const TargetInfo& target : *targets) {
    if (target.state != TargetState::kRunning) continue;
    wishes.push_back({.pid = target.pid,
                      .operation_threshold_ns = target.options.operation_threshold_ns,
                      .spike_threshold_ns = target.options.spike_threshold_ns,
                      .stacks = target.options.kernel_stacks || target.options.user_stacks});
  }
  return wishes;
}

}  // namespace

void Daemon::BuildMarkers() {
  MarkerThread::Parts parts;
  parts.raw_clocks = &raw_clocks_;
  parts.clock = clock_.get();
  parts.files = files_;
  parts.watched_bits = collector_->view().watched_bits;
  parts.slow.view = collector_->view();
  parts.slow.stalls = &stalls_->stalls();
  parts.slow.caught_up_mono_ns = [this] { return loop_->stats().caught_up_mono_ns.Get(); };
  parts.slow.hold_ns = StretchHold::kPatienceNs;
  parts.slow.thread_of = [this](uint32_t pid, uint32_t tid) { return ThreadOf(collector_->view(), pid, tid); };
  parts.slow.wishes = [this] { return WishesOf(*registry_); };
  parts.slow.want_stalls = [this](int64_t floor_ns) {
    // The recorder goes first: a record that the kernel makes under the new threshold finds it ready.
    stalls_->Enable(floor_ns != SlowOperations::kNoStallFloorNs);
    registry_->SetStallThreshold(floor_ns);
  };
  parts.slow.seen_whole = [this](int64_t begin_mono_ns, int64_t end_mono_ns) {
    return losses_->LostBetween(begin_mono_ns, end_mono_ns) == 0 && collection_->periods().Within(begin_mono_ns, end_mono_ns) == 0;
  };
  parts.slow.stall_floor_since = [this](int64_t since_mono_ns) { return registry_->StallFloorSince(since_mono_ns); };
  parts.slow.tell = [this](const Spike& spike) { return marked_spikes_->TryPush(spike); };
  markers_ = std::make_unique<MarkerThread>(std::move(parts));
}

}  // namespace hftmon
