#include "daemon/advice/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "daemon/advice/fact_group.h"
#include "daemon/advice/fact_schema.h"
#include "daemon/advice/make_recommendation.h"
#include "daemon/advice/rule_match.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

// In which round a row is tried: its elders' advice is there by then.
int RoundOf(const RuleRow& row) {
  return row.basis == Basis::kConfiguration ? 2 : row.unless.rule.empty() ? 0 : 1;
}

std::vector<const RuleRow*> InOrderOfTrial(std::span<const RuleRow> rules) {
  std::vector<const RuleRow*> rows;
  for (const RuleRow& row : rules) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [](const RuleRow* a, const RuleRow* b) {
    return RoundOf(*a) != RoundOf(*b) ? RoundOf(*a) < RoundOf(*b) : a->when.size() > b->when.size();
  });
  return rows;
}

auto OrderKey(const Recommendation& recommendation) {
  const Gain& gain = recommendation.gain;
  return std::tuple(-gain.ns_per_second.value_or(0), -gain.longest_ns.value_or(0), -gain.share.value_or(0),
                    -recommendation.confidence.value, std::string_view(recommendation.id));
}

class Judging {
 public:
  Judging(std::span<const RuleRow> rules, std::span<const Fact> facts, const JudgeWindow& window, const JudgeWish& wish)
      : rules_(rules), facts_(facts.first(std::min(facts.size(), kFactsMax))), window_(window), wish_(wish) {
    judgement_.facts_left_out = facts.size() - facts_.size();
    taken_.resize(facts_.size());
  }

  Judgement Run() {
    SortFacts();
    for (const RuleRow* row : InOrderOfTrial(rules_)) Try(*row);
    for (const RuleRow& row : rules_) AddNotJudged(row);
    Finish();
    return std::move(judgement_);
  }

 private:
  struct Given {
    const RuleRow* row;
    Fact fact;  // of its group
    Recommendation recommendation;
  };

  void SortFacts() {
    for (size_t i = 0; i < facts_.size(); ++i) {
      const absl::Status status = CheckFact(facts_[i]);
      if (status.ok()) {
        by_kind_[static_cast<size_t>(facts_[i].kind)].push_back(i);
      } else if (judgement_.facts_refused++ == 0) {
        judgement_.first_refusal = std::string(status.message());
      }
    }
  }

  bool Wanted(std::string_view rule) const {
    return wish_.rules.empty() || std::find(wish_.rules.begin(), wish_.rules.end(), rule) != wish_.rules.end();
  }

  // Measured rules of the row's cause that gave advice.
  std::vector<std::string> CorroborationOf(const RuleRow& row) const {
    std::vector<std::string> rules;
    for (const std::string_view rule : row.corroborated_by) {
      const auto same = [&](const Given& given) { return given.row->id == rule; };
      if (std::any_of(given_.begin(), given_.end(), same)) rules.emplace_back(rule);
    }
    return rules;
  }

  bool Yields(const RuleRow& row, const Fact& group) const {
    return !row.unless.rule.empty() && std::any_of(given_.begin(), given_.end(), [&](const Given& given) {
      return given.row->id == row.unless.rule && std::all_of(row.unless.same.begin(), row.unless.same.end(), [&](FactField field) {
               const std::optional<FactValue> value = ValueOf(group, field);
               return value.has_value() && value == ValueOf(given.fact, field);
             });
    });
  }

  // The measured advice whose command it is too; null: there is none.
  Recommendation* SameCommand(const Recommendation& configuration) {
    if (configuration.action.command.empty()) return nullptr;
    for (Given& given : given_) {
      Recommendation& other = given.recommendation;
      if (other.basis == Basis::kMeasured && other.action.command == configuration.action.command) return &other;
    }
    return nullptr;
  }

  void Try(const RuleRow& row) {
    const std::vector<std::string> corroboration = CorroborationOf(row);
    if (row.basis == Basis::kConfiguration && !wish_.audit && corroboration.empty()) return;
    std::vector<size_t> chosen;
    for (const size_t index : by_kind_[static_cast<size_t>(row.fact)]) {
      if (!taken_[index] && AllHold(row.when, facts_[index])) chosen.push_back(index);
    }
    for (const FactGroup& group : GroupFacts(row.group_by, facts_, chosen)) {
      if (!ReachesMeasure(row, group.fact, window_) || Yields(row, group.fact)) continue;
      for (const size_t index : group.members) taken_[index] = true;
      Give(row, group, corroboration);
    }
  }

  void Give(const RuleRow& row, const FactGroup& group, std::span<const std::string> corroboration) {
    Recommendation recommendation = MakeRecommendation(row, group, window_, corroboration);
    if (recommendation.confidence.value < wish_.confidence_min) {
      doubtful_.push_back(
          {.rule = recommendation.rule,
           .reason = fmt::format("{} was seen and is not sure enough ({:.2f}, wanted {:.2f}): {}", recommendation.id,
                                 recommendation.confidence.value, wish_.confidence_min, fmt::join(recommendation.confidence.reasons, "; ")),
           .mend = "ask for a longer window"});
      return;
    }
    if (Recommendation* measured = row.basis == Basis::kConfiguration ? SameCommand(recommendation) : nullptr) {
      measured->corroborated_by.push_back(recommendation.id);
      return;
    }
    given_.push_back({.row = &row, .fact = group.fact, .recommendation = std::move(recommendation)});
  }

  void Tell(NotJudged not_judged) {
    if (judgement_.not_judged.size() < kNotJudgedMax) {
      judgement_.not_judged.push_back(std::move(not_judged));
    } else {
      ++judgement_.not_judged_left_out;
    }
  }

  void AddNotJudged(const RuleRow& row) {
    if (!Wanted(row.id) || (row.basis == Basis::kConfiguration && !wish_.audit)) return;
    const std::string rule(row.id);
    if (row.basis == Basis::kMeasured && window_.duration_ns() <= 0) {
      Tell({.rule = rule, .reason = "the window is empty: nothing was measured in it yet", .mend = "ask again, or for a longer window"});
    }
    for (const MissingEvidence& missing : window_.missing) {
      if (CouldConcern(row, missing)) {
        Tell({.rule = rule, .reason = CleanSentence(missing.reason), .mend = CleanSentence(missing.mend)});
      }
    }
    for (const NotJudged& doubtful : doubtful_) {
      if (doubtful.rule == row.id) Tell(doubtful);
    }
    const bool gave = std::any_of(given_.begin(), given_.end(), [&](const Given& given) { return given.row == &row; });
    if (RowOf(row.fact).from_records && window_.lost_records > 0 && !gave) {
      Tell({.rule = rule,
            .reason = fmt::format("{} records were lost in the window: what it looks for may have been among them", window_.lost_records),
            .mend = "hftmon status names what lost them"});
    }
  }

  void Finish() {
    std::vector<Recommendation>& all = judgement_.recommendations;
    for (Given& given : given_) {
      if (Wanted(given.recommendation.rule)) all.push_back(std::move(given.recommendation));
    }
    std::sort(all.begin(), all.end(), [](const Recommendation& a, const Recommendation& b) { return OrderKey(a) < OrderKey(b); });
    judgement_.recommendations_left_out = all.size() - std::min(all.size(), kRecommendationsMax);
    all.resize(all.size() - judgement_.recommendations_left_out);
  }

  const std::span<const RuleRow> rules_;
  const std::span<const Fact> facts_;
  const JudgeWindow& window_;
  const JudgeWish& wish_;
  std::array<std::vector<size_t>, kFactKinds> by_kind_;  // indices of facts that keep the schema
  std::vector<bool> taken_;                              // by fact
  std::vector<Given> given_;
  std::vector<NotJudged> doubtful_;
  Judgement judgement_;
};

}  // namespace

Judgement Judge(std::span<const RuleRow> rules, std::span<const Fact> facts, const JudgeWindow& window, const JudgeWish& wish) {
  return Judging(rules, facts, window, wish).Run();
}

}  // namespace hftmon
