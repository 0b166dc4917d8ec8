#include "daemon/analysis/priority_boosts.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "daemon/analysis/kernel_priority.h"

namespace hftmon {
namespace {

void TakeDonor(const BoostStep& step, PriorityBoost* boost) {
  boost->boosted_priority = step.new_priority;
  boost->donor_tid = step.donor_tid;
  boost->donor_tgid = step.donor_tgid;
  std::memcpy(boost->donor_comm, step.donor_comm, sizeof(boost->donor_comm));
}

PriorityBoost BegunBy(const BoostStep& step) {
  PriorityBoost boost;
  boost.thread = step.thread;
  boost.start_mono_ns = step.mono_ns;
  boost.own_priority = step.own_priority;
  TakeDonor(step, &boost);
  boost.step_count = 1;
  return boost;
}

// The boosts in progress, by tid: one at a time has it.
class BoostJoiner {
 public:
  void Add(const BoostStep& step) {
    const auto open = open_.find(step.thread.tid);
    const bool known = open != open_.end() && open->second.thread == step.thread;
    const bool raised = IsMoreUrgent(step.new_priority, step.own_priority);
    const bool from_own = step.old_priority == step.own_priority;
    if (open != open_.end() && (!known || (raised && from_own))) {
      // Its end was not seen.
      ++joined_.fragment_count;
      open_.erase(open);
      if (raised) open_.emplace(step.thread.tid, BegunBy(step));
    } else if (known) {
      GoOn(step, raised, &open->second);
    } else if (raised && from_own) {
      open_.emplace(step.thread.tid, BegunBy(step));
    } else if (!raised && !from_own) {
      ++joined_.fragment_count;  // its beginning was not seen
    }
  }

  JoinedBoosts Finish() {
    for (const auto& [tid, boost] : open_) joined_.boosts.push_back(boost);
    std::stable_sort(joined_.boosts.begin(), joined_.boosts.end(),
                     [](const PriorityBoost& a, const PriorityBoost& b) { return a.start_mono_ns < b.start_mono_ns; });
    return std::move(joined_);
  }

 private:
  void GoOn(const BoostStep& step, bool raised, PriorityBoost* boost) {
    ++boost->step_count;
    if (raised) {
      if (IsMoreUrgent(step.new_priority, boost->boosted_priority)) TakeDonor(step, boost);
      return;
    }
    boost->duration_ns = std::max<int64_t>(step.mono_ns - boost->start_mono_ns, 0);
    joined_.boosts.push_back(*boost);
    open_.erase(step.thread.tid);
  }

  std::unordered_map<uint32_t, PriorityBoost> open_;
  JoinedBoosts joined_;
};

}  // namespace

JoinedBoosts JoinBoosts(std::span<const BoostStep> steps) {
  BoostJoiner joiner;
  for (const BoostStep& step : steps) joiner.Add(step);
  return joiner.Finish();
}

}  // namespace hftmon
