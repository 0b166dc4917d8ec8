// GenericEvents: the names that the kernel gives a meaning on every processor, which maps them to the processor's own or refuses them:
// "cycles", "L1-dcache-load-misses", "context-switches". Pure, any thread. Source: linux/perf_event.h.
#ifndef HFTMON_COMMON_PERF_GENERIC_EVENTS_H_
#define HFTMON_COMMON_PERF_GENERIC_EVENTS_H_

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

// The one that is used most of those with these numbers; empty: none, or a combination of cache and operation that no name stands for.
std::string_view NameOfGenericEvent(uint32_t type, uint64_t config);

// Whether events of that type are counted by the processor's PMU, not by the kernel alone. Of a hybrid processor the upper half of their
// `config` may be the PMU's number.
bool IsOfProcessor(uint32_t type);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_GENERIC_EVENTS_H_
