// RuleCandidate: a process that the rules are asked about. What costs a read of a file is read once, and only when a rule asks.
//
// One call's own; under the registry's mutex. Bounds: reads of cgroups come out of a budget; a candidate that finds it empty is undecided.
#ifndef HFTMON_DAEMON_CONTROL_RULE_CANDIDATE_H_
#define HFTMON_DAEMON_CONTROL_RULE_CANDIDATE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/control/process_facts.h"
#include "daemon/control/process_watcher.h"
#include "daemon/control/rule_selector.h"

namespace hftmon {

class RuleCandidate {
 public:
  // `facts` may be null: nothing is known then. `reads_left` is the budget.
  RuleCandidate(ProcessInfo process, const ProcessFacts* facts, size_t* reads_left)
      : process_(std::move(process)), facts_(facts), reads_left_(reads_left) {}

  const ProcessInfo& process() const { return process_; }

  // Whether the process is what the rule (not one of CPUs) looks for; nullopt when it cannot be told now.
  std::optional<bool> Matches(const RuleSelector& selector) {
    if (selector.kind == RuleSelector::Kind::kName) {
      if (!CommMatches(selector, process_.comm)) return false;
      return NameFitsComm(selector) || (facts_ != nullptr && facts_->CommandOf(process_.tgid) == selector.text);
    }
    if (!cgroups_.has_value()) {
      if (facts_ == nullptr || *reads_left_ == 0) return std::nullopt;
      --*reads_left_;
      cgroups_ = facts_->CgroupsOf(process_.tgid);
    }
    // It has ended, or is a kernel's that has none.
    if (cgroups_->empty()) return std::nullopt;
    return CgroupMatches(selector, *cgroups_);
  }

 private:
  const ProcessInfo process_;
  const ProcessFacts* const facts_;
  size_t* const reads_left_;
  std::optional<std::vector<std::string>> cgroups_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_RULE_CANDIDATE_H_
