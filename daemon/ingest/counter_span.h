// CounterSpan: what the processor's (or the kernel's) counters said of one thread between two readings. Passive data; times in
// CLOCK_MONOTONIC nanoseconds.
//
// A thread's counters are read by programs when it leaves its CPU and at the ticks of the CPU while it runs, never from elsewhere; readings
// closer together than the interval that was asked for are one span. A thread that neither switches nor is ticked has no span meanwhile.
#ifndef HFTMON_DAEMON_INGEST_COUNTER_SPAN_H_
#define HFTMON_DAEMON_INGEST_COUNTER_SPAN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/ingest/interval.h"

namespace hftmon {

inline constexpr size_t kThreadCountersMax = 8;  // counted at once

using CounterValues = std::array<uint64_t, kThreadCountersMax>;

struct CounterSpan {
  ThreadKey thread;
  uint32_t set = 0;           // CounterSet::number of the events that the values are of
  uint16_t cpu = 0;           // where it ended
  uint16_t counted = 0;       // a bit for each event that was to be counted; its value is one of running_ns, none of it where that is 0
  int64_t begin_mono_ns = 0;  // the thread need not have run all the time
  int64_t end_mono_ns = 0;
  int64_t on_cpu_ns = 0;   // of that it ran and was counted
  int64_t enabled_ns = 0;  // of the events, while it ran; and
  int64_t running_ns = 0;  // of that they had counters: less means multiplexed, and that the values are low by that share
  CounterValues values{};  // as counted, not scaled
};

// One event of a set, the same place in `values` on every kind of core.
struct CounterSetEvent {
  std::string name;               // as it was asked for: "l1d_misses", "page-faults", "r01cd"
  std::string metric;             // HardwareMetricName, where it was asked for as one; else empty
  std::string counts;             // what exactly; empty: its name says it
  bool number_unchecked = false;  // nobody vouches for the number: a value that stays 0 is no measured 0
};

// The events that are counted for all targets together.
struct CounterSet {
  uint32_t number = 0;  // grows with each change; 0: none was ever counted
  std::vector<CounterSetEvent> events;
  int64_t interval_ns = 0;    // between two spans of a thread, at least: as asked for
  int64_t since_mono_ns = 0;  // its events were opened; 0: not known
};

// Where spans go, for each CPU in the order in which they were written: one that its thread left pending is written when the thread runs
// again, on whatever CPU, and may have ended long before the others. One thread.
class CounterSink {
 public:
  virtual ~CounterSink() = default;
  // Before the first span of the set.
  virtual void OnCounterSet(const CounterSet& set) = 0;
  virtual void OnCounterSpan(const CounterSpan& span) = 0;
  // So many spans of this CPU are missing, of that time. Threads' totals have them.
  virtual void OnCounterLoss(uint16_t cpu, uint64_t lost_count, int64_t begin_mono_ns, int64_t end_mono_ns) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_COUNTER_SPAN_H_
