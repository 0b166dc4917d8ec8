#include "client/cli/render/still_held.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/rules.h"
#include "client/cli/table.h"

namespace hftmon {
namespace {

// "the rule name matcher (`hftmon detach --name matcher` ends it)".
std::string OwnRuleText(uint32_t rule_id, const RuleList& rules) {
  const auto rule = std::find_if(rules.begin(), rules.end(), [rule_id](const auto& entry) { return entry.id() == rule_id; });
  if (rule == rules.end()) return fmt::format("rule {}", rule_id);
  const std::string selector = Printable(SelectorText(rule->selector()));
  return fmt::format("the rule {0} (`hftmon detach --{0}` ends it)", selector);
}

// The caller is the command line, whose parts persist: the session is 0.
std::string ReasonsText(const HolderList& holders, const RuleList& rules) {
  std::set<std::string> reasons;
  HolderList others;
  for (const v1::TargetHolder& holder : holders) {
    if (holder.session_id() != 0) {
      *others.Add() = holder;
      others.rbegin()->set_rule_id(0);
    } else if (holder.rule_id() != 0) {
      reasons.insert(OwnRuleText(holder.rule_id(), rules));
    }
  }
  std::string text = fmt::format("{}", fmt::join(reasons, ", "));
  if (!others.empty()) text += (text.empty() ? "other clients: " : "; other clients: ") + Printable(HoldersText(others));
  return text;
}

}  // namespace

std::string StillHeldText(const google::protobuf::RepeatedField<int32_t>& pids, const v1::ListTargetsResponse& targets) {
  std::string text;
  for (const int32_t pid : pids) {
    const auto target = std::find_if(targets.targets().begin(), targets.targets().end(),
                                     [pid](const auto& entry) { return entry.pid() == pid && entry.state() != v1::TARGET_STATE_ENDED; });
    const std::string reasons = target == targets.targets().end() ? "" : ReasonsText(target->holders(), targets.rules());
    const std::string who = BothNumbers(pid, target == targets.targets().end() ? 0 : target->namespace_pid());
    text += reasons.empty() ? fmt::format("{} is watched still (`hftmon targets` says for whom)\n", who)
                            : fmt::format("{} is watched still, for {}\n", who, reasons);
  }
  return text;
}

}  // namespace hftmon
