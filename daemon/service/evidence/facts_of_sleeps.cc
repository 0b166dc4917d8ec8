#include "daemon/service/evidence/facts_of_sleeps.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/duration.h"
#include "daemon/advice/template_text.h"
#include "daemon/os/syscall_names.h"

namespace hftmon {
namespace {

constexpr int64_t kNotAsked = -1;

int32_t FutexCall() {
  static const int32_t call = SyscallNumber("futex");
  return call;
}

std::string OperationOf(const Spike& spike) {
  if (!spike.mark.known) return "";
  return std::string(spike.mark.name, std::min<size_t>(spike.mark.name_bytes, sizeof(spike.mark.name)));
}

}  // namespace

void SleepFacts::Add(const Spike& spike) {
  if (spike.kind == SpikeKind::kBlocked && spike.call.state == HFT_CALL_KNOWN && spike.call.futex_command != HFT_NO_FUTEX) {
    threads_[spike.thread].futex_waits[spike.start_mono_ns] = {.end_mono_ns = spike.start_mono_ns + spike.duration_ns,
                                                               .owner_tid = spike.call.owner_tid};
  }
  if (!IsMarked(spike.kind)) return;
  const Cause* blocked = LongestCause(spike, CauseKind::kBlocked);
  if (blocked == nullptr || blocked->syscall < 0) return;
  threads_[spike.thread].sleeps.push_back({.kind = spike.kind,
                                           .call = blocked->syscall,
                                           .spike_id = spike.id,
                                           .begin_mono_ns = spike.start_mono_ns,
                                           .end_mono_ns = spike.start_mono_ns + spike.duration_ns,
                                           .blocked_ns = blocked->duration_ns,
                                           .operation = OperationOf(spike)});
}

std::map<SleepFacts::Key, SleepFacts::Sleep> SleepFacts::SleepsOf(const OfThread& of_thread) {
  std::vector<MarkedSleep> all = of_thread.sleeps;
  std::stable_sort(all.begin(), all.end(), [](const MarkedSleep& a, const MarkedSleep& b) {
    return std::pair(a.end_mono_ns, -a.begin_mono_ns) < std::pair(b.end_mono_ns, -b.begin_mono_ns);
  });
  std::map<Key, Sleep> sleeps;
  std::map<int32_t, int64_t> told_until_ns;  // by call
  for (const MarkedSleep& one : all) {
    const auto told = told_until_ns.find(one.call);
    if (told != told_until_ns.end() && told->second > one.begin_mono_ns) continue;
    int64_t owner_tid = kNotAsked;
    if (one.call == FutexCall()) {
      // The last wait that began before its end is of its time or earlier.
      auto wait = of_thread.futex_waits.lower_bound(one.end_mono_ns);
      if (wait == of_thread.futex_waits.begin() || (--wait)->second.end_mono_ns <= one.begin_mono_ns) continue;
      owner_tid = wait->second.owner_tid;
    }
    told_until_ns[one.call] = one.end_mono_ns;
    Sleep& sleep = sleeps[{one.kind, one.call, owner_tid}];
    sleep.tally.Add(one.spike_id, one.begin_mono_ns, one.end_mono_ns, one.blocked_ns);
    if (!one.operation.empty()) sleep.operations.insert(one.operation);
  }
  return sleeps;
}

void SleepFacts::ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const {
  for (const auto& [thread, of_thread] : threads_) {
    for (const auto& [key, sleep] : SleepsOf(of_thread)) {
      const auto& [kind, call_number, owner_tid] = key;
      const std::string call = SyscallName(call_number);
      const bool is_operation = kind == SpikeKind::kOperation;
      Fact fact = NewFact(context, FactKind::kHotPathSleep);
      fact.thread = ThreadOf(context, thread);
      fact.values[FactField::kSpikeKind] = std::string(is_operation ? "operation" : "gap");
      fact.values[FactField::kSyscall] = call;
      if (owner_tid > 0) fact.values[FactField::kOwnerTid] = owner_tid;
      std::string where = is_operation ? "operations that it marks" : "gaps between its heartbeats";
      if (sleep.operations.size() == 1) {
        fact.values[FactField::kOperation] = *sleep.operations.begin();
        where = absl::StrCat(is_operation ? "operations \"" : "gaps between heartbeats \"", CleanText(*sleep.operations.begin()), "\"");
      }
      sleep.tally.ToFact(&fact);
      fact.evidence.sentence =
          absl::StrCat("tid ", thread.tid, " slept in ", CleanText(call), " in ", sleep.tally.count(), " ", where, ", for ",
                       FormatDuration(sleep.tally.sum_ns()), " in all and ", FormatDuration(sleep.tally.longest_ns()), " at most");
      facts->push_back(std::move(fact));
    }
  }
}

}  // namespace hftmon
