// TargetRegistry: clients' sessions, and how parts in targets and rules end.
#include <algorithm>
#include <set>

#include "absl/strings/str_format.h"
#include "common/counted.h"
#include "daemon/control/limit_reached.h"
#include "daemon/control/target_registry.h"

namespace hftmon {

absl::StatusOr<uint64_t> TargetRegistry::OpenSession(const std::string& client) {
  std::lock_guard lock(mutex_);
  if (sessions_.size() >= limits_.sessions_max) {
    return LimitReached(absl::StrFormat("%s open: close some of the clients", Counted(sessions_.size(), "session is", "sessions are")),
                        "sessions_max", static_cast<int64_t>(limits_.sessions_max));
  }
  sessions_.emplace(next_session_id_, client);
  return next_session_id_++;
}

void TargetRegistry::CloseSession(uint64_t session_id) {
  std::lock_guard lock(mutex_);
  if (session_id == 0 || sessions_.erase(session_id) == 0) return;
  for (auto& [id, rule] : rules_.rules()) rule.holders.erase(session_id);
  EraseParts([session_id](const PartKey& key) { return key.session == session_id; });
  Sweep(clock_->NowNs());
}

absl::Status TargetRegistry::CheckSession(uint64_t session_id) const {
  if (session_id == 0 || sessions_.contains(session_id)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("session %d is not open: it ended, or never was; open one with HoldTargets and keep its stream", session_id));
}

bool TargetRegistry::IsEnded(uint32_t pid) const {
  return std::any_of(ended_.begin(), ended_.end(), [pid](const EndedTarget& ended) { return ended.info.pid == pid; });
}

// Of targets, and of ended ones, whose late children inherit.
template <typename Predicate>
void TargetRegistry::EraseParts(Predicate leaves) {
  const auto part_leaves = [&leaves](const auto& part) { return leaves(part.first); };
  for (auto& [pid, target] : targets_) std::erase_if(target.parts, part_leaves);
  for (EndedTarget& ended : ended_) std::erase_if(ended.parts, part_leaves);
}

DetachResult TargetRegistry::Sweep(int64_t now_ns) {
  DetachResult result;
  for (const TargetRule& rule : rules_.Sweep()) {
    result.rules.push_back(DescribeRule(rule));
    EraseParts([&rule](const PartKey& key) { return key.rule == rule.id; });
  }
  for (auto target = targets_.begin(); target != targets_.end();) {
    if (!target->second.parts.empty()) {
      target->second.info.options = UnionOf(target->second.parts);
      ++target;
      continue;
    }
    watcher_.Unwatch(target->first, now_ns);
    result.pids.push_back(static_cast<int32_t>(target->first));
    target = targets_.erase(target);
  }
  ApplySettings();
  return result;
}

absl::StatusOr<DetachResult> TargetRegistry::Detach(const DetachWish& wish) {
  if (absl::Status status = CheckDetach(wish); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (absl::Status status = CheckSession(wish.session_id); !status.ok()) return status;
  const bool everyone = wish.force || (wish.all && wish.session_id == 0);
  const auto is_mine = [&](uint64_t session) { return everyone || session == wish.session_id; };
  std::set<uint32_t> named;
  for (const int32_t pid : wish.pids) {
    if (absl::Status status = CheckDetachedPid(wish, static_cast<uint32_t>(pid)); !status.ok()) return status;
    named.insert(static_cast<uint32_t>(pid));
  }
  for (const RuleSelector& selector : wish.selectors) {
    const TargetRule* rule = rules_.Find(selector);
    if (rule == nullptr) {
      return absl::NotFoundError(absl::StrFormat("%s is no rule: \"hftmon targets\" lists them", hftmon::DescribeRule(selector)));
    }
    if (!everyone && !rule->holders.contains(wish.session_id)) {
      return absl::FailedPreconditionError(absl::StrFormat("rule %s is held by %s alone: their parts end with them, or by force",
                                                           hftmon::DescribeRule(selector), Counted(rule->holders.size(), "other client")));
    }
  }
  std::set<uint32_t> ending_rules;
  for (auto& [id, rule] : rules_.rules()) {
    const bool wanted = wish.all || std::find(wish.selectors.begin(), wish.selectors.end(), rule.selector) != wish.selectors.end();
    if (!wanted) continue;
    ending_rules.insert(id);
    std::erase_if(rule.holders, [&](const auto& holder) { return is_mine(holder.first); });
  }
  EraseParts([&](const PartKey& key) { return is_mine(key.session) && (wish.all || ending_rules.contains(key.rule)); });
  for (const uint32_t pid : named) {
    const auto target = targets_.find(pid);
    if (target == targets_.end()) continue;
    // A rule would find it again: what it holds by itself stays.
    std::erase_if(target->second.parts,
                  [&](const auto& part) { return is_mine(part.first.session) && (part.first.rule == 0 || part.first.inherited); });
  }
  DetachResult result = Sweep(clock_->NowNs());
  std::erase_if(ended_, [&](const EndedTarget& ended) {
    if (!named.contains(ended.info.pid) && !(wish.all && everyone)) return false;
    result.pids.push_back(static_cast<int32_t>(ended.info.pid));
    return true;
  });
  std::sort(result.pids.begin(), result.pids.end());
  result.pids.erase(std::unique(result.pids.begin(), result.pids.end()), result.pids.end());
  for (const uint32_t pid : named) {
    if (targets_.contains(pid)) result.still_held.push_back(static_cast<int32_t>(pid));
  }
  return result;
}

absl::Status TargetRegistry::CheckDetachedPid(const DetachWish& wish, uint32_t pid) const {
  const auto target = targets_.find(pid);
  if (target == targets_.end()) {
    if (IsEnded(pid)) return absl::OkStatus();
    return absl::NotFoundError(
        absl::StrFormat("process %d is no target: \"hftmon targets\" lists them, \"hftmon attach %d\" adds it", pid, pid));
  }
  const TargetParts& parts = target->second.parts;
  const bool has_part = std::any_of(parts.begin(), parts.end(), [&wish](const auto& part) {
    return (wish.force || part.first.session == wish.session_id) && (part.first.rule == 0 || part.first.inherited);
  });
  if (has_part) return absl::OkStatus();
  for (const auto& [key, options] : parts) {
    const TargetRule* rule = rules_.At(key.rule);
    if (rule == nullptr || key.inherited) continue;
    return absl::FailedPreconditionError(
        absl::StrFormat("process %d (%s) is held by the rule %s, which would find it again: detach the rule", pid, target->second.info.comm,
                        hftmon::DescribeRule(rule->selector)));
  }
  return absl::FailedPreconditionError(
      absl::StrFormat("process %d (%s) is held by other clients alone (%s): they end with their clients, or by force (--force)", pid,
                      target->second.info.comm, Counted(parts.size(), "part")));
}

std::vector<HolderInfo> TargetRegistry::HoldersOf(const TargetParts& parts) const {
  std::vector<HolderInfo> holders;
  holders.reserve(parts.size());
  for (const auto& [key, options] : parts) {
    const auto session = sessions_.find(key.session);
    holders.push_back({.session_id = key.session,
                       .client = session == sessions_.end() ? "" : session->second,
                       .rule_id = key.rule,
                       .inherited = key.inherited,
                       .options = options.resolved()});
  }
  return holders;
}

size_t TargetRegistry::HoldersMost() const {
  size_t most = 0;
  for (const auto& [pid, target] : targets_) most = std::max(most, target.parts.size());
  for (const auto& [id, rule] : rules_.rules()) most = std::max(most, rule.holders.size());
  return most;
}

std::vector<int> TargetRegistry::SpikeCpusOf(const TargetParts& parts) const {
  std::set<int> cpus;
  for (const auto& [key, options] : parts) {
    const TargetRule* rule = rules_.At(key.rule);
    if (rule == nullptr || !rule->by_cpu()) return {};
    cpus.insert(rule->selector.cpus.begin(), rule->selector.cpus.end());
  }
  return {cpus.begin(), cpus.end()};
}

}  // namespace hftmon
