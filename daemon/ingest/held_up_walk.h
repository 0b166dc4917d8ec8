// HeldUpWalk: looks at all slots every kIntervalNs for threads that are held up now (SleepWatch, KernelStallWatch).
//
// Threads: the housekeeping thread; SetSleepLevels and SetWishes by one at a time; dropped_count by anyone. No allocation, lock or system
// call after construction. Bounds: a step looks at kSlotsPerStep slots and ends after kCallsPerStep calls of sinks, so that the rings are
// not left unread for longer than that. While nobody asks a round is one test.
#ifndef HFTMON_DAEMON_INGEST_HELD_UP_WALK_H_
#define HFTMON_DAEMON_INGEST_HELD_UP_WALK_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/clock_offsets.h"
#include "daemon/ingest/earlier_sleeps.h"
#include "daemon/ingest/held_up_wishes.h"
#include "daemon/ingest/kernel_stall_watch.h"
#include "daemon/ingest/look.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/sleep_watch.h"
#include "daemon/ingest/state_sampler.h"

namespace hftmon {

class HeldUpWalk {
 public:
  static constexpr int64_t kIntervalNs = 10'000'000;
  static constexpr uint32_t kSlotsPerStep = 64;
  static constexpr int kCallsPerStep = 4;

  // What is pointed to outlives the walk; `wakers`, `earlier` and `states`, which has its turn between two slots, may be nullptr.
  // `stall_levels`: at which what the kernel does is told.
  HeldUpWalk(const KernelView& view, const WakerTable* wakers, const EarlierSleeps* earlier, const StallLevels* stall_levels,
             const std::vector<HeldUpSink*>& sinks, StateSampler* states = nullptr)
      : slot_count_(static_cast<uint32_t>(view.slots.size())),
        sinks_(sinks),
        states_(states),
        offsets_(view.cpus.size()),
        sleeps_(view, wakers, earlier, &offsets_, sinks),
        kernel_stalls_(view, stall_levels, &offsets_, sinks) {}
  HeldUpWalk(const HeldUpWalk&) = delete;
  HeldUpWalk& operator=(const HeldUpWalk&) = delete;

  void SetSleepLevels(std::span<const int64_t> levels_ns) { sleeps_.SetLevels(levels_ns); }
  void SetWishes(const HeldUpWishes& wishes) {
    // Relaxed: each stands for itself.
    sleeps_of_all_.store(wishes.sleeps_of_all, std::memory_order_relaxed);
    kernel_stalls_wanted_.store(wishes.kernel_stalls, std::memory_order_relaxed);
  }
  // The same moment on both clocks: of a CPU's last record.
  void NoteClocks(uint16_t cpu, int64_t clock_ns, int64_t mono_ns) { offsets_.Note(cpu, clock_ns, mono_ns); }

  // Begins, or goes on with, a round when it is time. `high_water`: the highest slot in use. True while there is more to do now.
  bool Step(const Look& look, uint32_t high_water);

  uint64_t dropped_count() const { return sleeps_.dropped_count() + kernel_stalls_.dropped_count(); }

 private:
  bool BeginRound(int64_t now_ns);
  void EndRound();

  uint32_t slot_count_;
  const std::vector<HeldUpSink*> sinks_;
  StateSampler* const states_;
  ClockOffsets offsets_;
  SleepWatch sleeps_;
  KernelStallWatch kernel_stalls_;
  std::atomic<bool> sleeps_of_all_{false};
  std::atomic<bool> kernel_stalls_wanted_{false};
  int64_t next_round_ns_ = 0;
  uint32_t next_slot_ = 0;  // 0: between two rounds
  bool look_for_sleeps_ = false;
  bool look_for_stalls_ = false;
  uint64_t unfollowed_told_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_HELD_UP_WALK_H_
