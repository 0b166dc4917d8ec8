// Sets and spans of counters as tests want them: two metrics that make a rate, and an event that is none.
#ifndef HFTMON_TESTS_DAEMON_ANALYSIS_COUNTER_SPANS_H_
#define HFTMON_TESTS_DAEMON_ANALYSIS_COUNTER_SPANS_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "daemon/ingest/counter_span.h"

namespace hftmon {

// Metrics alone; an event whose name begins with '-' is none.
inline CounterSet SetOf(std::initializer_list<std::string> names, uint32_t number = 1) {
  CounterSet set{.number = number, .events = {}, .interval_ns = 1'000'000};
  for (const std::string& name : names) {
    const bool metric = name[0] != '-';
    set.events.push_back({.name = metric ? name : name.substr(1), .metric = metric ? name : "", .counts = ""});
  }
  return set;
}

// Of a thread that ran all the time, with `values` in the first places.
inline CounterSpan SpanOf(std::initializer_list<uint64_t> values, int64_t end_ns = 1'000'000, int64_t on_cpu_ns = 1'000'000,
                          const ThreadKey& thread = {.tid = 12, .tgid = 10, .start_ns = 5}) {
  CounterSpan span{.thread = thread, .set = 1};
  span.begin_mono_ns = end_ns - on_cpu_ns;
  span.end_mono_ns = end_ns;
  span.on_cpu_ns = span.enabled_ns = span.running_ns = on_cpu_ns;
  size_t place = 0;
  for (const uint64_t value : values) {
    span.values[place] = value;
    span.counted |= static_cast<uint16_t>(1u << place++);
  }
  return span;
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_ANALYSIS_COUNTER_SPANS_H_
