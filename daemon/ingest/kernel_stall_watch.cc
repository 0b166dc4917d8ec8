#include "daemon/ingest/kernel_stall_watch.h"

#include <algorithm>

#include "daemon/ingest/watched_slot.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

constexpr int64_t kNever = INT64_MAX;
// A lock is slept for a few times at most; a beginning whose end a program missed is older than many sleeps.
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

KernelStallWatch::KernelStallWatch(const KernelView& view, const StallLevels* levels, std::vector<HeldUpSink*> sinks)
    : view_(view), levels_(levels), sinks_(std::move(sinks)), open_(kOpenMax) {}

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
    default:
      return HFT_KERNEL_LOCK;
  }
}

int64_t KernelStallWatch::ThresholdNs() const {
  if (LoadRelaxed(view_.controls->off) != 0) return kNever;
  const uint64_t threshold_ns = LoadRelaxed(view_.controls->run_queue_threshold_ns);
  return threshold_ns >= static_cast<uint64_t>(kNever) ? kNever : static_cast<int64_t>(threshold_ns);
}

// A beginning may be left of a fault that ended without being counted (a signal, an error): it is believed where the thread is held up in a
// way that only it can be.
bool KernelStallWatch::MayGoOn(uint32_t slot, size_t which) const {
  hft_thread_slot& state = view_.slots[slot];
  const uint64_t departure = LoadRelaxed(*reinterpret_cast<__u64*>(&state.out));
  const auto kind = static_cast<uint8_t>(departure >> 16);
  const bool is_off_cpu = LoadRelaxed(state.out_clock_ns) != 0;
  if (which < HFT_FAULT_MODES) return which == 0 && is_off_cpu && kind == HFT_SWITCH_BLOCKED_FAULT;
  switch (which - HFT_FAULT_MODES) {
    case HFT_STALL_SPINNING_LOCK:
      return false;
    case HFT_STALL_SLEEPING_LOCK:
      return is_off_cpu && (kind == HFT_SWITCH_BLOCKED_FAULT || kind == HFT_SWITCH_BLOCKED_SYSCALL) &&
             LoadRelaxed(state.off_cpu_count) - LoadRelaxed(BeginningOf(view_.kernel[slot], which).off_cpu_count) < kSleepsOfOneWait;
    default:
      return true;
  }
}

// 0: none goes on.
int64_t KernelStallWatch::StartOf(uint32_t slot, size_t which, uint32_t generation) const {
  hft_thread_kernel& kernel = view_.kernel[slot];
  if (LoadRelaxed(kernel.generation) != generation || LoadRelaxed(view_.slots[slot].generation) != generation) return 0;
  hft_thread_slot& state = view_.slots[slot];
  if (!IsWatchedSlot(view_, slot, LoadRelaxed(state.tid), LoadRelaxed(state.tgid))) return 0;
  return MayGoOn(slot, which) ? LoadNs(BeginningOf(kernel, which).start_ns) : 0;
}

void KernelStallWatch::Look(uint32_t slot, int64_t now_ns, int64_t loop_gap_ns) {
  if (slot >= view_.kernel.size() || sinks_.empty()) return;
  const uint32_t generation = LoadRelaxed(view_.kernel[slot].generation);
  if (generation == 0 || generation != LoadRelaxed(view_.slots[slot].generation)) return;
  so_far_.loop_gap_ns = loop_gap_ns;
  for (size_t which = 0; which < kBeginnings; ++which) {
    const int64_t start_ns = StartOf(slot, which, generation);
    if (start_ns > 0 && start_ns < now_ns) Consider(slot, which, start_ns, now_ns);
  }
}

void KernelStallWatch::Consider(uint32_t slot, size_t which, int64_t start_ns, int64_t now_ns) {
  const int64_t threshold_ns = ThresholdNs();
  if (threshold_ns == kNever || now_ns - start_ns <= threshold_ns) return;
  const auto end = open_.begin() + static_cast<std::ptrdiff_t>(open_count_);
  const auto found = std::find_if(open_.begin(), end,
                                  [&](const Open& open) { return open.slot == slot && open.which == which && open.start_ns == start_ns; });
  if (found != end) {
    found->lasting_until_ns = now_ns;
    // Anew at each look: a subscriber may have come since.
    const int64_t level_ns = levels_->NextAbove(found->told_ns - start_ns - 1);
    const bool crossed = level_ns != StallLevels::kNone && now_ns - start_ns > level_ns;
    if (!crossed && now_ns - found->told_ns < kRetellNs) return;
    if (Tell(slot, which, start_ns, crossed ? start_ns + level_ns : 0, now_ns)) found->told_ns = now_ns;
    return;
  }
  if (open_count_ == kOpenMax) {
    dropped_count_.Add(1);
    return;
  }
  if (!Tell(slot, which, start_ns, start_ns + threshold_ns, now_ns)) return;
  open_[open_count_++] = {.slot = static_cast<uint16_t>(slot),
                          .which = static_cast<uint8_t>(which),
                          .generation = LoadRelaxed(view_.kernel[slot].generation),
                          .start_ns = start_ns,
                          .told_ns = now_ns,
                          .lasting_until_ns = now_ns,
                          .over_since_ns = 0};
}

// False when it ended while it was read: its record tells it whole.
bool KernelStallWatch::Tell(uint32_t slot, size_t which, int64_t start_ns, int64_t crossing_ns, int64_t now_ns) {
  hft_thread_slot& state = view_.slots[slot];
  hft_kernel_begin& begin = BeginningOf(view_.kernel[slot], which);
  so_far_.thread = {LoadRelaxed(state.tid), LoadRelaxed(state.tgid), LoadNs(state.start_ns)};
  so_far_.slot = static_cast<uint16_t>(slot);
  so_far_.start_mono_ns = start_ns;
  so_far_.end_mono_ns = now_ns;
  so_far_.record_mono_ns = now_ns;
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
  FillTime(slot, begin, now_ns);
  // Keeps the copies above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (LoadNs(begin.start_ns) != start_ns) return false;
  for (HeldUpSink* sink : sinks_) sink->OnKernelStallGoesOn(so_far_, crossing_ns);
  return true;
}

// As the program does it at the end, with what goes on now on top: off its CPU, the thread has been blocked since its last departure.
void KernelStallWatch::FillTime(uint32_t slot, const hft_kernel_begin& from, int64_t now_ns) {
  auto& begin = const_cast<hft_kernel_begin&>(from);
  hft_thread_slot& state = view_.slots[slot];
  const int64_t duration_ns = now_ns - so_far_.start_mono_ns;
  const uint64_t departure = LoadRelaxed(*reinterpret_cast<__u64*>(&state.out));
  so_far_.cpu = static_cast<uint16_t>(departure);
  so_far_.on_cpu = false;
  so_far_.interrupts.count = 0;
  so_far_.interrupts.truncated = false;
  const bool is_off_cpu = LoadNs(state.out_clock_ns) != 0;
  int64_t left_ns = duration_ns;
  // What it had on a CPU since it began: the rest, where it is off it now, is off it.
  int64_t on_cpu_ns = 0;
  for (size_t level = 0; level < HFT_LEVELS; ++level) {
    const bool known = slot < view_.stolen.size() && LoadRelaxed(view_.stolen[slot].generation) == LoadRelaxed(state.generation);
    so_far_.interrupted_ns[level] =
        known ? Take(Gained(view_.stolen[slot].level_ns[level], LoadRelaxed(begin.interrupted_ns[level])), &left_ns) : 0;
    on_cpu_ns += so_far_.interrupted_ns[level];
  }
  for (size_t stall = 0; stall < HFT_STALLS; ++stall) {
    so_far_.stall_ns[stall] = Take(Gained(view_.kernel[slot].stall_ns[stall], LoadRelaxed(begin.stall_ns[stall])), &left_ns);
    on_cpu_ns += so_far_.stall_ns[stall];
  }
  const int64_t ended_off_cpu_ns = Gained(state.off_cpu_ns, LoadRelaxed(begin.off_cpu_ns));
  so_far_.off_cpu_ns = Take(is_off_cpu ? duration_ns - on_cpu_ns : ended_off_cpu_ns, &left_ns);
  so_far_.wait_ns = std::min(Gained(state.run_delay_ns, LoadRelaxed(begin.run_delay_ns)), so_far_.off_cpu_ns);
  int64_t left_off_cpu_ns = so_far_.off_cpu_ns - so_far_.wait_ns;
  for (size_t stall = 0; stall < HFT_STALLS; ++stall) {
    so_far_.stall.stall_off_cpu_ns[stall] =
        Take(Gained(view_.kernel[slot].stall_off_cpu_ns[stall], LoadRelaxed(begin.stall_off_cpu_ns[stall])), &left_off_cpu_ns);
  }
}

void KernelStallWatch::EndRound(int64_t now_ns, bool caught_up) {
  for (size_t i = 0; i < open_count_;) {
    Open& open = open_[i];
    const bool goes_on = ThresholdNs() != kNever && StartOf(open.slot, open.which, open.generation) == open.start_ns;
    if (goes_on) {
      open.over_since_ns = 0;
    } else if (open.over_since_ns == 0) {
      open.over_since_ns = now_ns;
    }
    if (goes_on || !caught_up || now_ns - open.over_since_ns < kEndPatienceNs) {
      ++i;
      continue;
    }
    for (HeldUpSink* sink : sinks_) sink->OnKernelStallOver(open.slot, WhatOf(open.which), open.start_ns, open.lasting_until_ns);
    open_[i] = open_[--open_count_];
  }
}

}  // namespace hftmon
