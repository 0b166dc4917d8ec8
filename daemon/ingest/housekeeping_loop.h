// HousekeepingLoop: the one thread that drains the rings in the order of time and feeds windows, history and the spike detector.
//
// Owner: the daemon's composition root, which also creates, pins and schedules the thread. Threads: Run or RunOnce by one thread; setters,
// stats and sampler() observers by anyone; of states() what its own header says. After construction it allocates nothing and takes no lock;
// under kLatencyPolicy it makes no system call, under the others only the injected sleep. Bounds: an iteration takes at most
// kRecordsPerIteration records and one step of the sampler.
// While CPUs' states are sampled the loop stays awake, whatever the policy (but for the pauses that work_max_ns demands), unless the
// sampling says that its CPU is shared: then it sleeps no longer than to the next tick. Between two pieces of its work, a record or a slot,
// a tick that is due is taken.
#ifndef HFTMON_DAEMON_INGEST_HOUSEKEEPING_LOOP_H_
#define HFTMON_DAEMON_INGEST_HOUSEKEEPING_LOOP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/call.h"
#include "daemon/ingest/departure_table.h"
#include "daemon/ingest/earlier_sleeps.h"
#include "daemon/ingest/held_up_walk.h"
#include "daemon/ingest/interval_builder.h"
#include "daemon/ingest/loop_guest.h"
#include "daemon/ingest/loop_lateness.h"
#include "daemon/ingest/loop_stats.h"
#include "daemon/ingest/poll_policy.h"
#include "daemon/ingest/preemption.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/slot_sampler.h"
#include "daemon/ingest/stall_watch.h"
#include "daemon/ingest/state_sampler.h"
#include "daemon/ingest/stretch_hold.h"
#include "daemon/ingest/thread_table.h"
#include "daemon/ingest/waker_table.h"
#include "daemon/ring/ring_merger.h"

namespace hftmon {

class HousekeepingLoop {
 public:
  static constexpr int kRecordsPerIteration = 512;

  // All that is pointed to outlives the loop. Sinks are called in the order given.
  struct Wiring {
    KernelView view;
    const MonotonicClock* clock = nullptr;
    std::vector<IntervalSink*> interval_sinks;
    std::vector<InterruptionSink*> interruption_sinks;
    std::vector<KernelStallSink*> kernel_stall_sinks;
    std::vector<StallSink*> stall_sinks;
    std::vector<HeldUpSink*> held_up_sinks;
    std::vector<BoostSink*> boost_sinks;
    const EarlierSleeps* earlier_sleeps = nullptr;  // none: what slept before it was watched is not told
    std::vector<LifeSink*> life_sinks;
    std::vector<LoopGuest*> guests;
    WindowSink* window_sink = nullptr;
    std::function<void(int64_t)> sleep_ns;  // the only thing that may enter the kernel; never called under kLatencyPolicy
  };
  struct Options {
    const PollPolicy* policy = &kBalancedPolicy;  // lives for ever
    int64_t sampling_interval_ns = 10'000'000;
    int64_t gap_threshold_ns = 100'000;
  };

  HousekeepingLoop(Wiring wiring, const Options& options);

  void Run(const std::atomic<bool>& stop);
  // One iteration without its rest. True when there was something to do.
  bool RunOnce();

  void SetPolicy(const PollPolicy* policy) { policy_.store(policy, std::memory_order_relaxed); }  // a constant: nothing else is published
  const PollPolicy& policy() const { return *policy_.load(std::memory_order_relaxed); }
  // See StallWatch::SetLevels.
  void SetStallLevels(std::span<const int64_t> levels_ns) { stalls_.SetLevels(levels_ns); }
  void SetHeldUpWishes(const HeldUpWishes& wishes) { held_ups_.SetWishes(wishes); }
  // See SleepWatch::SetLevels.
  void SetSleepLevels(std::span<const int64_t> levels_ns) { held_ups_.SetSleepLevels(levels_ns); }
  void SetSamplingIntervalNs(int64_t interval_ns) { sampler_.SetIntervalNs(interval_ns); }
  int64_t gap_threshold_ns() const { return gap_threshold_ns_; }
  const LoopStats& stats() const { return stats_; }
  // Since the policy in force began.
  const LoopLateness& lateness() const { return lateness_; }
  SlotSampler& sampler() { return sampler_; }
  StateSampler& states() { return states_; }
  const StallWatch& stalls() const { return stalls_; }
  const HeldUpWalk& held_ups() const { return held_ups_; }

 private:
  void NoteGap(int64_t now_ns);
  int DrainRecords();
  void Dispatch(const RingRecord& record);
  void OnSwitchIn(const RingRecord& record);
  void OnMigration(const RingRecord& record);
  void OnInterrupted(const RingRecord& record);
  void OnPreempted(const RingRecord& record);
  void OnWaker(const RingRecord& record);
  void OnCall(const RingRecord& record);
  void OnKernelStall(const RingRecord& record);
  void OnBoost(const RingRecord& record);
  void NameWaker(const hft_switch_in& in);
  void DeliverStretch(const Interruption& stretch);
  void OnLifeRecord(const RingRecord& record);
  void DeliverLife();
  void DeliverLoss(const RingLoss& loss);
  HandlerNames NamesOf(uint16_t cpu) const { return HandlerNames::Of(view_, cpu); }
  bool Identify(uint32_t slot, uint32_t tid, uint32_t tgid, ThreadKey* out);
  void PublishCounts();
  void Rest(int64_t now_ns);
  void Sleep(int64_t sleep_ns);
  void Spin();

  KernelView view_;
  const MonotonicClock* clock_;
  std::vector<IntervalSink*> interval_sinks_;
  std::vector<InterruptionSink*> interruption_sinks_;
  std::vector<KernelStallSink*> kernel_stall_sinks_;
  std::vector<BoostSink*> boost_sinks_;
  std::vector<LifeSink*> life_sinks_;
  std::vector<LoopGuest*> guests_;
  std::function<void(int64_t)> sleep_ns_;
  int64_t gap_threshold_ns_;
  std::atomic<const PollPolicy*> policy_;
  uint32_t slot_count_;
  int64_t last_ns_;             // when the last iteration began, or the last sleep should have ended
  int64_t awake_since_ns_ = 0;  // the end of the last sleep
  int64_t late_ns_ = 0;         // of this iteration
  bool caught_up_ = true;       // this iteration took all that the rings had
  int64_t last_activity_ns_;
  uint64_t interval_count_ = 0;
  uint64_t life_count_ = 0;
  uint64_t stale_count_ = 0;
  uint64_t waker_unknown_count_ = 0;
  BuildCounters build_counters_;
  RingMerger merger_;
  ThreadTable threads_;
  DepartureTable<Preemption> departures_;
  WakerTable wakers_;
  DepartureTable<Call> calls_;  // of the slots that may ask
  StateSampler states_;
  SlotSampler sampler_;
  StallWatch stalls_;
  HeldUpWalk held_ups_;
  StretchHold stretches_;
  OffCpuInterval interval_;
  LifeEvent life_;
  Interruption interruption_;
  EndedKernelStall kernel_stall_;
  BoostStep boost_;
  LoopStats stats_;
  LoopLateness lateness_;
  const PollPolicy* lateness_policy_ = nullptr;  // the policy that lateness_ is about
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_HOUSEKEEPING_LOOP_H_
