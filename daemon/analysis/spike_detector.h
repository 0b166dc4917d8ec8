// SpikeDetector: turns off-CPU intervals and stretches of interrupts above the threshold into spikes with time budgets.
//
// Threads: the IntervalSink half by the housekeeping thread (no allocation, lock or system call); SetThresholds by the control thread;
// detection() by anyone. Spikes are read from the ring by anyone.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "common/monotonic_clock.h"
#include "daemon/analysis/spike.h"
#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

// How long after the closing kernel record a spike's budget was complete, over all spikes since start.
struct DetectionLatency {
  std::array<uint64_t, HFT_HISTOGRAM_BUCKETS> histogram{};  // log-linear layout
  int64_t sum_ns = 0;
  int64_t max_ns = 0;
};

class SpikeDetector : public IntervalSink, public InterruptionSink {
 public:
  // `clock` and `spikes` outlive the detector, which is the ring's only writer. No spikes until SetThresholds.
  SpikeDetector(const MonotonicClock* clock, SeqRing<Spike>* spikes);

  void OnInterval(const OffCpuInterval& interval) override;
  void OnLoss(const LossEvent& loss) override;
  // A stretch that is told again, longer, is the same spike: its id comes again.
  void OnInterruption(const Interruption& interruption) override;

  // Thresholds in force; settable while running. A wait above run_queue_threshold is a preempted or run_queue spike, a stretch of
  // interrupts above it an interrupted one; an off-CPU interval above blocked_threshold that began by blocking is a blocked spike besides.
  // 0 or less: no such spikes.
  void SetThresholds(int64_t run_queue_threshold_ns, int64_t blocked_threshold_ns);

  DetectionLatency detection() const;

 private:
  static constexpr size_t kLossesMax = 64;

  void Emit(const OffCpuInterval& interval, SpikeKind kind);
  void Append(int64_t record_mono_ns);
  void MarkLosses();
  void CountDetection(int64_t latency_ns);

  const MonotonicClock* const clock_;
  SeqRing<Spike>* const spikes_;
  std::atomic<int64_t> run_queue_threshold_ns_{INT64_MAX};
  std::atomic<int64_t> blocked_threshold_ns_{INT64_MAX};

  // Housekeeping thread.
  Spike spike_;  // every field is written for each spike, but no more causes than it has
  uint64_t last_id_ = 0;
  // The last stretch of interrupts that was a spike, by its CPU's number modulo the size.
  struct LastStretch {
    int64_t start_mono_ns = -1;
    uint64_t id = 0;
    uint16_t cpu = 0;
  };
  std::array<LastStretch, 64> last_stretches_;
  std::array<LossEvent, kLossesMax> losses_;  // the first is the sum of all older ones
  size_t loss_count_ = 0;
  int64_t loss_until_mono_ns_ = INT64_MIN;

  // Single writer, relaxed: each figure stands for itself.
  std::array<std::atomic<uint64_t>, HFT_HISTOGRAM_BUCKETS> detection_histogram_{};
  std::atomic<int64_t> detection_sum_ns_{0};
  std::atomic<int64_t> detection_max_ns_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_
