// ThreadNodes: on which memory nodes watched threads ran in a window: what "its node" means wherever placement is judged. Any thread but
// the housekeeping one.
//
// Source: the time split of the threads (what `hftmon threads` tells by CPU), with moves between CPUs of one node left out. Where that is
// not known (moves that are no longer kept, lost records), the affinity, if all CPUs that the thread could run on in the window are of one
// node. Never the CPU that a thread was on last: that may be long ago.
#ifndef HFTMON_DAEMON_SERVICE_THREAD_NODES_H_
#define HFTMON_DAEMON_SERVICE_THREAD_NODES_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/os/numa_nodes.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

struct NodeTime {
  int node = -1;  // -1: of CPUs that are in no node now
  int64_t running_ns = 0;
};

struct ThreadNodes {
  ThreadKey thread;
  int64_t running_ns = 0;       // in the window; 0: it did not run
  std::vector<NodeTime> nodes;  // largest first, they sum to running_ns; empty: it did not run, or see `unavailable`
  std::string unavailable;      // why it is not known where it ran, and what helps
};

// Threads of the selection, by process and thread id, of a window of that length until now, which begins no earlier than `begin_min_ns`.
std::vector<ThreadNodes> NodesOfThreads(const ServiceCore& core, const TargetSelection& selection, const NumaNodes& nodes,
                                        int64_t window_ns, int64_t begin_min_ns = std::numeric_limits<int64_t>::min());

// A process, or a thread, is at home where it ran at least so much of its time.
inline constexpr double kHomeShareMin = 0.9;

struct HomeNode {
  std::optional<int> node;  // where its threads ran most; absent: not known
  double share = 0;         // of their running time, that of unknown place included
  // Why it is not known whether it has a home: nothing of it ran, or too much ran nobody knows where. Empty: it is known.
  std::string unavailable;

  bool at_home() const { return node.has_value() && share >= kHomeShareMin; }
};
// `threads`: of any processes; those of `pid` count.
HomeNode HomeOfProcess(std::span<const ThreadNodes> threads, uint32_t pid);

// Where memory for that node's CPUs is best: itself, or, of a node without memory, the nearest that has some. Absent: none has.
std::optional<int> LocalMemoryNode(const NumaNodes& nodes, int node);
// Whether pages can lie on a wrong node at all.
bool HasSeveralMemoryNodes(const NumaNodes& nodes);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_THREAD_NODES_H_
