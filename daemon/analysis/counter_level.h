// CounterLevel: sums of spans by thread and stretch of time, of one width; the coarser memory of CounterHistory.
//
// A span belongs to the stretch in which it ended: (k * width, (k + 1) * width]. Spans may come in any order.
// Threads: one at a time. Bound: `bytes_max`; beyond it the oldest stretch goes, and everything older with it.
#ifndef HFTMON_DAEMON_ANALYSIS_COUNTER_LEVEL_H_
#define HFTMON_DAEMON_ANALYSIS_COUNTER_LEVEL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>

#include "daemon/analysis/counter_window.h"

namespace hftmon {

using WindowsOfThreads = std::map<ThreadKey, CounterWindow, ThreadKeyOrder>;
using ThreadFilterFunction = std::function<bool(const ThreadKey&)>;

class CounterLevel {
 public:
  CounterLevel(int64_t width_ns, size_t bytes_max) : width_ns_(width_ns), bytes_max_(bytes_max) {}

  void Add(const SpanRates& rates, const CounterSpan& span);
  // Adds the stretches between two edges, each a multiple of the width.
  void AddTo(int64_t begin_mono_ns, int64_t end_mono_ns, const ThreadFilterFunction& keeps, WindowsOfThreads* out) const;
  void Clear();

  // The edge after which it has everything; 0: nothing went so far.
  int64_t whole_from_mono_ns() const { return whole_from_ns_; }
  int64_t FloorOf(int64_t mono_ns) const { return mono_ns / width_ns_ * width_ns_; }
  int64_t CeilingOf(int64_t mono_ns) const { return FloorOf(mono_ns + width_ns_ - 1); }
  size_t bytes() const { return bytes_; }
  size_t bytes_max() const { return bytes_max_; }

 private:
  using Stretch = std::unordered_map<ThreadKey, CounterWindow, ThreadKeyHash>;

  void DropOldest();

  const int64_t width_ns_;
  const size_t bytes_max_;
  std::map<int64_t, Stretch> stretches_;  // by the edge that they begin with
  int64_t whole_from_ns_ = 0;
  size_t bytes_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_COUNTER_LEVEL_H_
