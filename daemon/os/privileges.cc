#include "daemon/os/privileges.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <linux/capability.h>

#include <array>

namespace hftmon {
namespace {

constexpr std::array kRows = {
    PrivilegeRow{CAP_BPF, "CAP_BPF", "loads the BPF programs and makes their maps"},
    PrivilegeRow{CAP_PERFMON, "CAP_PERFMON", "lets the BPF programs read the kernel's structures and attaches them"},
    PrivilegeRow{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "contains the two before; alone it turns on the kernel's own program statistics"},
    PrivilegeRow{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "reads /proc of processes of other users"},
    PrivilegeRow{CAP_SYS_NICE, "CAP_SYS_NICE", "gives the housekeeping thread nice -20 or SCHED_FIFO"},
    PrivilegeRow{CAP_IPC_LOCK, "CAP_IPC_LOCK", "locks the loop's memory beyond RLIMIT_MEMLOCK"},
    PrivilegeRow{CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE", "raises limits, e.g. of open files"},
};

}  // namespace

HasCapability SystemCapabilities() {
  return [](unsigned capability) {
    // The library's state is per thread and would otherwise keep what it read first.
    if (::capng_get_caps_process() != 0) return false;
    return ::capng_have_capability(CAPNG_EFFECTIVE, capability) != 0;
  };
}

std::span<const PrivilegeRow> PrivilegeRows() {
  return kRows;
}

Privileges ReadPrivileges(const HasCapability& has) {
  Privileges privileges;
  for (const PrivilegeRow& row : kRows) (has(row.capability) ? privileges.effective : privileges.missing).push_back(row.name);
  return privileges;
}

absl::Status CheckBpfPrivileges(const HasCapability& has) {
  if (has(CAP_SYS_ADMIN)) return absl::OkStatus();
  std::vector<std::string_view> missing;
  if (!has(CAP_BPF)) missing.push_back("CAP_BPF");
  if (!has(CAP_PERFMON)) missing.push_back("CAP_PERFMON");
  if (missing.empty()) return absl::OkStatus();
  return absl::PermissionDeniedError(
      fmt::format("the BPF programs cannot be loaded without {}: run the daemon as root, or give the service "
                  "AmbientCapabilities=CAP_BPF CAP_PERFMON CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_SYS_NICE CAP_IPC_LOCK CAP_SYS_RESOURCE",
                  fmt::join(missing, " and ")));
}

}  // namespace hftmon
