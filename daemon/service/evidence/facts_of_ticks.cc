#include "daemon/service/evidence/facts_of_ticks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/duration.h"

namespace hftmon {
namespace {

struct Ticks {
  int64_t count = 0;
  int64_t self_ns = 0;
};

Ticks Between(const SourceSum& before, const SourceSum& after) {
  if (after.count < before.count || after.self_ns < before.self_ns) return {};
  return {.count = static_cast<int64_t>(after.count - before.count), .self_ns = after.self_ns - before.self_ns};
}

struct Runner {
  ThreadKey thread;
  int64_t ticks = 0;
};

// By the CPU that each is bound to: whose time most ticks came in.
std::map<int, Runner> RunnersOf(const EvidenceContext& context, const SnapshotPair& sums) {
  std::map<int, Runner> runners;
  for (const auto& [thread, after] : sums.after->threads) {
    const ThreadSums* before = sums.SumsBefore(thread);
    if (before == nullptr || !before->interrupts || !after.interrupts) continue;
    const auto from = static_cast<uint32_t>(before->interrupts->sources[HFT_SOURCE_LOCAL_TIMER].count);
    const auto to = static_cast<uint32_t>(after.interrupts->sources[HFT_SOURCE_LOCAL_TIMER].count);
    const int64_t ticks = static_cast<uint32_t>(to - from);  // a thread's counts are modulo 2^32
    if (ticks == 0) continue;
    const std::optional<TaskFact> task = context.task(thread.tgid, thread.tid);
    if (!task || task->kernel_thread() || task->allowed_cpus.size() != 1) continue;
    Runner& runner = runners[task->allowed_cpus.front()];
    if (ticks > runner.ticks) runner = {.thread = thread, .ticks = ticks};
  }
  return runners;
}

}  // namespace

void AddTickFacts(const EvidenceContext& context, const SnapshotPair& sums, const CpuList& nohz_full, std::vector<Fact>* facts) {
  if (sums.before == nullptr || sums.after == nullptr) return;
  const std::map<int, Runner> runners = RunnersOf(context, sums);
  for (const CpuInterruptTotal& after : sums.after->cpus) {
    const int cpu = static_cast<int>(after.cpu);
    const auto runner = runners.find(cpu);
    if (runner == runners.end()) continue;
    if (std::find(context.reserved_cpus.begin(), context.reserved_cpus.end(), cpu) == context.reserved_cpus.end()) continue;
    const auto& earlier = sums.before->cpus;
    const auto before =
        std::find_if(earlier.begin(), earlier.end(), [&after](const CpuInterruptTotal& total) { return total.cpu == after.cpu; });
    if (before == earlier.end()) continue;
    const Ticks ticks = Between(before->sources[HFT_SOURCE_LOCAL_TIMER], after.sources[HFT_SOURCE_LOCAL_TIMER]);
    if (ticks.count == 0 || static_cast<double>(runner->second.ticks) < kTickShareMin * static_cast<double>(ticks.count)) continue;
    Fact fact = NewFactOfSums(context, sums, FactKind::kTickOnCpu);
    fact.values[FactField::kCpu] = static_cast<int64_t>(cpu);
    fact.values[FactField::kCpus] = CpuList{cpu};
    fact.values[FactField::kCount] = ticks.count;
    fact.values[FactField::kSumNs] = ticks.self_ns;
    const bool tickless = std::find(nohz_full.begin(), nohz_full.end(), cpu) != nohz_full.end();
    fact.values[FactField::kNohzFull] = static_cast<int64_t>(tickless ? 1 : 0);
    fact.evidence.sentence =
        absl::StrCat("the local timer interrupted CPU ", cpu, " ", ticks.count, " times and took ", FormatDuration(ticks.self_ns), ", ",
                     runner->second.ticks, " times in the time of tid ", runner->second.thread.tid, ", which is bound there");
    facts->push_back(std::move(fact));
  }
}

}  // namespace hftmon
