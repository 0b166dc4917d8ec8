// PidNamespaces: in which pid namespaces processes are, and their numbers there.
//
// Reads: /proc/PID/status (NSpid), /proc/PID/task/TID/status, the link /proc/PID/ns/pid, and of nested namespaces the kernel's own word for
// which lies in which (ioctl NS_GET_PARENT). Threads: any but the housekeeping thread; searches one at a time (a mutex).
// Cost: about 20 us a process; a search looks at every process of the host: some 20 ms of a thousand.
// The links of other users' processes need CAP_SYS_PTRACE: what may not be read is counted, never guessed.
// Where the daemon is not in the initial namespace itself, the kernel's programs and /proc number processes differently: nothing is known.
#ifndef HFTMON_DAEMON_OS_PID_NAMESPACES_H_
#define HFTMON_DAEMON_OS_PID_NAMESPACES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"
#include "daemon/os/pid_level.h"

namespace hftmon {

inline constexpr uint64_t kInitialPidNamespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO of the kernel

// The inode number of "pid:[4026531836]". INVALID_ARGUMENT: it is no such link.
absl::StatusOr<uint64_t> ParsePidNamespaceLink(std::string_view link);

class PidNamespaces {
 public:
  static constexpr size_t kProcessesMax = 65'536;  // looked at in one search
  static constexpr size_t kThreadsMax = 65'536;    // looked at in one search of a process's threads

  // The namespaces around that of a process, from the one right outside it outwards, as far as they can be seen.
  using Surrounding = std::function<std::vector<uint64_t>(uint32_t pid)>;
  static Surrounding SystemSurrounding();

  // `files` outlives the object.
  explicit PidNamespaces(const FileRoot* files, Surrounding surrounding = SystemSurrounding());

  // The daemon's own; it never changes.
  const absl::StatusOr<uint64_t>& own() const { return own_; }
  bool in_initial() const { return own_.ok() && *own_ == kInitialPidNamespace; }
  // The one that a process is in. NOT_FOUND; PERMISSION_DENIED, where it is not the daemon's own.
  absl::StatusOr<uint64_t> NamespaceOf(uint32_t pid) const;
  // Where a process has numbers; empty also when it is gone.
  PidLevels LevelsOf(uint32_t pid) const;

  struct Search {
    std::map<int32_t, uint32_t> pids;  // number in the namespace -> the daemon's number, of those found
    bool namespace_seen = false;       // some process is in it
    uint64_t unread_count = 0;         // processes in namespaces that may not be looked at
  };
  // Processes in the namespace, or in one below it, by their numbers there. RESOURCE_EXHAUSTED: too many processes.
  absl::StatusOr<Search> FindProcesses(uint64_t inode, const std::set<int32_t>& numbers) const;

  // Live threads of a process by their numbers in the namespace at `level` of its PidLevels -> the daemon's numbers.
  std::map<int32_t, uint32_t> FindThreads(uint32_t pid, size_t level, const std::set<int32_t>& numbers) const;

 private:
  absl::StatusOr<uint64_t> InnermostOf(uint32_t pid) const;
  absl::StatusOr<uint64_t> ReadNamespace(const std::string& link) const;
  std::vector<int32_t> NumbersOf(const std::string& status_path) const;
  PidLevels WithInodes(uint32_t pid, const std::vector<int32_t>& numbers) const;
  void LookAt(uint32_t pid, uint64_t inode, const std::set<int32_t>& numbers, Search* search) const;

  const FileRoot* const files_;
  const Surrounding surrounding_;
  const absl::StatusOr<uint64_t> own_;
  mutable std::mutex search_mutex_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PID_NAMESPACES_H_
