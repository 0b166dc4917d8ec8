// EventRecorder: keeps off-CPU intervals, migrations and the ends of threads in the history.
//
// Threads: the sinks' half by the housekeeping thread (no allocation, lock or system call); the ring is read by anyone.
#ifndef HFTMON_DAEMON_STORE_EVENT_RECORDER_H_
#define HFTMON_DAEMON_STORE_EVENT_RECORDER_H_

#include <atomic>
#include <cstdint>

#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"
#include "daemon/store/switch_event.h"

namespace hftmon {

class EventRecorder : public IntervalSink, public LifeSink {
 public:
  // `events` outlives the recorder, which is its only writer.
  explicit EventRecorder(SeqRing<SwitchEvent>* events) : events_(events) {}

  // Intervals are kept whose wait, or whose off-CPU time, is above these: the kernel's own thresholds may be lower for others' sake. By any
  // thread; at first all are.
  void SetThresholds(int64_t run_queue_threshold_ns, int64_t off_cpu_threshold_ns) {
    // Relaxed: each threshold stands for itself.
    run_queue_threshold_ns_.store(run_queue_threshold_ns, std::memory_order_relaxed);
    off_cpu_threshold_ns_.store(off_cpu_threshold_ns, std::memory_order_relaxed);
  }

  void OnInterval(const OffCpuInterval& interval) override;
  void OnLoss(const LossEvent&) override {}      // kept by LossHistory
  void OnLife(const LifeEvent& event) override;  // migrations and ends

 private:
  void RecordEnd(const LifeEvent& event);

  SeqRing<SwitchEvent>* const events_;
  std::atomic<int64_t> run_queue_threshold_ns_{INT64_MIN};
  std::atomic<int64_t> off_cpu_threshold_ns_{INT64_MIN};
  SwitchEvent event_;  // of the latest interval: every field is written for each, but no more of a waker than is known
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_EVENT_RECORDER_H_
