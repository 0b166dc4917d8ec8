// SpikeDetector: turns off-CPU intervals above the threshold into spikes with time budgets.
//
// Threads: the IntervalSink half by the housekeeping thread (no allocation, lock or system call). Spikes are read from `spikes()` by anyone.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_

#include <atomic>
#include <cstdint>

#include "common/monotonic_clock.h"
#include "daemon/analysis/spike.h"
#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

class SpikeDetector : public IntervalSink {
 public:
  // `clock` and `spikes` outlive the detector.
  SpikeDetector(const MonotonicClock* clock, SeqRing<Spike>* spikes);

  void OnInterval(const OffCpuInterval& interval) override;
  void OnLoss(const LossEvent& loss) override;

  // Thresholds in force; settable by the control thread while running (relaxed atomics). A wait above run_queue_threshold is a preempted
  // or run_queue spike; an off-CPU interval of a voluntary switch above blocked_threshold is a blocked spike besides.
  void SetThresholds(int64_t run_queue_threshold_ns, int64_t blocked_threshold_ns);

 private:
  const MonotonicClock* clock_;
  SeqRing<Spike>* spikes_;
  std::atomic<int64_t> run_queue_threshold_ns_;
  std::atomic<int64_t> blocked_threshold_ns_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_
