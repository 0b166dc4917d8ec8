// Privileges: which of the capabilities that the daemon uses this process has. Any thread.
#ifndef HFTMON_DAEMON_OS_PRIVILEGES_H_
#define HFTMON_DAEMON_OS_PRIVILEGES_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace hftmon {

// The seam: whether capability number N (CAP_BPF …) is effective for the calling thread.
using HasCapability = std::function<bool(unsigned capability)>;
HasCapability SystemCapabilities();

struct PrivilegeRow {
  unsigned capability;
  std::string_view name;
  std::string_view use;  // what it is needed for
};
// All that the daemon can make use of.
std::span<const PrivilegeRow> PrivilegeRows();

struct Privileges {
  std::vector<std::string_view> effective;
  std::vector<std::string_view> missing;
};
Privileges ReadPrivileges(const HasCapability& has);

// Loading and attaching the programs: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, which contains both. PERMISSION_DENIED names what is
// missing and the mend.
absl::Status CheckBpfPrivileges(const HasCapability& has);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PRIVILEGES_H_
