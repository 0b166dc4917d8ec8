// SpikeCursor: reads a SpikeHistory from a moment on, in the order in which it was written. By one thread at a time.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_CURSOR_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_CURSOR_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "daemon/analysis/spike_history.h"

namespace hftmon {

class SpikeCursor {
 public:
  explicit SpikeCursor(const SpikeHistory* history) : history_(history) {}

  // Behind everything that was appended before the call; what is appended meanwhile may come. Its order tells.
  void GoToEnd() {
    for (const SpikeRing ring : kSpikeRings) HeadOf(ring) = {.next = history_->ring(ring).end()};
  }

  // The next one, or nullptr when there is none yet; valid until the next call. `overwritten` grows by those that came too late to be read.
  const Spike* Next(SpikePosition* position, uint64_t* overwritten) {
    // Before the rings are looked at: what is below it stands in them, so nothing can come before what is found.
    const uint64_t end = history_->end();
    Head* first = nullptr;
    for (const SpikeRing ring : kSpikeRings) {
      Head& head = HeadOf(ring);
      Fill(history_->ring(ring), &head, overwritten);
      if (!head.filled || (first != nullptr && first->spike.order < head.spike.order)) continue;
      first = &head;
      position->ring = ring;
    }
    if (first == nullptr || first->spike.order >= end) return nullptr;
    position->index = first->next++;
    first->filled = false;
    return &first->spike;
  }

 private:
  struct Head {
    uint64_t next = 0;    // in its ring
    bool filled = false;  // `spike` is the entry `next`
    Spike spike;
  };

  static void Fill(const SeqRing<Spike>& ring, Head* head, uint64_t* overwritten) {
    // Each turn leaves an overwritten entry behind; the writer cannot lap for ever.
    while (!head->filled && head->next < ring.end()) {
      head->filled = ring.Read(head->next, &head->spike) == SeqRead::kOk;
      if (head->filled) return;
      const uint64_t next = std::max(head->next + 1, ring.begin());
      *overwritten += next - head->next;
      head->next = next;
    }
  }

  Head& HeadOf(SpikeRing ring) { return heads_[static_cast<size_t>(ring)]; }

  const SpikeHistory* history_;
  std::array<Head, kSpikeRings.size()> heads_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_CURSOR_H_
