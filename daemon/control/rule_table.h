// RuleTable: the rules that are in force, who holds them, and what the kernel's programs must know of them: the names that exec is compared
// with, and the CPUs whose visitors are noted.
//
// Owner: TargetRegistry, under its mutex. The view's memory outlives it. Bounds: those of HoldingLimits.
#ifndef HFTMON_DAEMON_CONTROL_RULE_TABLE_H_
#define HFTMON_DAEMON_CONTROL_RULE_TABLE_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/control/holding_limits.h"
#include "daemon/control/part_options.h"
#include "daemon/control/program_demand.h"
#include "daemon/control/rule_selector.h"
#include "daemon/control/targets.h"

namespace hftmon {

struct TargetRule {
  uint32_t id = 0;
  RuleSelector selector;
  std::map<uint64_t, PartOptions> holders;  // by session, 0 the one that persists; never empty between calls
  uint64_t found_count = 0;
  uint64_t refused_count = 0;

  bool by_cpu() const { return selector.kind == RuleSelector::Kind::kCpus; }
};

class RuleTable {
 public:
  using Rules = std::map<uint32_t, TargetRule>;  // by id

  explicit RuleTable(const KernelView& view) : view_(view) {}
  ~RuleTable() { TellKernel({}); }
  RuleTable(const RuleTable&) = delete;
  RuleTable& operator=(const RuleTable&) = delete;

  // OK when the session can hold the selector's rule, which may have to be made besides `added` others. RESOURCE_EXHAUSTED: a limit;
  // INVALID_ARGUMENT: no such CPU.
  absl::Status CheckRoom(const RuleSelector& selector, uint64_t session, size_t added, const HoldingLimits& limits) const;
  // Adds the holder's part, making the rule if there is none.
  TargetRule* Hold(const RuleSelector& selector, uint64_t session, const PartOptions& options);
  const TargetRule* Find(const RuleSelector& selector) const;
  // Rules without holders go; those that went.
  std::vector<TargetRule> Sweep();

  Rules& rules() { return rules_; }
  const Rules& rules() const { return rules_; }
  const TargetRule* At(uint32_t id) const;
  bool empty() const { return rules_.empty(); }
  // Whether any rule looks at processes, or at CPUs.
  bool has_process_rules() const;
  bool has_cpu_rules() const;
  // What those who hold rules ask for.
  ProgramDemand Demand() const;

  // Of the rule's CPUs: who was there unwatched.
  std::vector<CpuVisitInfo> VisitsOf(const TargetRule& rule, uint64_t* unnamed_count) const;

 private:
  void TellKernel(const Rules& rules);
  void TellNames(const Rules& rules);
  void TellCpus(const Rules& rules);
  void SetAudited(size_t cpu, bool audited);

  const KernelView view_;
  Rules rules_;
  uint32_t next_id_ = 1;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_RULE_TABLE_H_
