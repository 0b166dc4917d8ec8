// RuleSelector: what a rule looks for: a process's name, a cgroup, a systemd unit, or CPUs. Pure functions, any thread.
#ifndef HFTMON_DAEMON_CONTROL_RULE_SELECTOR_H_
#define HFTMON_DAEMON_CONTROL_RULE_SELECTOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

inline constexpr size_t kCommBytesMax = 15;  // what the kernel keeps of a name

struct RuleSelector {
  enum class Kind { kName, kCgroup, kUnit, kCpus };
  Kind kind = Kind::kName;
  std::string text;  // as MakeRuleSelector normalised it: equal rules have equal texts
  std::vector<int> cpus;
  bool operator==(const RuleSelector&) const = default;
};

// A cgroup gets its leading slash and loses a trailing one, a unit without a suffix is a service, CPUs are written in their shortest form.
// INVALID_ARGUMENT names the kind, the text and what is accepted; also for what no process can ever be.
absl::StatusOr<RuleSelector> MakeRuleSelector(RuleSelector::Kind kind, std::string_view text);

// "name matcher", "cgroup /trading", "unit matcher.service", "CPUs 2-5".
std::string DescribeRule(const RuleSelector& selector);

// Whether the leader's task->comm is the name, as far as the kernel keeps names.
bool CommMatches(const RuleSelector& selector, std::string_view comm);
// Whether comm alone decides: the kernel has not cut the name.
inline bool NameFitsComm(const RuleSelector& selector) {
  return selector.text.size() <= kCommBytesMax;
}
// Whether one of the paths of /proc/PID/cgroup lies in the cgroup or unit.
bool CgroupMatches(const RuleSelector& selector, const std::vector<std::string>& paths);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_RULE_SELECTOR_H_
