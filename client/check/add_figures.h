// AddFigures: what the modules share in making their figures.
#ifndef HFTMON_CLIENT_CHECK_ADD_FIGURES_H_
#define HFTMON_CLIENT_CHECK_ADD_FIGURES_H_

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/check/check_inputs.h"
#include "client/check/check_scope.h"
#include "client/check/duration_ranks.h"
#include "client/check/judgement.h"
#include "client/check/module_result.h"
#include "client/check/worst_event.h"

namespace hftmon {

inline void AddFigures(std::vector<CheckFigure> figures, ModuleResult* result) {
  std::move(figures.begin(), figures.end(), std::back_inserter(result->figures));
}

inline void AddUnmeasured(std::initializer_list<const char*> keys, const std::string& reason, ModuleResult* result) {
  for (const char* key : keys) result->figures.push_back(Unmeasured(key, reason));
}

// Why a probe group's figures are not there: the daemon refused the group, or what the answer says of itself.
inline std::string WhyNoGroup(const CheckInputs& inputs, const std::string& group, const std::string& otherwise) {
  const auto refused = inputs.refused_groups.find(group);
  if (refused != inputs.refused_groups.end()) return refused->second;
  return otherwise.empty() ? "nobody asked for the probe group " + group : otherwise;
}

// The rows of judged threads that have figures. Threads without are a warning; where all are so, `why_none` says why.
template <typename Row>
std::vector<const Row*> AvailableRows(const google::protobuf::RepeatedPtrField<Row>& rows, const CheckInputs& inputs,
                                      const CheckScope& scope, const std::string& group, std::string* why_none, ModuleResult* result) {
  std::vector<const Row*> available;
  int64_t without = 0;
  std::string reason;
  for (const Row& row : rows) {
    if (!scope.Judges(row.thread().tid())) continue;
    if (row.available()) {
      available.push_back(&row);
      continue;
    }
    ++without;
    reason = row.reason();
  }
  if (!available.empty() && without > 0) {
    AddFinding({.severity = CheckVerdict::kWarn,
                .figure = "",
                .text = std::to_string(without) + " of the judged threads have no figures: " + reason,
                .advice = {}},
               result);
  }
  if (available.empty()) {
    *why_none = without > 0                      ? WhyNoGroup(inputs, group, reason)
                : !scope.threads_unknown.empty() ? scope.threads_unknown
                                                 : WhyNoGroup(inputs, group, "no judged thread was there at the end");
  }
  return available;
}

// Of `count` events in all, those that go on included, each longer one is among the spikes; the others are no longer than the daemon's
// floor, or than `longest_ns`, which none of them exceeds.
inline DurationRanks RanksOf(uint64_t count, const std::vector<const v1::Spike*>& spikes, const CheckInputs& inputs, int64_t longest_ns,
                             std::optional<int64_t> floor_ns) {
  DurationRanks ranks;
  uint64_t told = 0;
  for (const v1::Spike* spike : spikes) {
    ranks.Add(spike->duration_ns());
    ++told;
  }
  const int64_t rest_ns = SpikesAreWhole(inputs) && floor_ns.has_value() ? std::min(*floor_ns, longest_ns) : longest_ns;
  ranks.AddAtMost(rest_ns, count - std::min(count, told));
  return ranks;
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_ADD_FIGURES_H_
