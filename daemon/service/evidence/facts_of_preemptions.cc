#include "daemon/service/evidence/facts_of_preemptions.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "daemon/advice/template_text.h"
#include "daemon/analysis/preemption_reason.h"

namespace hftmon {
namespace {

// Who was switched in at once tells why; who ran longest may be another.
std::string ReasonOf(const Spike& spike, const Cause& actor) {
  if (spike.kind != SpikeKind::kPreempted || !spike.preemption.known) return "";
  const std::string reason = PreemptionReason(spike.preemption);
  return spike.preemption.preemptor_tid == actor.tid || reason == "throttled" ? reason : "";
}

bool AllReserved(const EvidenceContext& context, const CpuList& cpus) {
  const CpuList& reserved = context.reserved_cpus;
  return std::all_of(cpus.begin(), cpus.end(), [&](int cpu) { return std::find(reserved.begin(), reserved.end(), cpu) != reserved.end(); });
}

std::string CommOf(const Cause& cause) {
  return std::string(cause.comm, strnlen(cause.comm, sizeof(cause.comm)));
}

}  // namespace

bool PreemptionFacts::Key::operator<(const Key& other) const {
  const ThreadKeyOrder order;
  if (order(victim, other.victim) || order(other.victim, victim)) return order(victim, other.victim);
  return std::tie(actor_tid, kind, reason) < std::tie(other.actor_tid, other.kind, other.reason);
}

void PreemptionFacts::Add(const Spike& spike) {
  if (spike.kind != SpikeKind::kPreempted && spike.kind != SpikeKind::kRunQueue) return;
  const Cause* actor = LongestCause(spike, CauseKind::kThread);
  if (actor == nullptr || actor->tid == 0 || actor->others) return;
  Share& share = shares_[{spike.thread, actor->tid, spike.kind, ReasonOf(spike, *actor)}];
  share.actor_pid = actor->tgid;
  if (share.actor_comm.empty()) share.actor_comm = CommOf(*actor);
  share.tally.Add(spike, actor->duration_ns);
}

void PreemptionFacts::ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const {
  for (const auto& [key, share] : shares_) {
    const std::optional<std::string> kind = ActorKind(context, share.actor_pid, key.actor_tid);
    if (!kind) continue;  // it has ended, and was a process of one thread or the kernel's: nobody to move
    if (*kind != "user" && *kind != "own" && AllReserved(context, share.tally.cpus())) continue;  // VisitorFacts tells it
    Fact fact = NewFact(context, FactKind::kPreemption);
    fact.thread = ThreadOf(context, key.victim);
    fact.values[FactField::kSpikeKind] = std::string(key.kind == SpikeKind::kPreempted ? "preempted" : "run_queue");
    if (!key.reason.empty()) fact.values[FactField::kReason] = key.reason;
    fact.values[FactField::kActorTid] = static_cast<int64_t>(key.actor_tid);
    fact.values[FactField::kActorKind] = *kind;
    const std::string comm = share.actor_comm.empty() ? context.name(key.actor_tid) : share.actor_comm;
    if (!comm.empty()) fact.values[FactField::kActorComm] = comm;
    share.tally.ToFact(&fact);
    SetCpus(&fact, FactField::kCpus, share.tally.cpus());
    if (const auto task = context.task(share.actor_pid, key.actor_tid)) SetCpus(&fact, FactField::kOldAffinity, task->allowed_cpus);
    SetCpus(&fact, FactField::kSpareCpus, SpareCpus(context, share.tally.cpus()));
    SetCpus(&fact, FactField::kHousekeepingCpus, HousekeepingCpus(context));
    fact.evidence.sentence = absl::StrCat(CleanText(comm), " (tid ", key.actor_tid, ") had the CPU of tid ", key.victim.tid, " in ",
                                          share.tally.count(), " of its waits, for ", share.tally.sum_ns(), " ns in all");
    facts->push_back(std::move(fact));
  }
}

}  // namespace hftmon
