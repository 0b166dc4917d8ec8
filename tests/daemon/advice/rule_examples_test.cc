// Every rule on its examples: it speaks with the injected numbers and the exact command, and is silent without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/fact_schema.h"
#include "tests/daemon/advice/rule_example.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using testing::Not;

Judgement JudgeAudited(const std::vector<Fact>& facts) {
  return Judge(AdviceRules(), facts, ExampleWindow(), {.audit = true, .confidence_min = 0});
}

bool Gave(const Judgement& judgement, std::string_view rule) {
  return std::any_of(judgement.recommendations.begin(), judgement.recommendations.end(),
                     [&](const auto& given) { return given.rule == rule; });
}

class RuleOnExample : public testing::TestWithParam<RuleExample> {};

TEST_P(RuleOnExample, SpeaksAloneAndWithItsNumbers) {
  const Judgement judgement = JudgeAudited({FactOf(GetParam())});
  EXPECT_EQ(judgement.first_refusal, "");
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  const Recommendation& given = judgement.recommendations[0];
  EXPECT_EQ(given.rule, GetParam().rule);
  EXPECT_THAT(given.cause, HasSubstr(std::string(GetParam().cause_part)));
  EXPECT_THAT(given.cause, Not(HasSubstr("?")));
  EXPECT_EQ(given.evidence.sentences, std::vector<std::string>{"seen"});
  EXPECT_EQ(given.evidence.count.value_or(-1), IntegerOr(FactOf(GetParam()), FactField::kCount, -1));
  EXPECT_EQ(given.evidence.begin_mono_ns, kExampleBeginNs);
  EXPECT_EQ(given.evidence.spike_ids, std::vector<uint64_t>{4712});
  EXPECT_THAT(given.proof.query, Not(HasSubstr("?")));
  EXPECT_FALSE(given.confidence.reasons.empty());
}

TEST_P(RuleOnExample, GivesTheCommandAndItsUndo) {
  const Judgement judgement = JudgeAudited({FactOf(GetParam())});
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  const Action& action = judgement.recommendations[0].action;
  EXPECT_EQ(action.command, GetParam().command);
  EXPECT_EQ(action.undo, GetParam().undo);
  EXPECT_THAT(action.code_hint, HasSubstr(std::string(GetParam().hint_part)));
  EXPECT_EQ(action.survives_reboot, action.reach != Reach::kNow);
  if (action.reach == Reach::kNow) {
    EXPECT_NE(action.persist, "");
  }
  if (!action.command.empty()) {
    EXPECT_NE(action.risk_text, "");
  }
}

TEST_P(RuleOnExample, IsSilentBelowItsThreshold) {
  EXPECT_FALSE(Gave(JudgeAudited({With(FactOf(GetParam()), GetParam().below)}), GetParam().rule));
}

TEST_P(RuleOnExample, IsSilentWithoutWhatItsConditionsAskFor) {
  const RuleRow* rule = FindAdviceRule(GetParam().rule);
  ASSERT_NE(rule, nullptr);
  for (const Condition& condition : rule->when) {
    if (condition.op == Operator::kUnknown) continue;
    EXPECT_FALSE(Gave(JudgeAudited({Without(FactOf(GetParam()), condition.field)}), rule->id)) << RowOf(condition.field).name;
  }
}

// Names are other people's: in a command they are what they should be or it is not given.
TEST_P(RuleOnExample, KeepsHostileNamesOutOfCommands) {
  for (const std::string hostile : {"x; rm -rf /", "$(id)", "`id`", "a b", "-rf", "../../etc", "a\nb", "\x1b[2J", "'", "|", ""}) {
    Fact fact = FactOf(GetParam());
    if (fact.thread.has_value()) fact.thread->comm = hostile;
    for (auto& [field, value] : fact.values) {
      const bool names = RowOf(field).type == FieldType::kText || field == FactField::kInterface || field == FactField::kBlockDevice;
      if (names) value = hostile;
    }
    for (const Recommendation& given : JudgeAudited({fact}).recommendations) {
      std::vector<Action> actions = given.alternatives;
      actions.push_back(given.action);
      for (const Action& action : actions) {
        const bool same = action.command == GetParam().command && action.undo == GetParam().undo;
        EXPECT_TRUE(same || action.command.empty() || action.command.find(hostile) == std::string::npos || hostile.empty())
            << action.command;
        EXPECT_EQ(action.command.find('\n'), std::string::npos);
        EXPECT_EQ(action.command.find("//"), std::string::npos) << action.command;
      }
      EXPECT_EQ(given.cause.find_first_of("\n\x1b"), std::string::npos) << given.cause;
      EXPECT_EQ(given.action.code_hint.find_first_of("\n\x1b"), std::string::npos);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, RuleOnExample, testing::ValuesIn(RuleExamples()), [](const auto& example) {
  std::string name(example.param.rule);
  std::replace(name.begin(), name.end(), '-', '_');
  return name + std::string(example.param.variant);
});

TEST(RuleExamplesTest, EveryRuleHasOne) {
  std::set<std::string_view> rules;
  for (const RuleExample& example : RuleExamples()) rules.insert(example.rule);
  for (const RuleRow& rule : AdviceRules()) EXPECT_TRUE(rules.contains(rule.id)) << rule.id;
}

TEST(RuleExamplesTest, NoEvidenceGivesNothing) {
  const Judgement judgement = JudgeAudited({});
  EXPECT_TRUE(judgement.recommendations.empty());
  EXPECT_TRUE(judgement.not_judged.empty());
}

}  // namespace
}  // namespace hftmon
