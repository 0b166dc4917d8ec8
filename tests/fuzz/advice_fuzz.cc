// Commands that root runs, out of facts whose texts are anybody's: a command is its row's text with numbers, lists of CPUs and identifiers
// in it, or it is not given. Seeded: a failure names its seed.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/fact_schema.h"
#include "daemon/advice/recommend.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

constexpr uint32_t kRounds = 20'000;
constexpr int kFactsPerRound = 8;

class FactMaker {
 public:
  explicit FactMaker(uint32_t seed) : random_(seed) {}

  // A fact of a random rule's kind that fulfils its conditions as far as it can, with hostile texts and extreme numbers beside.
  Fact Make() {
    const RuleRow& rule = AdviceRules()[Below(AdviceRules().size())];
    Fact fact{.kind = rule.fact};
    if (Below(8) != 0) fact.thread = FactThread{.tid = 1 + Below(4), .pid = 1 + Below(2), .start_ns = 1, .comm = Text()};
    fact.quality = {.lost_records = Below(9) == 0, .sampled = Below(4) == 0, .samples = Below(1'000)};
    for (const FactSchemaRow& row : RowOf(rule.fact).fields) {
      if (row.required || Below(3) != 0) fact.values[row.field] = Value(RowOf(row.field).type);
    }
    for (const Condition& condition : rule.when) Fulfil(condition, &fact);
    return fact;
  }

 private:
  uint32_t Below(size_t limit) { return static_cast<uint32_t>(random_() % limit); }

  std::string Text() {
    static constexpr std::string_view kHostile[] = {"; reboot", "$(id)", "`id`", "| sh", "&& x", "> /etc/passwd", "\n",
                                                    "../..",    "-rf",   "'",    "\"",   "\\",   "{irq}",         " "};
    std::string text;
    for (uint32_t i = Below(4); i > 0; --i) {
      if (Below(2) == 0) text += kHostile[Below(std::size(kHostile))];
      if (Below(2) == 0) text += "eth0";
      if (Below(3) == 0) text += static_cast<char>(Below(256));
    }
    return text;
  }

  FactValue Value(FieldType type) {
    static constexpr int64_t kNumbers[] = {0, 1, 2, 25, 1'000'000, INT64_MAX, INT64_MIN, -1};
    switch (type) {
      case FieldType::kShare:
        return static_cast<double>(Below(11)) / 10;
      case FieldType::kReal:
        return static_cast<double>(Below(30)) / 10;
      case FieldType::kText:
      case FieldType::kIdentifier:
        return Text();
      case FieldType::kCpuList:
        return Below(5) == 0 ? CpuList{} : CpuList{static_cast<int>(Below(4)), static_cast<int>(4 + Below(200))};
      default:
        return kNumbers[Below(Below(8) == 0 ? std::size(kNumbers) : 5)];
    }
  }

  void Fulfil(const Condition& condition, Fact* fact) {
    if (const auto* word = std::get_if<std::string_view>(&condition.operand)) fact->values[condition.field] = std::string(*word);
    if (const auto* words = std::get_if<WordList>(&condition.operand)) {
      fact->values[condition.field] = std::string((*words)[Below(words->size())]);
    }
    if (const auto* number = std::get_if<double>(&condition.operand)) {
      const FieldType type = RowOf(condition.field).type;
      if (type == FieldType::kShare || type == FieldType::kReal) {
        fact->values[condition.field] = *number;
      } else {
        fact->values[condition.field] = static_cast<int64_t>(*number);
      }
    }
  }

  std::mt19937 random_;
};

// Whether `text` is `row` with harmless values in the places of its placeholders.
bool IsRendered(std::string_view row, std::string_view text) {
  while (!row.empty()) {
    if (row.front() != '{') {
      if (text.empty() || text.front() != row.front()) return false;
      row.remove_prefix(1);
      text.remove_prefix(1);
      continue;
    }
    row.remove_prefix(row.find('}') + 1);
    const size_t literal = std::min(row.find('{'), row.size());
    const std::string_view next = row.substr(0, literal);
    const size_t end = next.empty() ? text.size() : text.find(next);
    if (end == std::string_view::npos || end == 0) return false;
    const std::string_view value = text.substr(0, end);
    if (value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-, ") != std::string_view::npos)
      return false;
    if (value.front() == '-' || value.front() == '.') return false;
    text.remove_prefix(end);
  }
  return text.empty();
}

bool IsOfARow(const std::string& rule, std::string_view command, std::string_view undo) {
  for (const ActionRow& action : FindAdviceRule(rule)->actions) {
    if (!action.command.empty() && IsRendered(action.command, command) && IsRendered(action.undo, undo)) return true;
  }
  return false;
}

void CheckRecommendation(const Recommendation& given) {
  std::vector<Action> actions = given.alternatives;
  actions.push_back(given.action);
  for (const Action& action : actions) {
    ASSERT_EQ(action.command.empty(), action.undo.empty());
    if (!action.command.empty()) {
      ASSERT_TRUE(IsOfARow(given.rule, action.command, action.undo)) << given.rule << ": " << action.command;
    }
    ASSERT_EQ(action.persist.find_first_of("\n;$`|&><'\\"), std::string::npos) << action.persist;
  }
  for (const std::string& text : {given.cause, given.id, given.action.code_hint, given.action.risk_text, given.proof.query}) {
    for (const char c : text) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << given.rule;
  }
  ASSERT_GE(given.confidence.value, 0);
  ASSERT_LE(given.confidence.value, 1);
  ASSERT_GE(given.gain.ns_per_second.value_or(0), 0);
}

TEST(AdviceFuzz, CommandsAreTheirRowsWithHarmlessValues) {
  std::set<std::string> rules;
  size_t command_count = 0;
  size_t withheld_count = 0;
  for (uint32_t seed = 0; seed < kRounds; ++seed) {
    FactMaker maker(seed);
    std::vector<Fact> facts;
    for (int i = 0; i < kFactsPerRound; ++i) facts.push_back(maker.Make());
    const Judgement judgement =
        Judge(AdviceRules(), facts, {.begin_mono_ns = 0, .end_mono_ns = 1'000'000'000}, {.audit = true, .confidence_min = 0});
    for (const Recommendation& given : judgement.recommendations) {
      ASSERT_NO_FATAL_FAILURE(CheckRecommendation(given)) << "seed " << seed;
      rules.insert(given.rule);
      command_count += !given.action.command.empty();
      withheld_count += !given.action.withheld.empty();
    }
  }
  // It would be no test if few were reached.
  EXPECT_GT(rules.size(), AdviceRules().size() * 3 / 4);
  EXPECT_GT(command_count, 1'000u);
  EXPECT_GT(withheld_count, 1'000u);
}

}  // namespace
}  // namespace hftmon
