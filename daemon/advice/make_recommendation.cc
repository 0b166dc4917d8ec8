#include "daemon/advice/make_recommendation.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "daemon/advice/confidence.h"
#include "daemon/advice/fact_schema.h"
#include "daemon/advice/gain.h"
#include "daemon/advice/proof_metric.h"
#include "daemon/advice/rule_match.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

constexpr double kSecondNs = 1e9;

// A command stands with its undo or not at all; the form that outlives a reboot may lack.
void AddCommand(const ActionRow& row, const Fact& fact, Action* action) {
  absl::StatusOr<std::string> persist = RenderCommand(row.persist, fact);
  if (persist.ok()) action->persist = *std::move(persist);
  if (row.command.empty()) return;
  absl::StatusOr<std::string> command = RenderCommand(row.command, fact);
  absl::StatusOr<std::string> undo = RenderCommand(row.undo, fact);
  if (command.ok() && undo.ok()) {
    action->command = *std::move(command);
    action->undo = *std::move(undo);
    return;
  }
  action->withheld = std::string(command.ok() ? undo.status().message() : command.status().message());
}

Action MakeAction(const ActionRow& row, const Fact& fact) {
  Action action{.code_hint = RenderSentence(row.code_hint, fact),
                .reach = row.reach,
                .survives_reboot = row.reach != Reach::kNow,
                .risk = row.risk,
                .risk_text = RenderSentence(row.risk_text, fact)};
  AddCommand(row, fact, &action);
  return action;
}

void AddActions(const RuleRow& row, const Fact& fact, Recommendation* recommendation) {
  std::optional<Action> first;
  std::optional<Action> withheld;
  for (const ActionRow& action_row : row.actions) {
    if (!AllHold(action_row.when, fact)) continue;
    Action action = MakeAction(action_row, fact);
    if (!action.withheld.empty()) {
      if (!withheld.has_value()) withheld = std::move(action);
    } else if (!first.has_value()) {
      first = std::move(action);
    } else {
      recommendation->alternatives.push_back(std::move(action));
    }
  }
  if (first.has_value()) {
    recommendation->action = *std::move(first);
    if (withheld.has_value()) recommendation->action.withheld = withheld->withheld;
  } else if (withheld.has_value()) {
    recommendation->action = *std::move(withheld);
  }
}

std::optional<int64_t> FigureOf(const Fact& fact, FactField field) {
  const int64_t value = IntegerOr(fact, field, -1);
  return value < 0 ? std::nullopt : std::optional(value);
}

Evidence EvidenceOf(const FactGroup& group) {
  const Fact& fact = group.fact;
  Evidence evidence{.sentences = group.sentences,
                    .sentences_left_out = group.members.size() - group.sentences.size(),
                    .begin_mono_ns = fact.evidence.begin_mono_ns,
                    .end_mono_ns = fact.evidence.end_mono_ns,
                    .spike_ids = fact.evidence.spike_ids,
                    .count = FigureOf(fact, FactField::kCount),
                    .sum_ns = FigureOf(fact, FactField::kSumNs),
                    .longest_ns = FigureOf(fact, FactField::kLongestNs)};
  for (const FactFieldRow& row : FactFieldRows()) {
    const std::optional<FactValue> value = ValueOf(fact, row.field);
    if (value.has_value()) evidence.values[std::string(row.name)] = FormatValue(row.field, *value);
  }
  return evidence;
}

std::string_view CauseOf(const RuleRow& row, const Fact& fact) {
  for (const CauseRow& cause : row.causes) {
    if (AllHold(cause.when, fact)) return cause.text;
  }
  return row.cause;
}

Proof ProofOf(const RuleRow& rule, const Fact& fact, const JudgeWindow& window) {
  Proof proof{.metric = std::string(rule.proof_metric), .expected = std::string(rule.expected)};
  const ProofMetricRow* row = FindProofMetric(rule.proof_metric);
  if (row == nullptr) return proof;
  proof.query = RenderSentence(row->query, fact);
  proof.path = std::string(row->path);
  if (row->value == ProofValue::kField) {
    proof.value_now = NumberOf(fact, row->field);
    return proof;
  }
  const std::optional<double> figure = NumberOf(fact, row->value == ProofValue::kCountPerSecond ? FactField::kCount : FactField::kSumNs);
  const int64_t span_ns = RateSpanNs(fact, window);
  if (figure.has_value() && span_ns > 0) proof.value_now = *figure * kSecondNs / static_cast<double>(span_ns);
  return proof;
}

CpuList CpusOf(const Fact& fact) {
  const std::optional<FactValue> cpus = ValueOf(fact, FactField::kCpus);
  if (cpus.has_value()) return std::get<CpuList>(*cpus);
  const int64_t cpu = IntegerOr(fact, FactField::kCpu, -1);
  return cpu < 0 ? CpuList{} : CpuList{static_cast<int>(cpu)};
}

}  // namespace

Recommendation MakeRecommendation(const RuleRow& row, const FactGroup& group, const JudgeWindow& window,
                                  std::span<const std::string> corroborated_by) {
  Recommendation recommendation{.rule = std::string(row.id),
                                .id = group.key.empty() ? std::string(row.id) : fmt::format("{}/{}", row.id, group.key),
                                .title = std::string(row.title),
                                .cause = RenderSentence(CauseOf(row, group.fact), group.fact),
                                .evidence = EvidenceOf(group),
                                .confidence = ConfidenceOf(row, group.fact, corroborated_by),
                                .gain = GainOf(row.gain, group.fact, window),
                                .proof = ProofOf(row, group.fact, window),
                                .thread = group.fact.thread,
                                .cpus = CpusOf(group.fact),
                                .basis = row.basis,
                                .corroborated_by = {corroborated_by.begin(), corroborated_by.end()}};
  AddActions(row, group.fact, &recommendation);
  return recommendation;
}

}  // namespace hftmon
