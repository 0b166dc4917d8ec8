#include "daemon/service/evidence/facts_of_migrations.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

// One CPU to bind it to: a reserved one where there is one, and rather a high than a low number, where hosts keep house. It is seen on CPUs
// of its own: those are as good as others.
CpuList HomeFor(const EvidenceContext& context, const CpuList& allowed) {
  EvidenceContext others = context;
  others.watched_cpus.clear();
  std::optional<int> home;
  bool is_reserved = false;
  for (const int cpu : SpareCpus(others, {})) {
    if (std::find(allowed.begin(), allowed.end(), cpu) == allowed.end()) continue;
    const bool reserved = std::find(context.reserved_cpus.begin(), context.reserved_cpus.end(), cpu) != context.reserved_cpus.end();
    if (is_reserved && !reserved) continue;
    home = cpu;
    is_reserved = reserved;
  }
  return home ? CpuList{*home} : CpuList();
}

}  // namespace

void AddMigrationFacts(const EvidenceContext& context, const std::vector<ThreadWindow>& threads, std::vector<Fact>* facts) {
  for (const ThreadWindow& window : threads) {
    if (window.migration_count == 0) continue;
    const std::optional<TaskFact> task = context.task(window.thread.tgid, window.thread.tid);
    if (!task || task->allowed_cpus.empty()) continue;
    Fact fact = NewFact(context, FactKind::kMigrations);
    fact.thread = ThreadOf(context, window.thread);
    fact.values[FactField::kCount] = static_cast<int64_t>(window.migration_count);
    fact.values[FactField::kBound] = static_cast<int64_t>(task->allowed_cpus.size() == 1 ? 1 : 0);
    fact.values[FactField::kOldAffinity] = task->allowed_cpus;
    SetCpus(&fact, FactField::kSpareCpus, HomeFor(context, task->allowed_cpus));
    fact.evidence.sentence = absl::StrCat("tid ", window.thread.tid, " may run on CPU ", FormatCpuList(task->allowed_cpus),
                                          " and changed its CPU ", window.migration_count, " times");
    facts->push_back(std::move(fact));
  }
}

}  // namespace hftmon
