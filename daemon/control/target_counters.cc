// TargetRegistry: whether the events that are to be counted find room beside those of all targets.
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "daemon/control/target_registry.h"

namespace hftmon {

// Whether the events that these options name are counted beside those of all targets and rules, in the place of what that target asks for
// now, where one is named.
absl::Status TargetRegistry::CheckCounters(const TargetOptions& options, uint32_t instead_of_pid) const {
  if (options.counter_events.empty()) return absl::OkStatus();
  CounterWish counted;
  std::string holders;
  const auto add = [&](const std::string& who, const TargetOptions& theirs) {
    if (theirs.counter_events.empty()) return;
    counted |= CounterWishOf(theirs);
    holders += absl::StrFormat("%s%s (%s)", holders.empty() ? "" : ", ", who, absl::StrJoin(theirs.counter_events, ","));
  };
  for (const auto& [pid, target] : targets_) {
    if (pid != instead_of_pid) add(absl::StrFormat("process %d", pid), target.info.options);
  }
  for (const auto& [id, rule] : rules_.rules()) {
    for (const auto& [session, part] : rule.holders) add("rule " + hftmon::DescribeRule(rule.selector), part.resolved());
  }
  counted |= CounterWishOf(options);
  if (counted.events.size() <= kCounterEventsMax) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "counter_events (--counters): with these %d events would be counted, and at most %d are at once: name some that are counted already, "
      "or detach who has them: %s",
      counted.events.size(), kCounterEventsMax, holders));
}

absl::Status TargetRegistry::CheckCounterUpdate(const Target& target, const TargetUpdate& update, const TargetOptions& updated) const {
  if (!update.counters()) return absl::OkStatus();
  if (update.counter_interval_ns.value_or(0) != 0 && !Counts(updated)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("counter_interval_ns (--counter-interval) is given and nothing is counted of process %d: ask for cache (--cache), "
                        "or name counter_events (--counters)",
                        target.info.pid));
  }
  return CheckCounters(updated, target.info.pid);
}

}  // namespace hftmon
