// EvidenceContext: what every producer of facts is given beside its own source: the window, the host's CPUs, and who a task is. Passive;
// made once an answer, one call's own.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_CONTEXT_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "daemon/advice/fact.h"
#include "daemon/ingest/interval.h"
#include "daemon/os/numa_nodes.h"
#include "daemon/service/evidence/evidence_snapshot.h"

namespace hftmon {

// As of now: an actor may have ended since, or its number be another's.
struct TaskFact {
  CpuList allowed_cpus;  // Cpus_allowed_list; empty: not known
  uint32_t flags = 0;    // field 9 of /proc/TID/stat: PF_*

  bool kernel_thread() const;   // PF_KTHREAD
  bool bound_for_good() const;  // PF_NO_SETAFFINITY: the kernel refuses to change its affinity
};
using TaskFacts = std::function<std::optional<TaskFact>(uint32_t pid, uint32_t tid)>;  // absent: it has ended

struct EvidenceContext {
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  bool lost_records = false;
  uint32_t own_pid = 0;  // hftmond's
  CpuList online_cpus;
  CpuList reserved_cpus;            // isolated, nohz_full, or a rule's
  CpuList audited_cpus;             // of these a rule's: who visits them is counted
  std::set<int> bound_cpus;         // of watched threads that may not run everywhere; who only visits a rule's CPU is not one
  std::set<int> watched_cpus;       // on which watched threads were seen last
  NumaNodes nodes;                  // none: they are not known
  std::map<int, int> node_of_line;  // by interrupt line: the node of its device; of a host with one node empty, as of lines not told
  TaskFacts task;
  std::function<std::string(uint32_t tid)> name;  // empty: it is not known
};

// "own", "kernel_thread", "bound_kworker", "unbound_kworker", "user"; of a task that has ended "user" where it is of a process, else
// absent.
std::optional<std::string> ActorKind(const EvidenceContext& context, uint32_t pid, uint32_t tid);

// Online, not reserved, no watched thread bound there; empty: there is none.
CpuList HousekeepingCpus(const EvidenceContext& context);
// Online, no watched thread bound or seen there, and not one of `except`; empty: there is none.
CpuList SpareCpus(const EvidenceContext& context, const CpuList& except);
// Of the housekeeping CPUs those of the node, else all of them; `node` absent: not known.
CpuList NearHousekeepingCpus(const EvidenceContext& context, std::optional<int> node);
// Of the line's device.
CpuList NearHousekeepingCpusOfLine(const EvidenceContext& context, int irq);
// Of the spare CPUs those of the device's node; empty: there is none.
CpuList DeviceSpareCpus(const EvidenceContext& context, int node);

FactThread ThreadOf(const EvidenceContext& context, const ThreadKey& thread);
// A fact of the window, its quality begun. Lists that are empty are left out by SetCpus.
Fact NewFact(const EvidenceContext& context, FactKind kind);
// A fact whose figures are the difference of the two snapshots of `sums`, both there: it begins with the first.
Fact NewFactOfSums(const EvidenceContext& context, const SnapshotPair& sums, FactKind kind);
// The same of one thread: it begins where the thread's part does.
Fact NewFactOfSums(const EvidenceContext& context, const SnapshotPair& sums, FactKind kind, const ThreadKey& thread);
// Its figures alone are; its evidence has a time of its own.
void SetSpan(const SnapshotPair& sums, Fact* fact);
void SetCpus(Fact* fact, FactField field, const CpuList& cpus);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_CONTEXT_H_
