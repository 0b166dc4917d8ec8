// StallRecorder: keeps every stall that the kernel's programs recorded, spike or not, while somebody wants them (SlowOperations): their
// threshold is then below that of spikes.
//
// Threads: the sinks' half by the housekeeping thread (no allocation, lock or system call); Enable and stalls() by anyone. Bounds:
// kStallsMax; a new one overwrites the oldest, and whoever reads sees that. Cost while nobody wants them: one load for each record.
#ifndef HFTMON_DAEMON_ANALYSIS_STALL_RECORDER_H_
#define HFTMON_DAEMON_ANALYSIS_STALL_RECORDER_H_

#include <atomic>
#include <cstdint>

#include "daemon/analysis/stall.h"
#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

class StallRecorder final : public IntervalSink, public InterruptionSink, public KernelStallSink {
 public:
  static constexpr uint64_t kStallsMax = 8192;

  StallRecorder() : stalls_(kStallsMax) {}

  // Relaxed: a stall at the moment of the change may be kept or not.
  void Enable(bool wanted) { enabled_.store(wanted, std::memory_order_relaxed); }
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }

  void OnInterval(const OffCpuInterval& interval) override;
  void OnLoss(const LossEvent&) override {}  // kept by LossHistory
  void OnInterruption(const Interruption& interruption) override;
  void OnKernelStall(const EndedKernelStall& stall) override;

  // In the order in which they ended, about. Of a stretch of interrupts that went on after all there are two, with one start.
  const SeqRing<Stall>& stalls() const { return stalls_; }

 private:
  void Append(const ThreadKey& thread, uint16_t slot, uint16_t cpu);

  std::atomic<bool> enabled_{false};
  SeqRing<Stall> stalls_;
  Spike budget_;  // the housekeeping thread's
  Stall stall_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_STALL_RECORDER_H_
