#include "daemon/advice/advice_rules.h"

#include <fmt/format.h>

#include <iterator>

#include "common/near_names.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

constexpr size_t kNearRulesMax = 3;

std::vector<RuleRow> MakeRules() {
  std::vector<RuleRow> all;
  for (auto make : {InterruptRules, SchedulingRules, LockRules, MemoryRules, NumaRules, NetworkRules, HardwareRules, HostRules, CpuRules}) {
    std::vector<RuleRow> rules = make();
    all.insert(all.end(), std::make_move_iterator(rules.begin()), std::make_move_iterator(rules.end()));
  }
  return all;
}

}  // namespace

std::span<const RuleRow> AdviceRules() {
  static const std::vector<RuleRow> rules = MakeRules();
  return rules;
}

const RuleRow* FindAdviceRule(std::string_view id) {
  for (const RuleRow& rule : AdviceRules()) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

std::string UnknownAdviceRuleMessage(std::string_view id) {
  std::vector<std::string_view> ids;
  for (const RuleRow& rule : AdviceRules()) ids.push_back(rule.id);
  const std::vector<std::string_view> near = NearNames(id, ids, kNearRulesMax);
  const std::string mend =
      near.empty() ? fmt::format("the rules are {}", fmt::join(ids, ", ")) : fmt::format("did you mean {}?", fmt::join(near, " or "));
  return fmt::format("there is no rule '{}': {}", CleanText(id), mend);
}

}  // namespace hftmon
