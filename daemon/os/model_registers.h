// ModelRegisters: reads those few model-specific registers that are on the list, of one CPU, and writes none.
//
// A read by way of /dev/cpu/N/msr sends an interrupt to CPU N: so only where somebody asked for exactly that. Any thread; system calls.
#ifndef HFTMON_DAEMON_OS_MODEL_REGISTERS_H_
#define HFTMON_DAEMON_OS_MODEL_REGISTERS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/os/file_root.h"

namespace hftmon {

struct ModelRegister {
  std::string_view name;    // as the vendor's manual has it
  std::string_view vendor;  // of the processors that have it there, as CPUID tells it; empty: all of x86
  uint32_t address = 0;
};

// The whole of the list: nothing else is ever read.
std::span<const ModelRegister> AllowedModelRegisters();

struct RegisterValue {
  std::string_view name;
  uint32_t address = 0;
  uint64_t value = 0;
};

struct ModelRegisterReadings {
  std::vector<RegisterValue> values;
  // Why some, or all, could not be read, and what helps; empty: all those of the vendor's processors were.
  std::string reason;
  std::string mend;
  uint64_t cross_call_count = 0;  // interrupts sent to the CPU: one for each register that was tried
};

// Of an x86 processor: "GenuineIntel", "AuthenticAMD", …; empty on other machines. By CPUID: /proc/cpuinfo makes older kernels ask every
// CPU for its frequency.
std::string ProcessorVendorName();

// Of an x86 processor: a hypervisor says that it is there. By CPUID too.
bool HasHypervisor();

// Without values: whether the CPU's registers can be had. Opens the device and reads nothing: no interrupt.
ModelRegisterReadings CheckModelRegisters(const FileRoot& root, int cpu);
ModelRegisterReadings ReadModelRegisters(const FileRoot& root, std::string_view vendor, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_MODEL_REGISTERS_H_
