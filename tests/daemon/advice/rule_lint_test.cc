// What every row of the table of rules must have: see rule.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/fact_schema.h"
#include "daemon/advice/proof_metric.h"
#include "daemon/advice/template_text.h"
#include "daemon/control/target_options.h"

namespace hftmon {
namespace {

const std::set<std::string_view> kGroups = {kSchedGroup,    kLocksGroup,   kKernelLocksGroup, kMemoryGroup,
                                            kHardwareGroup, kNetworkGroup, kIrqGroup,         kReturnsGroup};

bool Groups(const RuleRow& rule, FactField field) {
  return std::find(rule.group_by.begin(), rule.group_by.end(), field) != rule.group_by.end();
}

bool WantsKnown(const std::vector<Condition>& when, FactField field) {
  return std::any_of(when.begin(), when.end(),
                     [&](const Condition& condition) { return condition.field == field && condition.op != Operator::kUnknown; });
}

// What a text names is a field of the fact's; who it names is one.
void CheckText(const RuleRow& rule, std::string_view text) {
  const absl::StatusOr<std::vector<Placeholder>> placeholders = PlaceholdersOf(text);
  ASSERT_TRUE(placeholders.ok()) << placeholders.status().message();
  for (const Placeholder& placeholder : *placeholders) {
    const FactField field = placeholder.field;
    EXPECT_TRUE(HasField(rule.fact, field)) << rule.id << ": " << RowOf(field).name << " is no field of " << RowOf(rule.fact).name;
    if (field == FactField::kTid || field == FactField::kComm) {
      EXPECT_TRUE(Groups(rule, FactField::kTid)) << rule.id << ": " << text;
    }
    if (field == FactField::kProcessId) {
      EXPECT_TRUE(Groups(rule, FactField::kProcessId) || Groups(rule, FactField::kTid)) << rule.id << ": " << text;
    }
  }
}

void CheckCommandText(const RuleRow& rule, std::string_view text) {
  CheckText(rule, text);
  const absl::StatusOr<std::vector<Placeholder>> placeholders = PlaceholdersOf(text);
  if (!placeholders.ok()) return;
  for (const Placeholder& placeholder : *placeholders) {
    EXPECT_TRUE(MayStandInCommand(RowOf(placeholder.field).type)) << rule.id << ": " << RowOf(placeholder.field).name << " in " << text;
  }
}

void CheckConditions(const RuleRow& rule, const std::vector<Condition>& conditions) {
  for (const Condition& condition : conditions) {
    EXPECT_TRUE(HasField(rule.fact, condition.field)) << rule.id << ": " << RowOf(condition.field).name;
    if (const auto* other = std::get_if<FactField>(&condition.operand)) {
      EXPECT_TRUE(HasField(rule.fact, *other)) << rule.id;
    }
    const bool needs_none = condition.op == Operator::kKnown || condition.op == Operator::kUnknown;
    EXPECT_EQ(std::holds_alternative<std::monostate>(condition.operand), needs_none) << rule.id << ": " << RowOf(condition.field).name;
    EXPECT_EQ(std::holds_alternative<WordList>(condition.operand), condition.op == Operator::kIsOneOf) << rule.id;
  }
}

TEST(RuleLintTest, IdsAreUniqueAndInKebabCase) {
  std::set<std::string_view> ids;
  for (const RuleRow& rule : AdviceRules()) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_EQ(rule.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string_view::npos) << rule.id;
    EXPECT_FALSE(rule.title.empty()) << rule.id;
    EXPECT_EQ(FindAdviceRule(rule.id), &rule);
  }
}

TEST(RuleLintTest, TextsNameFieldsOfTheirFact) {
  for (const RuleRow& rule : AdviceRules()) {
    EXPECT_FALSE(rule.cause.empty()) << rule.id;
    CheckText(rule, rule.cause);
    for (const CauseRow& cause : rule.causes) {
      CheckText(rule, cause.text);
      CheckConditions(rule, cause.when);
      EXPECT_FALSE(cause.when.empty()) << rule.id << ": the others would never stand";
    }
    CheckConditions(rule, rule.when);
    for (const Measure& measure : rule.measures) CheckConditions(rule, measure.where);
    for (const ActionRow& action : rule.actions) {
      CheckConditions(rule, action.when);
      CheckText(rule, action.code_hint);
      CheckText(rule, action.risk_text);
      CheckCommandText(rule, action.command);
      CheckCommandText(rule, action.undo);
      CheckCommandText(rule, action.persist);
    }
  }
}

// A sentence with a hole is none: what a cause tells is there, but for names.
TEST(RuleLintTest, CausesTellWhatIsThere) {
  for (const RuleRow& rule : AdviceRules()) {
    std::string texts(rule.cause);
    for (const CauseRow& cause : rule.causes) texts += cause.text;
    const absl::StatusOr<std::vector<Placeholder>> placeholders = PlaceholdersOf(texts);
    ASSERT_TRUE(placeholders.ok());
    const bool sums = std::all_of(rule.measures.begin(), rule.measures.end(), [](const Measure& measure) { return measure.share_min > 0; });
    for (const Placeholder& placeholder : *placeholders) {
      const FactField field = placeholder.field;
      const bool is_name = RowOf(field).type == FieldType::kText || RowOf(field).type == FieldType::kIdentifier;
      const bool is_there = IsRequired(rule.fact, field) || WantsKnown(rule.when, field) || (field == FactField::kSumNs && sums);
      const bool is_compared =
          std::any_of(rule.when.begin(), rule.when.end(), [&](const Condition& condition) { return condition.operand == Operand(field); });
      EXPECT_TRUE(is_name || is_there || is_compared) << rule.id << ": " << RowOf(field).name;
    }
  }
}

TEST(RuleLintTest, GroupsAreOfFieldsThatAreThere) {
  for (const RuleRow& rule : AdviceRules()) {
    for (const FactField field : rule.group_by) {
      EXPECT_TRUE(IsRequired(rule.fact, field) || WantsKnown(rule.when, field)) << rule.id << ": " << RowOf(field).name;
    }
  }
}

TEST(RuleLintTest, MeasuredRowsHaveAThresholdAboveChance) {
  for (const RuleRow& rule : AdviceRules()) {
    EXPECT_EQ(rule.measures.empty(), rule.basis == Basis::kConfiguration) << rule.id;
    for (const Measure& measure : rule.measures) {
      // One event is proof where it is never healthy: a major fault, a throttled thread, an SMI.
      static const std::set<std::string_view> kOneIsProof = {"major-faults-no-mlock", "swap-in", "rt-throttled", "smi"};
      EXPECT_TRUE(measure.count_min >= 2 || measure.share_min > 0 || measure.longest_ns_min > 0 || kOneIsProof.contains(rule.id))
          << rule.id;
      EXPECT_GE(measure.count_min, 1) << rule.id;
    }
  }
}

TEST(RuleLintTest, EveryRuleSaysWhatToDoAndHowToGoBack) {
  for (const RuleRow& rule : AdviceRules()) {
    ASSERT_FALSE(rule.actions.empty()) << rule.id;
    bool always = false;
    for (const ActionRow& action : rule.actions) {
      always |= action.when.empty();
      EXPECT_FALSE(action.command.empty() && action.code_hint.empty()) << rule.id;
      EXPECT_EQ(action.command.empty(), action.undo.empty()) << rule.id;
      if (action.command.empty()) continue;
      EXPECT_FALSE(action.risk_text.empty()) << rule.id;
      EXPECT_EQ(action.reach, Reach::kNow) << rule.id;
      EXPECT_FALSE(action.persist.empty()) << rule.id;
    }
    EXPECT_TRUE(always) << rule.id << ": no action fits every fact";
  }
}

// The verbs are those that the command line's README lists; numa and recommend come with their calls.
TEST(RuleLintTest, ProofsAreFiguresThatACommandShows) {
  std::ifstream file("client/cli/README.md");
  std::ostringstream readme;
  readme << file.rdbuf();
  ASSERT_FALSE(readme.str().empty());
  for (const RuleRow& rule : AdviceRules()) {
    const ProofMetricRow* metric = FindProofMetric(rule.proof_metric);
    ASSERT_NE(metric, nullptr) << rule.id << ": " << rule.proof_metric;
    CheckCommandText(rule, metric->query);
    EXPECT_FALSE(rule.expected.empty()) << rule.id;
    if (metric->value == ProofValue::kField) {
      EXPECT_TRUE(HasField(rule.fact, metric->field)) << rule.id;
    }
    std::istringstream words{std::string(metric->query)};
    std::string program, verb;
    words >> program >> verb;
    EXPECT_EQ(program, "hftmon") << rule.id;
    if (verb != "numa" && verb != "recommend") {
      EXPECT_NE(readme.str().find("| `" + verb), std::string::npos) << rule.id << ": " << verb;
    }
  }
}

TEST(RuleLintTest, RulesRefersToOthersThatExist) {
  for (const RuleRow& rule : AdviceRules()) {
    EXPECT_GT(rule.confidence, 0) << rule.id;
    EXPECT_LE(rule.confidence, 1) << rule.id;
    for (const std::string_view group : rule.needs) EXPECT_TRUE(kGroups.contains(group)) << rule.id << ": " << group;
    for (const std::string_view other : rule.corroborated_by) {
      const RuleRow* found = FindAdviceRule(other);
      ASSERT_NE(found, nullptr) << rule.id << ": " << other;
      EXPECT_EQ(found->basis, Basis::kMeasured) << rule.id << ": " << other;
    }
    EXPECT_TRUE(rule.corroborated_by.empty() || rule.basis == Basis::kConfiguration) << rule.id;
    if (rule.unless.rule.empty()) continue;
    const RuleRow* elder = FindAdviceRule(rule.unless.rule);
    ASSERT_NE(elder, nullptr) << rule.id;
    EXPECT_TRUE(elder->unless.rule.empty()) << rule.id << ": it would have to wait for one that waits";
    for (const FactField field : rule.unless.same) {
      EXPECT_TRUE(HasField(rule.fact, field) && HasField(elder->fact, field)) << rule.id << ": " << RowOf(field).name;
    }
  }
}

TEST(RuleLintTest, AnUnknownRuleIsAnsweredWithNearOnes) {
  EXPECT_EQ(FindAdviceRule("futex-convoi"), nullptr);
  EXPECT_EQ(UnknownAdviceRuleMessage("futex-convoi"), "there is no rule 'futex-convoi': did you mean futex-convoy?");
  EXPECT_NE(UnknownAdviceRuleMessage("\n").find("'?': the rules are irq-on-watched-core, "), std::string::npos);
}

}  // namespace
}  // namespace hftmon
