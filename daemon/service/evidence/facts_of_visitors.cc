#include "daemon/service/evidence/facts_of_visitors.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "common/duration.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

bool Has(const CpuList& cpus, int cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

// Since the pair's first snapshot. A table begins anew with its rule: a count that went back is of another one, and is left out.
int64_t VisitsBetween(const SnapshotPair& sums, const CpuVisitInfo& after) {
  uint64_t before = 0;
  for (const CpuVisitInfo& known : sums.before->visits) {
    if (known.cpu == after.cpu && known.comm == after.comm) before = known.count;
  }
  return after.count > before ? static_cast<int64_t>(after.count - before) : 0;
}

// Who came under a name. A row tells of the last alone: more than one here is proof, one is none.
std::map<std::string, std::set<uint32_t>> TidsByName(const SnapshotPair& sums) {
  std::map<std::string, std::set<uint32_t>> tids;
  for (const auto& snapshot : {sums.before, sums.after}) {
    if (snapshot == nullptr) continue;
    for (const CpuVisitInfo& visit : snapshot->visits) {
      if (visit.last_tid != 0) tids[visit.comm].insert(visit.last_tid);
    }
  }
  return tids;
}

// What the work queues of these CPUs spent most on in the window; empty: not known.
std::string HeaviestWork(const SnapshotPair& sums, const std::set<int>& cpus) {
  if (sums.before == nullptr) return "";
  std::map<std::string, int64_t> by_function;
  for (const WorkSum& after : sums.after->works) {
    if (!cpus.contains(after.cpu)) continue;
    const auto& earlier = sums.before->works;
    const auto before = std::find_if(earlier.begin(), earlier.end(),
                                     [&](const WorkSum& work) { return work.cpu == after.cpu && work.function == after.function; });
    const int64_t spent_ns = after.duration_ns - (before == earlier.end() ? 0 : before->duration_ns);
    if (spent_ns > 0) by_function[after.function] += spent_ns;
  }
  const auto heaviest =
      std::max_element(by_function.begin(), by_function.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return heaviest == by_function.end() || !IsIdentifier(heaviest->first) ? "" : heaviest->first;
}

std::string GroupOf(const EvidenceContext& context, const Fact& fact) {
  const auto& cpus = std::get<CpuList>(fact.values.at(FactField::kCpus));
  const auto& kind = std::get<std::string>(fact.values.at(FactField::kActorKind));
  if (std::none_of(cpus.begin(), cpus.end(), [&context](int cpu) { return Has(context.reserved_cpus, cpu); })) return "any";
  if (kind == "unbound_kworker" || kind == "bound_kworker") return kind + "s";
  return kind == "kernel_thread" ? "kernel_threads" : "any";
}

// Dozens of the kernel's threads come onto a CPU that is not isolated: those whose moving is worth a command of its own are few.
void SetGroups(const EvidenceContext& context, std::vector<Fact>* facts) {
  std::vector<Fact*> movable;
  for (Fact& fact : *facts) {
    const std::string group = GroupOf(context, fact);
    fact.values[FactField::kVisitorGroup] = group;
    const bool one = IntegerOr(fact, FactField::kMovable, 0) == 1 && IntegerOr(fact, FactField::kNamesakes, 1) == 0;
    if (group == "kernel_threads" && one) movable.push_back(&fact);
  }
  std::stable_sort(movable.begin(), movable.end(),
                   [](const Fact* a, const Fact* b) { return IntegerOr(*a, FactField::kCount, 0) > IntegerOr(*b, FactField::kCount, 0); });
  movable.resize(std::min(movable.size(), kAloneMax));
  for (Fact* fact : movable) fact->values[FactField::kVisitorGroup] = std::string("alone");
}

}  // namespace

void VisitorFacts::Add(const Spike& spike) {
  if (spike.kind != SpikeKind::kPreempted && spike.kind != SpikeKind::kRunQueue) return;
  for (size_t i = 0; i < std::min<size_t>(spike.cause_count, spike.causes.size()); ++i) {
    const Cause& cause = spike.causes[i];
    // Threads of the kernel are processes of their own: others' are told as preemptions.
    if (cause.kind != CauseKind::kThread || cause.others || cause.tid == 0 || cause.tid != cause.tgid) continue;
    Share& share = shares_[cause.tid][cause.cpu][spike.thread];
    share.pid = cause.tgid;
    if (share.comm.empty()) share.comm = std::string(cause.comm, strnlen(cause.comm, sizeof(cause.comm)));
    share.run_count += std::max<int64_t>(cause.run_count, 1);
    share.tally.Add(spike, cause.duration_ns);
  }
}

const VisitorFacts::Share* VisitorFacts::HeaviestShare(const EvidenceContext& context, const SharesOfVictims& victims) {
  const Share* heaviest = nullptr;
  for (const auto& [victim, share] : victims) {
    // Who may run elsewhere too is not whom the CPU is kept for, but another visitor.
    const std::optional<TaskFact> task = context.task(victim.tgid, victim.tid);
    const auto kept = [&context](int cpu) { return Has(context.reserved_cpus, cpu) || context.bound_cpus.contains(cpu); };
    if (!task || task->kernel_thread() || !std::all_of(task->allowed_cpus.begin(), task->allowed_cpus.end(), kept)) continue;
    if (heaviest == nullptr || share.tally.sum_ns() > heaviest->tally.sum_ns()) heaviest = &share;
  }
  return heaviest;
}

VisitorFacts::Actors VisitorFacts::ActorsOf(const EvidenceContext& context, const SnapshotPair& sums,
                                            const std::vector<WatchedVisit>& watched) const {
  Actors actors;
  const auto tids = TidsByName(sums);
  for (const CpuVisitInfo& visit : sums.after == nullptr ? std::vector<CpuVisitInfo>() : sums.after->visits) {
    const int64_t count = VisitsBetween(sums, visit);
    if (count == 0 || visit.last_tid == 0) continue;
    Actor& actor = actors[visit.last_tid];
    actor.pid = visit.last_pid;
    actor.comm = visit.comm;
    actor.namesakes |= tids.at(visit.comm).size() > 1;
    actor.count += count;
    actor.cpus.insert(visit.cpu);
  }
  for (const WatchedVisit& visit : watched) {
    if (visit.count == 0) continue;
    Actor& actor = actors[visit.thread.tid];
    actor.pid = visit.thread.tgid;
    actor.count += visit.count;
    actor.cpus.insert(visit.cpu);
    actor.at_least |= visit.at_least;
  }
  for (const auto& [tid, by_cpu] : shares_) {
    for (const auto& [cpu, victims] : by_cpu) {
      if (!Has(context.reserved_cpus, cpu) && !context.bound_cpus.contains(cpu)) continue;
      const Share* share = HeaviestShare(context, victims);
      if (share == nullptr || !context.task(share->pid, tid).value_or(TaskFact()).kernel_thread()) continue;
      Actor& actor = actors[tid];
      actor.pid = share->pid;
      if (actor.comm.empty()) actor.comm = share->comm;
      if (!Has(context.audited_cpus, cpu)) actor.run_count += share->run_count;  // else the visits have these switches too
      actor.cpus.insert(cpu);
      actor.spikes.push_back(&share->tally);
    }
  }
  return actors;
}

std::optional<Fact> VisitorFacts::ToFact(const EvidenceContext& context, const SnapshotPair& sums, const VisitorSettings& settings,
                                         uint32_t tid, const Actor& actor) {
  const std::optional<TaskFact> task = context.task(actor.pid, tid);
  const std::optional<std::string> kind = ActorKind(context, actor.pid, tid);
  const int64_t count = actor.count + actor.run_count;
  if (count == 0 || !task || !kind) return std::nullopt;  // it has ended: nobody to move
  Fact fact = NewFact(context, FactKind::kCpuVisitor);
  const std::string comm = actor.comm.empty() ? context.name(tid) : actor.comm;
  fact.values[FactField::kActorTid] = static_cast<int64_t>(tid);
  if (!comm.empty()) fact.values[FactField::kActorComm] = comm;
  fact.values[FactField::kActorKind] = *kind;
  fact.values[FactField::kMovable] = static_cast<int64_t>(task->bound_for_good() ? 0 : 1);
  fact.values[FactField::kNamesakes] = static_cast<int64_t>(actor.namesakes ? 1 : 0);
  fact.values[FactField::kActorCount] = int64_t{1};
  fact.values[FactField::kCpus] = CpuList(actor.cpus.begin(), actor.cpus.end());
  fact.values[FactField::kCount] = count;
  if (actor.run_count == 0) SetSpan(sums, &fact);  // else switches out of the whole window's spikes are in the count
  fact.quality.truncated = actor.at_least;
  int64_t sum_ns = 0;
  int64_t longest_ns = 0;
  for (const SpikeTally* tally : actor.spikes) {
    sum_ns += tally->sum_ns();
    longest_ns = std::max(longest_ns, tally->longest_ns());
    Fact spikes = NewFact(context, FactKind::kCpuVisitor);
    tally->EvidenceToFact(&spikes);
    for (const uint64_t id : spikes.evidence.spike_ids) {
      if (fact.evidence.spike_ids.size() < kFactSpikeIdsMax) fact.evidence.spike_ids.push_back(id);
    }
    fact.quality.inconclusive |= spikes.quality.inconclusive;
  }
  if (!actor.spikes.empty()) {
    fact.values[FactField::kSumNs] = sum_ns;
    fact.values[FactField::kLongestNs] = longest_ns;
  }
  if (*kind == "bound_kworker") {
    if (const std::string work = HeaviestWork(sums, actor.cpus); !work.empty()) fact.values[FactField::kWorkFunction] = work;
  }
  SetCpus(&fact, FactField::kOldAffinity, task->allowed_cpus);
  SetCpus(&fact, FactField::kOldWorkqueueCpus, settings.workqueue_cpus);
  if (settings.stat_interval_s) fact.values[FactField::kStatInterval] = *settings.stat_interval_s;
  SetCpus(&fact, FactField::kHousekeepingCpus, HousekeepingCpus(context));
  const std::string who = actor.namesakes ? absl::StrCat("threads named ", CleanText(comm), " (the last tid ", tid, ") were switched in ")
                                          : absl::StrCat(CleanText(comm), " (tid ", tid, ") was switched in ");
  fact.evidence.sentence = absl::StrCat(
      who, actor.at_least ? "at least " : "", count, " times on CPU ", FormatCpuList(CpuList(actor.cpus.begin(), actor.cpus.end())),
      actor.spikes.empty() ? "" : absl::StrCat(" and kept a watched thread off it for ", FormatDuration(sum_ns)));
  return fact;
}

void VisitorFacts::ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const std::vector<WatchedVisit>& watched,
                           const VisitorSettings& settings, std::vector<Fact>* facts) const {
  std::vector<Fact> made;
  for (const auto& [tid, actor] : ActorsOf(context, sums, watched)) {
    if (auto fact = ToFact(context, sums, settings, tid, actor)) made.push_back(*std::move(fact));
  }
  SetGroups(context, &made);
  facts->insert(facts->end(), std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
}

}  // namespace hftmon
