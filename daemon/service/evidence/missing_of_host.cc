#include "daemon/service/evidence/missing_of_host.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/analysis/counter_rates.h"
#include "daemon/service/counter_absence.h"
#include "daemon/service/counter_totals.h"

namespace hftmon {
namespace {

constexpr char kAttachCache[] = "hftmon attach PID --cache";
constexpr char kSharing[] = "hftmon sharing PID";

void Add(FactKind kind, FactValues where, std::string reason, std::string mend, std::vector<MissingEvidence>* missing) {
  missing->push_back({.kind = kind, .where = std::move(where), .reason = std::move(reason), .mend = std::move(mend)});
}

void AddHardware(const HardwareTotals& hardware, const EvidenceContext& context, std::vector<MissingEvidence>* missing) {
  const auto of_source = [](const char* source) { return FactValues{{FactField::kSource, std::string(source)}}; };
  bool siblings_told = true;
  for (const HardwareSource& source : hardware.Sources()) {
    if (source.available) continue;
    if (source.name == "smi") Add(FactKind::kHardware, of_source("smi"), source.reason, source.mend, missing);
    if (source.name == "steal") Add(FactKind::kHardware, of_source("steal"), source.reason, source.mend, missing);
    if (source.name == "c_states") Add(FactKind::kWaking, {}, source.reason, source.mend, missing);
    if (source.name != "smt_siblings") continue;
    siblings_told = false;
    Add(FactKind::kHardware, of_source("busy_sibling"), source.reason, source.mend, missing);
  }
  if (!siblings_told) return;
  // Where nobody has been seen on a CPU yet it may be any.
  const CpuList watched(context.watched_cpus.begin(), context.watched_cpus.end());
  const CpuList& cpus = watched.empty() ? context.online_cpus : watched;
  const bool none = std::all_of(cpus.begin(), cpus.end(), [&hardware](int cpu) { return hardware.Read(cpu).smt_siblings.empty(); });
  if (!none) return;
  Add(FactKind::kHardware, of_source("busy_sibling"), "no CPU of a watched thread shares its core, as far as the kernel is told", "",
      missing);
}

const Capability* Unavailable(const std::vector<Capability>& capabilities, std::string_view name) {
  const auto found =
      std::find_if(capabilities.begin(), capabilities.end(), [name](const Capability& one) { return one.name == name && !one.available; });
  return found == capabilities.end() ? nullptr : &*found;
}

bool Tells(const std::vector<CounterRate>& rates, std::string_view name) {
  return std::any_of(rates.begin(), rates.end(), [name](const CounterRate& rate) { return rate.name == name; });
}

void AddCounters(const ServiceCore& core, const std::vector<Capability>& capabilities, std::vector<MissingEvidence>* missing) {
  if (const Capability* pmu = Unavailable(capabilities, "hardware_pmu")) {
    return Add(FactKind::kCounterRate, {}, pmu->reason, pmu->mend, missing);
  }
  if (core.counters == nullptr || core.counter_history == nullptr) return Add(FactKind::kCounterRate, {}, kNoCounters, "", missing);
  const CounterTotals::State state = core.counters->state();
  if (!state.reason.empty()) return Add(FactKind::kCounterRate, {}, state.reason, kAttachCache, missing);
  const std::vector<CounterRate> rates = RatesOf(state.set);
  if (Tells(rates, "l3_hit_ratio") && Tells(rates, "instructions_per_cycle")) return;
  std::string reason = "the events that are counted do not tell the last-level cache's hit ratio and the instructions per cycle";
  for (const auto& [metric, why] : state.unavailable) {
    if (metric.starts_with("l3")) reason += "; " + metric + ": " + why;
  }
  Add(FactKind::kCounterRate, {}, std::move(reason), kAttachCache, missing);
}

void AddLines(const std::vector<Capability>& capabilities, std::vector<MissingEvidence>* missing) {
  const Capability* sharing = Unavailable(capabilities, "sharing");
  if (sharing != nullptr) {
    const std::string mend = sharing->mend.empty() ? kSharing : sharing->mend + "; then " + kSharing;
    return Add(FactKind::kContendedLine, {}, sharing->reason, mend, missing);
  }
  Add(FactKind::kContendedLine, {},
      "no sampling of memory accesses lies in the window: they are made only when asked for, each sample interrupts the thread", kSharing,
      missing);
}

void AddMemory(const FaultTotals& faults, std::vector<MissingEvidence>* missing) {
  for (const auto& [part, reason] : faults.Missing()) {
    if (part == "senders") {
      Add(FactKind::kShootdowns, {}, reason, "", missing);
    } else {
      Add(FactKind::kKernelStall, {{FactField::kStall, part}}, reason, "", missing);
    }
  }
}

}  // namespace

void AddMissingOfHost(const ServiceCore& core, const EvidenceContext& context, bool has_lines, std::vector<MissingEvidence>* missing) {
  if (core.hardware != nullptr) AddHardware(*core.hardware, context, missing);
  const std::vector<Capability> capabilities = core.status->Capabilities();
  AddCounters(core, capabilities, missing);
  if (!has_lines) AddLines(capabilities, missing);
  if (core.faults != nullptr) AddMemory(*core.faults, missing);
  if (!core.numa) return;
  if (const absl::StatusOr<NumaBalancing> numa = core.numa(); !numa.ok()) {
    Add(FactKind::kNumaBalancingWork, {}, std::string(numa.status().message()), "", missing);
  }
}

}  // namespace hftmon
