// ProcessorModel: which processor one of the host's CPUs is, as it says itself. A value; any thread.
// Reads: /sys/devices/system/cpu/cpuN/regs/identification/midr_el1 (Arm), /proc/cpuinfo.
#ifndef HFTMON_DAEMON_PMU_PROCESSOR_MODEL_H_
#define HFTMON_DAEMON_PMU_PROCESSOR_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

enum class ProcessorVendor { kOther, kIntel, kAmd, kArm };  // kArm: of that architecture, whoever made it

struct ProcessorModel {
  ProcessorVendor vendor = ProcessorVendor::kOther;
  // Of x86 processors; 0 on Arm.
  uint32_t family = 0;
  uint32_t model = 0;
  uint32_t stepping = 0;
  // Of Arm's, from MIDR_EL1; 0 on x86.
  uint32_t implementer = 0;
  uint32_t part = 0;

  friend bool operator==(const ProcessorModel&, const ProcessorModel&) = default;
};

// Of the block of `cpu` in /proc/cpuinfo; absent: there is none, or it says neither an x86 nor an Arm model.
std::optional<ProcessorModel> ParseCpuinfo(std::string_view text, int cpu);

// Of the text of midr_el1: "0x00000000410fd0c1". Absent: it is no number.
std::optional<ProcessorModel> ParseMidr(std::string_view text);

// NOT_FOUND: this host tells nothing of that CPU (it may be offline); what could not be read is named.
absl::StatusOr<ProcessorModel> ReadProcessorModel(const FileRoot& root, int cpu);

// MIDR_EL1 of Arm's, without variant and revision; 0 of others.
uint64_t MidrOf(const ProcessorModel& model);

// "Intel family 6 model 143", "Arm implementer 0x41 part 0xd0c".
std::string ProcessorName(const ProcessorModel& model);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_PROCESSOR_MODEL_H_
