#include "daemon/service/evidence/facts_of_numa_balancing.h"

#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/analysis/kernel_stall_names.h"

namespace hftmon {
namespace {

// Passes over pages that were to move to another node, and what they took.
struct Moves {
  int64_t count = 0;
  std::optional<int64_t> duration_ns;  // absent: others moved pages too, and the time is not told apart
};

Moves MovesBetween(const ThreadFaultTotal& before, const ThreadFaultTotal& after) {
  Moves moves;
  for (size_t reason = 0; reason < after.migration_reason_count.size(); ++reason) {
    if (MigrationReasonName(static_cast<uint32_t>(reason)) != "numa_misplaced") continue;
    if (after.migration_reason_count[reason] <= before.migration_reason_count[reason]) continue;
    moves.count += static_cast<int64_t>(after.migration_reason_count[reason] - before.migration_reason_count[reason]);
  }
  const bool only = after.migration.count == before.migration.count + static_cast<uint64_t>(moves.count);
  if (moves.count > 0 && only && after.migration.duration_ns >= before.migration.duration_ns) {
    moves.duration_ns = after.migration.duration_ns - before.migration.duration_ns;
  }
  return moves;
}

}  // namespace

void AddNumaBalancingFacts(const EvidenceContext& context, const SnapshotPair& sums, std::optional<int64_t> setting,
                           std::vector<Fact>* facts) {
  if (sums.before == nullptr || !setting) return;
  for (const auto& [thread, after] : sums.after->threads) {
    const ThreadSums* found = sums.SumsBefore(thread);
    if (found == nullptr) continue;
    const ThreadSums& before = *found;
    Moves moves;
    if (before.faults && after.faults) moves = MovesBetween(*before.faults, *after.faults);
    int64_t fault_count = 0;
    if (before.numa && after.numa && after.numa->fault_count > before.numa->fault_count) {
      fault_count = static_cast<int64_t>(after.numa->fault_count - before.numa->fault_count);
    }
    if (fault_count + moves.count == 0) continue;
    Fact fact = NewFactOfSums(context, sums, FactKind::kNumaBalancingWork, thread);
    fact.values[FactField::kCount] = fault_count + moves.count;
    fact.values[FactField::kNumaBalancing] = *setting;
    if (moves.duration_ns) fact.values[FactField::kSumNs] = *moves.duration_ns;
    fact.quality.truncated = !after.numa && sums.after->numa_truncated;
    fact.evidence.sentence =
        absl::StrCat("tid ", thread.tid, " took ", fault_count, " faults that told the kernel where it reads from, and ", moves.count,
                     " moves of pages to another node");
    facts->push_back(std::move(fact));
  }
}

void AddMissingOfNumaSums(const SnapshotPair& sums, std::vector<MissingEvidence>* missing) {
  if (sums.before == nullptr || sums.before->numa_asked || !sums.after->numa_asked) return;
  missing->push_back({.kind = FactKind::kNumaBalancingWork,
                      .where = {},
                      .reason = "threads' faults for balancing are read only while somebody asks for recommendations, and when the window "
                                "began nobody had",
                      .mend = "they are read for minutes from now on: ask again when a window has passed"});
}

}  // namespace hftmon
