#include "daemon/pmu/sysfs_events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/near_names.h"
#include "daemon/os/event_terms.h"

namespace hftmon {
namespace {

constexpr size_t kNearNames = 5;

// Where a term's value goes: the PMU's own field before the whole words.
std::optional<PmuField> FieldOf(const Pmu& pmu, const std::string& name) {
  const auto found = pmu.fields.find(name);
  if (found != pmu.fields.end()) return found->second;
  if (name == "config" || name == "config1" || name == "config2" || name == "config3") return *ParsePmuField(name);
  return std::nullopt;
}

absl::Status PutTerm(const Pmu& pmu, const EventTerm& term, EventEncoding* encoding) {
  const std::optional<PmuField> field = FieldOf(pmu, term.name);
  if (!field) {
    std::vector<std::string_view> known;
    for (const auto& [name, text] : pmu.events) known.push_back(name);
    for (const auto& [name, bits] : pmu.fields) known.push_back(name);
    const auto near = NearNames(term.name, known, kNearNames);
    return absl::NotFoundError(fmt::format("PMU {} has no event or field '{}'{}{}", pmu.name, term.name, near.empty() ? "" : ": near are ",
                                           fmt::join(near, ", ")));
  }
  if (term.asked) {
    return absl::InvalidArgumentError(fmt::format("the value of '{}' is the caller's to give: {}=NUMBER", term.name, term.name));
  }
  // A name alone sets a flag; a number it cannot stand for.
  if (!term.value && field->width() != 1) {
    return absl::InvalidArgumentError(fmt::format("field '{}' of PMU {} needs a value: {}=NUMBER", term.name, pmu.name, term.name));
  }
  const uint64_t value = term.value.value_or(1);
  if (value > field->value_max()) {
    return absl::InvalidArgumentError(fmt::format("{}={:#x} does not fit the {} bits of PMU {}: {:#x} at most", term.name, value,
                                                  field->width(), pmu.name, field->value_max()));
  }
  field->Put(value, encoding);
  return absl::OkStatus();
}

// The terms of a named event, save those whose value the caller gives.
absl::Status PutEvent(const Pmu& pmu, const std::string& name, const std::map<std::string, EventTerm>& given, EventEncoding* encoding) {
  const auto terms = ParseEventTerms(pmu.events.at(name));
  if (!terms.ok()) {
    return absl::FailedPreconditionError(fmt::format("event '{}' of PMU {}: the kernel's text is not understood: {}", name, pmu.name,
                                                     std::string(terms.status().message())));
  }
  for (const EventTerm& term : *terms) {
    if (given.contains(term.name)) continue;
    const absl::Status put = PutTerm(pmu, term, encoding);
    if (absl::IsNotFound(put)) {
      return absl::FailedPreconditionError(fmt::format("event '{}' of PMU {}: {}", name, pmu.name, std::string(put.message())));
    }
    if (!put.ok()) return absl::Status(put.code(), fmt::format("event '{}' of PMU {}: {}", name, pmu.name, std::string(put.message())));
  }
  return absl::OkStatus();
}

}  // namespace

EventEncoding EmptyEncoding(const Pmu& pmu) {
  return {.pmu = pmu.name, .type = pmu.type, .per_thread = pmu.per_thread, .cpus = pmu.cpus};
}

absl::StatusOr<EventEncoding> EncodePmuTerms(const Pmu& pmu, std::string_view terms) {
  const auto parsed = ParseEventTerms(terms);
  if (!parsed.ok()) return parsed.status();
  std::optional<std::string> event;
  std::map<std::string, EventTerm> given;
  for (const EventTerm& term : *parsed) {
    if (term.value || term.asked || !pmu.events.contains(term.name)) {
      given.emplace(term.name, term);
      continue;
    }
    if (event) return absl::InvalidArgumentError(fmt::format("'{}' and '{}' are two events: give each its own", *event, term.name));
    event = term.name;
  }
  EventEncoding encoding = EmptyEncoding(pmu);
  if (event) {
    if (const absl::Status put = PutEvent(pmu, *event, given, &encoding); !put.ok()) return put;
  }
  // What only refines a named event beside its number is vouched for by that name.
  encoding.number_unchecked = !event;
  std::array<uint64_t, PmuField::kWords> used = {};
  for (const auto& [name, term] : given) {
    if (const absl::Status put = PutTerm(pmu, term, &encoding); !put.ok()) return put;
    const PmuField field = *FieldOf(pmu, name);
    uint64_t& taken = used.at(static_cast<size_t>(field.word));
    if ((taken & field.mask()) != 0) {
      return absl::InvalidArgumentError(fmt::format("'{}' shares bits with another of the terms: give one of them", name));
    }
    taken |= field.mask();
    encoding.number_unchecked = encoding.number_unchecked || field.word == 0;
  }
  return encoding;
}

}  // namespace hftmon
