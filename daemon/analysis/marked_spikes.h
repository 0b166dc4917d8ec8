// MarkedSpikes: the way of spikes of marks from the thread that reads marks to the detector, which gives them their place among all others.
//
// Threads: TryPush by the thread that reads marks; Poll by the housekeeping thread. Bounds: kWaitingMax; what does not fit is refused and
// counted.
#ifndef HFTMON_DAEMON_ANALYSIS_MARKED_SPIKES_H_
#define HFTMON_DAEMON_ANALYSIS_MARKED_SPIKES_H_

#include "daemon/analysis/spike_detector.h"
#include "daemon/ingest/loop_guest.h"
#include "daemon/ring/spsc_queue.h"

namespace hftmon {

class MarkedSpikes final : public LoopGuest {
 public:
  static constexpr uint64_t kWaitingMax = 256;
  static constexpr int kTakenMax = 8;  // in one iteration

  // `detector` outlives it.
  explicit MarkedSpikes(SpikeDetector* detector) : detector_(detector), waiting_(kWaitingMax) {}

  bool TryPush(const Spike& spike) { return waiting_.TryPush(spike); }

  bool Poll(int64_t /*now_ns*/) override {
    int taken = 0;
    while (taken < kTakenMax && waiting_.TryPop(&spike_)) {
      detector_->OnMarked(spike_);
      ++taken;
    }
    return taken > 0;
  }

 private:
  SpikeDetector* const detector_;
  SpscQueue<Spike> waiting_;
  Spike spike_;  // the housekeeping thread's
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_MARKED_SPIKES_H_
