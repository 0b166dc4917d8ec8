// KernelStallWatch: what the kernel does in a watched thread's own time and goes on: a page fault of its own code or a wait for one of the
// kernel's locks for which it is off its CPU, compaction, reclaim, moving of pages. Others are told at their end only: of a fault within a
// system call, or on a CPU, a look cannot tell that the kernel has not given it up unseen.
//
// Reads: what the programs noted at its beginning (hft_thread_kernel), and what slot and sums show since. Produces: what is known of it
// once it is longer than the threshold, and that it is over when no record of its end came. Its beginning is exact; what it consisted of so
// far is what a look finds: a part off its CPU that goes on is blocked time as far as is known, all of the rest where the CPU has no record
// that tells since when (ClockOffsets). The kind of a fault (minor or major) is known at its end only.
//
// Threads: the housekeeping thread; dropped_count by anyone. No allocation, lock or system call after construction. Bounds: kOpenMax told
// at a time; more are counted in dropped_count, once each, and told at their end only.
//
// Disturbance: a look reads whether the slot asks, a line that its thread writes when it leaves its CPU; of one that does, the lines with
// the beginnings, written where such a stall begins or ends, and two lines of the slot where one has begun. Who uses the watch looks at
// nothing while no target asks.
#ifndef HFTMON_DAEMON_INGEST_KERNEL_STALL_WATCH_H_
#define HFTMON_DAEMON_INGEST_KERNEL_STALL_WATCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/clock_offsets.h"
#include "daemon/ingest/interval.h"
#include "daemon/ingest/look.h"
#include "daemon/ingest/loop_stats.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/stall_levels.h"

namespace hftmon {

class KernelStallWatch {
 public:
  static constexpr uint64_t kOpenMax = 256;

  // What is pointed to outlives the watch. `levels`: the thresholds at which a stall is told.
  KernelStallWatch(const KernelView& view, const StallLevels* levels, const ClockOffsets* offsets, std::vector<HeldUpSink*> sinks);

  // Whether one that was told is not over.
  bool any_open() const { return open_count_ > 0; }
  // Requires slot < the view's slots. The number of sinks' calls that it made.
  int LookAt(uint32_t slot, const Look& look);

  uint64_t dropped_count() const { return dropped_count_.Get(); }

 private:
  // Which of a slot's beginnings: the faults' first, then the stalls'.
  static constexpr size_t kBeginnings = size_t{HFT_FAULT_MODES} + HFT_STALLS;
  // What the looks know of a beginning. All zero: nothing.
  struct Seen {
    int64_t start_ns;  // of the one that was told, or for which there was no room
    int64_t told_ns;   // the last time; 0: it was not told
    int64_t lasting_until_ns;
    int64_t over_since_ns;  // 0: it is not over
  };
  struct SeenSlot {
    uint32_t generation;
    uint32_t open_count;
    std::array<Seen, kBeginnings> beginnings;
  };

  static hft_kernel_begin& BeginningOf(hft_thread_kernel& kernel, size_t which);
  static hft_kernel_what WhatOf(size_t which);
  static uint32_t ProbeOf(size_t which);
  int64_t ThresholdNs() const;
  bool IsAsking(uint32_t slot, uint32_t generation) const;
  bool IsCertain(uint32_t slot, size_t which) const;
  int LookAtBeginning(uint32_t slot, size_t which, int64_t start_ns, SeenSlot* seen, const Look& look);
  int TellAgain(uint32_t slot, size_t which, Seen* seen, const Look& look);
  int Close(uint32_t slot, size_t which, SeenSlot* seen, const Look& look);
  bool Tell(uint32_t slot, size_t which, int64_t start_ns, int64_t crossing_ns, const Look& look);
  void FillTime(uint32_t slot, hft_kernel_begin& begin, int64_t now_ns);
  int64_t CurrentOffCpuNs(uint32_t slot, int64_t now_ns, bool* runnable) const;

  KernelView view_;
  const StallLevels* levels_;
  const ClockOffsets* offsets_;
  std::vector<HeldUpSink*> sinks_;
  std::unique_ptr<SeenSlot, void (*)(void*)> seen_;  // by slot, as many as the table has
  uint64_t open_count_ = 0;
  EndedKernelStall so_far_;
  LoopCounter<uint64_t> dropped_count_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_KERNEL_STALL_WATCH_H_
