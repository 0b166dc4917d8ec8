// RecordingSinks: keeps everything the loop delivers, for a test to look at.
#ifndef HFTMON_TESTS_DAEMON_INGEST_RECORDING_SINKS_H_
#define HFTMON_TESTS_DAEMON_INGEST_RECORDING_SINKS_H_

#include <utility>
#include <vector>

#include "daemon/ingest/sinks.h"

namespace hftmon {

class RecordingSinks : public IntervalSink, public KernelStallSink, public BoostSink, public LifeSink, public WindowSink {
 public:
  void OnInterval(const OffCpuInterval& interval) override { intervals.push_back(interval); }
  void OnLoss(const LossEvent& loss) override { losses.push_back(loss); }
  void OnKernelStall(const EndedKernelStall& stall) override { kernel_stalls.push_back(stall); }
  void OnBoost(const BoostStep& step) override { boosts.push_back(step); }
  void OnLife(const LifeEvent& event) override {
    lives.push_back(event);
    deltas_before_life.push_back(deltas.size());
  }
  void OnThreadDelta(const ThreadDelta& delta) override { deltas.push_back(delta); }
  void OnBucketClosed(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t read_until_mono_ns) override {
    buckets.emplace_back(begin_mono_ns, end_mono_ns);
    last_read_until_mono_ns = read_until_mono_ns;
  }

  std::vector<OffCpuInterval> intervals;
  std::vector<LossEvent> losses;
  std::vector<EndedKernelStall> kernel_stalls;
  std::vector<BoostStep> boosts;
  std::vector<LifeEvent> lives;
  std::vector<size_t> deltas_before_life;  // deltas delivered before each life event
  std::vector<ThreadDelta> deltas;
  std::vector<std::pair<int64_t, int64_t>> buckets;
  int64_t last_read_until_mono_ns = 0;  // of the last bucket
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_INGEST_RECORDING_SINKS_H_
