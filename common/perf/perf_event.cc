#include "common/perf/perf_event.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <string_view>

#include "common/perf/generic_events.h"

namespace hftmon {
std::string GenericEventName(const PerfAttr& attr) {
  // Where a CPU has several kinds of cores, the upper half of the processor's own events says which PMU.
  const bool of_processor = IsOfProcessor(attr.type);
  const uint64_t pmu = of_processor ? attr.config >> 32 : 0;
  const std::string_view name = NameOfGenericEvent(attr.type, of_processor ? attr.config & 0xffffffff : attr.config);
  if (!name.empty()) return pmu == 0 ? std::string(name) : fmt::format("pmu {} {}", pmu, name);
  switch (attr.type) {
    case PERF_TYPE_SOFTWARE:
      return fmt::format("software {}", attr.config);
    case PERF_TYPE_TRACEPOINT:
      return fmt::format("tracepoint {}", attr.config);
    case PERF_TYPE_RAW:
      return fmt::format("raw {:#x}", attr.config);
    case PERF_TYPE_BREAKPOINT:
      return fmt::format("breakpoint {:#x}", attr.config1);
    default:
      return fmt::format("type {} config {:#x}", attr.type, attr.config);
  }
}

}  // namespace hftmon
