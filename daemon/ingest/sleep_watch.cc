#include "daemon/ingest/sleep_watch.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "daemon/ingest/watched_slot.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

constexpr int64_t kNever = INT64_MAX;

int64_t LoadNs(__u64& word) {
  return static_cast<int64_t>(LoadRelaxed(word));
}

}  // namespace

// calloc: zeroed pages that cost no memory until a slot is looked at.
SleepWatch::SleepWatch(const KernelView& view, const WakerTable* wakers, std::vector<HeldUpSink*> sinks)
    : view_(view),
      wakers_(wakers),
      sinks_(std::move(sinks)),
      seen_(static_cast<Seen*>(std::calloc(std::max<size_t>(view.slots.size(), 1), sizeof(Seen))), &std::free),
      open_(kOpenMax),
      offsets_(view.cpus.size()) {
  if (!seen_) throw std::bad_alloc();
}

void SleepWatch::NoteClocks(uint16_t cpu, int64_t clock_ns, int64_t mono_ns) {
  if (cpu < offsets_.size() && clock_ns > 0) offsets_[cpu] = {.ns = mono_ns - clock_ns, .known = true};
}

int64_t SleepWatch::ThresholdNs() const {
  if (LoadRelaxed(view_.controls->off) != 0) return kNever;
  const uint64_t threshold_ns = LoadRelaxed(view_.controls->off_cpu_threshold_ns);
  return threshold_ns >= static_cast<uint64_t>(kNever) ? kNever : static_cast<int64_t>(threshold_ns);
}

bool SleepWatch::wanted() const {
  return !sinks_.empty() && (open_count_ > 0 || ThresholdNs() != kNever);
}

SleepWatch::Open* SleepWatch::Find(uint32_t slot, int64_t out_clock_ns) {
  const auto end = open_.begin() + static_cast<std::ptrdiff_t>(open_count_);
  const auto found =
      std::find_if(open_.begin(), end, [&](const Open& open) { return open.slot == slot && open.out_clock_ns == out_clock_ns; });
  return found == end ? nullptr : &*found;
}

void SleepWatch::Look(uint32_t slot, int64_t now_ns, int64_t loop_gap_ns) {
  Seen& seen = seen_.get()[slot];
  const int64_t out_clock_ns = LoadNs(view_.slots[slot].out_clock_ns);
  if (out_clock_ns != 0 && out_clock_ns == seen.out_clock_ns) {
    Consider(slot, &seen, now_ns, loop_gap_ns);
  } else {
    if (seen.told_ns != 0) {
      if (Open* open = Find(slot, seen.out_clock_ns)) open->over_since_ns = now_ns;
    }
    seen = {.out_clock_ns = out_clock_ns,
            .after_ns = seen.looked_ns,
            .first_ns = now_ns,
            .generation = LoadRelaxed(view_.slots[slot].generation)};
  }
  seen.looked_ns = now_ns;
}

// False for a thread that could run on, and for one that is watched no more.
bool SleepWatch::IsAsleep(uint32_t slot, const Seen& seen, hft_departure* out) const {
  hft_thread_slot& state = view_.slots[slot];
  const uint64_t word = LoadRelaxed(*reinterpret_cast<__u64*>(&state.out));
  std::memcpy(out, &word, sizeof(*out));
  if (out->kind >= HFT_SWITCH_KINDS || !EndsWithWakeUp(static_cast<hft_switch_kind>(out->kind))) return false;
  if (!IsWatchedSlot(view_, slot, LoadRelaxed(state.tid), LoadRelaxed(state.tgid))) return false;
  return LoadRelaxed(state.generation) == seen.generation && LoadNs(state.out_clock_ns) == seen.out_clock_ns;
}

int64_t SleepWatch::StartOf(const Seen& seen, uint16_t cpu) const {
  const Offset offset = cpu < offsets_.size() ? offsets_[cpu] : Offset{};
  return offset.known ? std::clamp(seen.out_clock_ns + offset.ns, seen.after_ns, seen.first_ns) : seen.first_ns;
}

void SleepWatch::Consider(uint32_t slot, Seen* seen, int64_t now_ns, int64_t loop_gap_ns) {
  const int64_t threshold_ns = ThresholdNs();
  Open* open = seen->told_ns != 0 ? Find(slot, seen->out_clock_ns) : nullptr;
  hft_departure out{};
  if (threshold_ns == kNever || !IsAsleep(slot, *seen, &out)) {
    if (open != nullptr && open->over_since_ns == 0) open->over_since_ns = now_ns;
    return;
  }
  const int64_t start_ns = StartOf(*seen, out.cpu);
  interval_.loop_gap_ns = loop_gap_ns;
  if (open != nullptr) {
    open->over_since_ns = 0;
    open->asleep_until_ns = now_ns;
    // Anew at each look: a subscriber may have come since.
    const int64_t level_ns = levels_.NextAbove(seen->told_ns - start_ns - 1);
    const bool crossed = level_ns != StallLevels::kNone && now_ns - start_ns > level_ns;
    if (!crossed && now_ns - seen->told_ns < kRetellNs) return;
    Tell(slot, *seen, out, start_ns, crossed ? start_ns + level_ns : 0, now_ns);
    seen->told_ns = now_ns;
    return;
  }
  if (now_ns - start_ns <= threshold_ns || seen->dropped || seen->told_ns != 0) return;
  if (open_count_ == kOpenMax) {
    dropped_count_.Add(1);
    seen->dropped = true;
    return;
  }
  open_[open_count_++] = {
      .slot = static_cast<uint16_t>(slot), .out_clock_ns = seen->out_clock_ns, .asleep_until_ns = now_ns, .over_since_ns = 0};
  Tell(slot, *seen, out, start_ns, start_ns + threshold_ns, now_ns);
  seen->told_ns = now_ns;
}

void SleepWatch::Tell(uint32_t slot, const Seen& seen, const hft_departure& out, int64_t start_ns, int64_t crossing_ns, int64_t now_ns) {
  hft_thread_slot& state = view_.slots[slot];
  interval_.thread = {LoadRelaxed(state.tid), LoadRelaxed(state.tgid), LoadNs(state.start_ns)};
  interval_.slot = static_cast<uint16_t>(slot);
  interval_.cpu = out.cpu;
  interval_.out_cpu = out.cpu;
  interval_.out_kind = static_cast<hft_switch_kind>(out.kind);
  interval_.out_syscall = out.syscall;
  interval_.out_clock_ns = seen.out_clock_ns;
  interval_.end_mono_ns = now_ns;
  interval_.off_cpu_ns = now_ns - start_ns;
  interval_.wait_ns = 0;
  interval_.waker.state = WakerState::kNone;
  if (wakers_ != nullptr && wakers_->At(slot).out_clock_ns == seen.out_clock_ns) {
    // It does not sleep any more, it waits: for whom, the wait's own spike tells.
    interval_.waker = wakers_->At(slot).waker;
    interval_.wait_ns = std::clamp<int64_t>(now_ns - interval_.waker.woken_mono_ns, 0, interval_.off_cpu_ns);
  }
  FillCall(slot, seen.out_clock_ns);
  for (HeldUpSink* sink : sinks_) sink->OnAsleep(interval_, crossing_ns);
}

// What it blocks in stands in the table until it leaves its CPU again: as long as the moment is this one's.
void SleepWatch::FillCall(uint32_t slot, int64_t out_clock_ns) {
  interval_.call.state = HFT_CALL_NONE;
  if (slot >= view_.calls.size() || LoadRelaxed(view_.calls[slot].generation) != LoadRelaxed(view_.slots[slot].generation)) return;
  hft_blocked_call& last = view_.calls[slot].last;
  if (LoadNs(last.out_clock_ns) != out_clock_ns) return;
  hft_blocked_call copy = {.out_clock_ns = static_cast<__u64>(out_clock_ns)};
  for (size_t i = 0; i < std::size(copy.arguments); ++i) copy.arguments[i] = LoadRelaxed(last.arguments[i]);
  copy.futex_word = LoadRelaxed(last.futex_word);
  copy.owner_tid = LoadRelaxed(last.owner_tid);
  copy.owner_syscall = LoadRelaxed(last.owner_syscall);
  copy.state = LoadRelaxed(last.state);
  copy.futex_command = LoadRelaxed(last.futex_command);
  copy.owner_source = LoadRelaxed(last.owner_source);
  copy.owner_state = LoadRelaxed(last.owner_state);
  // Keeps the copy above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (LoadNs(last.out_clock_ns) == out_clock_ns && LoadNs(view_.slots[slot].out_clock_ns) == out_clock_ns) {
    BuildCall(copy, &interval_.call, &build_counters_);
  }
}

// Those whose record came are over for the sinks already.
void SleepWatch::EndRound(int64_t now_ns, bool caught_up) {
  for (size_t i = 0; i < open_count_;) {
    const Open& open = open_[i];
    if (open.over_since_ns == 0 || !caught_up || now_ns - open.over_since_ns < kEndPatienceNs) {
      ++i;
      continue;
    }
    Seen& seen = seen_.get()[open.slot];
    // Watched no more, and asleep still: it is told no more either.
    if (seen.out_clock_ns == open.out_clock_ns) seen.dropped = true;
    for (HeldUpSink* sink : sinks_) sink->OnSleepOver(open.slot, open.out_clock_ns, open.asleep_until_ns);
    open_[i] = open_[--open_count_];
  }
}

}  // namespace hftmon
