// GenericEvents: the names that the kernel gives a meaning on every processor, which maps them to the processor's own or refuses them:
// "cycles", "L1-dcache-load-misses", "context-switches". Pure, any thread. Source: linux/perf_event.h.
#ifndef HFTMON_DAEMON_PMU_GENERIC_EVENTS_H_
#define HFTMON_DAEMON_PMU_GENERIC_EVENTS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hftmon {

struct GenericEvent {
  std::string_view name;
  uint32_t type = 0;  // PERF_TYPE_HARDWARE, PERF_TYPE_HW_CACHE or PERF_TYPE_SOFTWARE
  uint64_t config = 0;
};

// Absent: no such name.
std::optional<GenericEvent> FindGenericEvent(std::string_view name);
// All names, for near ones.
std::span<const std::string_view> GenericEventNames();

// Counted by the processor's PMU, not by the kernel alone.
bool IsOfProcessor(const GenericEvent& event);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_GENERIC_EVENTS_H_
