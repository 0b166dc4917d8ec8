#include "daemon/analysis/switch_summary.h"

#include <algorithm>
#include <numeric>

#include "common/histogram.h"
#include "common/metric_catalogue.h"

namespace hftmon {
namespace {

struct Maximum {
  int64_t value_ns = 0;
  bool estimated = false;
};

std::optional<size_t> TopBucket(std::span<const uint64_t> counts) {
  for (size_t i = counts.size(); i-- > 0;) {
    if (counts[i] != 0) return i;
  }
  return std::nullopt;
}

// Where the kernel's maximum could not be read, ingest puts the highest bucket's upper edge, which no value of that bucket reaches. The
// same stands in for a maximum below that bucket, which cannot be right. Without any bucket it is that of durations which found none.
std::optional<Maximum> MaximumOf(const SparseHistogram& counts, int64_t max_ns) {
  const std::optional<size_t> top = counts.top();
  if (!top) return max_ns > 0 ? std::optional(Maximum{max_ns, false}) : std::nullopt;
  const int64_t upper_ns = BucketUpperNs(*top);
  if (max_ns < BucketLowerNs(*top) || max_ns == upper_ns) return Maximum{upper_ns, true};
  return Maximum{max_ns, false};
}

struct Durations {
  const SparseHistogram& counts;
  uint64_t unbinned_count;
  uint64_t count;
  uint64_t sum_ns;
  int64_t max_ns;
  const EventDurations* events;  // may be null
};

std::optional<PercentileValue> PercentileOf(const Durations& durations, double percent) {
  const std::optional<PercentilePlace> place = FindPercentile(durations.counts, percent);
  if (!place) return std::nullopt;
  PercentileValue value{.percent = percent, .value_ns = BucketMiddleNs(place->bucket)};
  // With values that are in no bucket, the rank itself is not known.
  if (durations.events == nullptr || durations.unbinned_count > 0) return value;
  if (const std::optional<int64_t> exact_ns = durations.events->At(*place)) {
    value.value_ns = *exact_ns;
    value.exact = true;
  }
  return value;
}

DurationSummary SummarizeDurations(const Durations& durations, std::span<const double> percentiles) {
  DurationSummary summary;
  summary.count = durations.count;
  summary.unbinned_count = durations.unbinned_count;
  summary.sum_ns = static_cast<int64_t>(durations.sum_ns);
  if (const std::optional<Maximum> maximum = MaximumOf(durations.counts, durations.max_ns)) {
    summary.max_ns = maximum->value_ns;
    summary.max_estimated = maximum->estimated;
  }
  for (const double percent : percentiles) {
    if (const std::optional<PercentileValue> value = PercentileOf(durations, percent)) summary.percentiles.push_back(*value);
  }
  return summary;
}

std::optional<double> MeanDepth(const ThreadWindow& window) {
  uint64_t count = 0;
  uint64_t sum = 0;
  for (size_t depth = 0; depth < window.depth.size(); ++depth) {
    count += window.depth[depth];
    sum += depth * window.depth[depth];
  }
  if (count == 0) return std::nullopt;
  return static_cast<double>(sum) / static_cast<double>(count);
}

std::optional<uint32_t> DepthPercentile(const ThreadWindow& window, double percent) {
  const std::optional<size_t> bucket = PercentileBucket(window.depth, percent);
  return bucket ? std::optional(static_cast<uint32_t>(*bucket)) : std::nullopt;
}

void AddThread(const ThreadWindow& thread, ThreadWindow* sum) {
  sum->voluntary_count += thread.voluntary_count;
  sum->involuntary_count += thread.involuntary_count;
  sum->run_delay_ns += thread.run_delay_ns;
  sum->off_cpu_ns += thread.off_cpu_ns;
  sum->off_cpu_count += thread.off_cpu_count;
  sum->migration_count += thread.migration_count;
  sum->discarded_count += thread.discarded_count;
  sum->run_queue_max_ns = std::max(sum->run_queue_max_ns, thread.run_queue_max_ns);
  sum->off_cpu_max_ns = std::max(sum->off_cpu_max_ns, thread.off_cpu_max_ns);
  for (size_t level = 0; level < sum->interrupted_ns.size(); ++level) sum->interrupted_ns[level] += thread.interrupted_ns[level];
  for (size_t i = 0; i < sum->kind_count.size(); ++i) sum->kind_count[i] += thread.kind_count[i];
  for (size_t i = 0; i < sum->depth.size(); ++i) sum->depth[i] += thread.depth[i];
  sum->run_queue_unbinned_count += thread.run_queue_unbinned_count;
  sum->off_cpu_unbinned_count += thread.off_cpu_unbinned_count;
  sum->run_queue.Add(thread.run_queue);
  sum->off_cpu.Add(thread.off_cpu);
}

std::optional<double> AsDouble(const std::optional<Maximum>& maximum) {
  return maximum ? std::optional(static_cast<double>(maximum->value_ns)) : std::nullopt;
}

}  // namespace

SwitchSummary Summarize(const ThreadWindow& window, std::span<const double> percentiles, const ThreadEvents* events) {
  SwitchSummary summary;
  summary.thread = window.thread;
  summary.voluntary_count = window.voluntary_count;
  summary.involuntary_count = window.involuntary_count;
  summary.migration_count = window.migration_count;
  summary.discarded_count = window.discarded_count;
  summary.kind_count = window.kind_count;
  summary.run_queue_latency = SummarizeDurations({.counts = window.run_queue,
                                                  .unbinned_count = window.run_queue_unbinned_count,
                                                  .count = window.run_queue.total() + window.run_queue_unbinned_count,
                                                  .sum_ns = window.run_delay_ns,
                                                  .max_ns = window.run_queue_max_ns,
                                                  .events = events == nullptr ? nullptr : &events->run_queue},
                                                 percentiles);
  summary.off_cpu = SummarizeDurations({.counts = window.off_cpu,
                                        .unbinned_count = window.off_cpu_unbinned_count,
                                        .count = window.off_cpu_count,
                                        .sum_ns = window.off_cpu_ns,
                                        .max_ns = window.off_cpu_max_ns,
                                        .events = events == nullptr ? nullptr : &events->off_cpu},
                                       percentiles);
  DepthSummary& depth = summary.run_queue_depth;
  depth.count = TotalCount(window.depth);
  depth.mean = MeanDepth(window);
  depth.p50 = DepthPercentile(window, 50);
  depth.p99 = DepthPercentile(window, 99);
  if (const std::optional<size_t> top = TopBucket(window.depth)) depth.max = static_cast<uint32_t>(*top);
  return summary;
}

ThreadWindow SumThreads(std::span<const ThreadWindow> threads) {
  ThreadWindow sum;
  for (const ThreadWindow& thread : threads) AddThread(thread, &sum);
  const auto of_first = [&threads](const ThreadWindow& thread) { return thread.thread.tgid == threads.front().thread.tgid; };
  if (!threads.empty() && std::all_of(threads.begin(), threads.end(), of_first)) sum.thread.tgid = threads.front().thread.tgid;
  return sum;
}

std::optional<double> MetricValue(const ThreadWindow& window, std::string_view metric) {
  const MetricRow* row = FindMetric(metric);
  if (row == nullptr) return std::nullopt;
  if (row->kind == MetricKind::kPercentile) {
    const bool off_cpu = metric.starts_with("off_cpu_");
    if (!off_cpu && !metric.starts_with("run_queue_latency_")) return std::nullopt;
    const std::optional<PercentilePlace> place = FindPercentile(off_cpu ? window.off_cpu : window.run_queue, row->percent);
    return place ? std::optional(static_cast<double>(BucketMiddleNs(place->bucket))) : std::nullopt;
  }
  if (metric == "context_switches_voluntary_count") return static_cast<double>(window.voluntary_count);
  if (metric == "context_switches_involuntary_count") return static_cast<double>(window.involuntary_count);
  if (metric == "migrations_count") return static_cast<double>(window.migration_count);
  if (metric == "run_queue_wait_sum_ns") return static_cast<double>(window.run_delay_ns);
  if (metric == "off_cpu_sum_ns") return static_cast<double>(window.off_cpu_ns);
  if (metric == "interrupted_hard_irq_ns") return static_cast<double>(window.interrupted_ns[HFT_LEVEL_HARD]);
  if (metric == "interrupted_softirq_ns") return static_cast<double>(window.interrupted_ns[HFT_LEVEL_SOFTIRQ]);
  if (metric == "interrupted_nmi_ns") return static_cast<double>(window.interrupted_ns[HFT_LEVEL_NMI]);
  if (metric == "interrupted_sum_ns") {
    return static_cast<double>(std::accumulate(window.interrupted_ns.begin(), window.interrupted_ns.end(), uint64_t{0}));
  }
  if (metric == "run_queue_latency_max_ns") return AsDouble(MaximumOf(window.run_queue, window.run_queue_max_ns));
  if (metric == "off_cpu_max_ns") return AsDouble(MaximumOf(window.off_cpu, window.off_cpu_max_ns));
  if (metric == "run_queue_depth_mean") return MeanDepth(window);
  return std::nullopt;
}

}  // namespace hftmon
