// CounterWish: what is to be counted of threads, as those who ask name it. Passive data; the union of several satisfies all of them.
#ifndef HFTMON_DAEMON_PMU_COUNTER_WISH_H_
#define HFTMON_DAEMON_PMU_COUNTER_WISH_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace hftmon {

struct CounterWish {
  std::vector<std::string> events;  // names of events or metrics, each once, in the order in which they were asked for
  bool cache = false;               // the metrics of caches and TLBs too, as many as find counters
  int64_t interval_ns = 0;          // between two spans of a thread, at least; 0: nobody asks

  bool any() const { return cache || !events.empty(); }
  // All of its events, and cache where it wants that: in whatever order, and whatever the interval.
  bool Covers(const CounterWish& other) const {
    return (cache || !other.cache) && std::all_of(other.events.begin(), other.events.end(), [this](const std::string& name) {
             return std::find(events.begin(), events.end(), name) != events.end();
           });
  }
  CounterWish& operator|=(const CounterWish& other) {
    for (const std::string& name : other.events) {
      if (std::find(events.begin(), events.end(), name) == events.end()) events.push_back(name);
    }
    cache = cache || other.cache;
    if (other.interval_ns != 0) interval_ns = interval_ns == 0 ? other.interval_ns : std::min(interval_ns, other.interval_ns);
    return *this;
  }
  bool operator==(const CounterWish&) const = default;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_COUNTER_WISH_H_
