// ProcessFacts: what rules and targets ask about a process that its task does not tell. The seam for tests.
//
// Reads: /proc/PID/cgroup, /proc/PID/cmdline, /proc/PID/status and /proc/PID/ns/pid. Threads: any but the housekeeping thread. A process
// that ended has no facts: empty answers.
#ifndef HFTMON_DAEMON_CONTROL_PROCESS_FACTS_H_
#define HFTMON_DAEMON_CONTROL_PROCESS_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/os/file_root.h"
#include "daemon/os/pid_level.h"
#include "daemon/os/pid_namespaces.h"

namespace hftmon {

class ProcessFacts {
 public:
  virtual ~ProcessFacts() = default;
  // Its path in each hierarchy.
  virtual std::vector<std::string> CgroupsOf(uint32_t pid) const = 0;
  // The last part of argv[0].
  virtual std::string CommandOf(uint32_t pid) const = 0;
  // Its numbers in pid namespaces below the daemon's own.
  virtual PidLevels LevelsOf(uint32_t pid) const = 0;
};

class ProcProcessFacts : public ProcessFacts {
 public:
  // What is pointed to outlives the object. Without `namespaces` nothing is known of those.
  explicit ProcProcessFacts(const FileRoot* files, const PidNamespaces* namespaces = nullptr) : files_(files), namespaces_(namespaces) {}

  std::vector<std::string> CgroupsOf(uint32_t pid) const override;
  std::string CommandOf(uint32_t pid) const override;
  PidLevels LevelsOf(uint32_t pid) const override;

 private:
  const FileRoot* const files_;
  const PidNamespaces* const namespaces_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_PROCESS_FACTS_H_
