#include "daemon/ingest/sleep_watch.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include "daemon/ingest/departure.h"
#include "daemon/ingest/watched_slot.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

constexpr int64_t kNever = INT64_MAX;

// The command with which it waits on a futex; HFT_NO_FUTEX: on none. As note_futex of daemon/bpf/calls.bpf.h.
uint8_t FutexCommandOf(const EarlierSleep& sleep) {
  constexpr int32_t kFutexWaitCall = 455;  // newer than the headers that this is built with may be
  constexpr int kLockPi2 = 13;
  if (sleep.syscall == kFutexWaitCall) return FUTEX_WAIT;
  if (sleep.syscall != SYS_futex) return HFT_NO_FUTEX;
  const int command = static_cast<int>(sleep.arguments[1]) & 127;
  constexpr std::array kWaits = {FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI, kLockPi2};
  const bool waits = std::find(kWaits.begin(), kWaits.end(), command) != kWaits.end();
  return waits ? static_cast<uint8_t>(command) : uint8_t{HFT_NO_FUTEX};
}

int64_t LoadNs(__u64& word) {
  return static_cast<int64_t>(LoadRelaxed(word));
}

}  // namespace

// calloc: zeroed pages that cost no memory until a slot is looked at.
SleepWatch::SleepWatch(const KernelView& view, const WakerTable* wakers, const EarlierSleeps* earlier, const ClockOffsets* offsets,
                       std::vector<HeldUpSink*> sinks)
    : view_(view),
      wakers_(wakers),
      earlier_(earlier),
      offsets_(offsets),
      sinks_(std::move(sinks)),
      seen_(static_cast<Seen*>(std::calloc(std::max<size_t>(view.slots.size(), 1), sizeof(Seen))), &std::free) {
  if (!seen_) throw std::bad_alloc();
}

int64_t SleepWatch::ThresholdNs() const {
  const uint64_t threshold_ns = LoadRelaxed(view_.controls->off_cpu_threshold_ns);
  return threshold_ns >= static_cast<uint64_t>(kNever) ? kNever : static_cast<int64_t>(threshold_ns);
}

bool SleepWatch::wanted() const {
  return !sinks_.empty() && (open_count_ > 0 || unfollowed_count_ > 0 || ThresholdNs() != kNever);
}

bool SleepWatch::IsWanted(uint32_t slot, bool of_all) const {
  return of_all || (LoadRelaxed(view_.slots[slot].wishes.probes) & HFT_BLOCKED) != 0;
}

int64_t SleepWatch::SleepOf(uint32_t slot) const {
  hft_thread_slot& state = view_.slots[slot];
  const int64_t out_clock_ns = LoadNs(state.out_clock_ns);
  // With its task's mark it was seen on a CPU: what it did before is over.
  if (out_clock_ns != 0 || earlier_ == nullptr || LoadRelaxed(state.task) != 0) return out_clock_ns;
  return -earlier_->FoundNs(slot, LoadRelaxed(state.generation));
}

int SleepWatch::LookAt(uint32_t slot, const Look& look, bool of_all) {
  Seen& seen = seen_.get()[slot];
  const int64_t out_clock_ns = SleepOf(slot);
  int calls = 0;
  if (seen.out_clock_ns != 0 && out_clock_ns != seen.out_clock_ns) {
    // What was told is kept until its record has come or will not come any more; a sleep that began meanwhile is found later.
    calls = Close(slot, &seen, look);
    if (seen.told_ns != 0) return calls;
    SetUnfollowed(&seen, false);
    seen = {.looked_ns = seen.looked_ns};
  }
  if (out_clock_ns != 0 && out_clock_ns == seen.out_clock_ns) {
    calls += Consider(slot, &seen, look, of_all);
  } else if (out_clock_ns != 0) {
    seen = {.out_clock_ns = out_clock_ns,
            .after_ns = seen.looked_ns,
            .first_ns = look.now_ns,
            .generation = LoadRelaxed(view_.slots[slot].generation)};
  }
  seen.looked_ns = look.now_ns;
  return calls;
}

// Told to be over when it has been so for a while; its record closed it for the sinks, as a rule.
int SleepWatch::Close(uint32_t slot, Seen* seen, const Look& look) {
  if (seen->told_ns == 0) return 0;
  if (seen->over_since_ns == 0) seen->over_since_ns = look.now_ns;
  if (!look.caught_up || look.now_ns - seen->over_since_ns < kEndPatienceNs) return 0;
  for (HeldUpSink* sink : sinks_) sink->OnSleepOver(static_cast<uint16_t>(slot), seen->out_clock_ns, seen->asleep_until_ns);
  seen->told_ns = 0;
  seen->closed = true;
  --open_count_;
  if (seen->out_clock_ns < 0) --earlier_open_count_;
  return 1;
}

bool SleepWatch::ReadDeparture(uint32_t slot, const Seen& seen, hft_departure* out) const {
  if (seen.out_clock_ns > 0) {
    *out = LoadDeparture(view_.slots[slot]);
    return true;
  }
  EarlierSleep sleep;
  if (!earlier_->Read(slot, seen.generation, &sleep)) return false;
  const hft_switch_kind in_no_call = sleep.call == HFT_CALL_NONE ? HFT_SWITCH_BLOCKED_FAULT : HFT_SWITCH_UNKNOWN;
  out->cpu = sleep.cpu;
  out->kind = static_cast<uint8_t>(sleep.syscall >= 0 ? HFT_SWITCH_BLOCKED_SYSCALL : in_no_call);
  out->syscall = sleep.syscall;
  return true;
}

// False for a thread that could run on, and for one that is watched no more.
bool SleepWatch::IsAsleep(uint32_t slot, const Seen& seen, hft_departure* out) const {
  hft_thread_slot& state = view_.slots[slot];
  if (!ReadDeparture(slot, seen, out)) return false;
  if (out->kind >= HFT_SWITCH_KINDS || !EndsWithWakeUp(static_cast<hft_switch_kind>(out->kind))) return false;
  if (!IsWatchedSlot(view_, slot, LoadRelaxed(state.tid), LoadRelaxed(state.tgid))) return false;
  return LoadRelaxed(state.generation) == seen.generation && SleepOf(slot) == seen.out_clock_ns;
}

int64_t SleepWatch::StartOf(const Seen& seen, uint16_t cpu, int64_t now_ns) const {
  if (seen.out_clock_ns < 0) return -seen.out_clock_ns;
  const std::optional<int64_t> start_ns = offsets_->MonotonicOf(cpu, seen.out_clock_ns, now_ns);
  return start_ns ? std::clamp(*start_ns, seen.after_ns, seen.first_ns) : seen.first_ns;
}

int SleepWatch::Consider(uint32_t slot, Seen* seen, const Look& look, bool of_all) {
  if (seen->closed) return 0;
  hft_departure out{};
  if (LoadRelaxed(view_.controls->off) != 0 || !IsAsleep(slot, *seen, &out)) {
    SetUnfollowed(seen, false);
    return Close(slot, seen, look);
  }
  seen->over_since_ns = 0;
  if (seen->start_ns == 0) seen->start_ns = StartOf(*seen, out.cpu, look.now_ns);
  // Nobody may ask any more: it goes on all the same until it ends.
  if (seen->told_ns != 0) return TellAgain(slot, seen, out, look);
  const int64_t threshold_ns = ThresholdNs();
  if (threshold_ns == kNever || look.now_ns - seen->start_ns <= threshold_ns || !IsWanted(slot, of_all)) {
    SetUnfollowed(seen, false);
    return 0;
  }
  const bool is_earlier = seen->out_clock_ns < 0;
  if (open_count_ == kOpenMax || (is_earlier && earlier_open_count_ == kEarlierOpenMax)) {
    SetUnfollowed(seen, true);
    return 0;
  }
  SetUnfollowed(seen, false);
  ++open_count_;
  if (is_earlier) ++earlier_open_count_;
  // One that began long before anybody asked is found now.
  const int64_t crossing_ns = seen->start_ns + threshold_ns;
  Tell(slot, *seen, out, is_earlier ? std::max(crossing_ns, seen->first_ns) : crossing_ns, look);
  seen->told_ns = look.now_ns;
  seen->asleep_until_ns = look.now_ns;
  return 1;
}

void SleepWatch::SetUnfollowed(Seen* seen, bool unfollowed) {
  if (seen->unfollowed == unfollowed) return;
  seen->unfollowed = unfollowed;
  if (unfollowed) dropped_count_.Add(1);
  unfollowed_count_ += unfollowed ? 1 : uint64_t{0} - 1;
}

int SleepWatch::TellAgain(uint32_t slot, Seen* seen, const hft_departure& out, const Look& look) {
  seen->asleep_until_ns = look.now_ns;
  // Anew at each look: a subscriber may have come since.
  const int64_t level_ns = levels_.NextAbove(seen->told_ns - seen->start_ns - 1);
  const bool crossed = level_ns != StallLevels::kNone && look.now_ns - seen->start_ns > level_ns;
  if (!crossed && look.now_ns - seen->told_ns < kRetellNs) return 0;
  Tell(slot, *seen, out, crossed ? seen->start_ns + level_ns : 0, look);
  seen->told_ns = look.now_ns;
  return 1;
}

// Of an earlier sleep the kernel's record of the wake-up knows no switch-out.
bool SleepWatch::IsWakerOf(const WakerTable::Entry& entry, const Seen& seen, uint32_t tid) {
  if (seen.out_clock_ns > 0) return entry.out_clock_ns == seen.out_clock_ns;
  return entry.out_clock_ns == 0 && entry.tid == tid && entry.waker.woken_mono_ns > seen.start_ns;
}

void SleepWatch::Tell(uint32_t slot, const Seen& seen, const hft_departure& out, int64_t crossing_ns, const Look& look) {
  hft_thread_slot& state = view_.slots[slot];
  interval_.thread = {LoadRelaxed(state.tid), LoadRelaxed(state.tgid), LoadNs(state.start_ns)};
  interval_.slot = static_cast<uint16_t>(slot);
  interval_.cpu = out.cpu;
  interval_.out_cpu = out.cpu;
  interval_.out_kind = static_cast<hft_switch_kind>(out.kind);
  interval_.out_syscall = out.syscall;
  interval_.out_clock_ns = seen.out_clock_ns;
  interval_.end_mono_ns = look.now_ns;
  interval_.loop_gap_ns = look.loop_gap_ns;
  interval_.off_cpu_ns = look.now_ns - seen.start_ns;
  interval_.wait_ns = 0;
  interval_.waker.state = WakerState::kNone;
  if (wakers_ != nullptr && IsWakerOf(wakers_->At(slot), seen, interval_.thread.tid)) {
    // It does not sleep any more, it waits: for whom, the wait's own spike tells.
    interval_.waker = wakers_->At(slot).waker;
    interval_.wait_ns = std::clamp<int64_t>(look.now_ns - interval_.waker.woken_mono_ns, 0, interval_.off_cpu_ns);
  }
  interval_.call.state = HFT_CALL_NONE;
  if (seen.out_clock_ns > 0) {
    FillCall(slot, seen);
  } else {
    FillEarlierCall(slot, seen);
  }
  for (HeldUpSink* sink : sinks_) sink->OnAsleep(interval_, crossing_ns);
}

// What it blocks in stands in the table until it leaves its CPU again: as long as the moment is this one's.
void SleepWatch::FillCall(uint32_t slot, const Seen& seen) {
  const int64_t out_clock_ns = seen.out_clock_ns;
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
  copy.owner_priority = LoadRelaxed(last.owner_priority);
  copy.owner_policy = LoadRelaxed(last.owner_policy);
  copy.wake_at_ns = LoadRelaxed(last.wake_at_ns);
  // Keeps the copy above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (LoadNs(last.out_clock_ns) == out_clock_ns && LoadNs(view_.slots[slot].out_clock_ns) == out_clock_ns) {
    BuildCall(copy, &interval_.call, &build_counters_);
  }
}

// Its arguments. Of a lock the address: nobody was there to look at its word, and to read it now would be to wait for a page that the
// process may keep from us.
void SleepWatch::FillEarlierCall(uint32_t slot, const Seen& seen) {
  EarlierSleep sleep;
  if ((LoadRelaxed(view_.slots[slot].wishes.probes) & HFT_CALLS) == 0 || !earlier_->Read(slot, seen.generation, &sleep)) return;
  if (sleep.call != HFT_CALL_KNOWN) return;
  hft_blocked_call call = {};
  call.owner_syscall = -1;
  call.state = HFT_CALL_KNOWN;
  call.futex_command = FutexCommandOf(sleep);
  std::copy(std::begin(sleep.arguments), std::end(sleep.arguments), std::begin(call.arguments));
  BuildCall(call, &interval_.call, &build_counters_);
  interval_.call.futex_word_known = false;
}

}  // namespace hftmon
