#include "daemon/service/metric_samples.h"

#include <optional>
#include <unordered_set>

#include "daemon/analysis/switch_summary.h"

namespace hftmon {
namespace {

constexpr std::string_view kSpikesMetric = "spikes_count";

// What one sample row is made of.
struct Subject {
  ThreadWindow window;
  uint64_t spike_count = 0;
};

std::optional<double> ValueOf(const Subject& subject, std::string_view metric, bool spikes_known) {
  if (metric != kSpikesMetric) return MetricValue(subject.window, metric);
  return spikes_known ? std::optional(static_cast<double>(subject.spike_count)) : std::nullopt;
}

}  // namespace

void AddMetricSamples(const ServiceCore& core, const TargetSelection& selection, std::span<const MetricRow* const> metrics, bool per_thread,
                      const std::vector<ThreadWindow>& active, const std::optional<SpikeCounts>& spikes, v1::WatchMetricsResponse* out) {
  std::unordered_map<ThreadKey, Subject, ThreadKeyHash> threads;
  for (const TargetInfo& target : selection.targets()) {
    for (const ThreadTotal& total : core.totals->AllOf(target.pid)) {
      if (selection.Keeps(total.thread)) threads[total.thread].window.thread = total.thread;
    }
  }
  for (const ThreadWindow& window : active) threads[window.thread].window = window;
  if (spikes.has_value()) {
    for (const auto& [thread, count] : *spikes) {
      if (selection.Keeps(thread)) threads[thread].spike_count = count;
    }
  }

  std::unordered_map<uint32_t, std::vector<const Subject*>> threads_of_pid;
  for (auto& [thread, subject] : threads) {
    subject.window.thread = thread;
    threads_of_pid[thread.tgid].push_back(&subject);
  }
  const auto add = [&](const Subject& subject, uint32_t pid, uint32_t tid) {
    const ThreadNumbers inner = core.names->NumbersOf(pid, tid == 0 ? pid : tid);
    for (const MetricRow* metric : metrics) {
      const std::optional<double> value = ValueOf(subject, metric->name, spikes.has_value());
      if (!value.has_value()) continue;
      v1::MetricSample* sample = out->add_samples();
      sample->set_metric(std::string(metric->name));
      sample->set_pid(static_cast<int32_t>(pid));
      sample->set_tid(static_cast<int32_t>(tid));
      sample->set_namespace_pid(inner.pid);
      if (tid != 0) sample->set_namespace_tid(inner.tid);
      sample->set_value(*value);
    }
  };
  std::unordered_set<uint32_t> pids;  // an ended target's may be a running one's again
  for (const TargetInfo& target : selection.targets()) {
    if (!pids.insert(target.pid).second) continue;
    const std::vector<const Subject*>& of_target = threads_of_pid[target.pid];
    if (per_thread) {
      for (const Subject* subject : of_target) add(*subject, target.pid, subject->window.thread.tid);
      continue;
    }
    std::vector<ThreadWindow> windows;
    Subject whole;
    for (const Subject* subject : of_target) {
      windows.push_back(subject->window);
      whole.spike_count += subject->spike_count;
    }
    whole.window = SumThreads(windows);
    add(whole, target.pid, 0);
  }
}

}  // namespace hftmon
