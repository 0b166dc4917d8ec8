#include "daemon/service/evidence/late_starts.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "daemon/control/target_options.h"
#include "daemon/service/evidence/watched_visits.h"
#include "daemon/service/floors.h"

namespace hftmon {
namespace {

ThreadSums Zeros(bool born) {
  ThreadSums zeros;
  zeros.interrupts.emplace();
  zeros.faults.emplace();
  if (born) zeros.numa.emplace();  // the kernel counts them since the thread's birth, watched or not
  return zeros;
}

// Since when the target asks for the group, where that is later than it was attached.
int64_t BeganToAsk(const TargetInfo& target, std::string_view group) {
  const auto since = target.probes_since_mono_ns.find(group);
  return since == target.probes_since_mono_ns.end() || since->second <= target.attached_mono_ns + kAttachingNs ? 0 : since->second;
}

void PutMissing(std::initializer_list<FactKind> kinds, size_t count, std::string_view what, std::vector<MissingEvidence>* missing) {
  if (count == 0) return;
  for (const FactKind kind : kinds) {
    missing->push_back({.kind = kind,
                        .where = {},
                        .reason = absl::StrCat(
                            "since when sums of ", std::string(what), " count is not known of ", count, count == 1 ? " thread" : " threads",
                            ": they were there before the window's first snapshot, and got a place in the tables, or the probe group, "
                            "after it"),
                        .mend = "ask again when a window has passed"});
  }
}

}  // namespace

const ThreadSums* SnapshotPair::SumsBefore(const ThreadKey& thread) const {
  static const ThreadSums born = Zeros(true);
  static const ThreadSums watched = Zeros(false);
  if (const auto known = before->threads.find(thread); known != before->threads.end()) return &known->second;
  const auto late = late_starts.find(thread);
  if (late == late_starts.end()) return nullptr;
  return late->second.born ? &born : &watched;
}

int64_t SnapshotPair::BeginOf(const ThreadKey& thread) const {
  const auto late = late_starts.find(thread);
  return late == late_starts.end() ? before->mono_ns : late->second.begin_mono_ns;
}

UnknownStarts AddLateStarts(const StartOfSums& start_of, EvidenceSnapshot* after, SnapshotPair* pair) {
  UnknownStarts unknown;
  const int64_t since_ns = pair->before->begun_mono_ns;
  for (auto& [thread, sums] : after->threads) {
    const auto found = pair->before->threads.find(thread);
    const ThreadSums* known = found == pair->before->threads.end() ? nullptr : &found->second;
    const bool late_interrupts = sums.interrupts && (known == nullptr || !known->interrupts);
    const bool late_faults = sums.faults && (known == nullptr || !known->faults);
    if (!late_interrupts && !late_faults && known != nullptr) continue;
    const std::optional<SumsStart> start = start_of(thread);
    if (!start) continue;
    const int64_t begin_ns = std::max(start->born_ns, start->watched_ns);
    const bool begins = known == nullptr && begin_ns >= since_ns && start->unslotted_ns < since_ns;
    if (begins) pair->late_starts[thread] = {.begin_mono_ns = begin_ns, .born = start->born_ns >= since_ns};
    if (late_interrupts && !(begins && start->irq_ns <= begin_ns)) {
      sums.interrupts.reset();
      ++unknown.interrupt_count;
    }
    if (late_faults && !(begins && start->memory_ns <= begin_ns)) {
      sums.faults.reset();
      ++unknown.fault_count;
    }
  }
  return unknown;
}

StartOfSums StartsOf(const ServiceCore& core, const TargetSelection& selection) {
  return [&core, &selection](const ThreadKey& thread) -> std::optional<SumsStart> {
    const TargetInfo* target = selection.TargetOf(thread);
    if (target == nullptr) return std::nullopt;
    if (!target->spike_cpus.empty()) {
      const std::optional<SeenScheduling> seen = core.scheduling->Find(thread);
      const auto allowed = ParseCpuList(seen ? seen->scheduling.cpus_allowed : std::string());
      if (IsVisitor(*target, allowed.value_or(CpuList()))) return std::nullopt;
    }
    return SumsStart{.born_ns = core.time->FromBoottime(thread.start_ns),
                     .watched_ns = target->watched_from_birth ? 0 : target->attached_mono_ns,
                     .unslotted_ns = target->unslotted_mono_ns,
                     .irq_ns = BeganToAsk(*target, kIrqGroup),
                     .memory_ns = BeganToAsk(*target, kMemoryGroup)};
  };
}

void AddMissingOfStarts(const UnknownStarts& unknown, std::vector<MissingEvidence>* missing) {
  PutMissing({FactKind::kSoftirqOnCpu, FactKind::kTickOnCpu}, unknown.interrupt_count, "interrupts", missing);
  PutMissing({FactKind::kFaults, FactKind::kShootdowns, FactKind::kKernelStall, FactKind::kNumaBalancingWork}, unknown.fault_count,
             "faults and flushes", missing);
}

}  // namespace hftmon
