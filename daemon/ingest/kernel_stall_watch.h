// KernelStallWatch: what the kernel does in a watched thread's own time and goes on: a page fault of its own code or a wait for one of the
// kernel's locks for which it is off its CPU, compaction, reclaim. Others are told at their end only: of a fault within a system call, or
// on a CPU, a look cannot tell that the kernel has not given it up unseen.
//
// Reads: what the programs noted at its beginning (hft_thread_kernel), and what slot and sums show since. Produces: what is known of it
// once it is longer than the threshold, and that it is over when no record of its end came. Its beginning is exact; what it consisted of so
// far is what a look finds: the part off its CPU that goes on is blocked time as far as is known, and the kind of a fault (minor or major)
// is known at its end only.
//
// Threads: the housekeeping thread; dropped_count by anyone. No allocation, lock or system call after construction. Bounds: kOpenMax told
// at a time; more are counted in dropped_count and told at their end only.
//
// Disturbance: of a slot that ever asked for such stalls a look reads the cache lines with their beginnings, of others one line that nobody
// writes. Nothing is read where no program for it is attached.
#ifndef HFTMON_DAEMON_INGEST_KERNEL_STALL_WATCH_H_
#define HFTMON_DAEMON_INGEST_KERNEL_STALL_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/interval.h"
#include "daemon/ingest/loop_stats.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/stall_levels.h"

namespace hftmon {

class KernelStallWatch {
 public:
  static constexpr size_t kOpenMax = 256;
  static constexpr int64_t kRetellNs = 1'000'000'000;
  static constexpr int64_t kEndPatienceNs = 5'000'000;

  // What is pointed to outlives the watch. `levels`: the thresholds at which a stall is told.
  KernelStallWatch(const KernelView& view, const StallLevels* levels, std::vector<HeldUpSink*> sinks);

  // Requires slot < the view's slots. `loop_gap_ns`: as in OffCpuInterval.
  void Look(uint32_t slot, int64_t now_ns, int64_t loop_gap_ns);
  // After a round of looks. `caught_up`: the rings had nothing left; none is told to be over without it.
  void EndRound(int64_t now_ns, bool caught_up);

  uint64_t dropped_count() const { return dropped_count_.Get(); }

 private:
  // Which of a slot's beginnings: the faults' first, then the stalls'.
  static constexpr size_t kBeginnings = size_t{HFT_FAULT_MODES} + HFT_STALLS;
  struct Open {
    uint16_t slot;
    uint8_t which;
    uint32_t generation;
    int64_t start_ns;
    int64_t told_ns;
    int64_t lasting_until_ns;
    int64_t over_since_ns;  // 0: not yet
  };

  static hft_kernel_begin& BeginningOf(hft_thread_kernel& kernel, size_t which);
  static hft_kernel_what WhatOf(size_t which);
  int64_t ThresholdNs() const;
  bool MayGoOn(uint32_t slot, size_t which) const;
  int64_t StartOf(uint32_t slot, size_t which, uint32_t generation) const;
  void Consider(uint32_t slot, size_t which, int64_t start_ns, int64_t now_ns);
  bool Tell(uint32_t slot, size_t which, int64_t start_ns, int64_t crossing_ns, int64_t now_ns);
  void FillTime(uint32_t slot, const hft_kernel_begin& begin, int64_t now_ns);

  KernelView view_;
  const StallLevels* levels_;
  std::vector<HeldUpSink*> sinks_;
  std::vector<Open> open_;
  size_t open_count_ = 0;
  EndedKernelStall so_far_;
  LoopCounter<uint64_t> dropped_count_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_KERNEL_STALL_WATCH_H_
