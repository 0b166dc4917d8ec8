#include "daemon/advice/fact_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>

#include "daemon/advice/fact_schema.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

using GroupValues = std::vector<std::optional<FactValue>>;

GroupValues ValuesOf(std::span<const FactField> group_by, const Fact& fact) {
  GroupValues values;
  for (const FactField field : group_by) values.push_back(ValueOf(fact, field));
  return values;
}

std::string KeyOf(std::span<const FactField> group_by, const GroupValues& values) {
  std::string key;
  for (size_t i = 0; i < group_by.size(); ++i) {
    const auto* text = values[i].has_value() ? std::get_if<std::string>(&*values[i]) : nullptr;
    if (!key.empty()) key += ',';
    const std::string value = !values[i].has_value() ? "?" : text != nullptr ? CleanText(*text) : FormatValue(group_by[i], *values[i]);
    key += fmt::format("{}={}", RowOf(group_by[i]).name, value);
  }
  return key;
}

bool Heavier(const Fact& a, const Fact& b) {
  const int64_t a_sum = IntegerOr(a, FactField::kSumNs, 0);
  const int64_t b_sum = IntegerOr(b, FactField::kSumNs, 0);
  return a_sum != b_sum ? a_sum > b_sum : IntegerOr(a, FactField::kCount, 0) > IntegerOr(b, FactField::kCount, 0);
}

CpuList United(const CpuList& a, const CpuList& b) {
  CpuList all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

// Of two values of equal type, which CheckFact holds; none: they differ and may not.
std::optional<FactValue> Merged(FieldMerge merge, const FactValue& a, const FactValue& b) {
  switch (merge) {
    case FieldMerge::kSum:
      return std::get<int64_t>(a) + std::min(std::get<int64_t>(b), INT64_MAX - std::get<int64_t>(a));
    case FieldMerge::kMax:
      return std::max(a, b);
    case FieldMerge::kMin:
      return std::min(a, b);
    case FieldMerge::kUnite:
      return United(std::get<CpuList>(a), std::get<CpuList>(b));
    case FieldMerge::kSame:
      break;
  }
  return a == b ? std::optional<FactValue>(a) : std::nullopt;
}

// Sums and extremes are of those that tell them; whatever else one of the facts lacks is not known of the group. The pid of a fact about a
// thread stands in the values of a group alone: MergeThread's.
void MergeValues(const Fact& from, Fact* into) {
  for (auto it = into->values.begin(); it != into->values.end();) {
    if (it->first == FactField::kProcessId && RowOf(into->kind).has_thread) {
      ++it;
      continue;
    }
    const FieldMerge merge = RowOf(it->first).merge;
    const auto other = from.values.find(it->first);
    if (other == from.values.end()) {
      it = merge == FieldMerge::kSame ? into->values.erase(it) : std::next(it);
      continue;
    }
    std::optional<FactValue> merged = Merged(merge, it->second, other->second);
    if (merged.has_value()) {
      it->second = *std::move(merged);
      ++it;
    } else {
      it = into->values.erase(it);
    }
  }
  for (const auto& [field, value] : from.values) {
    if (RowOf(field).merge != FieldMerge::kSame) into->values.try_emplace(field, value);
  }
}

void MergeThread(const Fact& from, Fact* into) {
  if (!into->thread.has_value()) return;
  const bool same_process = from.thread.has_value() && from.thread->pid == into->thread->pid;
  if (same_process && from.thread->tid == into->thread->tid && from.thread->start_ns == into->thread->start_ns) return;
  if (same_process) into->values[FactField::kProcessId] = int64_t{into->thread->pid};
  into->thread.reset();
}

void MergeEvidence(const FactEvidence& from, FactEvidence* into) {
  into->begin_mono_ns = std::min(into->begin_mono_ns, from.begin_mono_ns);
  into->end_mono_ns = std::max(into->end_mono_ns, from.end_mono_ns);
  into->span_ns = into->span_ns == 0 || from.span_ns == 0 ? 0 : std::max(into->span_ns, from.span_ns);
  for (const uint64_t id : from.spike_ids) {
    if (into->spike_ids.size() >= kFactSpikeIdsMax) return;
    if (std::find(into->spike_ids.begin(), into->spike_ids.end(), id) == into->spike_ids.end()) into->spike_ids.push_back(id);
  }
}

void MergeQuality(const FactQuality& from, FactQuality* into) {
  into->lost_records |= from.lost_records;
  into->truncated |= from.truncated;
  into->estimated |= from.estimated;
  into->sampled |= from.sampled;
  into->inconclusive |= from.inconclusive;
  into->samples += std::min(from.samples, UINT64_MAX - into->samples);
}

// A thread of another process joined a group that had kept the pid of its first.
void ForgetForeignPid(const Fact& from, Fact* into) {
  const auto it = into->values.find(FactField::kProcessId);
  if (it == into->values.end() || !RowOf(into->kind).has_thread) return;
  if (!from.thread.has_value() || it->second != FactValue(int64_t{from.thread->pid})) into->values.erase(it);
}

FactGroup MakeGroup(std::span<const Fact> facts, std::vector<size_t> members) {
  std::stable_sort(members.begin(), members.end(), [&](size_t a, size_t b) { return Heavier(facts[a], facts[b]); });
  FactGroup group{.fact = facts[members.front()], .members = members};
  for (size_t i = 0; i < members.size(); ++i) {
    const Fact& member = facts[members[i]];
    if (group.sentences.size() < kEvidenceSentencesMax) group.sentences.push_back(CleanSentence(member.evidence.sentence));
    if (i == 0) continue;
    MergeValues(member, &group.fact);
    ForgetForeignPid(member, &group.fact);
    MergeThread(member, &group.fact);
    MergeEvidence(member.evidence, &group.fact.evidence);
    MergeQuality(member.quality, &group.fact.quality);
  }
  return group;
}

}  // namespace

std::vector<FactGroup> GroupFacts(std::span<const FactField> group_by, std::span<const Fact> facts, std::span<const size_t> chosen) {
  std::map<GroupValues, std::vector<size_t>> members;
  for (const size_t index : chosen) members[ValuesOf(group_by, facts[index])].push_back(index);
  std::vector<FactGroup> groups;
  for (auto& [values, indices] : members) {
    groups.push_back(MakeGroup(facts, std::move(indices)));
    groups.back().key = KeyOf(group_by, values);
  }
  return groups;
}

}  // namespace hftmon
