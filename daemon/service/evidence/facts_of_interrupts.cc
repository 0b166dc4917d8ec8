#include "daemon/service/evidence/facts_of_interrupts.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/cpu_list.h"
#include "common/duration.h"
#include "daemon/advice/template_text.h"
#include "daemon/analysis/interrupt_names.h"

namespace hftmon {
namespace {

struct LineSum {
  int64_t count = 0;
  int64_t self_ns = 0;
  CpuList cpus;
};

const DeviceTotal* FindDevice(const CpuInterruptTotal& cpu, uint32_t irq) {
  const auto found = std::find_if(cpu.devices.begin(), cpu.devices.end(), [irq](const DeviceTotal& device) { return device.irq == irq; });
  return found == cpu.devices.end() ? nullptr : &*found;
}

// By line, of those CPUs; a CPU whose sums went back (it was offline) is left out.
std::map<uint32_t, LineSum> LinesBetween(const SnapshotPair& sums, const std::set<int>& cpus) {
  std::map<uint32_t, LineSum> lines;
  for (const CpuInterruptTotal& after : sums.after->cpus) {
    if (!cpus.contains(static_cast<int>(after.cpu))) continue;
    const auto& earlier = sums.before->cpus;
    const auto before =
        std::find_if(earlier.begin(), earlier.end(), [&after](const CpuInterruptTotal& cpu) { return cpu.cpu == after.cpu; });
    if (before == earlier.end()) continue;
    for (const DeviceTotal& device : after.devices) {
      if (device.name.empty()) continue;  // the sum of those that found no place
      const DeviceTotal* known = FindDevice(*before, device.irq);
      const uint64_t counted = known == nullptr ? 0 : known->count;
      const int64_t counted_ns = known == nullptr ? 0 : known->self_ns;
      if (device.count <= counted || device.self_ns < counted_ns) continue;
      LineSum& line = lines[device.irq];
      line.count += static_cast<int64_t>(device.count - counted);
      line.self_ns += device.self_ns - counted_ns;
      line.cpus.push_back(static_cast<int>(after.cpu));
    }
  }
  return lines;
}

const InterruptAffinity* FindLine(const InterruptAffinityReport& affinities, uint32_t irq) {
  for (const InterruptAffinity& line : affinities.lines) {
    if (line.irq == static_cast<int>(irq)) return &line;
  }
  return nullptr;
}

// Of a thread that may not run everywhere: all of its time was there, of others it is known where spikes were alone.
void SetBoundCpus(const EvidenceContext& context, const ThreadKey& thread, Fact* fact) {
  const std::optional<TaskFact> task = context.task(thread.tgid, thread.tid);
  if (task && task->allowed_cpus.size() < context.online_cpus.size()) SetCpus(fact, FactField::kCpus, task->allowed_cpus);
}

// By what it is raised, for the sentence; empty: that is not known, and the fact has nothing of it.
std::string SetRaiser(const SnapshotPair& sums, const NetworkQueues& queues, const InterruptAffinityReport& affinities, Fact* fact) {
  const auto cpus = fact->values.find(FactField::kCpus);
  if (cpus == fact->values.end()) return "";
  const std::optional<SoftirqRaiser> raiser = RaiserOn(std::get<CpuList>(cpus->second), sums, queues);
  if (!raiser) return "";
  fact->values[FactField::kInterface] = raiser->interface;
  if (raiser->queue) {
    fact->values[FactField::kQueue] = *raiser->queue;
    fact->values[FactField::kOldRpsCpus] = raiser->rps_cpus;
  }
  if (!raiser->irq) return absl::StrCat(" (packets of ", CleanText(raiser->interface), ", steered there)");
  fact->values[FactField::kIrq] = static_cast<int64_t>(*raiser->irq);
  if (const InterruptAffinity* line = FindLine(affinities, *raiser->irq)) SetCpus(fact, FactField::kOldAffinity, line->allowed_cpus);
  return absl::StrCat(" (interrupt ", *raiser->irq, " of ", CleanText(raiser->interface), ")");
}

}  // namespace

void InterruptFacts::Add(const Spike& spike) {
  for (size_t i = 0; i < std::min<size_t>(spike.cause_count, spike.causes.size()); ++i) {
    const Cause& cause = spike.causes[i];
    if (cause.others) continue;
    if (cause.kind == CauseKind::kHardIrq && cause.source == HFT_SOURCE_DEVICE) lines_[cause.number].Add(spike, cause.duration_ns);
    if (cause.kind == CauseKind::kSoftirq) softirqs_[spike.thread][cause.source].Add(spike, cause.duration_ns);
  }
}

void InterruptFacts::ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const InterruptSettings& settings,
                             std::vector<Fact>* facts) const {
  if (sums.before == nullptr || sums.after == nullptr) return;
  AddLines(context, sums, settings, facts);
  AddSoftirqs(context, sums, settings, facts);
}

void InterruptFacts::AddLines(const EvidenceContext& context, const SnapshotPair& sums, const InterruptSettings& settings,
                              std::vector<Fact>* facts) const {
  std::set<int> cpus = context.bound_cpus;
  cpus.insert(context.reserved_cpus.begin(), context.reserved_cpus.end());
  for (const auto& [irq, line] : LinesBetween(sums, cpus)) {
    Fact fact = NewFactOfSums(context, sums, FactKind::kIrqOnCpu);
    fact.values[FactField::kIrq] = static_cast<int64_t>(irq);
    fact.values[FactField::kCpus] = line.cpus;
    fact.values[FactField::kCount] = line.count;
    fact.values[FactField::kSumNs] = line.self_ns;
    fact.values[FactField::kIrqbalance] = static_cast<int64_t>(settings.irqbalance ? 1 : 0);
    std::string handlers;
    if (const InterruptAffinity* known = FindLine(settings.affinities, irq)) {
      handlers = absl::StrJoin(known->handlers, ", ");
      SetCpus(&fact, FactField::kOldAffinity, known->allowed_cpus);
    }
    if (!handlers.empty()) fact.values[FactField::kHandler] = handlers;
    SetCpus(&fact, FactField::kNearHousekeepingCpus, NearHousekeepingCpusOfLine(context, static_cast<int>(irq)));
    if (const auto tally = lines_.find(static_cast<int>(irq)); tally != lines_.end()) {
      fact.values[FactField::kLongestNs] = tally->second.longest_ns();
      Fact spikes = NewFact(context, FactKind::kIrqOnCpu);
      tally->second.EvidenceToFact(&spikes);
      fact.evidence.spike_ids = spikes.evidence.spike_ids;
    }
    fact.evidence.sentence = absl::StrCat("interrupt ", irq, " (", CleanText(handlers), ") arrived ", line.count, " times on CPU ",
                                          FormatCpuList(line.cpus), " and took ", FormatDuration(line.self_ns), " there");
    facts->push_back(std::move(fact));
  }
}

void InterruptFacts::AddTally(const EvidenceContext& context, const ThreadKey& thread, hft_interrupt_source source, Fact* fact) const {
  const auto of_thread = softirqs_.find(thread);
  if (of_thread == softirqs_.end()) return;
  const auto tally = of_thread->second.find(source);
  if (tally == of_thread->second.end()) return;
  fact->values[FactField::kLongestNs] = tally->second.longest_ns();
  SetCpus(fact, FactField::kCpus, tally->second.cpus());
  Fact spikes = NewFact(context, FactKind::kSoftirqOnCpu);
  tally->second.EvidenceToFact(&spikes);
  fact->evidence.spike_ids = spikes.evidence.spike_ids;
}

void InterruptFacts::AddSoftirqs(const EvidenceContext& context, const SnapshotPair& sums, const InterruptSettings& settings,
                                 std::vector<Fact>* facts) const {
  std::optional<NetworkQueues> queues;
  for (const auto& [thread, after] : sums.after->threads) {
    const ThreadSums* before = sums.SumsBefore(thread);
    if (before == nullptr || !before->interrupts || !after.interrupts) continue;
    for (size_t source = HFT_SOURCE_SOFTIRQ; source < HFT_SOURCES; ++source) {
      const SourceSum& from = before->interrupts->sources[source];
      const SourceSum& to = after.interrupts->sources[source];
      const uint32_t count = static_cast<uint32_t>(to.count) - static_cast<uint32_t>(from.count);  // the kernel's counts are modulo 2^32
      if (count == 0 || to.self_ns < from.self_ns) continue;
      const std::string name = InterruptName(static_cast<hft_interrupt_source>(source), 0, "");
      Fact fact = NewFactOfSums(context, sums, FactKind::kSoftirqOnCpu, thread);
      fact.values[FactField::kSoftirq] = name;
      fact.values[FactField::kCount] = static_cast<int64_t>(count);
      fact.values[FactField::kSumNs] = to.self_ns - from.self_ns;
      SetCpus(&fact, FactField::kHousekeepingCpus, HousekeepingCpus(context));
      SetCpus(&fact, FactField::kNearHousekeepingCpus, HousekeepingCpus(context));
      AddTally(context, thread, static_cast<hft_interrupt_source>(source), &fact);
      SetBoundCpus(context, thread, &fact);
      std::string raised_by;
      if ((name == "NET_RX" || name == "NET_TX") && settings.queues) {
        if (!queues) queues = settings.queues();
        raised_by = SetRaiser(sums, *queues, settings.affinities, &fact);
        if (const auto irq = fact.values.find(FactField::kIrq); irq != fact.values.end()) {
          SetCpus(&fact, FactField::kNearHousekeepingCpus,
                  NearHousekeepingCpusOfLine(context, static_cast<int>(std::get<int64_t>(irq->second))));
        }
      }
      fact.evidence.sentence = absl::StrCat("softirq ", name, raised_by, " ran ", count, " times in the time of tid ", thread.tid,
                                            " and took ", FormatDuration(to.self_ns - from.self_ns));
      facts->push_back(std::move(fact));
    }
  }
}

}  // namespace hftmon
