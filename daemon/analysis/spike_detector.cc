#include "daemon/analysis/spike_detector.h"

#include <algorithm>

#include "daemon/analysis/spike_kinds.h"
#include "daemon/analysis/time_budget.h"

namespace hftmon {
namespace {

int64_t NoneIfNotPositive(int64_t threshold_ns) {
  return threshold_ns > 0 ? threshold_ns : INT64_MAX;
}

}  // namespace

SpikeDetector::SpikeDetector(const MonotonicClock* clock, SpikeHistory* spikes, uint32_t slot_count)
    : clock_(clock),
      spikes_(spikes),
      last_stretches_(HFT_CPUS_MAX),
      open_(slot_count),
      asleep_(slot_count),
      kernel_stalls_(SpikeHistory::kKernelStallsMax) {}

void SpikeDetector::SetThresholds(int64_t run_queue_threshold_ns, int64_t blocked_threshold_ns) {
  // Relaxed: each threshold stands for itself, and an interval judged by the old one is no error.
  run_queue_threshold_ns_.store(NoneIfNotPositive(run_queue_threshold_ns), std::memory_order_relaxed);
  blocked_threshold_ns_.store(NoneIfNotPositive(blocked_threshold_ns), std::memory_order_relaxed);
}

SpikeDetector::OpenStall* SpikeDetector::FindOpen(std::vector<OpenStall>* open, uint16_t slot, int64_t out_clock_ns) {
  if (slot >= open->size() || (*open)[slot].id == 0 || (*open)[slot].out_clock_ns != out_clock_ns) return nullptr;
  return &(*open)[slot];
}

void SpikeDetector::OnInterval(const OffCpuInterval& interval) {
  OpenStall* open = FindOpen(&open_, interval.slot, interval.out_clock_ns);
  // What was told at its beginning is told at its end, whatever the threshold has become.
  if (open != nullptr || interval.wait_ns > run_queue_threshold_ns_.load(std::memory_order_relaxed)) {
    const uint64_t id = open != nullptr ? open->id : ++last_id_;
    if (open != nullptr) open->id = 0;
    spike_.in_progress = false;
    Emit(interval, KindOfWait(interval.out_kind), id);
    AppendDetected(interval.end_mono_ns);
    // After the end: a query finds one of the two.
    if (open != nullptr) spikes_->NoteWait(interval.slot, 0);
  }
  if (interval.off_cpu_ns < 0) return EndEarlierSleep(interval);
  OpenStall* asleep = FindOpen(&asleep_, interval.slot, interval.out_clock_ns);
  const bool blocked = interval.off_cpu_ns > blocked_threshold_ns_.load(std::memory_order_relaxed) && EndsWithWakeUp(interval.out_kind);
  if (asleep != nullptr || blocked) {
    const uint64_t id = asleep != nullptr ? asleep->id : ++last_id_;
    if (asleep != nullptr) asleep->id = 0;
    spike_.in_progress = false;
    Emit(interval, SpikeKind::kBlocked, id);
    AppendDetected(interval.end_mono_ns);
    if (asleep != nullptr) spikes_->NoteSleep(interval.slot, 0);
  }
}

// The record of a switch-in whose switch-out was not seen: what is known to be asleep since before then slept until it waited for a CPU.
void SpikeDetector::EndEarlierSleep(const OffCpuInterval& interval) {
  if (interval.slot >= asleep_.size()) return;
  OpenStall& asleep = asleep_[interval.slot];
  if (asleep.id == 0 || asleep.out_clock_ns >= 0 || asleep.thread != interval.thread) return;
  if (spikes_->Read(asleep.told_at, &spike_) == SeqRead::kOk && spike_.id == asleep.id && spike_.cause_count > 0) {
    spike_.duration_ns = std::max<int64_t>(interval.end_mono_ns - asleep.start_mono_ns, 0);
    const int64_t wait_ns = std::min(interval.wait_ns, spike_.duration_ns);
    spike_.cause_count = 2;
    spike_.causes[0].duration_ns = spike_.duration_ns - wait_ns;
    spike_.causes[0].estimated = false;
    spike_.causes[1] = {.kind = CauseKind::kRunnable, .cpu = interval.cpu, .duration_ns = wait_ns};
    if (wait_ns > spike_.causes[0].duration_ns) std::swap(spike_.causes[0], spike_.causes[1]);
    spike_.unexplained_ns = 0;
    spike_.record_clock_ns = interval.end_clock_ns;
  } else {
    FillUnknown(asleep, std::max<int64_t>(interval.end_mono_ns - asleep.start_mono_ns, 0));
  }
  spike_.in_progress = false;
  AppendDetected(interval.end_mono_ns);
  asleep.id = 0;
  spikes_->NoteSleep(interval.slot, 0);
}

// Fills spike_ with what is known so far; `open` has it from now on.
void SpikeDetector::TellOpen(const OffCpuInterval& so_far, SpikeKind kind, OpenStall* open) {
  const bool again = open->id != 0 && open->out_clock_ns == so_far.out_clock_ns;
  const int64_t duration_ns = kind == SpikeKind::kBlocked ? so_far.off_cpu_ns : so_far.wait_ns;
  *open = {.id = again ? open->id : ++last_id_,
           .out_clock_ns = so_far.out_clock_ns,
           .start_mono_ns = so_far.end_mono_ns - duration_ns,
           .thread = so_far.thread,
           .kind = kind,
           .slot = so_far.slot,
           .cpu = so_far.cpu,
           .crossing_mono_ns = again ? open->crossing_mono_ns : 0};
  spike_.in_progress = true;
  Emit(so_far, kind, open->id);
  spike_.record_clock_ns = 0;  // no record has read both clocks at its end: how far its start is off is not known
}

void SpikeDetector::OnStalled(const OffCpuInterval& so_far, int64_t crossing_mono_ns) {
  if (so_far.slot >= open_.size()) return;
  OpenStall& open = open_[so_far.slot];
  TellOpen(so_far, KindOfWait(so_far.out_kind), &open);
  spikes_->NoteWait(so_far.slot, open.id);
  open.told_at = AppendDetected(crossing_mono_ns);
}

void SpikeDetector::OnStallOver(uint16_t slot, int64_t out_clock_ns, int64_t waiting_until_mono_ns) {
  OpenStall* open = FindOpen(&open_, slot, out_clock_ns);
  if (open == nullptr) return;
  EmitUnexplained(*open, waiting_until_mono_ns);
  open->id = 0;
  spikes_->NoteWait(slot, 0);
}

// What a look finds: whether it was woken meanwhile is not known.
void SpikeDetector::MarkEstimated() {
  for (size_t i = 0; i < spike_.cause_count; ++i) spike_.causes[i].estimated = true;
}

// Found by a look, some time after it crossed the threshold, so none of the detector's own latencies.
SpikePosition SpikeDetector::AppendGoingOn(OpenStall* open, int64_t crossing_mono_ns) {
  if (crossing_mono_ns != 0) open->crossing_mono_ns = crossing_mono_ns;
  spike_.record_mono_ns = open->crossing_mono_ns;
  return Append();
}

void SpikeDetector::OnAsleep(const OffCpuInterval& so_far, int64_t crossing_mono_ns) {
  if (so_far.slot >= asleep_.size()) return;
  OpenStall& open = asleep_[so_far.slot];
  TellOpen(so_far, SpikeKind::kBlocked, &open);
  MarkEstimated();
  spikes_->NoteSleep(so_far.slot, open.id);
  open.told_at = AppendGoingOn(&open, crossing_mono_ns);
}

void SpikeDetector::OnSleepOver(uint16_t slot, int64_t out_clock_ns, int64_t asleep_until_mono_ns) {
  OpenStall* open = FindOpen(&asleep_, slot, out_clock_ns);
  if (open == nullptr) return;
  EmitUnexplained(*open, asleep_until_mono_ns);
  open->id = 0;
  spikes_->NoteSleep(slot, 0);
}

void SpikeDetector::OnStretchOver(uint16_t cpu, int64_t start_mono_ns, int64_t lasting_until_mono_ns) {
  if (cpu >= last_stretches_.size()) return;
  LastStretch& last = last_stretches_[cpu];
  if (!last.going_on || last.told.start_mono_ns != start_mono_ns) return;
  EmitUnexplained(last.told, lasting_until_mono_ns);
  SetGoingOn(&last, false);
}

// Nothing is known of its end: it lasted at least as long as this. What was known when it was told last stands, the rest is unexplained.
// One that began before watching did never has a record of its end: it is the same sleep until its thread was seen on a CPU.
void SpikeDetector::EmitUnexplained(const OpenStall& stall, int64_t until_mono_ns) {
  const int64_t seen_ns = std::max<int64_t>(until_mono_ns - stall.start_mono_ns, 0);
  const bool told = spikes_->Read(stall.told_at, &spike_) == SeqRead::kOk && spike_.id == stall.id;
  const bool slept = told && stall.out_clock_ns < 0 && spike_.cause_count > 0 && spike_.causes[0].kind == CauseKind::kBlocked;
  if (told) {
    const int64_t longer_ns = std::max<int64_t>(seen_ns - spike_.duration_ns, 0);
    spike_.duration_ns += longer_ns;
    (slept ? spike_.causes[0].duration_ns : spike_.unexplained_ns) += longer_ns;
  } else {
    FillUnknown(stall, seen_ns);
  }
  spike_.in_progress = false;
  spike_.runners_truncated = !slept;
  spike_.record_mono_ns = spike_.start_mono_ns + spike_.duration_ns;
  spike_.record_missing = true;
  Append();
  spike_.record_missing = false;
}

// Its last telling was overwritten.
void SpikeDetector::FillUnknown(const OpenStall& stall, int64_t duration_ns) {
  spike_.id = stall.id;
  spike_.kind = stall.kind;
  spike_.thread = stall.thread;
  spike_.slot = stall.slot;
  spike_.cpu = stall.cpu;
  ForgetDetails();
  spike_.began_earlier = stall.out_clock_ns < 0;
  spike_.start_mono_ns = stall.start_mono_ns;
  spike_.loop_gap_ns = 0;
  spike_.duration_ns = duration_ns;
  spike_.cause_count = 0;
  spike_.unexplained_ns = duration_ns;
}

void SpikeDetector::SetGoingOn(LastStretch* stretch, bool going_on) {
  stretch->going_on = going_on;
  spikes_->NoteStretch(stretch->told.cpu, going_on ? stretch->told.id : 0);
}

void SpikeDetector::OnLoss(const LossEvent& loss) {
  if (loss.lost_count == 0) return;
  if (loss_count_ == kLossesMax) {
    LossEvent& older = losses_[0];
    older.lost_count += losses_[1].lost_count;
    older.begin_mono_ns = std::min(older.begin_mono_ns, losses_[1].begin_mono_ns);
    older.end_mono_ns = std::max(older.end_mono_ns, losses_[1].end_mono_ns);
    std::copy(losses_.begin() + 2, losses_.end(), losses_.begin() + 1);
    --loss_count_;
  }
  losses_[loss_count_++] = loss;
  loss_until_mono_ns_ = std::max(loss_until_mono_ns_, loss.end_mono_ns);
}

// Fills spike_ from an interval; in_progress is set before.
void SpikeDetector::Emit(const OffCpuInterval& interval, SpikeKind kind, uint64_t id) {
  spike_.id = id;
  spike_.kind = kind;
  spike_.thread = interval.thread;
  spike_.slot = interval.slot;
  spike_.cpu = interval.cpu;
  spike_.depth = interval.depth;
  spike_.priority = interval.priority;
  spike_.wait_migrations = interval.wait_migrations;
  spike_.out_kind = interval.out_kind;
  spike_.out_syscall = interval.out_syscall;
  spike_.runners_truncated = interval.runners_truncated;
  spike_.began_earlier = interval.out_clock_ns < 0;
  FillTimeBudget(interval, &spike_);
  spike_.start_mono_ns = interval.end_mono_ns - spike_.duration_ns;
  spike_.record_clock_ns = interval.end_clock_ns;
  spike_.loop_gap_ns = interval.loop_gap_ns;
  spike_.preemption.known = kind == SpikeKind::kPreempted && interval.preemption.known;
  if (spike_.preemption.known) spike_.preemption = interval.preemption;
  spike_.waker.state = interval.waker.state;
  if (spike_.waker.state == WakerState::kKnown) spike_.waker = interval.waker;
  spike_.call.state = interval.call.state;
  if (spike_.call.state != HFT_CALL_NONE) spike_.call = interval.call;
  spike_.stall.known = false;
}

// The same for each telling of one stretch.
uint64_t SpikeDetector::IdOfStretch(const Interruption& interruption) {
  if (interruption.cpu >= last_stretches_.size()) return ++last_id_;
  LastStretch& last = last_stretches_[interruption.cpu];
  // Its record came late, after the beginning of the next one was told.
  if (interruption.start_mono_ns < last.told.start_mono_ns) return ++last_id_;
  if (last.told.id == 0 || last.told.start_mono_ns != interruption.start_mono_ns) {
    // Its own end will not be known by its id any more.
    if (last.going_on) {
      EmitUnexplained(last.told, last.told.start_mono_ns + last.told_ns);
      SetGoingOn(&last, false);
    }
    last.told = {.id = ++last_id_,
                 .start_mono_ns = interruption.start_mono_ns,
                 .thread = interruption.thread,
                 .kind = SpikeKind::kInterrupted,
                 .slot = interruption.slot,
                 .cpu = interruption.cpu};
  }
  last.told_ns = interruption.end_mono_ns - interruption.start_mono_ns;
  return last.told.id;
}

void SpikeDetector::FillInterrupted(const Interruption& interruption, uint64_t id) {
  spike_.id = id;
  spike_.kind = SpikeKind::kInterrupted;
  spike_.thread = interruption.thread;
  spike_.slot = interruption.slot;
  spike_.cpu = interruption.cpu;
  ForgetDetails();
  spike_.runners_truncated = interruption.interrupts.truncated;
  FillInterruptionBudget(interruption, &spike_);
  spike_.start_mono_ns = interruption.start_mono_ns;
  spike_.loop_gap_ns = interruption.loop_gap_ns;
}

void SpikeDetector::OnMarked(const Spike& spike) {
  spike_ = spike;
  spike_.id = ++last_id_;
  spike_.in_progress = false;
  Append();
  spike_.mark.known = false;
}

// What only a wait, or only one of the kernel's doings, has.
void SpikeDetector::ForgetDetails() {
  spike_.began_earlier = false;
  spike_.depth = 0;
  spike_.priority = 0;
  spike_.wait_migrations = 0;
  spike_.out_kind = HFT_SWITCH_UNKNOWN;
  spike_.out_syscall = -1;
  spike_.record_clock_ns = 0;
  spike_.preemption.known = false;
  spike_.waker.state = WakerState::kNone;
  spike_.call.state = HFT_CALL_NONE;
  spike_.stall.known = false;
}

SpikeDetector::OpenStall* SpikeDetector::FindKernelStall(uint16_t slot, SpikeKind kind, int64_t start_mono_ns) {
  if (kernel_stall_count_ == 0) return nullptr;
  const auto found = std::find_if(kernel_stalls_.begin(), kernel_stalls_.end(), [&](const OpenStall& open) {
    return open.id != 0 && open.slot == slot && open.kind == kind && open.start_mono_ns == start_mono_ns;
  });
  return found == kernel_stalls_.end() ? nullptr : &*found;
}

void SpikeDetector::CloseKernelStall(OpenStall* open) {
  open->id = 0;
  --kernel_stall_count_;
  spikes_->NoteKernelStall(static_cast<size_t>(open - kernel_stalls_.data()), 0);
}

void SpikeDetector::FillKernelStall(const EndedKernelStall& stall, uint64_t id) {
  spike_.id = id;
  spike_.kind = KindOfStall(stall.stall.what);
  spike_.thread = stall.thread;
  spike_.slot = stall.slot;
  spike_.cpu = stall.cpu;
  ForgetDetails();
  spike_.runners_truncated = stall.interrupts.truncated;
  FillKernelStallBudget(stall, &spike_);
  spike_.start_mono_ns = stall.start_mono_ns;
  spike_.loop_gap_ns = stall.loop_gap_ns;
  spike_.stall = stall.stall;
}

void SpikeDetector::OnKernelStall(const EndedKernelStall& stall) {
  OpenStall* open = FindKernelStall(stall.slot, KindOfStall(stall.stall.what), stall.start_mono_ns);
  const int64_t duration_ns = stall.end_mono_ns - stall.start_mono_ns;
  // What was told at its beginning is told at its end, whatever the threshold has become.
  if (open == nullptr && duration_ns <= run_queue_threshold_ns_.load(std::memory_order_relaxed)) return;
  spike_.in_progress = false;
  FillKernelStall(stall, open != nullptr ? open->id : ++last_id_);
  AppendDetected(stall.record_mono_ns);
  if (open != nullptr) CloseKernelStall(open);
}

void SpikeDetector::OnKernelStallGoesOn(const EndedKernelStall& so_far, int64_t crossing_mono_ns) {
  const SpikeKind kind = KindOfStall(so_far.stall.what);
  OpenStall* open = FindKernelStall(so_far.slot, kind, so_far.start_mono_ns);
  if (open == nullptr) {
    const auto free = std::find_if(kernel_stalls_.begin(), kernel_stalls_.end(), [](const OpenStall& place) { return place.id == 0; });
    if (free == kernel_stalls_.end()) return;  // the watch tells no more than there are places
    open = &*free;
    *open = {.id = ++last_id_,
             .start_mono_ns = so_far.start_mono_ns,
             .thread = so_far.thread,
             .kind = kind,
             .slot = so_far.slot,
             .cpu = so_far.cpu};
    ++kernel_stall_count_;
  }
  spikes_->NoteKernelStall(static_cast<size_t>(open - kernel_stalls_.data()), open->id);
  spike_.in_progress = true;
  FillKernelStall(so_far, open->id);
  MarkEstimated();
  open->told_at = AppendGoingOn(open, crossing_mono_ns);
}

void SpikeDetector::OnKernelStallOver(uint16_t slot, hft_kernel_what what, int64_t start_mono_ns, int64_t lasting_until_mono_ns) {
  OpenStall* open = FindKernelStall(slot, KindOfStall(what), start_mono_ns);
  if (open == nullptr) return;
  EmitUnexplained(*open, lasting_until_mono_ns);
  CloseKernelStall(open);
}

void SpikeDetector::OnInterruption(const Interruption& interruption) {
  LastStretch* last = interruption.cpu < last_stretches_.size() ? &last_stretches_[interruption.cpu] : nullptr;
  const bool going_on = last != nullptr && last->going_on && last->told.start_mono_ns == interruption.start_mono_ns;
  // What was told at its beginning is told at its end, whatever the threshold has become.
  const int64_t duration_ns = interruption.end_mono_ns - interruption.start_mono_ns;
  if (!going_on && duration_ns <= run_queue_threshold_ns_.load(std::memory_order_relaxed)) return;
  const uint64_t id = IdOfStretch(interruption);
  spike_.in_progress = false;
  FillInterrupted(interruption, id);
  AppendDetected(interruption.record_mono_ns);
  if (going_on) SetGoingOn(last, false);
}

void SpikeDetector::OnInterrupted(const Interruption& so_far, int64_t crossing_mono_ns) {
  if (so_far.cpu >= last_stretches_.size()) return;
  const uint64_t id = IdOfStretch(so_far);
  SetGoingOn(&last_stretches_[so_far.cpu], true);
  spike_.in_progress = true;
  FillInterrupted(so_far, id);
  last_stretches_[so_far.cpu].told.told_at = AppendDetected(crossing_mono_ns);
}

// spike_ but for what is said about its detection.
SpikePosition SpikeDetector::AppendDetected(int64_t record_mono_ns) {
  spike_.record_mono_ns = record_mono_ns;
  const SpikePosition position = Append();
  (spike_.in_progress ? crossing_detection_ : detection_).Record(spike_.detected_mono_ns - spike_.record_mono_ns);
  return position;
}

SpikePosition SpikeDetector::Append() {
  spike_.lost_records = 0;
  if (loss_until_mono_ns_ >= spike_.start_mono_ns) MarkLosses();
  const bool unseen = spike_.mark.known && spike_.mark.floor_ns < 0;
  spike_.inconclusive = spike_.lost_records > 0 || spike_.record_missing || unseen || !WasSeenWhole();
  spike_.detected_mono_ns = clock_->NowNs();
  return spikes_->Append(&spike_);
}

void SpikeDetector::SetConclusive(int64_t since_mono_ns, int64_t until_mono_ns) {
  conclusive_since_mono_ns_.store(since_mono_ns, std::memory_order_relaxed);
  // Release: who finds the new end finds the new beginning too.
  conclusive_until_mono_ns_.store(until_mono_ns, std::memory_order_release);
}

bool SpikeDetector::WasSeenWhole() const {
  if (spike_.start_mono_ns + spike_.duration_ns > conclusive_until_mono_ns_.load(std::memory_order_acquire)) return false;
  return spike_.start_mono_ns >= conclusive_since_mono_ns_.load(std::memory_order_relaxed);
}

// A loss on any CPU counts: the thread may have been moved by that CPU, and the record of the move is in that CPU's ring.
void SpikeDetector::MarkLosses() {
  // One that goes on has lasted for longer than to its crossing.
  const int64_t until_ns = std::max(spike_.record_mono_ns, spike_.start_mono_ns + spike_.duration_ns);
  for (size_t i = 0; i < loss_count_; ++i) {
    const LossEvent& loss = losses_[i];
    if (loss.end_mono_ns >= spike_.start_mono_ns && loss.begin_mono_ns <= until_ns) spike_.lost_records += loss.lost_count;
  }
}

}  // namespace hftmon
