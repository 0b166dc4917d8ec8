// SpikeHistory: the newest spikes, and apart from them the newest tellings of spikes that went on: one that is told at each of its
// subscribers' thresholds pushes no other out of the history. Those that are told every second (HeldUpSink) have a ring of their own.
//
// A query must know which of the tellings have no end yet: the writer notes the id of each stall that goes on, by the thread's slot (waits
// and sleeps apart), of a stretch of interrupts by the CPU, of the kernel's doings by a place of its own choice.
//
// Threads: Append and the notes by one thread; everything else by any, without blocking it. Bounds: `capacity` spikes that have ended
// (rounded up to a power of two), kGoingOnMax and kHeldUpMax tellings in progress; a new one overwrites the oldest of its ring. All bear
// the order in which they were appended: SpikeCursor reads them in it.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "daemon/analysis/spike.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

enum class SpikeRing : uint8_t { kEnded, kGoingOn, kHeldUp };
inline constexpr std::array<SpikeRing, 3> kSpikeRings = {SpikeRing::kEnded, SpikeRing::kGoingOn, SpikeRing::kHeldUp};

// Where a spike stands, until it is overwritten.
struct SpikePosition {
  uint64_t index = 0;
  SpikeRing ring = SpikeRing::kEnded;
};

class SpikeHistory {
 public:
  static constexpr uint64_t kGoingOnMax = 1024;
  // More than the watches tell within two seconds.
  static constexpr uint64_t kHeldUpMax = 2048;
  static constexpr size_t kKernelStallsMax = 256;

  explicit SpikeHistory(uint64_t capacity, uint32_t slot_count = 0)
      : ended_(capacity),
        going_on_(kGoingOnMax),
        held_up_(kHeldUpMax),
        waits_(slot_count),
        sleeps_(slot_count),
        stretches_(HFT_CPUS_MAX),
        kernel_stalls_(kKernelStallsMax) {}

  // Sets its order and details.
  SpikePosition Append(Spike* spike) {
    spike->order = end_.load(std::memory_order_relaxed);  // this thread is the only writer
    spike->details = DetailsOf(*spike);
    const SpikeRing which = RingOf(*spike);
    SeqRing<Spike>& ring = which == SpikeRing::kEnded ? ended_ : which == SpikeRing::kGoingOn ? going_on_ : held_up_;
    const SpikePosition position{.index = ring.end(), .ring = which};
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

  SeqRead Read(const SpikePosition& position, Spike* out) const { return ring(position.ring).Read(position.index, out); }

  // The order of the next one. Acquire: all below it can be read.
  uint64_t end() const { return end_.load(std::memory_order_acquire); }

  const SeqRing<Spike>& ring(SpikeRing which) const {
    return which == SpikeRing::kEnded ? ended_ : which == SpikeRing::kGoingOn ? going_on_ : held_up_;
  }

  const SeqRing<Spike>& ended() const { return ended_; }

  // Sleeps that last and are not told, for want of room.
  void NoteUnfollowed(uint64_t count) { unfollowed_count_.store(count, std::memory_order_relaxed); }
  uint64_t unfollowed_count() const { return unfollowed_count_.load(std::memory_order_relaxed); }

 private:
  static SpikeRing RingOf(const Spike& spike) {
    if (!spike.in_progress) return SpikeRing::kEnded;
    return spike.kind == SpikeKind::kBlocked || IsKernelStall(spike.kind) ? SpikeRing::kHeldUp : SpikeRing::kGoingOn;
  }
  void Note(std::atomic<uint64_t>* note, uint64_t id) {
    const uint64_t earlier = note->load(std::memory_order_relaxed);
    note->store(id, std::memory_order_relaxed);
    const uint64_t count = going_on_count_.load(std::memory_order_relaxed);
    going_on_count_.store(count + (id != 0 ? 1 : 0) - (earlier != 0 ? 1 : 0), std::memory_order_relaxed);
  }

  SeqRing<Spike> ended_;
  SeqRing<Spike> going_on_;
  SeqRing<Spike> held_up_;
  std::vector<std::atomic<uint64_t>> waits_;      // by slot
  std::vector<std::atomic<uint64_t>> sleeps_;     // by slot
  std::vector<std::atomic<uint64_t>> stretches_;  // by CPU
  std::vector<std::atomic<uint64_t>> kernel_stalls_;
  std::atomic<uint64_t> going_on_count_{0};
  std::atomic<uint64_t> unfollowed_count_{0};
  alignas(64) std::atomic<uint64_t> end_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_
