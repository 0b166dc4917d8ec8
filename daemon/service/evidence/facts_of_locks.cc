#include "daemon/service/evidence/facts_of_locks.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/duration.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

int64_t BlockedNs(const Spike& spike) {
  int64_t sum_ns = 0;
  for (size_t i = 0; i < std::min<size_t>(spike.cause_count, spike.causes.size()); ++i) {
    if (spike.causes[i].kind == CauseKind::kBlocked) sum_ns += spike.causes[i].duration_ns;
  }
  return sum_ns;
}

std::string NameOf(const EvidenceContext& context, uint32_t tid) {
  const std::string comm = context.name(tid);
  return comm.empty() ? absl::StrCat("tid ", tid) : absl::StrCat("\"", CleanText(comm), "\" (tid ", tid, ")");
}

Fact InversionFact(const EvidenceContext& context, const Inversion& inversion) {
  const OffCpuTime& wait = *inversion.wait;
  const int64_t wait_ns = wait.blocked_until_ns - wait.start_mono_ns;
  const uint32_t owner = inversion.chain.back().owner.tid;
  Fact fact = NewFact(context, FactKind::kInversion);
  fact.thread = ThreadOf(context, wait.thread);
  fact.values[FactField::kLockAddress] = static_cast<int64_t>(inversion.chain[0].call.arguments[0]);
  fact.values[FactField::kInherited] = static_cast<int64_t>(inversion.inherited ? 1 : 0);
  fact.values[FactField::kOwnerTid] = static_cast<int64_t>(owner);
  if (const std::string comm = context.name(owner); !comm.empty()) fact.values[FactField::kOwnerComm] = comm;
  if (inversion.owner_off_cpu_ns && wait_ns > 0) {
    const double share = static_cast<double>(*inversion.owner_off_cpu_ns) / static_cast<double>(wait_ns);
    fact.values[FactField::kOwnerOffShare] = std::clamp(share, 0.0, 1.0);
  }
  SpikeTally tally;
  tally.Add(wait.spike_id, wait.start_mono_ns, wait.end_mono_ns, wait_ns);
  tally.ToFact(&fact);
  fact.evidence.sentence =
      absl::StrCat("tid ", wait.thread.tid, " waited ", FormatDuration(wait_ns), " for a lock that ", NameOf(context, owner), " had");
  if (!inversion.preemptor || inversion.preemptor->tid == 0) return fact;
  const RunnerShare& preemptor = *inversion.preemptor;
  std::string comm(preemptor.comm, strnlen(preemptor.comm, sizeof(preemptor.comm)));
  if (comm.empty()) comm = context.name(preemptor.tid);
  fact.values[FactField::kActorTid] = static_cast<int64_t>(preemptor.tid);
  if (!comm.empty()) fact.values[FactField::kActorComm] = comm;
  absl::StrAppend(&fact.evidence.sentence, ", which was off its CPU for ", FormatDuration(inversion.owner_off_cpu_ns.value_or(0)),
                  " of that; of those who had that CPU \"", CleanText(comm), "\" (tid ", preemptor.tid, ") had it longest, ",
                  FormatDuration(preemptor.duration_ns));
  return fact;
}

}  // namespace

void LockFacts::Add(const Spike& spike) {
  if (spike.kind != SpikeKind::kBlocked || spike.call.state != HFT_CALL_KNOWN || spike.call.futex_command == HFT_NO_FUTEX) return;
  Lock& lock = locks_[{spike.thread.tgid, spike.call.arguments[0]}];
  lock.tally.Add(spike, BlockedNs(spike));
  ++lock.waits[spike.thread];
  if (spike.call.owner_tid == 0) return;
  Owner& owner = lock.owners[spike.call.owner_tid];
  ++owner.wait_count;
  owner.running_count += spike.call.owner_state == HFT_OWNER_RUNNING ? 1 : 0;
}

void LockFacts::ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const {
  for (const auto& [key, lock] : locks_) {
    const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
    const ThreadKey& most = std::max_element(lock.waits.begin(), lock.waits.end(), more)->first;
    Fact fact = NewFact(context, FactKind::kContendedLock);
    fact.thread = ThreadOf(context, most);
    fact.values[FactField::kLockAddress] = static_cast<int64_t>(key.second);
    fact.values[FactField::kWaiterCount] = static_cast<int64_t>(lock.waits.size());
    lock.tally.ToFact(&fact);
    fact.evidence.sentence = absl::StrCat(lock.waits.size(), lock.waits.size() == 1 ? " thread" : " threads", " of process ", key.first,
                                          " waited for the lock ", lock.tally.count(), " times, ", FormatDuration(lock.tally.sum_ns()),
                                          " in all and ", FormatDuration(lock.tally.longest_ns()), " at most");
    if (!lock.owners.empty()) {
      const auto owner = std::max_element(lock.owners.begin(), lock.owners.end(),
                                          [](const auto& a, const auto& b) { return a.second.wait_count < b.second.wait_count; });
      fact.values[FactField::kOwnerTid] = static_cast<int64_t>(owner->first);
      if (const std::string comm = context.name(owner->first); !comm.empty()) fact.values[FactField::kOwnerComm] = comm;
      fact.values[FactField::kOwnerRunningShare] =
          static_cast<double>(owner->second.running_count) / static_cast<double>(owner->second.wait_count);
      absl::StrAppend(&fact.evidence.sentence, "; ", NameOf(context, owner->first), " had it in ", owner->second.wait_count,
                      " of them and ran as ", owner->second.running_count, " of these began");
    }
    facts->push_back(std::move(fact));
  }
}

void AddInversionFacts(const EvidenceContext& context, const std::vector<OffCpuTime>& times, std::vector<Fact>* facts) {
  const InversionAnswer answer = FindInversions(times, std::nullopt);
  for (const Inversion& inversion : answer.inversions) {
    if (!inversion.chain.empty() && inversion.chain.back().owner.tid != 0) facts->push_back(InversionFact(context, inversion));
  }
}

}  // namespace hftmon
