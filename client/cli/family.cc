#include "client/cli/family.h"

namespace hftmon {

void Family::Learn(const v1::ListTargetsResponse& response) {
  for (const v1::Target& target : response.targets()) parents_[target.pid()] = target.parent_pid();
}

bool Family::Contains(int32_t pid) const {
  // Bounded: a chain longer than the number of links would be a circle (recycled pids).
  for (size_t steps = 0; steps <= parents_.size(); ++steps) {
    if (pid == root_pid_) return true;
    const auto found = parents_.find(pid);
    if (found == parents_.end()) return false;
    pid = found->second;
  }
  return false;
}

}  // namespace hftmon
