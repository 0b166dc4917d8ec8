#include "daemon/advice/rule_match.h"

#include <algorithm>
#include <optional>

#include "daemon/advice/fact_schema.h"

namespace hftmon {
namespace {

constexpr double kSecondNs = 1e9;

// A fact's value and an operand, on one footing.
struct Compared {
  std::optional<double> number;
  std::optional<std::string_view> word;
  const CpuList* cpus = nullptr;
};

Compared OfValue(const FactValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return {.number = static_cast<double>(*integer)};
  if (const auto* real = std::get_if<double>(&value)) return {.number = *real};
  if (const auto* text = std::get_if<std::string>(&value)) return {.word = *text};
  return {.cpus = std::get_if<CpuList>(&value)};
}

// `other`: holds the value where the operand is another field.
Compared OfOperand(const Operand& operand, const Fact& fact, std::optional<FactValue>* other) {
  if (const auto* number = std::get_if<double>(&operand)) return {.number = *number};
  if (const auto* word = std::get_if<std::string_view>(&operand)) return {.word = *word};
  const auto* field = std::get_if<FactField>(&operand);
  if (field == nullptr) return {};
  *other = ValueOf(fact, *field);
  return other->has_value() ? OfValue(**other) : Compared{};
}

bool Meet(const CpuList& a, const CpuList& b) {
  return std::any_of(a.begin(), a.end(), [&](int cpu) { return std::find(b.begin(), b.end(), cpu) != b.end(); });
}

bool IsOneOf(const Compared& value, const Operand& operand) {
  const auto* words = std::get_if<WordList>(&operand);
  return words != nullptr && value.word.has_value() && std::find(words->begin(), words->end(), *value.word) != words->end();
}

bool Compare(Operator op, const Compared& a, const Compared& b) {
  const bool numbers = a.number.has_value() && b.number.has_value();
  const bool words = a.word.has_value() && b.word.has_value();
  const bool lists = a.cpus != nullptr && b.cpus != nullptr;
  const bool equal = (numbers && *a.number == *b.number) || (words && *a.word == *b.word) || (lists && *a.cpus == *b.cpus);
  switch (op) {
    case Operator::kIs:
      return equal;
    case Operator::kIsNot:
      return (numbers || words || lists) && !equal;
    case Operator::kAtLeast:
      return numbers && *a.number >= *b.number;
    case Operator::kBelow:
      return numbers && *a.number < *b.number;
    case Operator::kHasAny:
      return lists && Meet(*a.cpus, *b.cpus);
    case Operator::kHasNone:
      return lists && !Meet(*a.cpus, *b.cpus);
    case Operator::kIsOneOf:
    case Operator::kKnown:
    case Operator::kUnknown:
      break;
  }
  return false;
}

bool Reaches(const Measure& measure, const Fact& group, const JudgeWindow& window) {
  const auto duration_ns = static_cast<double>(RateSpanNs(group, window));
  if (duration_ns <= 0) return false;
  const double count = NumberOf(group, FactField::kCount).value_or(0);
  const double sum_ns = NumberOf(group, FactField::kSumNs).value_or(0);
  const double longest_ns = NumberOf(group, FactField::kLongestNs).value_or(0);
  return count >= static_cast<double>(measure.count_min) && count * kSecondNs / duration_ns >= measure.count_per_s_min &&
         sum_ns / duration_ns >= measure.share_min && longest_ns >= static_cast<double>(measure.longest_ns_min) &&
         AllHold(measure.where, group);
}

}  // namespace

bool Holds(const Condition& condition, const Fact& fact) {
  const std::optional<FactValue> value = ValueOf(fact, condition.field);
  const auto* list = value.has_value() ? std::get_if<CpuList>(&*value) : nullptr;
  const bool known = value.has_value() && (list == nullptr || !list->empty());
  if (condition.op == Operator::kKnown) return known;
  if (condition.op == Operator::kUnknown) return !known;
  if (!value.has_value()) return false;
  if (condition.op == Operator::kIsOneOf) return IsOneOf(OfValue(*value), condition.operand);
  std::optional<FactValue> other;
  return Compare(condition.op, OfValue(*value), OfOperand(condition.operand, fact, &other));
}

bool AllHold(std::span<const Condition> conditions, const Fact& fact) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) { return Holds(condition, fact); });
}

bool ReachesMeasure(const RuleRow& row, const Fact& group, const JudgeWindow& window) {
  if (row.basis == Basis::kConfiguration) return true;
  return std::any_of(row.measures.begin(), row.measures.end(), [&](const Measure& measure) { return Reaches(measure, group, window); });
}

bool CouldConcern(const RuleRow& row, const MissingEvidence& missing) {
  if (row.fact != missing.kind) return false;
  const Fact partly{.kind = missing.kind, .values = missing.where};
  return std::all_of(row.when.begin(), row.when.end(), [&](const Condition& condition) {
    const bool compares_fields = std::holds_alternative<FactField>(condition.operand);
    return compares_fields || !missing.where.contains(condition.field) || Holds(condition, partly);
  });
}

}  // namespace hftmon
