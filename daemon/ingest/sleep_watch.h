// SleepWatch: watched threads that sleep or are blocked now, for longer than somebody wants to know at once.
//
// Reads: the slot's switch-out in progress and how it left, the table of what it blocked in (where its target asks), the table of wakers.
// Produces: what is known of the sleep once it is longer than the threshold for off-CPU intervals, and that it is over when no record of
// its end came. The threshold in force is the lowest that anyone has; who has a higher one is told when the sleep is longer than that
// (levels).
//
// A slot is looked at every so often, and a sleep is told when two looks have found it: one that lasts shorter than that is told at its end
// only. Its beginning is on the run queue's clock: where the CPU had a record lately that puts it on CLOCK_MONOTONIC, within the last look
// that did not find it and the first that did; else it is the first that did. Of a sleep that began before anybody asked the beginning is
// when it was found. One that began before watching did is known from the list of tasks (EarlierSleeps): it counts from when that found it,
// its out_clock_ns is that moment, negative, and its end is what the looks tell of it, as no record does.
//
// Threads: the housekeeping thread; SetLevels by one at a time; the counters by anyone. No allocation, lock or system call after
// construction. Bounds: kOpenMax sleeps told at a time, kEarlierOpenMax of them earlier ones; how many more there are is
// unfollowed_count(), how many there ever were dropped_count(): told at their end only.
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
#include "daemon/ingest/clock_offsets.h"
#include "daemon/ingest/earlier_sleeps.h"
#include "daemon/ingest/interval.h"
#include "daemon/ingest/interval_builder.h"
#include "daemon/ingest/look.h"
#include "daemon/ingest/loop_stats.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/stall_levels.h"
#include "daemon/ingest/waker_table.h"

namespace hftmon {

class SleepWatch {
 public:
  static constexpr uint64_t kOpenMax = 512;
  static constexpr uint64_t kEarlierOpenMax = kOpenMax / 2;  // of those that began before watching did, most of which never end

  // What is pointed to outlives the watch; `wakers` and `earlier` may be nullptr.
  SleepWatch(const KernelView& view, const WakerTable* wakers, const EarlierSleeps* earlier, const ClockOffsets* offsets,
             std::vector<HeldUpSink*> sinks);

  // Ascending: the thresholds at which a sleep is told. By any thread, one at a time.
  void SetLevels(std::span<const int64_t> levels_ns) { levels_.Set(levels_ns); }

  // Whether looking is of any use: somebody asks for blocked ones, or one that was told, or counted as untold, is not over.
  bool wanted() const;
  // Requires slot < the view's slots. `of_all`: also where the slot does not ask. The number of sinks' calls that it made.
  int LookAt(uint32_t slot, const Look& look, bool of_all);

  uint64_t dropped_count() const { return dropped_count_.Get(); }
  uint64_t unfollowed_count() const { return unfollowed_count_; }  // housekeeping thread

 private:
  // What the looks found in a slot. All zero: never looked at.
  struct Seen {
    int64_t out_clock_ns;  // as SleepOf; 0: it was not off its CPU
    int64_t after_ns;      // the last look that did not find it
    int64_t first_ns;      // the first that did
    int64_t looked_ns;
    int64_t start_ns;  // 0: not known yet
    int64_t told_ns;   // the last time; 0: it was not told
    int64_t asleep_until_ns;
    int64_t over_since_ns;  // when it was first found to be over, with a record of it on its way; 0: it is not
    uint32_t generation;
    bool unfollowed;  // there was no room
    bool closed;      // its end was told though it sleeps on, because it is watched no more
  };

  int64_t ThresholdNs() const;
  bool IsWanted(uint32_t slot, bool of_all) const;
  // The sleep in progress: the run queue's clock of its switch-out, or, of an earlier one, when it was found, negative; 0: none.
  int64_t SleepOf(uint32_t slot) const;
  bool ReadDeparture(uint32_t slot, const Seen& seen, hft_departure* out) const;
  bool IsAsleep(uint32_t slot, const Seen& seen, hft_departure* out) const;
  int Close(uint32_t slot, Seen* seen, const Look& look);
  int Consider(uint32_t slot, Seen* seen, const Look& look, bool of_all);
  void SetUnfollowed(Seen* seen, bool unfollowed);
  int TellAgain(uint32_t slot, Seen* seen, const hft_departure& out, const Look& look);
  int64_t StartOf(const Seen& seen, uint16_t cpu, int64_t now_ns) const;
  void Tell(uint32_t slot, const Seen& seen, const hft_departure& out, int64_t crossing_ns, const Look& look);
  static bool IsWakerOf(const WakerTable::Entry& entry, const Seen& seen, uint32_t tid);
  void FillCall(uint32_t slot, const Seen& seen);
  void FillEarlierCall(uint32_t slot, const Seen& seen);

  KernelView view_;
  const WakerTable* wakers_;
  const EarlierSleeps* earlier_;
  const ClockOffsets* offsets_;
  std::vector<HeldUpSink*> sinks_;
  std::unique_ptr<Seen, void (*)(void*)> seen_;  // by slot
  uint64_t open_count_ = 0;
  uint64_t earlier_open_count_ = 0;  // of these
  uint64_t unfollowed_count_ = 0;
  StallLevels levels_;
  BuildCounters build_counters_;
  OffCpuInterval interval_;
  LoopCounter<uint64_t> dropped_count_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_SLEEP_WATCH_H_
