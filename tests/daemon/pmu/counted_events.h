// Events for tests of counting. Any thread.
#ifndef HFTMON_TESTS_DAEMON_PMU_COUNTED_EVENTS_H_
#define HFTMON_TESTS_DAEMON_PMU_COUNTED_EVENTS_H_

#include <linux/perf_event.h>

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/pmu/counter_group.h"

namespace hftmon {

inline CountedEvent MakeEvent(const std::string& name, uint32_t type, uint64_t config) {
  CountedEvent event{.name = name};
  event.attributes.type = type;
  event.attributes.config = config;
  return event;
}

inline CountedEvent Cycles() {
  return MakeEvent("cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
}

inline CountedEvent Instructions() {
  return MakeEvent("instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
}

inline CountedEvent PageFaults() {
  return MakeEvent("page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS);
}

inline CountedEvent Raw(uint64_t config) {
  return MakeEvent("raw" + std::to_string(config), PERF_TYPE_RAW, config);
}

inline std::vector<CountedEvent> RawEvents(size_t count) {
  std::vector<CountedEvent> events;
  for (size_t i = 1; i <= count; ++i) events.push_back(Raw(i));
  return events;
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_PMU_COUNTED_EVENTS_H_
