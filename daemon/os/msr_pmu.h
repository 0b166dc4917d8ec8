// MsrPmu: the kernel's perf events of model-specific registers, as this host has them.
// Reads: /sys/bus/event_source/devices/msr. Any thread; system calls.
#ifndef HFTMON_DAEMON_OS_MSR_PMU_H_
#define HFTMON_DAEMON_OS_MSR_PMU_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct MsrPmu {
  std::optional<uint32_t> type;            // absent: this kernel or machine has none
  std::map<std::string, uint64_t> events;  // each event's config by its name: tsc, and aperf, mperf, smi where the processor has them

  static MsrPmu Read(const FileRoot& root);
  // Why the event cannot be had; empty: it can.
  std::string WhyNot(const std::string& event) const;
};

// "event=0x04" is 4; absent for terms other than `event`.
std::optional<uint64_t> ParseMsrEvent(std::string_view text);

// A counter of that event on that CPU, counting from now on, for programs on that CPU to read. Opening and closing it interrupts that CPU
// once. NOT_FOUND: the CPU is not online. PERMISSION_DENIED, RESOURCE_EXHAUSTED (descriptors) and FAILED_PRECONDITION say what helps.
absl::StatusOr<int> OpenMsrEvent(const MsrPmu& pmu, const std::string& event, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_MSR_PMU_H_
