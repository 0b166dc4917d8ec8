#include "daemon/service/evidence/facts_of_sleeps.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daemon/advice/template_text.h"
#include "daemon/os/syscall_names.h"

namespace hftmon {

void SleepFacts::Add(const Spike& spike) {
  if (!IsMarked(spike.kind)) return;
  const Cause* blocked = LongestCause(spike, CauseKind::kBlocked);
  if (blocked == nullptr || blocked->syscall < 0) return;
  Sleep& sleep = threads_[spike.thread].by_call[{spike.kind, blocked->syscall}];
  sleep.tally.Add(spike, blocked->duration_ns);
  const size_t name_bytes = std::min<size_t>(spike.mark.name_bytes, sizeof(spike.mark.name));
  if (spike.mark.known && name_bytes > 0) sleep.operations.emplace(spike.mark.name, name_bytes);
}

void SleepFacts::ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const {
  for (const auto& [thread, of_thread] : threads_) {
    for (const auto& [key, sleep] : of_thread.by_call) {
      const std::string call = SyscallName(key.second);
      Fact fact = NewFact(context, FactKind::kHotPathSleep);
      fact.thread = ThreadOf(context, thread);
      fact.values[FactField::kSpikeKind] = std::string(key.first == SpikeKind::kOperation ? "operation" : "gap");
      fact.values[FactField::kSyscall] = call;
      if (sleep.operations.size() == 1) fact.values[FactField::kOperation] = *sleep.operations.begin();
      sleep.tally.ToFact(&fact);
      fact.evidence.sentence = absl::StrCat("tid ", thread.tid, " slept in ", CleanText(call), " in ", sleep.tally.count(),
                                            " of what it marks, ", sleep.tally.longest_ns(), " ns at most");
      facts->push_back(std::move(fact));
    }
  }
}

}  // namespace hftmon
