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

std::vector<int32_t> Family::Members() const {
  std::vector<int32_t> members = {root_pid_};
  for (const auto& [pid, parent] : parents_) {
    if (pid != root_pid_ && Contains(pid)) members.push_back(pid);
  }
  return members;
}

}  // namespace hftmon
