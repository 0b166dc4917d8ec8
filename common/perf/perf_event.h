// PerfEvent: one event of a recording: what it was, and how much of it there is. A value.
#ifndef HFTMON_COMMON_PERF_PERF_EVENT_H_
#define HFTMON_COMMON_PERF_PERF_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/perf/perf_attr.h"

namespace hftmon {

struct PerfEvent {
  size_t index = 0;  // of PerfDataSummary::events
  PerfAttr attr;
  // As the file names it, bytes of the file; where it does not, the kernel's generic name, or "type T config 0xC".
  std::string name;
  std::vector<uint64_t> ids;  // one for each descriptor: for each CPU or thread
  double scale = 1;           // of values of `perf stat`, to `unit`
  std::string unit;           // empty: a plain count
  uint64_t sample_count = 0;
  uint64_t lost_count = 0;  // LOST alone: records that found no room in the buffer, as the kernel told
  // LOST_SAMPLES alone: samples that hardware or kernel dropped. Since Linux 6.0 perf writes in it also those that found no room, which
  // LOST counts too: the two are no sum.
  uint64_t lost_sample_count = 0;
  uint64_t throttle_count = 0;
  uint64_t unthrottle_count = 0;
};

// "cycles", "L1-dcache-load-misses", "page-faults", "raw 0x1cd", "breakpoint 0x7ffd0010", "type 26 config 0x3": for events that nobody
// named. A hybrid CPU's kind of core stands before it: "pmu 10 cycles".
std::string GenericEventName(const PerfAttr& attr);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_EVENT_H_
