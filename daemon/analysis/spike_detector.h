// SpikeDetector: turns off-CPU intervals, stretches of interrupts and the kernel's own doings above the threshold into spikes with time
// budgets, those that go on included: their id comes again at their end.
//
// Threads: the IntervalSink half by the housekeeping thread (no allocation, lock or system call); SetThresholds by the control thread;
// detection() by anyone. Spikes are read from the history by anyone.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/analysis/latency_recorder.h"
#include "daemon/analysis/spike.h"
#include "daemon/analysis/spike_history.h"
#include "daemon/ingest/sinks.h"

namespace hftmon {

class SpikeDetector : public IntervalSink, public InterruptionSink, public KernelStallSink, public StallSink, public HeldUpSink {
 public:
  // `clock` and `spikes` outlive the detector, which is the history's only writer. No spikes until SetThresholds. Of threads in slots from
  // `slot_count` on no spike in progress is told.
  SpikeDetector(const MonotonicClock* clock, SpikeHistory* spikes, uint32_t slot_count);

  void OnInterval(const OffCpuInterval& interval) override;
  void OnLoss(const LossEvent& loss) override;
  // A stretch that is told again, longer, is the same spike: its id comes again (rarely: see StretchHold).
  void OnInterruption(const Interruption& interruption) override;
  void OnKernelStall(const EndedKernelStall& stall) override;
  void OnStalled(const OffCpuInterval& so_far, int64_t crossing_mono_ns) override;
  void OnInterrupted(const Interruption& so_far, int64_t crossing_mono_ns) override;
  void OnStallOver(uint16_t slot, int64_t out_clock_ns, int64_t waiting_until_mono_ns) override;
  void OnAsleep(const OffCpuInterval& so_far, int64_t crossing_mono_ns) override;
  void OnSleepOver(uint16_t slot, int64_t out_clock_ns, int64_t asleep_until_mono_ns) override;
  void OnKernelStallGoesOn(const EndedKernelStall& so_far, int64_t crossing_mono_ns) override;
  void OnUnfollowed(uint64_t sleep_count) override { spikes_->NoteUnfollowed(sleep_count); }
  void OnKernelStallOver(uint16_t slot, hft_kernel_what what, int64_t start_mono_ns, int64_t lasting_until_mono_ns) override;
  // An operation, or a gap, of a program that marks: complete but for its id, and for what is said about its detection.
  void OnMarked(const Spike& spike);
  void OnStretchOver(uint16_t cpu, int64_t start_mono_ns, int64_t lasting_until_mono_ns) override;

  // Thresholds in force; settable while running. A wait above run_queue_threshold is a preempted or run_queue spike, a stretch of
  // interrupts above it an interrupted one, what the kernel did above it a fault, kernel_lock, compaction or reclaim; an off-CPU interval
  // above blocked_threshold that began by blocking is a blocked spike besides. 0 or less: no such spikes.
  void SetThresholds(int64_t run_queue_threshold_ns, int64_t blocked_threshold_ns);

  // A spike that begins before `since` or ends after `until` is inconclusive: what happened then was not seen (the programs were off). One
  // thread at a time. While both change, spikes may be inconclusive that need not.
  void SetConclusive(int64_t since_mono_ns, int64_t until_mono_ns);

  // From the closing record, and of spikes in progress from the crossing of the threshold.
  DetectionLatency detection() const { return detection_.Read(); }
  DetectionLatency crossing_detection() const { return crossing_detection_.Read(); }

 private:
  static constexpr size_t kLossesMax = 64;

  // A wait or a stretch of interrupts in progress that was told.
  struct OpenStall {
    uint64_t id = 0;  // 0 = none
    int64_t out_clock_ns = 0;
    int64_t start_mono_ns = 0;
    ThreadKey thread;
    SpikeKind kind = SpikeKind::kPreempted;
    uint16_t slot = 0;
    uint16_t cpu = 0;
    SpikePosition told_at;         // the last telling
    int64_t crossing_mono_ns = 0;  // of the threshold that it was told for last
  };

  // The last stretch of interrupts that was a spike.
  struct LastStretch {
    OpenStall told;
    int64_t told_ns = 0;    // how long it had lasted then
    bool going_on = false;  // its end was not told
  };

  static OpenStall* FindOpen(std::vector<OpenStall>* open, uint16_t slot, int64_t out_clock_ns);
  OpenStall* FindKernelStall(uint16_t slot, SpikeKind kind, int64_t start_mono_ns);
  void EndEarlierSleep(const OffCpuInterval& interval);
  void TellOpen(const OffCpuInterval& so_far, SpikeKind kind, OpenStall* open);
  void CloseKernelStall(OpenStall* open);
  void MarkEstimated();
  SpikePosition AppendGoingOn(OpenStall* open, int64_t crossing_mono_ns);
  void Emit(const OffCpuInterval& interval, SpikeKind kind, uint64_t id);
  void EmitUnexplained(const OpenStall& stall, int64_t until_mono_ns);
  void FillKernelStall(const EndedKernelStall& stall, uint64_t id);
  void FillInterrupted(const Interruption& interruption, uint64_t id);
  void ForgetDetails();
  uint64_t IdOfStretch(const Interruption& interruption);
  void SetGoingOn(LastStretch* stretch, bool going_on);
  // By the kernel's record, or at the crossing: how long ago that was is part of detection().
  SpikePosition AppendDetected(int64_t record_mono_ns);
  SpikePosition Append();
  void FillUnknown(const OpenStall& stall, int64_t duration_ns);
  void MarkLosses();
  bool WasSeenWhole() const;

  const MonotonicClock* const clock_;
  SpikeHistory* const spikes_;
  std::atomic<int64_t> run_queue_threshold_ns_{INT64_MAX};
  std::atomic<int64_t> blocked_threshold_ns_{INT64_MAX};
  std::atomic<int64_t> conclusive_since_mono_ns_{INT64_MIN};
  std::atomic<int64_t> conclusive_until_mono_ns_{INT64_MAX};

  // Housekeeping thread.
  Spike spike_;  // every field is written for each spike, but no more causes than it has
  uint64_t last_id_ = 0;
  std::vector<LastStretch> last_stretches_;  // by CPU
  std::vector<OpenStall> open_;              // waits, by slot
  std::vector<OpenStall> asleep_;            // by slot
  std::vector<OpenStall> kernel_stalls_;     // id 0: a free place
  size_t kernel_stall_count_ = 0;
  std::array<LossEvent, kLossesMax> losses_;  // the first is the sum of all older ones
  size_t loss_count_ = 0;
  int64_t loss_until_mono_ns_ = INT64_MIN;

  LatencyRecorder detection_;
  LatencyRecorder crossing_detection_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_DETECTOR_H_
