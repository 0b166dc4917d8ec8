// CounterMetricSamples: what a stream of metrics tells of what threads count: the catalogue's metrics of counters, and why there are none.
//
// A snapshot has what came into the history of counters since the one before: each span is in one snapshot, and snapshots add up to what
// was counted, but for what is lost. A span belongs to the snapshot after it was read out, up to 25 ms late, that of a thread which sleeps
// when it runs again: neither differences of totals, which have no percentiles and lose what a thread counted that ended, nor spans by
// their own times, of which the late ones would be in none. Owner: the stream, whose poll thread calls everything. Take() often enough that
// nothing is overwritten before it is taken (kTakeIntervalNs, 65,536 spans are kept). Bounds: a window of some 3 KiB for each thread or
// target, of which all streams have CounterWindowBudget together; what finds no room is lost and counted. kUnavailableMax reasons.
#ifndef HFTMON_DAEMON_SERVICE_COUNTER_METRIC_SAMPLES_H_
#define HFTMON_DAEMON_SERVICE_COUNTER_METRIC_SAMPLES_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/metric_catalogue.h"
#include "daemon/analysis/counter_history.h"
#include "daemon/service/counter_totals.h"
#include "daemon/service/counter_window_budget.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "hftmon/v1/metrics.pb.h"

namespace hftmon {

class CounterMetricSamples {
 public:
  static constexpr int64_t kTakeIntervalNs = 200'000'000;
  static constexpr size_t kTakeMax = 2'048;    // spans, while whoever writes them waits: some milliseconds
  static constexpr int kUnavailableMax = 256;  // in a snapshot

  // Of `request` the processes and whether threads are told apart; of `metrics` those that are made of counters. What ended until
  // `since_mono_ns` is in no snapshot. `budget` outlives it.
  CounterMetricSamples(const ServiceCore* core, CounterWindowBudget* budget, const v1::WatchMetricsRequest& request,
                       const std::vector<const MetricRow*>& metrics, int64_t since_mono_ns);
  ~CounterMetricSamples() { Forget(); }
  CounterMetricSamples(const CounterMetricSamples&) = delete;
  CounterMetricSamples& operator=(const CounterMetricSamples&) = delete;

  // Whether any of the metrics is one.
  bool any() const { return !metrics_.empty(); }
  void Take();
  // Takes what came, adds the samples and every reason that holds now, and begins anew. `begin_mono_ns`: of the snapshot's window.
  void Fill(const TargetSelection& selection, int64_t begin_mono_ns, v1::WatchMetricsResponse* out);

 private:
  struct Snapshot;

  void Add(const std::vector<CounterRate>& rates, const CounterSpan& span);
  void FollowSet(const CounterSet& now);
  void Forget();
  void FillTarget(const TargetInfo& target, Snapshot* snapshot) const;
  void FillThreads(const TargetInfo& target, const std::map<ThreadKey, std::string, ThreadKeyOrder>& spanless, Snapshot* snapshot) const;
  void AddSamples(uint32_t pid, uint32_t tid, const CounterWindow& window, Snapshot* snapshot) const;
  // No metrics: all of them.
  void AddUnavailable(uint32_t pid, uint32_t tid, const std::string& reason, Snapshot* snapshot,
                      std::span<const MetricRow* const> metrics = {}) const;
  // The key of what a thread's spans are added up to.
  ThreadKey KeyOf(const ThreadKey& thread) const { return per_thread_ ? thread : ThreadKey{.tid = 0, .tgid = thread.tgid, .start_ns = 0}; }

  const ServiceCore* const core_;
  CounterWindowBudget* const budget_;
  const bool per_thread_;
  const bool named_;                         // the metrics, and not all there are
  const std::unordered_set<uint32_t> pids_;  // empty: all
  const int64_t since_mono_ns_;
  std::vector<const MetricRow*> metrics_;
  CounterCursor cursor_;
  CounterSet set_;  // that the windows are of
  std::vector<CounterRate> rates_;
  uint32_t told_set_ = 0;  // of the snapshot before
  std::unordered_map<ThreadKey, CounterWindow, ThreadKeyHash> windows_;
  std::unordered_set<ThreadKey, ThreadKeyHash> read_;  // threads with spans
  uint64_t lost_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_COUNTER_METRIC_SAMPLES_H_
