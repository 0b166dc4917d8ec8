#include "daemon/service/evidence/facts_of_migrations.h"

#include "absl/strings/str_cat.h"

namespace hftmon {

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
    // It is seen on CPUs of its own: those are as good as others.
    EvidenceContext others = context;
    others.watched_cpus.clear();
    SetCpus(&fact, FactField::kSpareCpus, SpareCpus(others, {}));
    fact.evidence.sentence = absl::StrCat("tid ", window.thread.tid, " changed its CPU ", window.migration_count, " times");
    facts->push_back(std::move(fact));
  }
}

}  // namespace hftmon
