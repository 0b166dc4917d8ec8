#include "daemon/service/evidence/facts_of_waking.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/duration.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

struct DeepState {
  IdleState state;
  int64_t entry_count = 0;  // in the window
};

std::optional<DeepState> DeepestOf(const SnapshotPair& sums, int cpu, const std::vector<IdleState>& states) {
  const CpuHardwareSums* before = sums.before->HardwareOf(cpu);
  const CpuHardwareSums* after = sums.after->HardwareOf(cpu);
  if (before == nullptr || after == nullptr) return std::nullopt;
  const auto count = static_cast<int>(std::min(before->idle_counts.size(), after->idle_counts.size()));
  for (int index = count - 1; index >= 0; --index) {
    const uint64_t from = before->idle_counts[static_cast<size_t>(index)];
    const uint64_t to = after->idle_counts[static_cast<size_t>(index)];
    if (to <= from) continue;
    const auto known = std::find_if(states.begin(), states.end(), [index](const IdleState& one) { return one.index == index; });
    if (known == states.end()) return std::nullopt;  // nobody knows its name: it has no file to disable it by
    if (index == 0 && known->target_latency_ns.value_or(0) == 0) return std::nullopt;
    return DeepState{.state = *known, .entry_count = static_cast<int64_t>(to - from)};
  }
  return std::nullopt;
}

}  // namespace

void WakingFacts::Add(const Spike& spike) {
  const Cause* waking = LongestCause(spike, CauseKind::kWaking);
  if (waking != nullptr) spikes_[spike.thread][waking->cpu].Add(spike, waking->duration_ns);
}

void WakingFacts::ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const States& states, std::vector<Fact>* facts) const {
  if (sums.before == nullptr) return;
  for (const auto& [thread, by_cpu] : spikes_) {
    for (const auto& [cpu, spikes] : by_cpu) {
      const std::optional<DeepState> deepest = DeepestOf(sums, cpu, states(cpu));
      if (!deepest || !deepest->state.disabled) continue;
      Fact fact = NewFact(context, FactKind::kWaking);
      fact.thread = ThreadOf(context, thread);
      fact.values[FactField::kCpu] = static_cast<int64_t>(cpu);
      fact.values[FactField::kCpus] = CpuList{cpu};
      fact.values[FactField::kIdleState] = deepest->state.name;
      fact.values[FactField::kIdleStateIndex] = static_cast<int64_t>(deepest->state.index);
      fact.values[FactField::kDeepIdleCount] = deepest->entry_count;
      fact.values[FactField::kIdleStateDisabled] = static_cast<int64_t>(*deepest->state.disabled ? 1 : 0);
      if (deepest->state.target_latency_ns) fact.values[FactField::kIdleLatencyNs] = *deepest->state.target_latency_ns;
      spikes.ToFact(&fact);
      fact.evidence.sentence = absl::StrCat("CPU ", cpu, " was idle ", spikes.count(), " times when tid ", thread.tid,
                                            " was woken: ", FormatDuration(spikes.longest_ns()), " at most; it was in ",
                                            CleanText(deepest->state.name), " ", deepest->entry_count, " times");
      facts->push_back(std::move(fact));
    }
  }
}

}  // namespace hftmon
