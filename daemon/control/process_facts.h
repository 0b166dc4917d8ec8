// ProcessFacts: what rules ask about a process that its task does not tell. The seam for tests.
//
// Reads: /proc/PID/cgroup, /proc/PID/cmdline. Threads: any but the housekeeping thread. A process that ended has no facts: empty answers.
#ifndef HFTMON_DAEMON_CONTROL_PROCESS_FACTS_H_
#define HFTMON_DAEMON_CONTROL_PROCESS_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/os/file_root.h"

namespace hftmon {

class ProcessFacts {
 public:
  virtual ~ProcessFacts() = default;
  // Its path in each hierarchy.
  virtual std::vector<std::string> CgroupsOf(uint32_t pid) const = 0;
  // The last part of argv[0].
  virtual std::string CommandOf(uint32_t pid) const = 0;
};

class ProcProcessFacts : public ProcessFacts {
 public:
  // `files` outlives the object.
  explicit ProcProcessFacts(const FileRoot* files) : files_(files) {}

  std::vector<std::string> CgroupsOf(uint32_t pid) const override;
  std::string CommandOf(uint32_t pid) const override;

 private:
  const FileRoot* const files_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_PROCESS_FACTS_H_
