#include "daemon/analysis/fault_names.h"

#include <fmt/format.h>

namespace hftmon {

std::string FaultPhrase(const Fault& fault) {
  return fmt::format("{} page fault{} at {:#x}", IsMajor(fault.kind) ? "major" : "minor", IsInKernel(fault.kind) ? " in a system call" : "",
                     fault.address);
}

}  // namespace hftmon
