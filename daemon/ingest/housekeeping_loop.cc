#include "daemon/ingest/housekeeping_loop.h"

#include <algorithm>
#include <utility>

#include "daemon/ingest/interrupt_builder.h"
#include "daemon/ingest/kernel_stall_builder.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

namespace {

constexpr int kPausesMax = 64;

// Tells the core that this is a spinning loop: it yields to its sibling hyperthread and leaves the loop without a pipeline flush.
void RelaxCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

std::vector<RecordRing> MakeRings(const KernelView& view, int64_t begin_mono_ns) {
  std::vector<RecordRing> rings;
  rings.reserve(view.ring_count);
  for (uint32_t cpu = 0; cpu < view.ring_count; ++cpu)
    rings.emplace_back(view.rings + cpu * view.ring_stride_bytes, view.ring_cells, static_cast<uint16_t>(cpu), begin_mono_ns);
  return rings;
}

}  // namespace

HousekeepingLoop::HousekeepingLoop(Wiring wiring, const Options& options)
    : view_(wiring.view),
      clock_(wiring.clock),
      interval_sinks_(std::move(wiring.interval_sinks)),
      interruption_sinks_(std::move(wiring.interruption_sinks)),
      kernel_stall_sinks_(std::move(wiring.kernel_stall_sinks)),
      boost_sinks_(std::move(wiring.boost_sinks)),
      life_sinks_(std::move(wiring.life_sinks)),
      guests_(std::move(wiring.guests)),
      sleep_ns_(std::move(wiring.sleep_ns)),
      gap_threshold_ns_(options.gap_threshold_ns),
      policy_(options.policy),
      slot_count_(static_cast<uint32_t>(view_.slots.size())),
      last_ns_(clock_->NowNs()),
      last_activity_ns_(last_ns_),
      merger_(MakeRings(view_, last_ns_), clock_),
      threads_(slot_count_),
      departures_(slot_count_),
      wakers_(slot_count_),
      calls_(static_cast<uint32_t>(view_.calls.size())),
      states_(view_, clock_, &wakers_),
      sampler_(view_, wiring.window_sink, options.sampling_interval_ns, last_ns_, &states_),
      stalls_(view_, &wakers_, std::move(wiring.stall_sinks), &states_),
      held_ups_(view_, &wakers_, wiring.earlier_sleeps, stalls_.levels(), std::move(wiring.held_up_sinks), &states_),
      stretches_(view_) {}

void HousekeepingLoop::Run(const std::atomic<bool>& stop) {
  last_ns_ = clock_->NowNs();  // what passed since construction is no gap
  awake_since_ns_ = last_ns_;
  // Relaxed: the flag publishes nothing; whoever set it joins the thread.
  while (!stop.load(std::memory_order_relaxed)) {
    const bool active = RunOnce();
    if (const PollPolicy& policy = this->policy(); policy.work_max_ns > 0 && last_ns_ - awake_since_ns_ >= policy.work_max_ns) {
      Sleep(policy.sleep_ns);
    } else if (!active) {
      Rest(last_ns_);
    }
  }
}

bool HousekeepingLoop::RunOnce() {
  const int64_t now_ns = clock_->NowNs();
  NoteGap(now_ns);
  stats_.iteration_count.Add(1);
  stats_.heartbeat_mono_ns.Set(now_ns);
  states_.Look(now_ns);
  states_.TickAt(now_ns);
  const int steps = DrainRecords();
  states_.TickIfDue();
  const bool sampling = sampler_.Step(now_ns);
  if (steps > 0) last_activity_ns_ = now_ns;
  // Before the stalls: a stretch that is over is told before the next one of its CPU.
  const bool held = !stretches_.empty();
  if (held) stretches_.Poll(clock_->NowNs(), [this](const Interruption& over) { DeliverStretch(over); });
  // After the records: a wait whose end is among them is none that goes on.
  const bool stalled = stalls_.Poll(now_ns, late_ns_, caught_up_);
  states_.TickIfDue();
  const bool looking = held_ups_.Step({.now_ns = now_ns, .loop_gap_ns = late_ns_, .caught_up = caught_up_}, sampler_.high_water());
  bool visited = false;
  for (LoopGuest* const guest : guests_) visited |= guest->Poll(now_ns);
  if (caught_up_) stats_.caught_up_mono_ns.Set(now_ns);
  const bool active = steps > 0 || sampling || stalled || held || looking || visited;
  if (active) PublishCounts();
  return active;
}

void HousekeepingLoop::NoteGap(int64_t now_ns) {
  const int64_t gap_ns = now_ns - last_ns_;
  last_ns_ = now_ns;
  if (const PollPolicy* policy = &this->policy(); policy != lateness_policy_) {
    lateness_policy_ = policy;
    lateness_.Restart();
  } else {
    lateness_.Note(std::max<int64_t>(gap_ns, 0));
  }
  late_ns_ = std::max<int64_t>(gap_ns, 0);
  if (gap_ns <= gap_threshold_ns_) return;
  stats_.gap_count.Add(1);
  stats_.gap_sum_ns.Add(gap_ns);
  stats_.gap_max_ns.Raise(gap_ns);
}

void HousekeepingLoop::Spin() {
  // Bounded by count too: how long a pause lasts differs tenfold between CPUs.
  for (int i = 0; i < kPausesMax; ++i) {
    RelaxCpu();
    const int64_t now_ns = clock_->NowNs();
    states_.TickAt(now_ns);
    if (now_ns - last_ns_ >= kSpinGapNs) return;
  }
}

void HousekeepingLoop::Rest(int64_t now_ns) {
  const PollPolicy& policy = this->policy();
  if (now_ns - last_activity_ns_ < policy.spin_after_activity_ns || policy.sleep_ns == 0 || states_.spins()) {
    Spin();
    return;
  }
  int64_t sleep_ns = std::clamp((now_ns - last_activity_ns_) / 8, policy.sleep_ns, policy.sleep_max_ns);
  // Where buckets are narrower than the longest sleep: to the next edge, if the policy sleeps so briefly at all.
  if (sampler_.interval_ns() < sleep_ns) sleep_ns = std::max(policy.sleep_ns, std::min(sleep_ns, sampler_.due_ns() - now_ns));
  if (states_.active()) sleep_ns = std::clamp<int64_t>(states_.due_ns() - clock_->NowNs(), 0, sleep_ns);
  if (sleep_ns > 0) Sleep(sleep_ns);
}

void HousekeepingLoop::Sleep(int64_t sleep_ns) {
  sleep_ns_(sleep_ns);
  // What it slept longer than it meant to is a gap like any other.
  last_ns_ += sleep_ns;
  awake_since_ns_ = last_ns_;
}

// Records, losses and waits taken: 0 when there was nothing at all.
int HousekeepingLoop::DrainRecords() {
  int records = 0;
  int steps = 0;
  caught_up_ = false;
  while (steps < kRecordsPerIteration) {
    const RingMerger::Step step = merger_.Next();
    if (step == RingMerger::Step::kIdle) {
      caught_up_ = true;
      break;
    }
    ++steps;
    if (step == RingMerger::Step::kWaiting) break;
    if (step == RingMerger::Step::kLoss) {
      DeliverLoss(merger_.loss());
      continue;
    }
    ++records;
    Dispatch(merger_.record());
    states_.TickIfDue();
  }
  if (records > 0) stats_.record_count.Add(static_cast<uint64_t>(records));
  return steps;
}

void HousekeepingLoop::Dispatch(const RingRecord& record) {
  switch (record.header.type) {
    case HFT_RECORD_SWITCH_IN:
      OnSwitchIn(record);
      break;
    case HFT_RECORD_MIGRATION:
      OnMigration(record);
      break;
    case HFT_RECORD_INTERRUPTED:
      OnInterrupted(record);
      break;
    case HFT_RECORD_PREEMPTED:
      OnPreempted(record);
      break;
    case HFT_RECORD_WAKER:
      OnWaker(record);
      break;
    case HFT_RECORD_CALL:
      OnCall(record);
      break;
    case HFT_RECORD_KERNEL_TIME:
      OnKernelStall(record);
      break;
    case HFT_RECORD_BOOST:
      OnBoost(record);
      break;
    default:
      OnLifeRecord(record);
      break;
  }
}

// False when the slot is no longer this thread's: it was detached, or ended, with the record still on its way.
bool HousekeepingLoop::Identify(uint32_t slot, uint32_t tid, uint32_t tgid, ThreadKey* out) {
  if (slot == HFT_NO_SLOT || slot >= slot_count_) return false;
  hft_thread_slot& state = view_.slots[slot];
  // Acquire: pairs with whoever publishes a slot's identity by its state.
  if (LoadAcquire(state.state) == HFT_SLOT_FREE || LoadRelaxed(state.tid) != tid) return false;
  *out = {tid, tgid, static_cast<int64_t>(LoadRelaxed(state.start_ns))};
  return true;
}

void HousekeepingLoop::OnSwitchIn(const RingRecord& record) {
  const hft_switch_in& in = record.switch_in;
  ThreadKey thread;
  if (!Identify(in.slot, in.tid, in.tgid, &thread)) {
    ++stale_count_;
    return;
  }
  sampler_.NoteSlot(in.slot);
  held_ups_.NoteClocks(in.header.cpu, static_cast<int64_t>(in.in_clock_ns), static_cast<int64_t>(in.header.mono_ns));
  BuildInterval(record, thread, threads_.Claim(in.slot, in.tid, in.out.wait_migrations), NamesOf(in.header.cpu), &interval_,
                &build_counters_);
  if (const Preemption* preemption = departures_.Find(in.slot, interval_.out_clock_ns)) interval_.preemption = *preemption;
  NameWaker(in);
  if (const Call* call = calls_.Find(in.slot, interval_.out_clock_ns)) interval_.call = *call;
  interval_.loop_gap_ns = late_ns_;
  ++interval_count_;
  for (IntervalSink* sink : interval_sinks_) sink->OnInterval(interval_);
}

// A record that did not come is counted, unless the thread was never seen leaving: it may not have slept at all.
void HousekeepingLoop::NameWaker(const hft_switch_in& in) {
  if (!EndsWithWakeUp(interval_.out_kind)) return;
  if (const Waker* waker = wakers_.Find(in.slot, in.tid, interval_.out_clock_ns, in.voluntary_count)) {
    interval_.waker = *waker;
    return;
  }
  if (interval_.out_clock_ns == 0 || LoadRelaxed(view_.slots[in.slot].wishes.waker) == 0) return;
  interval_.waker.state = WakerState::kUnknown;
  ++waker_unknown_count_;
}

void HousekeepingLoop::OnMigration(const RingRecord& record) {
  const hft_migration& move = record.migration;
  ThreadKey thread;
  if (!Identify(move.slot, move.tid, move.tgid, &thread)) {
    ++stale_count_;
    return;
  }
  sampler_.NoteSlot(move.slot);
  wakers_.NoteMove(move.slot, move.tid, move.to_cpu);
  if (move.queued != 0) BuildWaitPart(record, threads_.Add(move.slot, move.tid), &build_counters_);
  BuildMigrationEvent(record, thread, &life_);
  DeliverLife();
}

void HousekeepingLoop::OnInterrupted(const RingRecord& record) {
  const hft_interrupted& interrupted = record.interrupted;
  ThreadKey thread;
  if (!Identify(interrupted.slot, interrupted.tid, interrupted.tgid, &thread)) {
    ++stale_count_;
    return;
  }
  sampler_.NoteSlot(interrupted.slot);
  if (!BuildInterruption(record, thread, NamesOf(interrupted.header.cpu), &interruption_)) {
    ++build_counters_.discarded_count;
    return;
  }
  interruption_.loop_gap_ns = late_ns_;
  stretches_.Put(interruption_, [this](const Interruption& over) { DeliverStretch(over); });
}

void HousekeepingLoop::DeliverStretch(const Interruption& stretch) {
  for (InterruptionSink* sink : interruption_sinks_) sink->OnInterruption(stretch);
}

void HousekeepingLoop::OnPreempted(const RingRecord& record) {
  ThreadKey thread;
  const hft_preempted& preempted = record.preempted;
  if (!Identify(preempted.slot, preempted.tid, preempted.tgid, &thread)) {
    ++stale_count_;
    return;
  }
  Preemption* preemption = departures_.Note(preempted.slot, static_cast<int64_t>(preempted.out_clock_ns));
  BuildPreemption(record, preemption);
  stalls_.NotePreempted(record, thread, *preemption);
}

void HousekeepingLoop::OnWaker(const RingRecord& record) {
  ThreadKey thread;
  const hft_waker& waker = record.waker;
  if (!Identify(waker.slot, waker.tid, waker.tgid, &thread)) {
    ++stale_count_;
    return;
  }
  BuildWaker(record, NamesOf(waker.header.cpu).devices, wakers_.Note(waker.slot), &build_counters_);
  stalls_.NoteWoken(waker.slot, thread);
}

void HousekeepingLoop::OnCall(const RingRecord& record) {
  ThreadKey thread;
  const hft_call& call = record.call;
  if (!Identify(call.slot, call.tid, call.tgid, &thread) || call.slot >= view_.calls.size()) {
    ++stale_count_;
    return;
  }
  BuildCall(call.call, calls_.Note(call.slot, static_cast<int64_t>(call.call.out_clock_ns)), &build_counters_);
}

void HousekeepingLoop::OnKernelStall(const RingRecord& record) {
  ThreadKey thread;
  const hft_kernel_time& ended = record.kernel_time;
  if (!Identify(ended.slot, ended.tid, ended.tgid, &thread)) {
    ++stale_count_;
    return;
  }
  if (!BuildKernelStall(record, thread, NamesOf(ended.header.cpu), &kernel_stall_)) {
    ++build_counters_.discarded_count;
    return;
  }
  kernel_stall_.loop_gap_ns = late_ns_;
  for (KernelStallSink* sink : kernel_stall_sinks_) sink->OnKernelStall(kernel_stall_);
}

void HousekeepingLoop::OnBoost(const RingRecord& record) {
  ThreadKey thread;
  const hft_boost& boost = record.boost;
  if (!Identify(boost.slot, boost.tid, boost.tgid, &thread)) {
    ++stale_count_;
    return;
  }
  BuildBoostStep(record, thread, &boost_);
  for (BoostSink* sink : boost_sinks_) sink->OnBoost(boost_);
}

void HousekeepingLoop::OnLifeRecord(const RingRecord& record) {
  BuildLifeEvent(record, slot_count_, &life_);
  if (life_.slot != HFT_NO_SLOT) {
    const bool ended = life_.kind == LifeKind::kEnded;
    ThreadKey thread;
    const bool current = Identify(life_.slot, life_.thread.tid, life_.thread.tgid, &thread) && thread == life_.thread;
    if (!current) {
      ++stale_count_;
    } else {
      threads_.Forget(life_.slot);
      sampler_.NoteSlot(life_.slot);
      // Before the control thread hears of it and gives the slot to another thread; an exec may have changed the thread's identity.
      if (ended || life_.kind == LifeKind::kExec) sampler_.Flush(life_.slot, life_.mono_ns, ended);
    }
  }
  DeliverLife();
}

void HousekeepingLoop::DeliverLife() {
  ++life_count_;
  for (LifeSink* sink : life_sinks_) sink->OnLife(life_);
}

void HousekeepingLoop::DeliverLoss(const RingLoss& loss) {
  threads_.Distrust();
  LossEvent event;
  event.cpu = loss.cpu;
  event.lost_count = loss.lost_count + loss.stuck_count;
  event.begin_mono_ns = loss.begin_mono_ns;
  event.end_mono_ns = loss.end_mono_ns;
  stats_.lost_count.Add(loss.lost_count);
  stats_.stuck_count.Add(loss.stuck_count);
  for (IntervalSink* sink : interval_sinks_) sink->OnLoss(event);
}

void HousekeepingLoop::PublishCounts() {
  stats_.interval_count.Set(interval_count_);
  stats_.life_count.Set(life_count_);
  stats_.stale_count.Set(stale_count_);
  stats_.discarded_count.Set(build_counters_.discarded_count);
  stats_.migration_segments_dropped_count.Set(build_counters_.migration_segments_dropped_count);
  stats_.waker_unknown_count.Set(waker_unknown_count_);
  stats_.nested_count.Set(merger_.nested_count());
}

}  // namespace hftmon
