// What a window of context switches amounts to: percentiles, maxima, depth statistics, sums over threads, metrics by name.
//
// Pure functions, any thread. The unavailable is absent, never 0.
#ifndef HFTMON_DAEMON_ANALYSIS_SWITCH_SUMMARY_H_
#define HFTMON_DAEMON_ANALYSIS_SWITCH_SUMMARY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/analysis/exact_percentile.h"
#include "daemon/store/thread_window.h"

namespace hftmon {

struct PercentileValue {
  double percent = 0;
  int64_t value_ns = 0;  // middle of the log-linear bucket that holds it, or
  bool exact = false;    // the value itself
};

struct DurationSummary {
  uint64_t count = 0;
  int64_t sum_ns = 0;
  uint64_t unbinned_count = 0;               // of `count`: those that no percentile knows of
  std::optional<int64_t> max_ns;             // absent when count is 0
  bool max_estimated = false;                // it is the upper edge of the highest bucket that has a sample
  std::vector<PercentileValue> percentiles;  // in the order asked for; those with too few samples are left out
};

// Run-queue depth at switch-in, the thread itself included. 31 stands for 31 or more.
struct DepthSummary {
  uint64_t count = 0;
  std::optional<double> mean;
  std::optional<uint32_t> p50;
  std::optional<uint32_t> p99;
  std::optional<uint32_t> max;
};

struct SwitchSummary {
  ThreadKey thread;
  uint64_t voluntary_count = 0;
  uint64_t involuntary_count = 0;
  uint64_t migration_count = 0;
  uint64_t discarded_count = 0;
  std::array<uint64_t, HFT_SWITCH_KINDS> kind_count{};
  DurationSummary run_queue_latency;  // sum_ns is the kernel's own run delay
  DurationSummary off_cpu;
  DepthSummary run_queue_depth;
};

// Percentiles outside (0, 100) are left out. With `events`, the thread's in that window, those that they prove are exact.
SwitchSummary Summarize(const ThreadWindow& window, std::span<const double> percentiles, const ThreadEvents* events = nullptr);

// All of them as if they were one thread; its key is that of their process (tid 0), or empty when they are of several.
ThreadWindow SumThreads(std::span<const ThreadWindow> threads);

// The value of a metric of the catalogue, in its unit. Absent: not a metric of context switches, or too few samples for it.
std::optional<double> MetricValue(const ThreadWindow& window, std::string_view metric);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SWITCH_SUMMARY_H_
