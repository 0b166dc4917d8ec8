#include "daemon/ingest/kernel_stall_watch.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "daemon/ingest/departure.h"
#include "daemon/ingest/watched_slot.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

constexpr int64_t kNever = INT64_MAX;
// What a lock or a fault is slept for is a few sleeps at most; a beginning that was left over is older than many.
constexpr uint64_t kSleepsOfOneWait = 8;

int64_t LoadNs(__u64& word) {
  return static_cast<int64_t>(LoadRelaxed(word));
}

// What a growing sum has gained, never negative: its words are read one after the other.
int64_t Gained(__u64& now, __u64 before) {
  return std::max<int64_t>(LoadNs(now) - static_cast<int64_t>(before), 0);
}

// Takes at most what is left.
int64_t Take(int64_t wanted_ns, int64_t* left_ns) {
  const int64_t taken_ns = std::clamp<int64_t>(wanted_ns, 0, *left_ns);
  *left_ns -= taken_ns;
  return taken_ns;
}

}  // namespace

// calloc: zeroed pages that cost no memory until a slot asks.
KernelStallWatch::KernelStallWatch(const KernelView& view, const StallLevels* levels, const ClockOffsets* offsets,
                                   std::vector<HeldUpSink*> sinks)
    : view_(view),
      levels_(levels),
      offsets_(offsets),
      sinks_(std::move(sinks)),
      seen_(static_cast<SeenSlot*>(std::calloc(std::max<size_t>(view.kernel.size(), 1), sizeof(SeenSlot))), &std::free) {
  if (!seen_) throw std::bad_alloc();
}

hft_kernel_begin& KernelStallWatch::BeginningOf(hft_thread_kernel& kernel, size_t which) {
  return which < HFT_FAULT_MODES ? kernel.faults_begun[which] : kernel.stalls_begun[which - HFT_FAULT_MODES];
}

hft_kernel_what KernelStallWatch::WhatOf(size_t which) {
  if (which < HFT_FAULT_MODES) return HFT_KERNEL_FAULT;
  switch (which - HFT_FAULT_MODES) {
    case HFT_STALL_COMPACTION:
      return HFT_KERNEL_COMPACTION;
    case HFT_STALL_RECLAIM:
      return HFT_KERNEL_RECLAIM;
    case HFT_STALL_MIGRATION:
      return HFT_KERNEL_MIGRATION;
    default:
      return HFT_KERNEL_LOCK;
  }
}

// The group that tells of its end: without it a beginning stays.
uint32_t KernelStallWatch::ProbeOf(size_t which) {
  return WhatOf(which) == HFT_KERNEL_LOCK ? HFT_KERNEL_LOCKS : HFT_MEMORY;
}

int64_t KernelStallWatch::ThresholdNs() const {
  const uint64_t threshold_ns = LoadRelaxed(view_.controls->run_queue_threshold_ns);
  return threshold_ns >= static_cast<uint64_t>(kNever) ? kNever : static_cast<int64_t>(threshold_ns);
}

bool KernelStallWatch::IsAsking(uint32_t slot, uint32_t generation) const {
  hft_thread_slot& state = view_.slots[slot];
  return LoadRelaxed(view_.controls->off) == 0 && LoadRelaxed(state.generation) == generation &&
         LoadRelaxed(view_.kernel[slot].generation) == generation &&
         IsWatchedSlot(view_, slot, LoadRelaxed(state.tid), LoadRelaxed(state.tgid));
}

// A beginning may be left over from a fault that ended without being counted (a signal, an error) or from a lock whose end a program
// missed: it is believed where the thread is held up in a way that only it can be.
bool KernelStallWatch::IsCertain(uint32_t slot, size_t which) const {
  hft_thread_slot& state = view_.slots[slot];
  const uint8_t kind = LoadDeparture(state).kind;
  const bool is_off_cpu = LoadRelaxed(state.out_clock_ns) != 0;
  const uint64_t sleeps = LoadRelaxed(state.off_cpu_count) - LoadRelaxed(BeginningOf(view_.kernel[slot], which).off_cpu_count);
  if (which < HFT_FAULT_MODES) return which == 0 && is_off_cpu && kind == HFT_SWITCH_BLOCKED_FAULT && sleeps < kSleepsOfOneWait;
  switch (which - HFT_FAULT_MODES) {
    case HFT_STALL_SPINNING_LOCK:
      return false;
    case HFT_STALL_SLEEPING_LOCK:
      return is_off_cpu && (kind == HFT_SWITCH_BLOCKED_FAULT || kind == HFT_SWITCH_BLOCKED_SYSCALL) && sleeps < kSleepsOfOneWait;
    default:
      return true;
  }
}

int KernelStallWatch::LookAt(uint32_t slot, const Look& look) {
  if (slot >= view_.kernel.size() || sinks_.empty()) return 0;
  SeenSlot& seen = seen_.get()[slot];
  const uint32_t probes = LoadRelaxed(view_.slots[slot].wishes.probes);
  if ((probes & (HFT_MEMORY | HFT_KERNEL_LOCKS)) == 0 && seen.open_count == 0) return 0;
  const uint32_t generation = LoadRelaxed(view_.slots[slot].generation);
  const bool same = seen.generation == generation;
  if (!same && seen.open_count == 0) {
    seen = {};
    seen.generation = generation;
  }
  const bool asking = IsAsking(slot, seen.generation);
  int calls = 0;
  for (size_t which = 0; which < kBeginnings; ++which) {
    const bool told_of = asking && (probes & ProbeOf(which)) != 0;
    const int64_t start_ns = told_of ? LoadNs(BeginningOf(view_.kernel[slot], which).start_ns) : 0;
    calls += LookAtBeginning(slot, which, start_ns < look.now_ns ? start_ns : 0, &seen, look);
  }
  return calls;
}

// `start_ns`: of what goes on; 0: nothing does.
int KernelStallWatch::LookAtBeginning(uint32_t slot, size_t which, int64_t start_ns, SeenSlot* slot_seen, const Look& look) {
  Seen& seen = slot_seen->beginnings[which];
  if (seen.told_ns != 0) return seen.start_ns == start_ns ? TellAgain(slot, which, &seen, look) : Close(slot, which, slot_seen, look);
  const int64_t threshold_ns = ThresholdNs();
  if (start_ns == 0 || threshold_ns == kNever || look.now_ns - start_ns <= threshold_ns || !IsCertain(slot, which)) return 0;
  if (open_count_ == kOpenMax) {
    if (seen.start_ns != start_ns) dropped_count_.Add(1);
    seen.start_ns = start_ns;
    return 0;
  }
  if (!Tell(slot, which, start_ns, start_ns + threshold_ns, look)) return 1;
  seen = {.start_ns = start_ns, .told_ns = look.now_ns, .lasting_until_ns = look.now_ns};
  ++slot_seen->open_count;
  ++open_count_;
  return 1;
}

int KernelStallWatch::TellAgain(uint32_t slot, size_t which, Seen* seen, const Look& look) {
  seen->over_since_ns = 0;
  seen->lasting_until_ns = look.now_ns;
  // Anew at each look: a subscriber may have come since.
  const int64_t level_ns = levels_->NextAbove(seen->told_ns - seen->start_ns - 1);
  const bool crossed = level_ns != StallLevels::kNone && look.now_ns - seen->start_ns > level_ns;
  if (!crossed && look.now_ns - seen->told_ns < kRetellNs) return 0;
  if (Tell(slot, which, seen->start_ns, crossed ? seen->start_ns + level_ns : 0, look)) seen->told_ns = look.now_ns;
  return 1;
}

// Told to be over when it has been so for a while; its record closed it for the sinks, as a rule.
int KernelStallWatch::Close(uint32_t slot, size_t which, SeenSlot* slot_seen, const Look& look) {
  Seen& seen = slot_seen->beginnings[which];
  if (seen.over_since_ns == 0) seen.over_since_ns = look.now_ns;
  if (!look.caught_up || look.now_ns - seen.over_since_ns < kEndPatienceNs) return 0;
  for (HeldUpSink* sink : sinks_) {
    sink->OnKernelStallOver(static_cast<uint16_t>(slot), WhatOf(which), seen.start_ns, seen.lasting_until_ns);
  }
  seen = {};
  --slot_seen->open_count;
  --open_count_;
  return 1;
}

// False when it ended while it was read: its record tells it whole.
bool KernelStallWatch::Tell(uint32_t slot, size_t which, int64_t start_ns, int64_t crossing_ns, const Look& look) {
  hft_thread_slot& state = view_.slots[slot];
  hft_kernel_begin& begin = BeginningOf(view_.kernel[slot], which);
  so_far_.thread = {LoadRelaxed(state.tid), LoadRelaxed(state.tgid), LoadNs(state.start_ns)};
  so_far_.slot = static_cast<uint16_t>(slot);
  so_far_.start_mono_ns = start_ns;
  so_far_.end_mono_ns = look.now_ns;
  so_far_.record_mono_ns = look.now_ns;
  so_far_.loop_gap_ns = look.loop_gap_ns;
  KernelStall& stall = so_far_.stall;
  stall = {.known = true, .what = WhatOf(which), .address = LoadRelaxed(begin.object)};
  if (stall.what == HFT_KERNEL_FAULT) stall.fault_kind = which == 0 ? HFT_FAULT_USER_MINOR : HFT_FAULT_KERNEL_MINOR;
  if (stall.what == HFT_KERNEL_LOCK) {
    const uint8_t type = LoadRelaxed(begin.lock_type);
    stall.lock_type = type < HFT_LOCK_TYPES ? static_cast<hft_lock_type>(type) : HFT_LOCK_OTHER;
    stall.lock_flags = LoadRelaxed(begin.lock_flags);
    stall.owner_tid = LoadRelaxed(begin.owner_tid);
    stall.owner_tgid = LoadRelaxed(begin.owner_tgid);
  }
  FillTime(slot, begin, look.now_ns);
  // Keeps the copies above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (LoadNs(begin.start_ns) != start_ns) return false;
  for (HeldUpSink* sink : sinks_) sink->OnKernelStallGoesOn(so_far_, crossing_ns);
  return true;
}

// How long it has been off its CPU now; 0: it is on one. All of the stall where that is not known.
int64_t KernelStallWatch::CurrentOffCpuNs(uint32_t slot, int64_t now_ns, bool* runnable) const {
  hft_thread_slot& state = view_.slots[slot];
  const int64_t out_clock_ns = LoadNs(state.out_clock_ns);
  if (out_clock_ns == 0) return 0;
  const hft_departure out = LoadDeparture(state);
  *runnable = out.kind < HFT_SWITCH_KINDS && !EndsWithWakeUp(static_cast<hft_switch_kind>(out.kind));
  const std::optional<int64_t> out_ns = offsets_->MonotonicOf(out.cpu, out_clock_ns, now_ns);
  return std::max<int64_t>(now_ns - std::max(out_ns.value_or(so_far_.start_mono_ns), so_far_.start_mono_ns), 0);
}

// As the program does it at the end, with what goes on now on top.
void KernelStallWatch::FillTime(uint32_t slot, hft_kernel_begin& begin, int64_t now_ns) {
  hft_thread_slot& state = view_.slots[slot];
  int64_t left_ns = now_ns - so_far_.start_mono_ns;
  so_far_.cpu = LoadDeparture(state).cpu;
  so_far_.on_cpu = false;
  so_far_.interrupts.count = 0;
  so_far_.interrupts.truncated = false;
  const bool interrupts = slot < view_.stolen.size() && LoadRelaxed(view_.stolen[slot].generation) == LoadRelaxed(state.generation);
  for (size_t level = 0; level < HFT_LEVELS; ++level) {
    so_far_.interrupted_ns[level] =
        interrupts ? Take(Gained(view_.stolen[slot].level_ns[level], LoadRelaxed(begin.interrupted_ns[level])), &left_ns) : 0;
  }
  for (size_t stall = 0; stall < HFT_STALLS; ++stall) {
    so_far_.stall_ns[stall] = Take(Gained(view_.kernel[slot].stall_ns[stall], LoadRelaxed(begin.stall_ns[stall])), &left_ns);
  }
  bool runnable = false;
  const int64_t current_ns = CurrentOffCpuNs(slot, now_ns, &runnable);
  so_far_.off_cpu_ns = Take(Gained(state.off_cpu_ns, LoadRelaxed(begin.off_cpu_ns)) + current_ns, &left_ns);
  const int64_t waited_ns = Gained(state.run_delay_ns, LoadRelaxed(begin.run_delay_ns)) + (runnable ? current_ns : 0);
  so_far_.wait_ns = std::min(waited_ns, so_far_.off_cpu_ns);
  int64_t left_off_cpu_ns = so_far_.off_cpu_ns - so_far_.wait_ns;
  for (size_t stall = 0; stall < HFT_STALLS; ++stall) {
    so_far_.stall.stall_off_cpu_ns[stall] =
        Take(Gained(view_.kernel[slot].stall_off_cpu_ns[stall], LoadRelaxed(begin.stall_off_cpu_ns[stall])), &left_off_cpu_ns);
  }
}

}  // namespace hftmon
