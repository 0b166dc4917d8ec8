// Values of facts: read, and held against the schema.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/cpu_list.h"
#include "daemon/advice/fact_schema.h"

namespace hftmon {
namespace {

constexpr size_t kTextBytesMax = 4'096;
constexpr int64_t kTaskIdMax = 4'194'304;  // PID_MAX_LIMIT
constexpr size_t kIdentifierBytesMax = 32;

// Why the value does not fit the type; empty: it fits.
std::string_view MisfitOf(FieldType type, const FactValue& value) {
  const auto* integer = std::get_if<int64_t>(&value);
  const auto* real = std::get_if<double>(&value);
  const auto* text = std::get_if<std::string>(&value);
  const auto* cpus = std::get_if<CpuList>(&value);
  switch (type) {
    case FieldType::kNumber:
    case FieldType::kDuration:
      return integer == nullptr ? "is no integer" : *integer < 0 ? "is negative" : "";
    case FieldType::kTaskId:
      return integer == nullptr ? "is no integer" : *integer < 1 || *integer > kTaskIdMax ? "is no task's number" : "";
    case FieldType::kAddress:
      return integer == nullptr ? "is no integer" : "";
    case FieldType::kShare:
      return real == nullptr ? "is no real number" : !(*real >= 0 && *real <= 1) ? "is not within 0 to 1" : "";
    case FieldType::kReal:
      return real == nullptr ? "is no real number" : !std::isfinite(*real) ? "is not finite" : "";
    case FieldType::kText:
    case FieldType::kIdentifier:
      return text == nullptr ? "is no text" : text->size() > kTextBytesMax ? "has more than 4096 bytes" : "";
    case FieldType::kCpuList:
      break;
  }
  if (cpus == nullptr) return "is no list of CPUs";
  const bool within = std::all_of(cpus->begin(), cpus->end(), [](int cpu) { return cpu >= 0 && cpu < kCpuNumberLimit; });
  return within && std::is_sorted(cpus->begin(), cpus->end()) ? "" : "is not ascending, or names a CPU that cannot be";
}

absl::Status Refusal(FactKind kind, FactField field, std::string_view misfit) {
  return absl::InvalidArgumentError(fmt::format("a fact of kind {}: {} {}", RowOf(kind).name, RowOf(field).name, misfit));
}

bool IsOfThread(FactField field) {
  return field == FactField::kTid || field == FactField::kProcessId || field == FactField::kComm;
}

absl::Status CheckThread(const Fact& fact) {
  if (!fact.thread.has_value()) return absl::OkStatus();
  for (const FactField field : {FactField::kTid, FactField::kProcessId}) {
    const std::string_view misfit = MisfitOf(RowOf(field).type, *ValueOf(fact, field));
    if (!misfit.empty()) return Refusal(fact.kind, field, misfit);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsIdentifier(std::string_view text) {
  if (text.empty() || text.size() > kIdentifierBytesMax || text.front() == '-' || text.front() == '.') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' || c == '-';
  });
}

std::optional<FactValue> ValueOf(const Fact& fact, FactField field) {
  const auto it = fact.values.find(field);
  if (it != fact.values.end()) return it->second;
  if (!fact.thread.has_value()) return std::nullopt;
  if (field == FactField::kTid) return int64_t{fact.thread->tid};
  if (field == FactField::kProcessId) return int64_t{fact.thread->pid};
  if (field == FactField::kComm) return fact.thread->comm;
  return std::nullopt;
}

std::optional<double> NumberOf(const Fact& fact, FactField field) {
  const std::optional<FactValue> value = ValueOf(fact, field);
  if (!value.has_value()) return std::nullopt;
  if (const auto* integer = std::get_if<int64_t>(&*value)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&*value)) return *real;
  return std::nullopt;
}

int64_t IntegerOr(const Fact& fact, FactField field, int64_t otherwise) {
  const std::optional<FactValue> value = ValueOf(fact, field);
  const auto* integer = value.has_value() ? std::get_if<int64_t>(&*value) : nullptr;
  return integer == nullptr ? otherwise : *integer;
}

absl::Status CheckFact(const Fact& fact) {
  if (static_cast<size_t>(fact.kind) >= kFactKinds) return absl::InvalidArgumentError("a fact of no kind");
  const FactKindRow& kind = RowOf(fact.kind);
  if (kind.has_thread && !fact.thread.has_value()) {
    return absl::InvalidArgumentError(fmt::format("a fact of kind {} names no thread", kind.name));
  }
  if (absl::Status status = CheckThread(fact); !status.ok()) return status;
  for (const auto& [field, value] : fact.values) {
    if (static_cast<size_t>(field) >= kFactFields) return absl::InvalidArgumentError("a fact with a field that is none");
    if (kind.has_thread && IsOfThread(field)) return Refusal(fact.kind, field, "is told by the fact's thread, not by its values");
    if (!HasField(fact.kind, field)) return Refusal(fact.kind, field, "is no field of this kind");
    const std::string_view misfit = MisfitOf(RowOf(field).type, value);
    if (!misfit.empty()) return Refusal(fact.kind, field, misfit);
  }
  for (const FactSchemaRow& row : kind.fields) {
    if (row.required && !ValueOf(fact, row.field).has_value()) return Refusal(fact.kind, row.field, "is required and is not there");
  }
  if (fact.evidence.end_mono_ns < fact.evidence.begin_mono_ns) {
    return absl::InvalidArgumentError(fmt::format("a fact of kind {}: its evidence ends before it begins", kind.name));
  }
  if (fact.evidence.spike_ids.size() > kFactSpikeIdsMax) {
    return absl::InvalidArgumentError(fmt::format("a fact of kind {}: more than {} spike ids", kind.name, kFactSpikeIdsMax));
  }
  return absl::OkStatus();
}

}  // namespace hftmon
