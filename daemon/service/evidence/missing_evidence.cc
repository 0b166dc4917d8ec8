#include "daemon/service/evidence/missing_evidence.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "common/duration.h"
#include "daemon/control/target_options.h"
#include "daemon/service/evidence/evidence_book.h"

namespace hftmon {
namespace {

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

// Of these only visits that kept a watched thread waiting are seen.
void AddUnauditedCpus(const EvidenceContext& context, std::vector<MissingEvidence>* missing) {
  std::set<int> cpus = context.bound_cpus;
  cpus.insert(context.reserved_cpus.begin(), context.reserved_cpus.end());
  for (const int cpu : context.audited_cpus) cpus.erase(cpu);
  if (cpus.empty()) return;
  const std::string list = FormatCpuList(CpuList(cpus.begin(), cpus.end()));
  missing->push_back(
      {.kind = FactKind::kCpuVisitor,
       .where = {},
       .reason = absl::StrCat("no rule watches CPU ", list, ": of who comes there only those are seen who keep a watched thread waiting"),
       .mend = absl::StrCat("hftmon attach --cpus ", list)});
}

}  // namespace

void AddMissingEvidence(const TargetSelection& selection, const EvidenceContext& context, bool has_sums,
                        std::vector<MissingEvidence>* missing) {
  const bool several_nodes = context.nodes.nodes.size() > 1;  // else all devices are near
  AddGroup(selection, kLocksGroup, "locks --blocked 100us", {FactKind::kInversion, FactKind::kContendedLock}, missing);
  if (!missing->empty() && missing->back().kind == FactKind::kContendedLock) {
    // Without the group a sleep in futex may be a lock or a hand-over.
    missing->push_back({.kind = FactKind::kHotPathSleep,
                        .where = {{FactField::kSyscall, std::string("futex")}},
                        .reason = missing->back().reason,
                        .mend = missing->back().mend});
  }
  AddGroup(selection, kMemoryGroup, "memory",
           {FactKind::kFaults, FactKind::kShootdowns, FactKind::kKernelStall, FactKind::kNumaBalancingWork}, missing);
  AddGroup(selection, kHardwareGroup, "hardware", {FactKind::kWaking, FactKind::kHardware}, missing);
  if (several_nodes) AddGroup(selection, kNetworkGroup, "network", {FactKind::kDeviceDistance}, missing);
  AddUnauditedCpus(context, missing);
  if (has_sums) return;
  const std::string young = "there are no two snapshots of the sums in the window: it is too short, or the programs were off in it";
  for (const FactKind kind :
       {FactKind::kIrqOnCpu, FactKind::kSoftirqOnCpu, FactKind::kTickOnCpu, FactKind::kCpuVisitor, FactKind::kShootdowns, FactKind::kWaking,
        FactKind::kNumaBalancingWork, FactKind::kHardware, FactKind::kDeviceDistance}) {
    if (kind == FactKind::kDeviceDistance && !several_nodes) continue;
    missing->push_back({.kind = kind, .where = {}, .reason = young, .mend = "ask for a longer window, or again in some seconds"});
  }
}

void AddMissingOfCutSums(const EvidenceContext& context, const SnapshotPair& sums, std::vector<MissingEvidence>* missing) {
  if (sums.before == nullptr || !sums.cut || sums.before->mono_ns - context.begin_mono_ns <= kShorterNs) return;
  const std::string span = FormatDuration(sums.after->mono_ns - sums.before->mono_ns);
  const std::string reason = absl::StrCat("sums are of the last ", span, " of the window alone: those of ", sums.before->threads.size(),
                                          " threads take ", sums.before->bytes() >> 10, " KiB each time that they are noted, and beyond ",
                                          kEvidenceBytesMax >> 20, " MiB the oldest go");
  for (const FactKind kind :
       {FactKind::kIrqOnCpu, FactKind::kSoftirqOnCpu, FactKind::kTickOnCpu, FactKind::kCpuVisitor, FactKind::kFaults, FactKind::kShootdowns,
        FactKind::kKernelStall, FactKind::kWaking, FactKind::kNumaBalancingWork, FactKind::kHardware, FactKind::kDeviceDistance}) {
    if (kind == FactKind::kDeviceDistance && context.nodes.nodes.size() <= 1) continue;
    missing->push_back({.kind = kind, .where = {}, .reason = reason, .mend = absl::StrCat("ask for a window of ", span)});
  }
}

void TellThatNoProcessIsWatched(bool audit, bool cpus_watched, std::vector<MissingEvidence>* missing) {
  const auto needs_none = [cpus_watched](FactKind kind) {
    const bool of_cpus = kind == FactKind::kIrqOnCpu || kind == FactKind::kCpuVisitor || kind == FactKind::kHardware;
    return kind == FactKind::kHostSetting || kind == FactKind::kCpuSetting || (cpus_watched && of_cpus);
  };
  std::erase_if(*missing, [&needs_none](const MissingEvidence& one) { return !needs_none(one.kind); });
  for (size_t kind = 0; kind < kFactKinds; ++kind) {
    if (needs_none(static_cast<FactKind>(kind))) continue;
    MissingEvidence one{.kind = static_cast<FactKind>(kind), .where = {}, .reason = "no process is watched", .mend = ""};
    if (audit) {
      one.reason += ", and they judge what is measured of one (hftmon attach PID)";
    } else {
      one.mend = "hftmon attach PID, or `hftmon recommend --audit` for how the host is set up";
    }
    missing->push_back(std::move(one));
  }
}

}  // namespace hftmon
