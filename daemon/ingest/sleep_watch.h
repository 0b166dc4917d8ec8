// SleepWatch: watched threads that sleep or are blocked now, for longer than somebody wants to know at once.
//
// Reads: the slot's switch-out in progress and how it left, the table of what it blocked in (where its target asks), the table of wakers.
// Produces: what is known of the sleep once it is longer than the threshold for off-CPU intervals, and that it is over when no record of
// its end came. The threshold in force is the lowest that anyone has; who has a higher one is told when the sleep is longer than that
// (levels).
//
// A slot is looked at every so often, and a sleep is told when two looks have found it: one that lasts shorter than that is told at its end
// only. Its beginning is on the run queue's clock: it is put on CLOCK_MONOTONIC by the last record of that CPU, which was read on both, and
// lies between the last look that did not find it and the first that did. What a thread slept before it was watched is not known.
//
// Threads: the housekeeping thread; SetLevels by one at a time; dropped_count by anyone. No allocation, lock or system call after
// construction. Bounds: kOpenMax sleeps told at a time; more are counted in dropped_count and told at their end only.
//
// Disturbance: a look reads one cache line of a slot, two more where the thread has not run since the last one. Nothing is read while
// nobody asks for blocked ones.
#ifndef HFTMON_DAEMON_INGEST_SLEEP_WATCH_H_
#define HFTMON_DAEMON_INGEST_SLEEP_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/interval.h"
#include "daemon/ingest/interval_builder.h"
#include "daemon/ingest/loop_stats.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/stall_levels.h"
#include "daemon/ingest/waker_table.h"

namespace hftmon {

class SleepWatch {
 public:
  static constexpr size_t kOpenMax = 512;
  static constexpr int64_t kRetellNs = 1'000'000'000;
  // A switch-in's record is there long before that.
  static constexpr int64_t kEndPatienceNs = 5'000'000;

  // What is pointed to outlives the watch; `wakers` may be nullptr.
  SleepWatch(const KernelView& view, const WakerTable* wakers, std::vector<HeldUpSink*> sinks);

  // Ascending: the thresholds at which a sleep is told. By any thread, one at a time.
  void SetLevels(std::span<const int64_t> levels_ns) { levels_.Set(levels_ns); }
  // The same moment on both clocks: of a CPU's last record.
  void NoteClocks(uint16_t cpu, int64_t clock_ns, int64_t mono_ns);

  // Whether looking is of any use: somebody asks for blocked ones, or one that was told is not over.
  bool wanted() const;
  // Requires slot < the view's slots. `loop_gap_ns`: as in OffCpuInterval.
  void Look(uint32_t slot, int64_t now_ns, int64_t loop_gap_ns);
  // After a round of looks. `caught_up`: the rings had nothing left; no sleep is told to be over without it.
  void EndRound(int64_t now_ns, bool caught_up);

  uint64_t dropped_count() const { return dropped_count_.Get(); }

 private:
  // What the looks found in a slot. All zero: never looked at.
  struct Seen {
    int64_t out_clock_ns;  // 0: it was not off its CPU
    int64_t after_ns;      // the last look that did not find it
    int64_t first_ns;      // the first that did
    int64_t looked_ns;
    int64_t told_ns;  // 0: it was not told
    uint32_t generation;
    bool dropped;
  };
  struct Open {
    uint16_t slot;
    int64_t out_clock_ns;
    int64_t asleep_until_ns;
    int64_t over_since_ns;  // 0: not yet
  };
  // CLOCK_MONOTONIC less the run queue's clock.
  struct Offset {
    int64_t ns = 0;
    bool known = false;
  };

  int64_t ThresholdNs() const;
  bool IsAsleep(uint32_t slot, const Seen& seen, hft_departure* out) const;
  void Consider(uint32_t slot, Seen* seen, int64_t now_ns, int64_t loop_gap_ns);
  int64_t StartOf(const Seen& seen, uint16_t cpu) const;
  void Tell(uint32_t slot, const Seen& seen, const hft_departure& out, int64_t start_ns, int64_t crossing_ns, int64_t now_ns);
  void FillCall(uint32_t slot, int64_t out_clock_ns);
  Open* Find(uint32_t slot, int64_t out_clock_ns);

  KernelView view_;
  const WakerTable* wakers_;
  std::vector<HeldUpSink*> sinks_;
  std::unique_ptr<Seen, void (*)(void*)> seen_;  // by slot
  std::vector<Open> open_;
  size_t open_count_ = 0;
  std::vector<Offset> offsets_;  // by CPU
  StallLevels levels_;
  BuildCounters build_counters_;
  OffCpuInterval interval_;
  LoopCounter<uint64_t> dropped_count_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_SLEEP_WATCH_H_
