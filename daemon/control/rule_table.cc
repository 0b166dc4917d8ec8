#include "daemon/control/rule_table.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>

#include "absl/strings/str_format.h"
#include "common/counted.h"
#include "daemon/control/limit_reached.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

absl::Status RuleTable::CheckRoom(const RuleSelector& selector, uint64_t session, size_t added, const HoldingLimits& limits) const {
  for (const int cpu : selector.cpus) {
    if (static_cast<size_t>(cpu) < view_.audits.size()) continue;
    return absl::InvalidArgumentError(absl::StrFormat("CPU %d: this host has none of that number: give CPUs from 0 to %d", cpu,
                                                      static_cast<int>(view_.audits.size()) - 1));
  }
  if (const TargetRule* rule = Find(selector); rule != nullptr) {
    if (rule->holders.contains(session) || rule->holders.size() < limits.target_holders_max) return absl::OkStatus();
    return LimitReached(
        absl::StrFormat("%s is held by %s: close some of them", DescribeRule(selector), Counted(rule->holders.size(), "client")),
        "target_holders_max", static_cast<int64_t>(limits.target_holders_max));
  }
  if (rules_.size() + added < limits.rules_max) return absl::OkStatus();
  return LimitReached(
      absl::StrFormat("%s in force: detach some (\"hftmon targets\" lists them)", Counted(rules_.size(), "rule is", "rules are")),
      "rules_max", static_cast<int64_t>(limits.rules_max));
}

const TargetRule* RuleTable::Find(const RuleSelector& selector) const {
  for (const auto& [id, rule] : rules_) {
    if (rule.selector == selector) return &rule;
  }
  return nullptr;
}

TargetRule* RuleTable::Hold(const RuleSelector& selector, uint64_t session, const PartOptions& options) {
  const TargetRule* known = Find(selector);
  const uint32_t id = known == nullptr ? next_id_++ : known->id;
  TargetRule& rule = rules_[id];
  rule.id = id;
  rule.selector = selector;
  const auto [part, added] = rule.holders.try_emplace(session, options);
  if (!added) part->second.Add(options);
  if (known == nullptr) TellKernel(rules_);
  return &rule;
}

std::vector<TargetRule> RuleTable::Sweep() {
  std::vector<TargetRule> gone;
  for (auto rule = rules_.begin(); rule != rules_.end();) {
    if (!rule->second.holders.empty()) {
      ++rule;
      continue;
    }
    gone.push_back(rule->second);
    rule = rules_.erase(rule);
  }
  if (!gone.empty()) TellKernel(rules_);
  return gone;
}

const TargetRule* RuleTable::At(uint32_t id) const {
  const auto rule = rules_.find(id);
  return rule == rules_.end() ? nullptr : &rule->second;
}

bool RuleTable::has_process_rules() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const auto& rule) { return !rule.second.by_cpu(); });
}

ProgramDemand RuleTable::Demand() const {
  ProgramDemand demand;
  for (const auto& [id, rule] : rules_) {
    for (const auto& [session, part] : rule.holders) demand |= ProgramDemand::Of(part.resolved());
  }
  return demand;
}

bool RuleTable::has_cpu_rules() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const auto& rule) { return rule.second.by_cpu(); });
}

void RuleTable::TellKernel(const Rules& rules) {
  if (view_.controls == nullptr) return;
  TellNames(rules);
  TellCpus(rules);
  const bool active = std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return !rule.second.by_cpu(); });
  StoreRelaxed(view_.controls->rules_active, active ? 1 : 0);
}

// An exec that compares while they are written may miss a name or take a mixture for one: the record that it makes anyway, and the look at
// all processes, put both right.
void RuleTable::TellNames(const Rules& rules) {
  StoreRelaxed(view_.controls->rule_name_count, 0);
  size_t count = 0;
  for (const auto& [id, rule] : rules) {
    if (rule.selector.kind != RuleSelector::Kind::kName || count >= view_.rule_names.size()) continue;
    char name[HFT_COMM_LENGTH] = {};
    std::memcpy(name, rule.selector.text.data(), std::min(rule.selector.text.size(), kCommBytesMax));
    for (size_t word = 0; word < 2; ++word) {
      __u64 bytes = 0;
      std::memcpy(&bytes, name + word * sizeof(bytes), sizeof(bytes));
      StoreRelaxed(view_.rule_names[count].words[word], bytes);
    }
    ++count;
  }
  // Release: the names before their number. An exec that is on its way reads them in any order, see above.
  std::atomic_ref<__u32>(view_.controls->rule_name_count).store(static_cast<__u32>(count), std::memory_order_release);
}

void RuleTable::TellCpus(const Rules& rules) {
  std::set<int> wanted;
  for (const auto& [id, rule] : rules) wanted.insert(rule.selector.cpus.begin(), rule.selector.cpus.end());
  for (size_t cpu = 0; cpu < view_.audits.size() && cpu < view_.cpus.size(); ++cpu) SetAudited(cpu, wanted.contains(static_cast<int>(cpu)));
}

void RuleTable::SetAudited(size_t cpu, bool audited) {
  hft_cpu& state = view_.cpus[cpu];
  if ((LoadRelaxed(state.audited) != 0) == audited) return;
  if (!audited) return StoreRelaxed(state.audited, 0);  // the CPU's next switch takes its run queue back
  // What an earlier rule counted is not this one's.
  __u64* words = reinterpret_cast<__u64*>(&view_.audits[cpu]);
  for (size_t word = 0; word < sizeof(hft_audit) / sizeof(__u64); ++word) StoreRelaxed(words[word], 0u);
  // The empty table before its use; the flag before its run queue goes, which sends its switches to meet_cpu (visitor.bpf.h). Sequentially
  // consistent: with a meet_cpu that is on its way, one of the two finds what the other wrote.
  std::atomic_ref<__u16>(state.audited).store(1, std::memory_order_seq_cst);
  std::atomic_ref<__u64>(state.run_queue).store(0, std::memory_order_seq_cst);
}

std::vector<CpuVisitInfo> RuleTable::VisitsOf(const TargetRule& rule, uint64_t* unnamed_count) const {
  std::vector<CpuVisitInfo> visits;
  for (const int cpu : rule.selector.cpus) {
    hft_audit& audit = view_.audits[static_cast<size_t>(cpu)];
    *unnamed_count += LoadRelaxed(audit.unnamed_count);
    for (hft_visits& entry : audit.visits) {
      const uint64_t count = LoadRelaxed(entry.count);
      if (count == 0) continue;
      const __u64 words[2] = {LoadRelaxed(entry.name[0]), LoadRelaxed(entry.name[1])};
      char name[HFT_COMM_LENGTH + 1] = {};
      std::memcpy(name, words, sizeof(words));
      visits.push_back({.cpu = cpu, .comm = name, .count = count, .last_tid = LoadRelaxed(entry.tid), .last_pid = LoadRelaxed(entry.tgid)});
    }
  }
  std::stable_sort(visits.begin(), visits.end(), [](const CpuVisitInfo& a, const CpuVisitInfo& b) { return a.count > b.count; });
  return visits;
}

}  // namespace hftmon
