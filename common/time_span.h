// TimeSpan: from a moment to a later one, CLOCK_MONOTONIC. Passive.
#ifndef HFTMON_COMMON_TIME_SPAN_H_
#define HFTMON_COMMON_TIME_SPAN_H_

#include <cstdint>

namespace hftmon {

struct TimeSpan {
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  bool operator==(const TimeSpan&) const = default;
};

// The same where it concerns one CPU.
struct CpuTimeSpan {
  TimeSpan span;
  int32_t cpu = -1;  // -1: any may be meant
  bool operator==(const CpuTimeSpan&) const = default;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_TIME_SPAN_H_
