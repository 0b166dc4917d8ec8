// WhyNoSpan: why a thread has no figures of counters in a window. Any thread; reads mapped memory.
#ifndef HFTMON_DAEMON_SERVICE_COUNTER_ABSENCE_H_
#define HFTMON_DAEMON_SERVICE_COUNTER_ABSENCE_H_

#include <cstdint>
#include <string>

#include "daemon/service/counter_totals.h"
#include "daemon/service/service_core.h"

namespace hftmon {

inline constexpr char kPausedTarget[] = "its target is paused, and nothing of it is counted: hftmon targets --resume PID";
inline constexpr char kNoCounters[] = "this daemon reads no counters of threads: it was started without the programs that do";

// The window in which no span of the thread ended.
struct SpanlessWindow {
  int64_t begin_mono_ns = 0;
  uint64_t lost_count = 0;    // spans that are missing in it, of any thread
  int64_t interval_ns = 0;    // between two spans of a thread, at least
  int64_t since_mono_ns = 0;  // since when the events are counted
};

// "" where there was nothing to count: it slept through the window, or ended before. `total`: null when it is not counted now.
std::string WhyNoSpan(const ServiceCore& core, const ThreadKey& thread, const ThreadCounterTotal* total, const SpanlessWindow& window);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_COUNTER_ABSENCE_H_
