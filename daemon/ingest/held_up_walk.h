// HeldUpWalk: looks at all slots every kIntervalNs for threads that are held up now (SleepWatch, KernelStallWatch).
//
// Threads: the housekeeping thread; SetSleepLevels by one at a time; the counters by anyone. No allocation, lock or system call after
// construction. Bounds: a step looks at kSlotsPerStep slots, so that the rings are not left unread for longer than that.
#ifndef HFTMON_DAEMON_INGEST_HELD_UP_WALK_H_
#define HFTMON_DAEMON_INGEST_HELD_UP_WALK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/kernel_stall_watch.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/sleep_watch.h"

namespace hftmon {

class HeldUpWalk {
 public:
  static constexpr int64_t kIntervalNs = 10'000'000;
  static constexpr uint32_t kSlotsPerStep = 64;

  // What is pointed to outlives the walk. `stall_levels`: at which what the kernel does is told.
  HeldUpWalk(const KernelView& view, const WakerTable* wakers, const StallLevels* stall_levels, const std::vector<HeldUpSink*>& sinks)
      : slot_count_(static_cast<uint32_t>(view.slots.size())), sleeps_(view, wakers, sinks), kernel_stalls_(view, stall_levels, sinks) {}

  void SetSleepLevels(std::span<const int64_t> levels_ns) { sleeps_.SetLevels(levels_ns); }
  // The same moment on both clocks: of a CPU's last record.
  void NoteClocks(uint16_t cpu, int64_t clock_ns, int64_t mono_ns) { sleeps_.NoteClocks(cpu, clock_ns, mono_ns); }

  // Begins, or goes on with, a round when it is time. `high_water`: the highest slot in use. `loop_gap_ns`, `caught_up`: as in StallWatch.
  // True while there is more to do now.
  bool Step(int64_t now_ns, uint32_t high_water, int64_t loop_gap_ns, bool caught_up);

  uint64_t dropped_count() const { return sleeps_.dropped_count() + kernel_stalls_.dropped_count(); }

 private:
  uint32_t slot_count_;
  SleepWatch sleeps_;
  KernelStallWatch kernel_stalls_;
  int64_t next_round_ns_ = 0;
  uint32_t next_slot_ = 0;  // 0: between two rounds
  bool sleeps_wanted_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_HELD_UP_WALK_H_
