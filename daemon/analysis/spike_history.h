// SpikeHistory: the newest spikes, and apart from them the newest tellings of spikes that went on: one that is told at each of its
// subscribers' thresholds pushes no other out of the history.
//
// A query must know which of the tellings have no end yet: the writer notes the id of each stall that goes on, by the thread's slot (waits
// and sleeps apart), of a stretch of interrupts by the CPU, of the kernel's doings by a place of its own choice.
//
// Threads: Append and the notes by one thread; everything else by any, without blocking it. Bounds: `capacity` spikes that have ended
// (rounded up to a power of two), kGoingOnMax tellings in progress; a new one overwrites the oldest of its kind. Both bear the order in
// which they were appended: SpikeCursor reads them in it.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "daemon/analysis/spike.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

// Where a spike stands, until it is overwritten.
struct SpikePosition {
  uint64_t index = 0;
  bool in_progress = false;
};

class SpikeHistory {
 public:
  static constexpr uint64_t kGoingOnMax = 2048;
  static constexpr size_t kKernelStallsMax = 256;

  explicit SpikeHistory(uint64_t capacity, uint32_t slot_count = 0)
      : ended_(capacity),
        going_on_(kGoingOnMax),
        waits_(slot_count),
        sleeps_(slot_count),
        stretches_(HFT_CPUS_MAX),
        kernel_stalls_(kKernelStallsMax) {}

  // Sets its order and details.
  SpikePosition Append(Spike* spike) {
    spike->order = end_.load(std::memory_order_relaxed);  // this thread is the only writer
    spike->details = DetailsOf(*spike);
    SeqRing<Spike>& ring = spike->in_progress ? going_on_ : ended_;
    const SpikePosition position{.index = ring.end(), .in_progress = spike->in_progress};
    ring.Append(*spike);
    end_.store(spike->order + 1, std::memory_order_release);  // pairs with end()
    return position;
  }

  // The spike in progress of that slot or CPU; 0 = none. Relaxed: an id stands for itself, a query may see it a moment late.
  void NoteWait(uint16_t slot, uint64_t id) {
    if (slot < waits_.size()) Note(&waits_[slot], id);
  }
  void NoteSleep(uint16_t slot, uint64_t id) {
    if (slot < sleeps_.size()) Note(&sleeps_[slot], id);
  }
  // Requires place < kKernelStallsMax.
  void NoteKernelStall(size_t place, uint64_t id) { Note(&kernel_stalls_[place], id); }
  void NoteStretch(uint16_t cpu, uint64_t id) {
    if (cpu < stretches_.size()) Note(&stretches_[cpu], id);
  }
  // Whether a spike that was told in progress has no end.
  bool GoesOn(const Spike& told) const {
    const auto is_noted = [&told](const std::atomic<uint64_t>& note) { return note.load(std::memory_order_relaxed) == told.id; };
    if (IsKernelStall(told.kind)) return std::any_of(kernel_stalls_.begin(), kernel_stalls_.end(), is_noted);
    const bool stretch = told.kind == SpikeKind::kInterrupted;
    const std::vector<std::atomic<uint64_t>>& notes = stretch ? stretches_ : told.kind == SpikeKind::kBlocked ? sleeps_ : waits_;
    const uint16_t at = stretch ? told.cpu : told.slot;
    return at < notes.size() && is_noted(notes[at]);
  }
  // How many there are of those.
  uint64_t going_on_count() const { return going_on_count_.load(std::memory_order_relaxed); }

  SeqRead Read(const SpikePosition& position, Spike* out) const {
    return (position.in_progress ? going_on_ : ended_).Read(position.index, out);
  }

  // The order of the next one. Acquire: all below it can be read.
  uint64_t end() const { return end_.load(std::memory_order_acquire); }

  const SeqRing<Spike>& ended() const { return ended_; }
  const SeqRing<Spike>& going_on() const { return going_on_; }

 private:
  void Note(std::atomic<uint64_t>* note, uint64_t id) {
    const uint64_t earlier = note->load(std::memory_order_relaxed);
    note->store(id, std::memory_order_relaxed);
    const uint64_t count = going_on_count_.load(std::memory_order_relaxed);
    going_on_count_.store(count + (id != 0 ? 1 : 0) - (earlier != 0 ? 1 : 0), std::memory_order_relaxed);
  }

  SeqRing<Spike> ended_;
  SeqRing<Spike> going_on_;
  std::vector<std::atomic<uint64_t>> waits_;      // by slot
  std::vector<std::atomic<uint64_t>> sleeps_;     // by slot
  std::vector<std::atomic<uint64_t>> stretches_;  // by CPU
  std::vector<std::atomic<uint64_t>> kernel_stalls_;
  std::atomic<uint64_t> going_on_count_{0};
  alignas(64) std::atomic<uint64_t> end_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_
