#include "daemon/service/thread_nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/cpu_list.h"
#include "daemon/service/thread_splits.h"
#include "daemon/service/window_threads.h"

namespace hftmon {
namespace {

// Those whose affinity was another within the window.
struct Rebound {
  std::set<ThreadKey, ThreadKeyOrder> threads;
  bool incomplete = false;  // or may have been

  bool MayHave(const ThreadKey& thread) const { return incomplete || threads.contains(thread); }
};

Rebound ReboundSince(const SchedulingSource& scheduling, int64_t begin_ns, int64_t now_ns) {
  const SchedulingChanges changes = scheduling.ChangesWithin(begin_ns, now_ns + 1);
  Rebound rebound{.threads = {}, .incomplete = changes.incomplete};
  for (const SchedulingChange& change : changes.changes) {
    if (change.from.cpus_allowed != change.to.cpus_allowed) rebound.threads.insert(change.thread);
  }
  return rebound;
}

// The one that has all the CPUs it may run on; -1: there is none, or it is not known.
int AllowedNode(const SchedulingSource& scheduling, const NumaNodes& nodes, const ThreadKey& thread) {
  const std::optional<SeenScheduling> seen = scheduling.Find(thread);
  if (!seen) return -1;
  const auto allowed = ParseCpuList(seen->scheduling.cpus_allowed);
  if (!allowed.ok()) return -1;
  int only = -1;
  for (const int cpu : *allowed) {
    const int node = nodes.NodeOf(cpu);
    if (node < 0) continue;  // it is offline
    if (only >= 0 && node != only) return -1;
    only = node;
  }
  return only;
}

}  // namespace

std::vector<ThreadNodes> NodesOfThreads(const ServiceCore& core, const TargetSelection& selection, const NumaNodes& nodes,
                                        int64_t window_ns, int64_t begin_min_ns) {
  const int64_t now_ns = core.status->Now().monotonic_ns;
  ThreadSplits splits(
      core, selection, [&selection](const ThreadKey& thread) { return selection.Keeps(thread); }, window_ns, now_ns, begin_min_ns);
  const Rebound rebound = ReboundSince(*core.scheduling, splits.answer().begin_mono_ns, now_ns);
  const ThreadFilter all{.selection = selection, .tids = {}};
  std::vector<ThreadNodes> threads;
  for (const ThreadWindow& window : ThreadsOf(core, all, splits.TakeThreads())) {
    const std::optional<ThreadSplit> split = splits.Find(window.thread);
    if (!split) continue;
    ThreadNodes& thread = threads.emplace_back();
    thread.thread = window.thread;
    thread.running_ns = split->time.running_ns;
    if (thread.running_ns == 0) continue;
    const auto running = splits.RunningBy(window, *split, [&nodes](int cpu) { return nodes.NodeOf(cpu); });
    if (running.ok()) {
      for (const CpuRunning& part : running->cpus) thread.nodes.push_back({.node = part.cpu, .running_ns = part.running_ns});
      continue;
    }
    const int bound = rebound.MayHave(window.thread) ? -1 : AllowedNode(*core.scheduling, nodes, window.thread);
    if (bound >= 0) {
      thread.nodes.push_back({.node = bound, .running_ns = thread.running_ns});
    } else {
      thread.unavailable = std::string(running.status().message());
    }
  }
  return threads;
}

HomeNode HomeOfProcess(std::span<const ThreadNodes> threads, uint32_t pid) {
  std::map<int, int64_t> running_on;
  int64_t sum_ns = 0;
  int64_t unknown_ns = 0;
  const ThreadNodes* unknown = nullptr;  // that ran longest
  for (const ThreadNodes& thread : threads) {
    if (thread.thread.tgid != pid) continue;
    sum_ns += thread.running_ns;
    for (const NodeTime& part : thread.nodes) running_on[part.node] += part.running_ns;
    if (thread.unavailable.empty()) continue;
    unknown_ns += thread.running_ns;
    if (unknown == nullptr || thread.running_ns > unknown->running_ns) unknown = &thread;
  }
  HomeNode home;
  if (sum_ns == 0) {
    home.unavailable = fmt::format("no thread of process {} ran in the window: ask for a longer one", pid);
    return home;
  }
  int64_t most_ns = 0;
  for (const auto& [node, running_ns] : running_on) {
    if (node < 0 || running_ns <= most_ns) continue;
    home.node = node;
    most_ns = running_ns;
  }
  home.share = static_cast<double>(most_ns) / static_cast<double>(sum_ns);
  const bool could_be = static_cast<double>(most_ns + unknown_ns) >= kHomeShareMin * static_cast<double>(sum_ns);
  if (unknown != nullptr && !home.at_home() && could_be) {
    home.unavailable = fmt::format("where thread {} of process {} ran is not known ({})", unknown->thread.tid, pid, unknown->unavailable);
  } else if (!home.node) {
    home.unavailable = fmt::format("process {} ran on CPUs that are in no node", pid);
  }
  return home;
}

std::optional<int> LocalMemoryNode(const NumaNodes& nodes, int node) {
  const NumaNode* nearest = nodes.Nearest(node, [](const NumaNode& one) { return one.has_memory; });
  return nearest == nullptr ? std::nullopt : std::optional(nearest->node);
}

bool HasSeveralMemoryNodes(const NumaNodes& nodes) {
  return std::count_if(nodes.nodes.begin(), nodes.nodes.end(), [](const NumaNode& node) { return node.has_memory; }) > 1;
}

}  // namespace hftmon
