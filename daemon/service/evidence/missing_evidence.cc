#include "daemon/service/evidence/missing_evidence.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "daemon/advice/fact_schema.h"
#include "daemon/control/target_options.h"

namespace hftmon {
namespace {

// Kinds that no producer makes yet.
constexpr FactKind kNotLookedFor[] = {FactKind::kTickOnCpu, FactKind::kCpuVisitor,     FactKind::kWaking,      FactKind::kNumaBalancingWork,
                                      FactKind::kPlacement, FactKind::kDeviceDistance, FactKind::kCounterRate, FactKind::kContendedLine,
                                      FactKind::kHardware,  FactKind::kHostSetting,    FactKind::kCpuSetting};

// Where no selected target asks for the group, or asks for waits without a length.
void AddGroup(const TargetSelection& selection, std::string_view group, std::string_view mend_options,
              std::initializer_list<FactKind> kinds, std::vector<MissingEvidence>* missing) {
  for (const TargetInfo& target : selection.targets()) {
    if (target.state == TargetState::kEnded || HasProbeGroup(target.options, group)) continue;
    for (const FactKind kind : kinds) {
      missing->push_back({.kind = kind,
                          .where = {},
                          .reason = absl::StrCat("the probe group ", std::string(group), " is not attached for ", target.pid),
                          .mend = absl::StrCat("hftmon attach ", target.pid, " --probes ", std::string(mend_options))});
    }
    return;  // one of them is enough to say so
  }
}

}  // namespace

void AddMissingEvidence(const TargetSelection& selection, bool has_sums, std::vector<MissingEvidence>* missing) {
  for (const FactKind kind : kNotLookedFor) {
    const std::string name(RowOf(kind).name);
    missing->push_back({.kind = kind, .where = {}, .reason = absl::StrCat("this daemon makes no facts of the kind ", name), .mend = ""});
  }
  AddGroup(selection, kLocksGroup, "locks --blocked 100us", {FactKind::kInversion, FactKind::kContendedLock}, missing);
  AddGroup(selection, kMemoryGroup, "memory", {FactKind::kFaults, FactKind::kShootdowns, FactKind::kKernelStall}, missing);
  if (has_sums) return;
  const std::string young = "there are no two snapshots of the sums in the window: it is too short, or the programs were off in it";
  for (const FactKind kind : {FactKind::kIrqOnCpu, FactKind::kSoftirqOnCpu, FactKind::kShootdowns}) {
    missing->push_back({.kind = kind, .where = {}, .reason = young, .mend = "ask for a longer window, or again in some seconds"});
  }
}

}  // namespace hftmon
