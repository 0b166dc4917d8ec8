#include "daemon/ingest/stall_watch.h"

#include <algorithm>
#include <cstring>

#include "daemon/ingest/departure.h"
#include "daemon/ingest/interrupt_builder.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

constexpr int64_t kNever = INT64_MAX;
constexpr int64_t kOpenPollNs = 1'000'000;

template <typename T>
T Load(const T& word) {
  return LoadRelaxed(const_cast<T&>(word));
}

int64_t Ns(const __u64& word) {
  return static_cast<int64_t>(Load(word));
}

}  // namespace

StallWatch::StallWatch(const KernelView& view, const WakerTable* wakers, std::vector<StallSink*> sinks, StateSampler* states)
    : view_(view),
      wakers_(wakers),
      sinks_(std::move(sinks)),
      states_(states),
      pending_(kPendingMax),
      open_(kOpenMax),
      told_stretches_(view.interrupts.size()) {}

int64_t StallWatch::ThresholdNs() const {
  const uint64_t threshold_ns = Load(view_.controls->run_queue_threshold_ns);
  return threshold_ns >= static_cast<uint64_t>(kNever) ? kNever : static_cast<int64_t>(threshold_ns);
}

// The entry of a wait that begins; nullptr when there is no room.
StallWatch::Wait* StallWatch::Begin(uint16_t slot, const ThreadKey& thread, int64_t since_mono_ns, int64_t threshold_ns) {
  if (pending_count_ == kPendingMax) DropEnded();
  if (pending_count_ == kPendingMax) {
    dropped_count_.Add(1);
    return nullptr;
  }
  Wait& wait = pending_[(pending_first_ + pending_count_++) % kPendingMax];
  wait.thread = thread;
  wait.slot = slot;
  wait.generation = Load(view_.slots[slot].generation);
  wait.since_mono_ns = since_mono_ns;
  wait.crossing_mono_ns = since_mono_ns + threshold_ns;
  wait.preemption.known = false;
  next_due_ns_ = std::min(next_due_ns_, wait.crossing_mono_ns);
  return &wait;
}

// Oldest first, up to one that goes on.
void StallWatch::DropEnded() {
  while (pending_count_ > 0) {
    const Wait& wait = pending_[pending_first_];
    if (StillWaits(wait)) return;
    pending_first_ = (pending_first_ + 1) % kPendingMax;
    --pending_count_;
  }
}

void StallWatch::NotePreempted(const RingRecord& record, const ThreadKey& thread, const Preemption& preemption) {
  const hft_preempted& from = record.preempted;
  const int64_t threshold_ns = ThresholdNs();
  if (sinks_.empty() || threshold_ns == kNever || from.header.cpu >= view_.cpus.size()) return;
  Wait* wait = Begin(from.slot, thread, static_cast<int64_t>(from.header.mono_ns), threshold_ns);
  if (wait == nullptr) return;
  wait->woken = false;
  wait->cpu = from.header.cpu;
  wait->kind = from.kind < HFT_SWITCH_KINDS ? static_cast<hft_switch_kind>(from.kind) : HFT_SWITCH_UNKNOWN;
  wait->depth = from.depth;
  wait->out_clock_ns = static_cast<int64_t>(from.out_clock_ns);
  wait->log_position = from.log_position;
  wait->preemption = preemption;
}

void StallWatch::NoteWoken(uint16_t slot, const ThreadKey& thread) {
  const int64_t threshold_ns = ThresholdNs();
  if (sinks_.empty() || threshold_ns == kNever || wakers_ == nullptr) return;
  const WakerTable::Entry& from = wakers_->At(slot);
  // Woken on its way out: whether it waits or sleeps afterwards does not show in its slot. Told at its end.
  if (from.out_clock_ns == 0) return;
  Wait* wait = Begin(slot, thread, from.waker.woken_mono_ns, threshold_ns);
  if (wait == nullptr) return;
  wait->woken = true;
  wait->out_clock_ns = from.out_clock_ns;
}

bool StallWatch::Poll(int64_t now_ns, int64_t loop_gap_ns, bool caught_up) {
  if (now_ns < next_due_ns_ || sinks_.empty()) return false;
  loop_gap_ns_ = loop_gap_ns;
  caught_up_ = caught_up;
  // While the programs are off no slot shows that a wait has ended, and no log who runs: nothing of it is believed, then or afterwards.
  if (Load(view_.controls->off) != 0) pending_count_ = 0;
  bool told = PollWaits(now_ns);
  if (now_ns >= next_open_poll_ns_) told |= PollOpen(now_ns);
  if (now_ns >= next_interrupt_poll_ns_) told |= PollInterrupts(now_ns);
  next_due_ns_ = std::min(next_interrupt_poll_ns_, next_open_poll_ns_);
  if (pending_count_ > 0) next_due_ns_ = std::min(next_due_ns_, pending_[pending_first_].crossing_mono_ns);
  return told;
}

bool StallWatch::StillWaits(const Wait& wait) const {
  const hft_thread_slot& state = view_.slots[wait.slot];
  if (Load(state.generation) != wait.generation || Ns(state.out_clock_ns) != wait.out_clock_ns || Load(state.state) != HFT_SLOT_LIVE) {
    return false;
  }
  // Of a thread that is watched no more, or by another slot, this one shows a wait for ever.
  const uint32_t tgid = wait.thread.tgid;
  return wait.thread.tid < view_.slot_of_tid.size() && Load(view_.slot_of_tid[wait.thread.tid]) == wait.slot &&
         tgid / 64 < view_.watched_bits.size() && ((Load(view_.watched_bits[tgid / 64]) >> (tgid % 64)) & 1) != 0;
}

// The first level that it had not exceeded when it was told; a subscriber takes what lasts longer than its own.
int64_t StallWatch::NextCrossing(const Wait& wait, int64_t told_mono_ns) const {
  const int64_t level_ns = levels_.NextAbove(told_mono_ns - wait.since_mono_ns - 1);
  return level_ns == StallLevels::kNone ? kNever : wait.since_mono_ns + level_ns;
}

// In the order of their beginnings: with one threshold also that of their crossings.
bool StallWatch::PollWaits(int64_t now_ns) {
  bool told = false;
  while (pending_count_ > 0) {
    const Wait& wait = pending_[pending_first_];
    if (now_ns <= wait.crossing_mono_ns) break;
    if (StillWaits(wait)) told |= BeginOpen(wait, now_ns);
    pending_first_ = (pending_first_ + 1) % kPendingMax;
    --pending_count_;
  }
  return told;
}

// An earlier stall of the slot is over if the thread stalls again, whether the record of its end came or will come.
void StallWatch::EndOpenOf(uint16_t slot) {
  for (size_t i = 0; i < open_count_;) {
    if (open_[i].wait.slot != slot) {
      ++i;
      continue;
    }
    for (StallSink* sink : sinks_) sink->OnStallOver(slot, open_[i].wait.out_clock_ns, open_[i].waiting_until_ns);
    open_[i] = open_[--open_count_];
  }
}

bool StallWatch::BeginOpen(const Wait& wait, int64_t now_ns) {
  if (open_count_ == kOpenMax) {
    dropped_count_.Add(1);
    return false;
  }
  EndOpenOf(wait.slot);
  if (!TellWait(wait, now_ns)) return false;
  OpenWait& open = open_[open_count_++];
  open = {wait, now_ns, now_ns, 0};
  open.wait.crossing_mono_ns = NextCrossing(wait, now_ns);
  next_open_poll_ns_ = std::min({next_open_poll_ns_, now_ns + kOpenPollNs, open.wait.crossing_mono_ns});
  return true;
}

bool StallWatch::TellWait(const Wait& wait, int64_t now_ns) {
  interval_.thread = wait.thread;
  interval_.slot = wait.slot;
  interval_.prev_priority = 0;
  interval_.prev_policy = 0;
  interval_.wait_migrations = 0;
  interval_.end_mono_ns = now_ns;
  interval_.loop_gap_ns = loop_gap_ns_;
  interval_.wait_ns = now_ns - wait.since_mono_ns;
  interval_.out_clock_ns = wait.out_clock_ns;
  interval_.preemption = wait.preemption;
  if (!wait.woken) {
    FillPreempted(wait);
  } else if (!FillWoken(wait)) {
    return false;
  }
  CopyInterrupts(interval_.cpu, wait.since_mono_ns, now_ns, &interval_.interrupts);
  for (StallSink* sink : sinks_) sink->OnStalled(interval_, wait.crossing_mono_ns);
  return true;
}

void StallWatch::FillPreempted(const Wait& wait) {
  interval_.cpu = wait.cpu;
  interval_.out_cpu = wait.cpu;
  interval_.out_kind = wait.kind;
  interval_.out_syscall = -1;
  interval_.depth = wait.depth;
  interval_.priority = wait.preemption.victim_priority;
  interval_.policy = wait.preemption.victim_policy;
  interval_.off_cpu_ns = interval_.wait_ns;
  interval_.end_clock_ns = wait.out_clock_ns + interval_.wait_ns;
  interval_.prev_tid = wait.preemption.preemptor_tid;
  std::memcpy(interval_.prev_comm, wait.preemption.preemptor_comm, sizeof(interval_.prev_comm));
  interval_.waker.state = WakerState::kNone;
  CopyRunners(wait, interval_.end_clock_ns);
}

// False when it was not asleep: preempted just before it would have slept, which is told as such.
bool StallWatch::FillWoken(const Wait& wait) {
  const WakerTable::Entry& from = wakers_->At(wait.slot);
  const hft_departure out = LoadDeparture(view_.slots[wait.slot]);
  const auto kind = out.kind < HFT_SWITCH_KINDS ? static_cast<hft_switch_kind>(out.kind) : HFT_SWITCH_UNKNOWN;
  if (!EndsWithWakeUp(kind) || from.out_clock_ns != wait.out_clock_ns || from.wait_cpu >= view_.cpus.size()) return false;
  interval_.cpu = from.wait_cpu;
  interval_.out_cpu = out.cpu;
  interval_.out_kind = kind;
  interval_.out_syscall = out.syscall;
  interval_.depth = 0;
  interval_.priority = from.waker.woken_priority;
  interval_.policy = from.waker.woken_policy;
  interval_.off_cpu_ns = -1;  // its beginning is on the run queue's clock, now is not
  interval_.end_clock_ns = 0;
  interval_.prev_tid = 0;
  interval_.prev_comm[0] = '\0';
  interval_.waker = from.waker;
  CopyOnlyRunner(from.wait_cpu, out.wait_migrations == 0 ? from.log_position : 0);
  return true;
}

// One segment, nobody in it yet.
void StallWatch::BeginRunners(uint16_t cpu) {
  interval_.runners_truncated = false;
  interval_.span_count = 0;
  interval_.segment_count = 1;
  interval_.segments[0] = {.cpu = cpu, .first_span = 0, .span_count = 0, .wait_ns = interval_.wait_ns};
}

// Who ran there when the thread was woken, if nobody else has since: it had the whole wait. When others did, the log's times are on a clock
// that the wake-up was not read from: who ran how long is told at the end.
void StallWatch::CopyOnlyRunner(uint16_t cpu_number, uint64_t log_position) {
  BeginRunners(cpu_number);
  const hft_cpu& cpu = view_.cpus[cpu_number];
  // Acquire: the entry below it is written.
  const uint64_t end = LoadAcquire(const_cast<__u64&>(cpu.position));
  if (log_position == 0 || end != log_position || end <= Load(cpu.log_begin)) {
    interval_.runners_truncated = true;
    return;
  }
  const hft_runner& entry = cpu.log[(end - 1) % HFT_CPU_LOG_ENTRIES];
  interval_.spans[interval_.span_count++] = {Load(entry.tid), Load(entry.tgid), interval_.wait_ns};
  interval_.segments[0].span_count = 1;
}

// Who ran since the thread left, until now: one segment. What the CPU overwrote while it was copied is left out, and said.
void StallWatch::CopyRunners(const Wait& wait, int64_t now_clock_ns) {
  const hft_cpu& cpu = view_.cpus[wait.cpu];
  BeginRunners(wait.cpu);
  // A move: it waits elsewhere since, and that CPU's part of it is told by the record of the end.
  if (LoadDeparture(view_.slots[wait.slot]).wait_migrations != 0 || wait.log_position == 0) {
    interval_.runners_truncated = true;
    return;
  }
  // Acquire: the entries below it are written.
  const uint64_t end = LoadAcquire(const_cast<__u64&>(cpu.position));
  const uint64_t first = wait.log_position - 1;
  if (end < first || end - first >= HFT_CPU_LOG_ENTRIES || first < Load(cpu.log_begin)) {
    interval_.runners_truncated = true;
    return;
  }
  int64_t from_ns = wait.out_clock_ns;
  for (uint64_t i = first; i < end; ++i) {
    const hft_runner& entry = cpu.log[i % HFT_CPU_LOG_ENTRIES];
    const int64_t next_ns = i + 1 < end ? Ns(cpu.log[(i + 1) % HFT_CPU_LOG_ENTRIES].clock_ns) : now_clock_ns;
    const int64_t until_ns = std::clamp(next_ns, from_ns, std::max(from_ns, now_clock_ns));
    if (until_ns > from_ns && interval_.span_count < kRunnerSpansMax) {
      interval_.spans[interval_.span_count++] = {Load(entry.tid), Load(entry.tgid), until_ns - from_ns};
    }
    from_ns = until_ns;
  }
  interval_.segments[0].span_count = interval_.span_count;
  // Keeps the copies above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (Load(cpu.position) - first < HFT_CPU_LOG_ENTRIES) return;
  interval_.span_count = 0;
  interval_.segments[0].span_count = 0;
  interval_.runners_truncated = true;
}

// Stalls that were told: told again when they cross the next level, over when the slot shows another departure, or none. Their record
// closes them; where none came, this does.
bool StallWatch::PollOpen(int64_t now_ns) {
  bool told = false;
  const bool off = Load(view_.controls->off) != 0;
  next_open_poll_ns_ = now_ns + kOpenPollNs;
  for (size_t i = 0; i < open_count_;) {
    OpenWait& open = open_[i];
    if (!off && StillWaits(open.wait)) {
      open.waiting_until_ns = now_ns;
      // Anew at each look: a subscriber may have come since.
      open.wait.crossing_mono_ns = NextCrossing(open.wait, open.told_mono_ns);
      if (now_ns > open.wait.crossing_mono_ns) {
        told |= TellWait(open.wait, now_ns);
        open.told_mono_ns = now_ns;
        open.wait.crossing_mono_ns = NextCrossing(open.wait, now_ns);
      }
      next_open_poll_ns_ = std::min(next_open_poll_ns_, open.wait.crossing_mono_ns);
      ++i;
      continue;
    }
    if (open.over_since_ns == 0) open.over_since_ns = now_ns;
    if (!caught_up_ || now_ns - open.over_since_ns < kEndPatienceNs) {
      ++i;
      continue;
    }
    for (StallSink* sink : sinks_) sink->OnStallOver(open.wait.slot, open.wait.out_clock_ns, open.waiting_until_ns);
    open = open_[--open_count_];
    told = true;
  }
  if (open_count_ == 0) next_open_poll_ns_ = kNever;
  return told;
}

bool StallWatch::PollInterrupts(int64_t now_ns) {
  const bool off = Load(view_.controls->off) != 0;
  const int64_t threshold_ns = off ? kNever : ThresholdNs();
  bool told = false;
  next_interrupt_poll_ns_ = now_ns + std::clamp(threshold_ns, kPollIntervalMinNs, kPollIntervalMaxNs);
  for (uint32_t cpu = 0; cpu < view_.interrupts.size(); ++cpu) {
    const hft_cpu_interrupts& state = view_.interrupts[cpu];
    const bool active = !off && Load(state.active) != 0;
    if (told_stretches_[cpu].open) {
      told |= PollStretchEnd(cpu, active && Ns(state.stretch_start_ns) == told_stretches_[cpu].start_ns, now_ns);
    }
    if (active && threshold_ns != kNever) told |= PollStretch(cpu, threshold_ns, now_ns);
    if (states_ != nullptr) states_->TickIfDue();
  }
  return told;
}

// A stretch that was told; its record closes it, and where none came, this does.
bool StallWatch::PollStretchEnd(uint32_t cpu, bool goes_on, int64_t now_ns) {
  ToldStretch& told = told_stretches_[cpu];
  if (goes_on) {
    told.lasting_until_ns = now_ns;
    told.over_since_ns = 0;
    return false;
  }
  if (told.over_since_ns == 0) told.over_since_ns = now_ns;
  if (!caught_up_ || now_ns - told.over_since_ns < kStretchPatienceNs) return false;
  EndOpenStretch(cpu);
  return true;
}

void StallWatch::EndOpenStretch(uint32_t cpu) {
  ToldStretch& told = told_stretches_[cpu];
  told.open = false;
  for (StallSink* sink : sinks_) sink->OnStretchOver(static_cast<uint16_t>(cpu), told.start_ns, told.lasting_until_ns);
}

bool StallWatch::PollStretch(uint32_t cpu, int64_t threshold_ns, int64_t now_ns) {
  const int64_t start_ns = Ns(view_.interrupts[cpu].stretch_start_ns);
  if (start_ns == 0) return false;
  ToldStretch& told = told_stretches_[cpu];
  const int64_t level_ns = told.start_ns == start_ns ? levels_.NextAbove(told.told_ns - 1) : threshold_ns;
  if (level_ns == StallLevels::kNone) return false;
  const int64_t crossing_ns = start_ns + level_ns;
  if (now_ns <= crossing_ns) {
    next_interrupt_poll_ns_ = std::min(next_interrupt_poll_ns_, crossing_ns);
    return false;
  }
  if (told.start_ns != start_ns) {
    // The record of the one before may still come: its end, and this one's beginning, are told when nothing is on its way.
    if (told.open && !caught_up_) return false;
    if (told.open) EndOpenStretch(cpu);
    told = {.start_ns = start_ns};
  }
  told.told_ns = now_ns - start_ns;
  if (!TellStretch(cpu, start_ns, crossing_ns, now_ns)) return false;
  told.open = true;
  told.lasting_until_ns = now_ns;
  told.over_since_ns = 0;
  return true;
}

// The watched thread that the CPU runs.
bool StallWatch::InterruptedThread(uint32_t cpu, ThreadKey* thread, uint16_t* slot) const {
  const hft_cpu& state = view_.cpus[cpu];
  const uint64_t position = LoadAcquire(const_cast<__u64&>(state.position));
  if (position == Load(state.log_begin)) return false;
  const uint32_t tid = Load(state.log[(position - 1) % HFT_CPU_LOG_ENTRIES].tid);
  if (tid == 0 || tid >= view_.slot_of_tid.size()) return false;
  *slot = Load(view_.slot_of_tid[tid]);
  if (*slot == HFT_NO_SLOT || *slot >= view_.slots.size()) return false;
  const hft_thread_slot& watched = view_.slots[*slot];
  if (LoadAcquire(const_cast<__u32&>(watched.state)) != HFT_SLOT_LIVE || Load(watched.tid) != tid) return false;
  *thread = {tid, Load(watched.tgid), Ns(watched.start_ns)};
  const uint32_t tgid = thread->tgid;
  return tgid / 64 < view_.watched_bits.size() && ((Load(view_.watched_bits[tgid / 64]) >> (tgid % 64)) & 1) != 0;
}

bool StallWatch::TellStretch(uint32_t cpu, int64_t start_ns, int64_t crossing_ns, int64_t now_ns) {
  if (!InterruptedThread(cpu, &interruption_.thread, &interruption_.slot)) return false;
  interruption_.cpu = static_cast<uint16_t>(cpu);
  interruption_.start_mono_ns = start_ns;
  interruption_.end_mono_ns = now_ns;
  interruption_.record_mono_ns = now_ns;
  interruption_.loop_gap_ns = loop_gap_ns_;
  CopyInterrupts(cpu, start_ns, now_ns, &interruption_.interrupts);
  // It ended while it was copied: its record tells it whole.
  if (Load(view_.interrupts[cpu].active) == 0 || Ns(view_.interrupts[cpu].stretch_start_ns) != start_ns) return false;
  for (StallSink* sink : sinks_) sink->OnInterrupted(interruption_, crossing_ns);
  return true;
}

// What ran on the CPU since begin_mono_ns and has ended, then what executes now, innermost first.
void StallWatch::CopyInterrupts(uint32_t cpu, int64_t begin_mono_ns, int64_t now_ns, InterruptList* out) const {
  out->count = 0;
  out->truncated = false;
  if (cpu >= view_.interrupts.size()) return;
  const hft_cpu_interrupts& state = view_.interrupts[cpu];
  const HandlerNames names = HandlerNames::Of(view_, cpu);
  const uint64_t end = LoadAcquire(const_cast<__u64&>(state.position));
  constexpr uint64_t kRoom = kInterruptSpansMax - HFT_LEVELS;
  uint64_t first = end;
  while (first > 0 && end - first < kRoom) {
    const hft_interruption& entry = state.log[(first - 1) % HFT_INTERRUPTION_LOG_ENTRIES];
    if (Ns(entry.start_ns) + Load(entry.duration_ns) <= begin_mono_ns) break;
    --first;
  }
  out->truncated = end - first == kRoom;
  const auto add = [&](int64_t start_ns, int64_t duration_ns, uint8_t source, uint16_t number, uint8_t row) {
    InterruptSpan& span = out->spans[out->count++];
    span.start_mono_ns = start_ns;
    span.duration_ns = duration_ns;
    span.unhandled = false;
    SetHandler(source, number, row, names, &span);
  };
  for (uint64_t i = first; i < end; ++i) {
    const hft_interruption& entry = state.log[i % HFT_INTERRUPTION_LOG_ENTRIES];
    add(Ns(entry.start_ns), Load(entry.duration_ns), Load(entry.source), Load(entry.number), Load(entry.row));
  }
  for (int level = HFT_LEVEL_HARD; level >= HFT_LEVEL_SOFTIRQ; --level) {
    const hft_level_state& now = state.levels[level];
    const int64_t start_ns = Ns(now.start_ns);
    if (start_ns != 0 && start_ns < now_ns) add(start_ns, now_ns - start_ns, Load(now.source), Load(now.number), Load(now.row));
  }
}

}  // namespace hftmon
