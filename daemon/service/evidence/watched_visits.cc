#include "daemon/service/evidence/watched_visits.h"

#include <algorithm>

#include "common/cpu_list.h"
#include "daemon/analysis/thread_history.h"

namespace hftmon {
namespace {

bool Within(const CpuList& some, const CpuList& all) {
  return std::all_of(some.begin(), some.end(), [&all](int cpu) { return std::find(all.begin(), all.end(), cpu) != all.end(); });
}

}  // namespace

bool IsVisitor(const TargetInfo& target, const CpuList& allowed) {
  if (target.spike_cpus.empty()) return false;
  return target.kernel_thread || allowed.empty() || !Within(allowed, target.spike_cpus);
}

std::map<int, WatchedVisit> VisitsByCpu(const std::vector<ThreadPiece>& pieces, const std::vector<Migration>& migrations, int cpu,
                                        int64_t begin_mono_ns) {
  std::map<int, WatchedVisit> visits;
  if (!migrations.empty()) cpu = migrations.front().from_cpu;
  size_t next = 0;
  for (const ThreadPiece& piece : pieces) {
    while (next < migrations.size() && migrations[next].mono_ns < piece.begin_mono_ns) cpu = migrations[next++].to_cpu;
    bool moved = false;
    for (; next < migrations.size() && migrations[next].mono_ns <= piece.end_mono_ns; ++next) {
      moved = true;
      cpu = migrations[next].to_cpu;
      if (piece.begin_mono_ns < begin_mono_ns) continue;
      WatchedVisit& visit = visits[cpu];
      ++visit.count;
      visit.at_least = true;
    }
    if (moved || cpu < 0 || piece.begin_mono_ns < begin_mono_ns || piece.in_count == 0) continue;
    visits[cpu].count += piece.in_count;
  }
  for (auto& [number, visit] : visits) visit.cpu = number;
  return visits;
}

std::vector<WatchedVisit> ReadWatchedVisits(const ServiceCore& core, const TargetSelection& targets, const CpuList& cpus,
                                            int64_t begin_mono_ns, int64_t end_mono_ns) {
  const auto& all = targets.targets();
  if (std::all_of(all.begin(), all.end(), [](const TargetInfo& target) { return target.spike_cpus.empty(); })) return {};
  std::map<ThreadKey, bool, ThreadKeyOrder> known_visitors;  // asked of each bucket's threads
  const auto keeps = [&](const ThreadKey& thread) {
    const auto [known, added] = known_visitors.try_emplace(thread, false);
    if (!added) return known->second;
    const TargetInfo* target = targets.TargetOf(thread);
    if (target == nullptr || target->spike_cpus.empty()) return false;
    const auto seen = core.scheduling->Find(thread);
    const auto allowed = ParseCpuList(seen ? seen->scheduling.cpus_allowed : std::string());
    known->second = IsVisitor(*target, allowed.value_or(CpuList()));
    return known->second;
  };
  std::vector<ThreadPiece> pieces;
  const WindowAnswer answer = core.windows->QueryPieces(begin_mono_ns, end_mono_ns, keeps, &pieces);
  const HistoryOfThreads history = CollectHistory(*core.switch_events, answer, keeps);
  std::map<ThreadKey, std::vector<ThreadPiece>, ThreadKeyOrder> by_thread;
  for (ThreadPiece& piece : pieces) by_thread[piece.thread].push_back(piece);
  std::vector<WatchedVisit> visits;
  for (const auto& [thread, own] : by_thread) {
    const auto known = history.threads.find(thread);
    const auto seen = core.scheduling->Find(thread);
    const std::vector<Migration> moves = known == history.threads.end() ? std::vector<Migration>() : known->second.migrations;
    for (auto& [cpu, visit] : VisitsByCpu(own, moves, seen ? seen->cpu : -1, begin_mono_ns)) {
      if (std::find(cpus.begin(), cpus.end(), cpu) == cpus.end()) continue;
      visit.thread = thread;
      visit.at_least |= history.truncated;
      visits.push_back(visit);
    }
  }
  return visits;
}

}  // namespace hftmon
