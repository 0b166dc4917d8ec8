#include "daemon/service/evidence/facts_of_preemptions.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "common/duration.h"
#include "daemon/advice/template_text.h"
#include "daemon/analysis/preemption_reason.h"

namespace hftmon {
namespace {

constexpr std::string_view kThrottled = "throttled";
constexpr uint8_t kPriorityDeadline = 255;  // -1 in eight bits

// Why the thread lost its CPU is the doing of whom it lost it to; that it was throttled is nobody's, and told once a spike.
std::string ReasonOf(const Spike& spike, const Cause& actor, const Cause& longest) {
  if (spike.kind != SpikeKind::kPreempted || !spike.preemption.known) return "";
  const std::string reason = PreemptionReason(spike.preemption);
  if (reason == kThrottled) return &actor == &longest ? reason : "";
  return spike.preemption.preemptor_tid == actor.tid ? reason : "";
}

bool AllReserved(const EvidenceContext& context, const CpuList& cpus) {
  const CpuList& reserved = context.reserved_cpus;
  return std::all_of(cpus.begin(), cpus.end(), [&](int cpu) { return std::find(reserved.begin(), reserved.end(), cpu) != reserved.end(); });
}

// Where the actor may go. Who was not put on reserved CPUs is not sent there: they are kept for somebody, and nobody balances them.
CpuList SpareFor(const EvidenceContext& context, const std::optional<TaskFact>& task, const CpuList& cpus) {
  CpuList spare = SpareCpus(context, cpus);
  const bool was_put = task && !task->allowed_cpus.empty() && AllReserved(context, task->allowed_cpus);
  const auto reserved = std::stable_partition(spare.begin(), spare.end(), [&](int cpu) { return !AllReserved(context, {cpu}); });
  if (was_put && reserved != spare.end()) return {reserved, spare.end()};
  return {spare.begin(), reserved};
}

std::string CommOf(const Cause& cause) {
  return std::string(cause.comm, strnlen(cause.comm, sizeof(cause.comm)));
}

constexpr int64_t kPartNs = 50'000;    // of a wait that another had for longer: less is nobody's reason to move
constexpr int kPriorityFairMin = 100;  // the kernel's: below it is real time, SCHED_DEADLINE is -1

// Of who had the CPU that another waited for with nothing said about why: by what the two are. Empty: it is not known.
std::string ReasonOfClasses(uint8_t victim_priority, std::optional<int> actor_priority) {
  if (!actor_priority || victim_priority > 139) return "";
  if (*actor_priority < 0) return "deadline";
  if (*actor_priority >= kPriorityFairMin) return victim_priority >= kPriorityFairMin ? "slice_end" : "";
  if (victim_priority >= kPriorityFairMin) return "real_time";
  return *actor_priority <= victim_priority ? "real_time_priority" : "";
}

bool IsOrdinary(const Fact& fact) {
  const std::optional<FactValue> reason = ValueOf(fact, FactField::kReason);
  const std::optional<FactValue> kind = ValueOf(fact, FactField::kActorKind);
  if (!reason || kind != FactValue(std::string("user"))) return false;
  const std::string& word = std::get<std::string>(*reason);
  return word == "slice_end" || word == "wake_up" || word == "unknown";
}

using Pair = std::pair<int64_t, int64_t>;  // victim, actor

Pair PairOf(const Fact& fact) {
  return {fact.thread ? fact.thread->tid : 0, IntegerOr(fact, FactField::kActorTid, 0)};
}

// Takes out what ordinary threads waited for those that waited longer for them; these say so.
void JoinTurns(std::vector<Fact>* facts) {
  std::map<Pair, int64_t> sums;
  for (const Fact& fact : *facts) {
    if (IsOrdinary(fact)) sums[PairOf(fact)] += IntegerOr(fact, FactField::kSumNs, 0);
  }
  const auto lighter = [&sums](const Fact& fact) {
    const Pair pair = PairOf(fact);
    const auto other = sums.find({pair.second, pair.first});
    if (!IsOrdinary(fact) || other == sums.end()) return false;
    return sums.at(pair) != other->second ? sums.at(pair) < other->second : pair.first > pair.second;
  };
  for (Fact& fact : *facts) {
    const Pair pair = PairOf(fact);
    const auto other = sums.find({pair.second, pair.first});
    if (!IsOrdinary(fact) || other == sums.end() || lighter(fact)) continue;
    absl::StrAppend(&fact.evidence.sentence, "; the other way round it waited ", FormatDuration(other->second));
  }
  std::erase_if(*facts, lighter);
}

}  // namespace

bool PreemptionFacts::Key::operator<(const Key& other) const {
  const ThreadKeyOrder order;
  if (order(victim, other.victim) || order(other.victim, victim)) return order(victim, other.victim);
  return std::tie(actor_tid, kind, reason) < std::tie(other.actor_tid, other.kind, other.reason);
}

void PreemptionFacts::Add(const Spike& spike) {
  if (spike.kind != SpikeKind::kPreempted && spike.kind != SpikeKind::kRunQueue) return;
  const Cause* longest = LongestCause(spike, CauseKind::kThread);
  for (size_t i = 0; longest != nullptr && i < std::min<size_t>(spike.cause_count, spike.causes.size()); ++i) {
    const Cause& actor = spike.causes[i];
    if (actor.kind != CauseKind::kThread || actor.tid == 0 || actor.others) continue;
    if (&actor != longest && actor.duration_ns < kPartNs) continue;
    Share& share = shares_[{spike.thread, actor.tid, spike.kind, ReasonOf(spike, actor, *longest)}];
    share.actor_pid = actor.tgid;
    share.victim_priority = spike.priority;
    if (share.actor_comm.empty()) share.actor_comm = CommOf(actor);
    share.tally.Add(spike, actor.duration_ns);
  }
}

std::optional<Fact> PreemptionFacts::FactOf(const EvidenceContext& context, const PreemptionLookups& lookups, const Key& key,
                                            const Share& share) {
  const std::optional<std::string> kind = ActorKind(context, share.actor_pid, key.actor_tid);
  if (!kind) return std::nullopt;  // it has ended, and was a process of one thread or the kernel's: nobody to move
  // VisitorFacts tells of it; that the thread was throttled is nobody's doing.
  if (key.reason != kThrottled && *kind != "user" && *kind != "own" && AllReserved(context, share.tally.cpus())) return std::nullopt;
  const std::optional<TaskFact> task = context.task(share.actor_pid, key.actor_tid);
  const std::string by_class = ReasonOfClasses(share.victim_priority, lookups.priority(share.actor_pid, key.actor_tid));
  const std::string& reason = key.reason.empty() ? by_class : key.reason;
  Fact fact = NewFact(context, FactKind::kPreemption);
  fact.thread = ThreadOf(context, key.victim);
  fact.values[FactField::kSpikeKind] = std::string(key.kind == SpikeKind::kPreempted ? "preempted" : "run_queue");
  if (!reason.empty()) fact.values[FactField::kReason] = reason;
  fact.values[FactField::kActorTid] = static_cast<int64_t>(key.actor_tid);
  fact.values[FactField::kActorKind] = *kind;
  const std::string comm = share.actor_comm.empty() ? context.name(key.actor_tid) : share.actor_comm;
  if (!comm.empty()) fact.values[FactField::kActorComm] = comm;
  share.tally.ToFact(&fact);
  SetCpus(&fact, FactField::kCpus, share.tally.cpus());
  if (task) SetCpus(&fact, FactField::kOldAffinity, task->allowed_cpus);
  SetCpus(&fact, FactField::kSpareCpus, SpareFor(context, task, share.tally.cpus()));
  SetCpus(&fact, FactField::kHousekeepingCpus, HousekeepingCpus(context));
  if (reason == kThrottled) {
    const std::string limiter = share.victim_priority == kPriorityDeadline ? "own_runtime" : LimiterOf(lookups.limits, share.tally.cpus());
    fact.values[FactField::kThrottledBy] = limiter;
    const std::optional<int64_t> limit_us = lookups.limits.rt_runtime_us;
    if (limiter == "rt_limit" && limit_us && *limit_us >= 0) fact.values[FactField::kRtRuntimeUs] = *limit_us;
  }
  const char* how = key.kind == SpikeKind::kPreempted ? " lost CPU " : " woke and had to wait for CPU ";
  fact.evidence.sentence = absl::StrCat("tid ", key.victim.tid, how, FormatCpuList(share.tally.cpus()), ", and in ", share.tally.count(),
                                        share.tally.count() == 1 ? " such wait \"" : " such waits \"", CleanText(comm), "\" (tid ",
                                        key.actor_tid, ") ran there, for ", FormatDuration(share.tally.sum_ns()), " in all and ",
                                        FormatDuration(share.tally.longest_ns()), " at most");
  return fact;
}

void PreemptionFacts::ToFacts(const EvidenceContext& context, const PreemptionLookups& lookups, std::vector<Fact>* facts) const {
  std::vector<Fact> made;
  for (const auto& [key, share] : shares_) {
    if (std::optional<Fact> fact = FactOf(context, lookups, key, share)) made.push_back(*std::move(fact));
  }
  JoinTurns(&made);
  facts->insert(facts->end(), std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
}

}  // namespace hftmon
