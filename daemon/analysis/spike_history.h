// SpikeHistory: the newest spikes, and apart from them the newest tellings of spikes that went on: one that is told at each of its
// subscribers' thresholds pushes no other out of the history.
//
// Threads: Append by one thread; everything else by any, without blocking it. Bounds: `capacity` spikes that have ended (rounded up to a
// power of two), kGoingOnMax tellings in progress; a new one overwrites the oldest of its kind. Both bear the order in which they were
// appended: SpikeCursor reads them in it.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_

#include <atomic>
#include <cstdint>

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
  static constexpr uint64_t kGoingOnMax = 1024;

  explicit SpikeHistory(uint64_t capacity) : ended_(capacity), going_on_(kGoingOnMax) {}

  // Sets its order.
  void Append(Spike* spike) {
    spike->order = end_.load(std::memory_order_relaxed);  // this thread is the only writer
    (spike->in_progress ? going_on_ : ended_).Append(*spike);
    end_.store(spike->order + 1, std::memory_order_release);  // pairs with end()
  }

  SeqRead Read(const SpikePosition& position, Spike* out) const {
    return (position.in_progress ? going_on_ : ended_).Read(position.index, out);
  }

  // The order of the next one. Acquire: all below it can be read.
  uint64_t end() const { return end_.load(std::memory_order_acquire); }

  const SeqRing<Spike>& ended() const { return ended_; }
  const SeqRing<Spike>& going_on() const { return going_on_; }

 private:
  SeqRing<Spike> ended_;
  SeqRing<Spike> going_on_;
  alignas(64) std::atomic<uint64_t> end_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_HISTORY_H_
