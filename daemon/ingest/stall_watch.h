// StallWatch: stalls that still go on: a watched thread that lost its CPU, or was woken, and did not get one within the threshold; a
// stretch of interrupts that lasts longer than it. Of wake-ups only those are known whose waker is asked for.
//
// Reads: HFT_RECORD_PREEMPTED and HFT_RECORD_WAKER (the beginning of a wait), the slot's out_clock_ns (whether it still waits), the CPU's
// logs of who ran and of interrupts, hft_cpu_interrupts (what executes now). Produces: what is known of the stall when it crosses the
// threshold, and later that it is over when no record of its end came. The threshold is the lowest at which anyone asked for spikes
// (hft_controls; the CPUs' copies, above which ended waits make records, may be lower); who asked for a higher one is told when the stall
// crosses that (StallLevels).
//
// Threads: the housekeeping thread; the counter by anyone. No allocation, lock or system call after construction. Bounds: kPendingMax waits
// followed at a time, more are counted in dropped_count (they are told at their end only); one stretch per CPU.
//
// Disturbance: nothing is read of a watched CPU's memory before a wait has lasted for the threshold. A stretch of interrupts has no record
// of its beginning: one line per CPU is looked at every PollIntervalNs, and exactly when a stretch seen there crosses the threshold.
#ifndef HFTMON_DAEMON_INGEST_STALL_WATCH_H_
#define HFTMON_DAEMON_INGEST_STALL_WATCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/interval.h"
#include "daemon/ingest/loop_stats.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/stall_levels.h"
#include "daemon/ingest/state_sampler.h"
#include "daemon/ingest/stretch_hold.h"
#include "daemon/ingest/waker_table.h"
#include "daemon/ring/ring_record.h"

namespace hftmon {

class StallWatch {
 public:
  static constexpr size_t kPendingMax = 4096;
  static constexpr size_t kOpenMax = 1024;
  static constexpr int64_t kPollIntervalMinNs = 20'000;
  static constexpr int64_t kPollIntervalMaxNs = 100'000;
  // A switch-in's record is there long before that: programs publish within a microsecond, a stuck cell is given up after 1 ms. A stretch's
  // may be held (StretchHold).
  static constexpr int64_t kEndPatienceNs = 5'000'000;
  static constexpr int64_t kStretchPatienceNs = kEndPatienceNs + StretchHold::kPatienceNs;

  // What is pointed to outlives the watch. `states`, which may be nullptr, has its turn between two CPUs.
  StallWatch(const KernelView& view, const WakerTable* wakers, std::vector<StallSink*> sinks, StateSampler* states = nullptr);

  // Ascending: the thresholds at which a stall is told, that of hft_controls the lowest. By any thread, one at a time.
  void SetLevels(std::span<const int64_t> levels_ns) { levels_.Set(levels_ns); }

  // The beginning of a wait. `thread` is the slot's.
  void NotePreempted(const RingRecord& record, const ThreadKey& thread, const Preemption& preemption);
  // The same after a wake-up, which stands in the table of wakers.
  void NoteWoken(uint16_t slot, const ThreadKey& thread);
  // Tells of what has crossed the threshold. True when something was told. `loop_gap_ns`: how long the loop had not looked, as in
  // OffCpuInterval. `caught_up`: the rings had nothing left, so what has not come will not come; no stall is told to be over without it.
  bool Poll(int64_t now_ns, int64_t loop_gap_ns = 0, bool caught_up = true);
  // Nothing is to be done before that moment.
  int64_t next_due_ns() const { return next_due_ns_; }

  const StallLevels* levels() const { return &levels_; }
  uint64_t dropped_count() const { return dropped_count_.Get(); }

 private:
  struct Wait {
    ThreadKey thread;
    uint16_t slot;
    uint16_t cpu;
    hft_switch_kind kind;
    uint8_t depth;
    uint32_t generation;
    int64_t out_clock_ns;
    int64_t since_mono_ns;  // when it was preempted or woken
    int64_t crossing_mono_ns;
    uint64_t log_position;
    bool woken;
    Preemption preemption;
  };
  // A stall that was told, until it is over. Its crossing is the next one.
  struct OpenWait {
    Wait wait;
    int64_t told_mono_ns;      // the last time
    int64_t waiting_until_ns;  // when it was last seen to wait
    int64_t over_since_ns;     // when it was first seen to be over; 0 = not yet
  };
  // The last stretch of a CPU that crossed the threshold.
  struct ToldStretch {
    int64_t start_ns = 0;
    int64_t told_ns = 0;           // how long it had lasted when it was told or could not be
    bool open = false;             // told, and its end was not
    int64_t lasting_until_ns = 0;  // when it was last seen to go on
    int64_t over_since_ns = 0;     // when it was first seen to be over; 0 = not yet
  };

  int64_t ThresholdNs() const;
  Wait* Begin(uint16_t slot, const ThreadKey& thread, int64_t since_mono_ns, int64_t threshold_ns);
  void DropEnded();
  bool StillWaits(const Wait& wait) const;
  bool PollWaits(int64_t now_ns);
  bool PollOpen(int64_t now_ns);
  bool PollInterrupts(int64_t now_ns);
  bool PollStretch(uint32_t cpu, int64_t threshold_ns, int64_t now_ns);
  bool PollStretchEnd(uint32_t cpu, bool goes_on, int64_t now_ns);
  void EndOpenStretch(uint32_t cpu);
  void EndOpenOf(uint16_t slot);
  bool BeginOpen(const Wait& wait, int64_t now_ns);
  bool TellWait(const Wait& wait, int64_t now_ns);
  void FillPreempted(const Wait& wait);
  bool FillWoken(const Wait& wait);
  int64_t NextCrossing(const Wait& wait, int64_t told_mono_ns) const;
  void BeginRunners(uint16_t cpu);
  void CopyRunners(const Wait& wait, int64_t now_clock_ns);
  void CopyOnlyRunner(uint16_t cpu_number, uint64_t log_position);
  bool TellStretch(uint32_t cpu, int64_t start_ns, int64_t crossing_ns, int64_t now_ns);
  void CopyInterrupts(uint32_t cpu, int64_t begin_mono_ns, int64_t now_ns, InterruptList* out) const;
  bool InterruptedThread(uint32_t cpu, ThreadKey* thread, uint16_t* slot) const;

  KernelView view_;
  const WakerTable* wakers_;
  std::vector<StallSink*> sinks_;
  StateSampler* states_;
  std::vector<Wait> pending_;  // a ring, in the order of their beginnings
  size_t pending_first_ = 0;
  size_t pending_count_ = 0;
  std::vector<OpenWait> open_;
  size_t open_count_ = 0;
  std::vector<ToldStretch> told_stretches_;  // by CPU
  StallLevels levels_;
  int64_t loop_gap_ns_ = 0;
  bool caught_up_ = true;
  int64_t next_due_ns_ = 0;
  int64_t next_interrupt_poll_ns_ = 0;
  int64_t next_open_poll_ns_ = 0;
  OffCpuInterval interval_;
  Interruption interruption_;
  LoopCounter<uint64_t> dropped_count_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_STALL_WATCH_H_
