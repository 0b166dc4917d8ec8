#include "daemon/service/evidence/facts_of_hardware.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/duration.h"
#include "daemon/analysis/stall.h"

namespace hftmon {
namespace {

Fact FactOf(const EvidenceContext& context, const char* source, int cpu) {
  Fact fact = NewFact(context, FactKind::kHardware);
  fact.values[FactField::kSource] = std::string(source);
  fact.values[FactField::kCpu] = static_cast<int64_t>(cpu);
  fact.values[FactField::kCpus] = CpuList{cpu};
  return fact;
}

// Absent where one of them is not known, or counting began anew between.
template <typename Number>
std::optional<int64_t> Rise(const std::optional<Number>& before, const std::optional<Number>& after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return static_cast<int64_t>(*after - *before);
}

void SmisToFacts(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) {
  int64_t most = 0;
  int cpu = -1;
  for (const CpuHardwareSums& after : sums.after->hardware) {
    const CpuHardwareSums* before = sums.before->HardwareOf(after.cpu);
    const int64_t count = before == nullptr ? 0 : Rise(before->smi_count, after.smi_count).value_or(0);
    if (count <= most) continue;
    most = count;
    cpu = after.cpu;
  }
  if (most == 0) return;
  // An SMI stops all CPUs: the one that counted most has them all.
  Fact fact = FactOf(context, "smi", cpu);
  fact.values[FactField::kCount] = most;
  SetSpan(sums, &fact);
  fact.evidence.sentence = absl::StrCat("CPU ", cpu, " counted ", most, " SMIs");
  facts->push_back(std::move(fact));
}

}  // namespace

void HardwareFacts::AddSibling(const Spike& spike, const SiblingBusy& busy) {
  if (!busy.busy_ns) return;
  Sibling& sibling = siblings_[{spike.cpu, busy.cpu}];
  sibling.spikes.Add(spike, *busy.busy_ns);
  sibling.spikes_ns += spike.duration_ns;
  sibling.truncated |= busy.truncated;
  if (busy.tid == 0 || (sibling.actors.size() >= kActorsMax && !sibling.actors.contains(busy.tid))) return;
  Actor& actor = sibling.actors[busy.tid];
  actor.tgid = busy.tgid;
  actor.had_ns += busy.actor_ns;
}

void HardwareFacts::Add(const Spike& spike) {
  if (spike.cpu == kUnknownCpu || spike_count_ >= kSpikesMax) return;
  ++spike_count_;
  const std::optional<HardwareEvidence> evidence = evidence_(spike);
  if (!evidence) return;
  for (const SiblingBusy& busy : evidence->siblings) AddSibling(spike, busy);
  if (evidence->steal_ns_max.value_or(0) > 0) stolen_[spike.cpu].Add(spike, std::min(*evidence->steal_ns_max, spike.duration_ns));
}

// Who is kept there on purpose is not to be moved, nor its CPU taken away.
bool HardwareFacts::IsTaken(const EvidenceContext& context, int cpu, const Sibling& sibling) {
  return context.bound_cpus.contains(cpu) || std::any_of(sibling.actors.begin(), sibling.actors.end(),
                                                         [&context](const auto& actor) { return actor.second.tgid == context.own_pid; });
}

void HardwareFacts::SiblingsToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const {
  for (const auto& [cpus, sibling] : siblings_) {
    if (sibling.spikes_ns <= 0) continue;
    Fact fact = FactOf(context, "busy_sibling", cpus.first);
    const double share = std::min(1.0, static_cast<double>(sibling.spikes.sum_ns()) / static_cast<double>(sibling.spikes_ns));
    fact.values[FactField::kSiblingCpu] = static_cast<int64_t>(cpus.second);
    fact.values[FactField::kCount] = sibling.spikes.count();
    fact.values[FactField::kSumNs] = sibling.spikes.sum_ns();
    fact.values[FactField::kBusyShare] = share;
    fact.values[FactField::kSiblingTaken] = static_cast<int64_t>(IsTaken(context, cpus.second, sibling) ? 1 : 0);
    SetCpus(&fact, FactField::kHousekeepingCpus, HousekeepingCpus(context));
    const auto most = std::max_element(sibling.actors.begin(), sibling.actors.end(),
                                       [](const auto& a, const auto& b) { return a.second.had_ns < b.second.had_ns; });
    if (most != sibling.actors.end()) {
      const auto& [tid, actor] = *most;
      fact.values[FactField::kActorTid] = static_cast<int64_t>(tid);
      if (std::string name = context.name(tid); !name.empty()) fact.values[FactField::kActorComm] = std::move(name);
      if (const auto kind = ActorKind(context, actor.tgid, tid)) fact.values[FactField::kActorKind] = *kind;
      if (const auto task = context.task(actor.tgid, tid)) SetCpus(&fact, FactField::kOldAffinity, task->allowed_cpus);
    }
    sibling.spikes.EvidenceToFact(&fact);
    fact.quality.truncated |= sibling.truncated;
    fact.evidence.sentence = absl::StrCat("CPU ", cpus.second, " was busy for ", FormatDuration(sibling.spikes.sum_ns()), " of ",
                                          FormatDuration(sibling.spikes_ns), " of ", sibling.spikes.count(), " spikes on CPU ", cpus.first);
    facts->push_back(std::move(fact));
  }
}

void HardwareFacts::StealToFacts(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) const {
  for (const auto& [cpu, spikes] : stolen_) {
    const CpuHardwareSums* before = sums.before->HardwareOf(cpu);
    const CpuHardwareSums* after = sums.after->HardwareOf(cpu);
    if (before == nullptr || after == nullptr) continue;
    const int64_t stolen_ns = Rise(before->steal_ns, after->steal_ns).value_or(0);
    if (stolen_ns == 0) continue;
    Fact fact = FactOf(context, "steal", cpu);
    fact.values[FactField::kCount] = spikes.count();
    fact.values[FactField::kSumNs] = stolen_ns;
    SetSpan(sums, &fact);
    spikes.EvidenceToFact(&fact);
    fact.evidence.sentence = absl::StrCat("the hypervisor had ", FormatDuration(stolen_ns), " of CPU ", cpu, "; ", spikes.count(),
                                          " spikes there may have some of it");
    facts->push_back(std::move(fact));
  }
}

void HardwareFacts::ToFacts(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) const {
  SiblingsToFacts(context, facts);
  if (sums.before == nullptr) return;
  SmisToFacts(context, sums, facts);
  StealToFacts(context, sums, facts);
}

}  // namespace hftmon
