#include "daemon/analysis/spike_detector.h"

#include <algorithm>

#include "common/histogram.h"
#include "daemon/analysis/time_budget.h"

namespace hftmon {
namespace {

int64_t NoneIfNotPositive(int64_t threshold_ns) {
  return threshold_ns > 0 ? threshold_ns : INT64_MAX;
}

SpikeKind KindOfWait(hft_switch_kind out_kind) {
  switch (out_kind) {
    case HFT_SWITCH_USER_PREEMPTION:
    case HFT_SWITCH_KERNEL_PREEMPTION:
    case HFT_SWITCH_FORCED_MIGRATION:
      return SpikeKind::kPreempted;
    default:
      return SpikeKind::kRunQueue;
  }
}

// Unknown: it left voluntarily, on a kernel whose programs cannot see the saved registers.
bool Blocked(hft_switch_kind out_kind) {
  return out_kind == HFT_SWITCH_UNKNOWN || out_kind == HFT_SWITCH_BLOCKED_SYSCALL || out_kind == HFT_SWITCH_BLOCKED_FAULT;
}

}  // namespace

SpikeDetector::SpikeDetector(const MonotonicClock* clock, SeqRing<Spike>* spikes) : clock_(clock), spikes_(spikes) {}

void SpikeDetector::SetThresholds(int64_t run_queue_threshold_ns, int64_t blocked_threshold_ns) {
  // Relaxed: each threshold stands for itself, and an interval judged by the old one is no error.
  run_queue_threshold_ns_.store(NoneIfNotPositive(run_queue_threshold_ns), std::memory_order_relaxed);
  blocked_threshold_ns_.store(NoneIfNotPositive(blocked_threshold_ns), std::memory_order_relaxed);
}

void SpikeDetector::OnInterval(const OffCpuInterval& interval) {
  if (interval.wait_ns > run_queue_threshold_ns_.load(std::memory_order_relaxed)) Emit(interval, KindOfWait(interval.out_kind));
  if (interval.off_cpu_ns > blocked_threshold_ns_.load(std::memory_order_relaxed) && Blocked(interval.out_kind)) {
    Emit(interval, SpikeKind::kBlocked);
  }
}

void SpikeDetector::OnLoss(const LossEvent& loss) {
  if (loss.lost_count == 0) return;
  if (loss_count_ == kLossesMax) {
    LossEvent& older = losses_[0];
    older.lost_count += losses_[1].lost_count;
    older.begin_mono_ns = std::min(older.begin_mono_ns, losses_[1].begin_mono_ns);
    older.end_mono_ns = std::max(older.end_mono_ns, losses_[1].end_mono_ns);
    std::copy(losses_.begin() + 2, losses_.end(), losses_.begin() + 1);
    --loss_count_;
  }
  losses_[loss_count_++] = loss;
  loss_until_mono_ns_ = std::max(loss_until_mono_ns_, loss.end_mono_ns);
}

void SpikeDetector::Emit(const OffCpuInterval& interval, SpikeKind kind) {
  spike_.id = ++last_id_;
  spike_.kind = kind;
  spike_.thread = interval.thread;
  spike_.slot = interval.slot;
  spike_.cpu = interval.cpu;
  spike_.depth = interval.depth;
  spike_.priority = interval.priority;
  spike_.wait_migrations = interval.wait_migrations;
  spike_.out_kind = interval.out_kind;
  spike_.runners_truncated = interval.runners_truncated;
  FillTimeBudget(interval, &spike_);
  spike_.start_mono_ns = interval.end_mono_ns - spike_.duration_ns;
  Append(interval.end_mono_ns);
}

void SpikeDetector::OnInterruption(const Interruption& interruption) {
  if (interruption.end_mono_ns - interruption.start_mono_ns <= run_queue_threshold_ns_.load(std::memory_order_relaxed)) return;
  LastStretch& last = last_stretches_[interruption.cpu % last_stretches_.size()];
  const bool again = last.start_mono_ns == interruption.start_mono_ns && last.cpu == interruption.cpu;
  if (!again) last = {interruption.start_mono_ns, ++last_id_, interruption.cpu};
  spike_.id = last.id;
  spike_.kind = SpikeKind::kInterrupted;
  spike_.thread = interruption.thread;
  spike_.slot = interruption.slot;
  spike_.cpu = interruption.cpu;
  spike_.depth = 0;
  spike_.priority = 0;
  spike_.wait_migrations = 0;
  spike_.out_kind = HFT_SWITCH_UNKNOWN;
  spike_.runners_truncated = interruption.interrupts.truncated;
  FillInterruptionBudget(interruption, &spike_);
  spike_.start_mono_ns = interruption.start_mono_ns;
  Append(interruption.record_mono_ns);
}

// spike_ but for what is said about its detection.
void SpikeDetector::Append(int64_t record_mono_ns) {
  spike_.record_mono_ns = record_mono_ns;
  spike_.lost_records = 0;
  if (loss_until_mono_ns_ >= spike_.start_mono_ns) MarkLosses();
  spike_.inconclusive = spike_.lost_records > 0;
  spike_.detected_mono_ns = clock_->NowNs();
  spikes_->Append(spike_);
  CountDetection(std::max<int64_t>(spike_.detected_mono_ns - spike_.record_mono_ns, 0));
}

// A loss on any CPU counts: the thread may have been moved by that CPU, and the record of the move is in that CPU's ring.
void SpikeDetector::MarkLosses() {
  for (size_t i = 0; i < loss_count_; ++i) {
    const LossEvent& loss = losses_[i];
    if (loss.end_mono_ns >= spike_.start_mono_ns && loss.begin_mono_ns <= spike_.record_mono_ns) spike_.lost_records += loss.lost_count;
  }
}

void SpikeDetector::CountDetection(int64_t latency_ns) {
  std::atomic<uint64_t>& count = detection_histogram_[BucketOf(latency_ns)];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  detection_sum_ns_.store(detection_sum_ns_.load(std::memory_order_relaxed) + latency_ns, std::memory_order_relaxed);
  if (latency_ns > detection_max_ns_.load(std::memory_order_relaxed)) detection_max_ns_.store(latency_ns, std::memory_order_relaxed);
}

DetectionLatency SpikeDetector::detection() const {
  DetectionLatency latency;
  for (size_t i = 0; i < latency.histogram.size(); ++i) latency.histogram[i] = detection_histogram_[i].load(std::memory_order_relaxed);
  latency.sum_ns = detection_sum_ns_.load(std::memory_order_relaxed);
  latency.max_ns = detection_max_ns_.load(std::memory_order_relaxed);
  return latency;
}

}  // namespace hftmon
