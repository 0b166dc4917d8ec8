// SchedulingBook: how each watched thread is scheduled, looked at once a second, and the changes that were found. A thread that is born
// under watch is looked at from its second round on: those that live for less pay nothing.
//
// Reads: the slots of watched threads (who is watched), ReadThreadScheduling of each. Threads: Turn by the control thread; the rest by any.
// Cost: some 9 us a thread, 0.09 s a second for 10,000 threads: a second's looks are spread over its turns, at most kReadsPerTurn (2 ms)
// in one; with more than fit, a round takes longer than a second, and the times of what is found say so. Bounds: one entry for each slot,
// kChangesMax changes: older ones go, and who asks for their time is told.
#ifndef HFTMON_DAEMON_CONTROL_SCHEDULING_BOOK_H_
#define HFTMON_DAEMON_CONTROL_SCHEDULING_BOOK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/control/scheduling_source.h"
#include "daemon/os/file_root.h"

namespace hftmon {

class SchedulingBook : public SchedulingSource {
 public:
  static constexpr int64_t kRoundNs = 1'000'000'000;
  static constexpr int64_t kTurnNs = 10'000'000;
  static constexpr uint32_t kReadsPerTurn = 256;
  static constexpr size_t kChangesMax = 4'096;

  // `high_water`: the highest slot that may be in use. What is pointed to, and the slots' memory, outlives the book.
  SchedulingBook(std::span<const hft_thread_slot> slots, std::function<uint32_t()> high_water, const FileRoot* files,
                 SchedulingQueries* queries, const MonotonicClock* clock)
      : slots_(slots),
        high_water_(std::move(high_water)),
        files_(files),
        queries_(queries),
        clock_(clock),
        seen_generation_(slots.size()) {}

  // Looks at as many threads as are due by now.
  void Turn();

  std::optional<SeenScheduling> Find(const ThreadKey& thread) const override;
  SchedulingChanges ChangesWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const override;
  KeptFreeCpus KeptFree() const override;

 private:
  struct Entry {
    ThreadKey thread;
    SeenScheduling seen;
  };

  void BeginRound(int64_t now_ns);
  // Whether it made the calls of a look.
  bool Look(uint32_t slot);
  void Note(uint32_t slot, const ThreadKey& thread, const ScheduledNow& now, int64_t now_ns);

  const std::span<const hft_thread_slot> slots_;
  const std::function<uint32_t()> high_water_;
  const FileRoot* const files_;
  SchedulingQueries* const queries_;
  const MonotonicClock* const clock_;
  // The control thread's: the round's slots are [1, round_end_), looked at up to next_.
  std::vector<uint32_t> seen_generation_;  // by slot, as of the last round
  int64_t round_begin_ns_ = 0;
  uint32_t round_end_ = 0;
  uint32_t next_ = 0;

  mutable std::mutex mutex_;
  std::unordered_map<uint32_t, Entry> entries_;     // by slot
  std::unordered_map<uint32_t, uint32_t> slot_of_;  // by tid, of the entries' threads
  std::deque<SchedulingChange> changes_;            // in the order in which they were found
  int64_t forgotten_mono_ns_ = 0;                   // before_mono_ns of the last change that is no longer kept; 0: all are
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_SCHEDULING_BOOK_H_
