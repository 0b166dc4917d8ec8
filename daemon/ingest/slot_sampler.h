// SlotSampler: closes a window bucket at each edge: what every watched thread did since the last edge, from the kernel's own exact counts.
//
// Reads: the thread slots of a KernelView, whose maxima it takes (leaving 0). Produces: ThreadDelta for each active thread, then
// OnBucketClosed. Threads: Step, NoteSlot, Flush by the housekeeping thread, without allocation, lock or system call; SetIntervalNs,
// RaiseHighWater and the observers by anyone. Bounds: one copy per slot and per histogram page, memory reserved at construction and touched
// at first use; a Step reads at most kSlotsPerStep slots and kPagesPerStep pages, so a walk over many slots leaves the rings unread for no
// longer than that.
//
// Exactness: a count is in exactly one bucket and none is missed: deltas are differences of the kernel's counts against the last ones read.
// A slot is read up to the walk's duration after the edge, so activity of that time may stand in the closed bucket rather than in the next;
// OnBucketClosed says until when.
// A thread's first delta begins at base_*, its last is taken by Flush when its ENDED record comes; after that the slot is not read until
// its generation changes. Whoever releases a slot without that record sets state to FREE before it zeroes the rest: a copy caught in
// between is thrown away, its pages with it. A page that is new in a slot's table was zero when the slot got it.
#ifndef HFTMON_DAEMON_INGEST_SLOT_SAMPLER_H_
#define HFTMON_DAEMON_INGEST_SLOT_SAMPLER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ingest/state_sampler.h"
#include "daemon/ingest/window_maximum.h"

namespace hftmon {

class SlotSampler {
 public:
  static constexpr uint32_t kSlotsPerStep = 64;
  static constexpr uint32_t kPagesPerStep = 512;

  // What is pointed to and the view's memory outlive the sampler. The first bucket begins at `begin_mono_ns`. `states`, which may be
  // nullptr, has its turn between two slots.
  SlotSampler(const KernelView& view, WindowSink* sink, int64_t interval_ns, int64_t begin_mono_ns, StateSampler* states = nullptr);

  // Begins, or goes on with, closing a bucket when its edge has passed. True while there is more to do now.
  bool Step(int64_t now_ns);
  // The slot is in use: the walk reaches it from now on. Slots beyond the highest one known are also looked for, some at each edge.
  void NoteSlot(uint32_t slot) { RaiseHighWater(slot); }
  // Delivers what `slot` did since the last edge into the bucket that is open (or being closed). `final`: the thread has ended; its slot is
  // not read again before its next use.
  void Flush(uint32_t slot, int64_t mono_ns, bool final);

  void SetIntervalNs(int64_t interval_ns) { interval_ns_.store(interval_ns, std::memory_order_relaxed); }
  // When the open bucket should end.
  int64_t due_ns() const { return due_since_ns_ + interval_ns(); }  // housekeeping thread
  int64_t interval_ns() const { return interval_ns_.load(std::memory_order_relaxed); }
  void RaiseHighWater(uint32_t slot);
  uint32_t high_water() const { return high_water_.load(std::memory_order_relaxed); }
  // Slots whose counts went backwards without a new generation, and were begun anew: a bug of whoever set the slot up.
  uint64_t rebased_count() const { return rebased_count_.load(std::memory_order_relaxed); }

 private:
  // What was last read of a slot.
  struct SlotCopy {
    uint32_t generation;
    uint32_t tid;
    uint32_t tgid;
    bool followed;  // the copy is of this generation's thread
    bool final;
    int64_t start_ns;
    uint64_t voluntary_count, involuntary_count, run_delay_ns, off_cpu_ns, off_cpu_count, migration_count, discarded_count;
    uint64_t interrupted_ns[HFT_LEVELS];
    uint32_t kind_count[HFT_SWITCH_KINDS];
    uint32_t depth[HFT_DEPTH_BUCKETS];
    uint32_t unbinned_count[HFT_HISTOGRAMS];
    uint16_t pages[HFT_OCTAVE_ENTRIES][HFT_HISTOGRAMS];
    MaximumCarry maxima[HFT_HISTOGRAMS];
  };
  static constexpr size_t kSlotPagesMax = HFT_HISTOGRAMS * HFT_OCTAVE_ENTRIES;
  static constexpr size_t kPageWords = sizeof(hft_histogram_page) / sizeof(uint64_t);
  // A page's counts, two to a word.
  using PageCopy = std::array<uint64_t, kPageWords>;
  // One reading of a slot: all of one generation, or thrown away.
  struct SlotReading {
    SlotCopy counts;
    uint64_t base_voluntary_count, base_involuntary_count, base_run_delay_ns;
    MaximumReading maxima[HFT_HISTOGRAMS];
    std::array<PageCopy, kSlotPagesMax> pages;  // of those in counts.pages that are HFT_NO_PAGE: nothing
  };

  void BeginWalk(int64_t now_ns);
  bool ExtendWalk();
  void EndWalk(int64_t now_ns);
  bool AnyInUse(uint32_t first, uint32_t end);
  void SampleSlot(uint32_t index, int64_t end_ns);
  bool Unchanged(uint32_t index, const SlotCopy& last);
  void ReadInterrupted(uint32_t index, uint32_t generation, uint64_t (&out)[HFT_LEVELS]) const;
  bool ReadSlot(uint32_t index, SlotReading* out);
  void ReadPages(const SlotCopy& counts, SlotReading* out);
  void TakePages(const SlotCopy& last, size_t histogram, SparseHistogram* hits);
  static void Rebase(const SlotReading& read, SlotCopy* last);
  int64_t TakeMaximum(const SlotCopy& last, size_t histogram, const SparseHistogram& hits, uint64_t unbinned_count);
  bool FillDelta(const SlotCopy& last);

  KernelView view_;
  WindowSink* sink_;
  StateSampler* states_;
  uint32_t slot_count_;
  std::atomic<int64_t> interval_ns_;
  std::atomic<uint32_t> high_water_{0};
  std::atomic<uint64_t> rebased_count_{0};
  std::unique_ptr<SlotCopy, void (*)(void*)> copies_;
  std::unique_ptr<PageCopy, void (*)(void*)> page_copies_;  // by page
  int64_t begin_mono_ns_;                                   // of the open bucket, or the one being closed
  int64_t end_mono_ns_ = 0;                                 // of the one being closed
  int64_t due_since_ns_;                                    // the grid's last edge
  bool walking_ = false;
  bool walked_ = false;  // all slots are read: the bucket closes with the next step, which knows the time
  uint32_t walk_next_ = 0;
  uint32_t pages_read_ = 0;  // by this step
  uint32_t probe_next_ = 0;
  SlotReading read_{};
  ThreadDelta delta_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_SLOT_SAMPLER_H_
