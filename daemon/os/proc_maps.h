// ProcMaps: what lies where in a process's memory, from /proc/PID/maps. A value; reading it holds the process's mmap lock for moments: a
// thread that maps memory or faults meanwhile may wait, so it is read when somebody asks, never at regular times.
#ifndef HFTMON_DAEMON_OS_PROC_MAPS_H_
#define HFTMON_DAEMON_OS_PROC_MAPS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct ProcMapping {
  uint64_t start = 0;
  uint64_t end = 0;  // one past the last byte
  bool shared = false;
  bool accessible = false;  // the process may read, write or execute it: no guard, no mere reservation
  bool executable = false;
  uint64_t file_offset = 0;  // of `start`, in bytes
  std::string name;          // a path, "[heap]", "[stack]", …; empty: anonymous
};

class ProcMaps {
 public:
  // The kernel allows 65,530 mappings unless it is told otherwise: even with long paths they are less than this.
  static constexpr size_t kBytesMax = 64u << 20;

  // The errors of FileRoot; PERMISSION_DENIED for other users' processes, where neither CAP_SYS_PTRACE nor, on newer kernels, CAP_PERFMON
  // helps.
  static absl::StatusOr<ProcMaps> Read(const FileRoot& root, pid_t pid);
  // Lines that are none of the kernel's are left out.
  static ProcMaps Parse(std::string_view text);

  const std::vector<ProcMapping>& mappings() const { return mappings_; }  // in the order of addresses
  // The mapping that holds the address; nullptr: none does.
  const ProcMapping* Find(uint64_t address) const;

 private:
  std::vector<ProcMapping> mappings_;  // in the order of addresses
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_MAPS_H_
