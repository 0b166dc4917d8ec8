#include "daemon/service/evidence/evidence_context.h"

#include <algorithm>

namespace hftmon {
namespace {

// As in the kernel's include/linux/sched.h.
constexpr uint32_t kWorkqueueWorker = 0x00000020;
constexpr uint32_t kKernelThread = 0x00200000;
constexpr uint32_t kNoSetAffinity = 0x04000000;

bool Has(const CpuList& cpus, int cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

CpuList OfNode(const EvidenceContext& context, CpuList cpus, int node) {
  std::erase_if(cpus, [&](int cpu) { return context.nodes.NodeOf(cpu) != node; });
  return cpus;
}

}  // namespace

bool TaskFact::kernel_thread() const {
  return (flags & kKernelThread) != 0;
}

bool TaskFact::bound_for_good() const {
  return (flags & kNoSetAffinity) != 0;
}

std::optional<std::string> ActorKind(const EvidenceContext& context, uint32_t pid, uint32_t tid) {
  if (pid == context.own_pid) return "own";
  const std::optional<TaskFact> task = context.task(pid, tid);
  if (!task) return pid != tid ? std::optional<std::string>("user") : std::nullopt;  // threads of the kernel are processes of their own
  if (!task->kernel_thread()) return "user";
  if ((task->flags & kWorkqueueWorker) == 0) return "kernel_thread";
  return task->bound_for_good() && task->allowed_cpus.size() == 1 ? "bound_kworker" : "unbound_kworker";
}

CpuList HousekeepingCpus(const EvidenceContext& context) {
  CpuList cpus;
  for (const int cpu : context.online_cpus) {
    if (!Has(context.reserved_cpus, cpu) && !context.bound_cpus.contains(cpu)) cpus.push_back(cpu);
  }
  return cpus;
}

CpuList SpareCpus(const EvidenceContext& context, const CpuList& except) {
  CpuList cpus;
  for (const int cpu : context.online_cpus) {
    if (!context.bound_cpus.contains(cpu) && !context.watched_cpus.contains(cpu) && !Has(except, cpu)) cpus.push_back(cpu);
  }
  return cpus;
}

CpuList NearHousekeepingCpus(const EvidenceContext& context, std::optional<int> node) {
  CpuList all = HousekeepingCpus(context);
  if (!node) return all;
  CpuList near = OfNode(context, all, *node);
  return near.empty() ? all : near;
}

CpuList NearHousekeepingCpusOfLine(const EvidenceContext& context, int irq) {
  const auto known = context.node_of_line.find(irq);
  return NearHousekeepingCpus(context, known == context.node_of_line.end() ? std::nullopt : std::optional(known->second));
}

CpuList DeviceSpareCpus(const EvidenceContext& context, int node) {
  return OfNode(context, SpareCpus(context, {}), node);
}

FactThread ThreadOf(const EvidenceContext& context, const ThreadKey& thread) {
  return {.tid = thread.tid, .pid = thread.tgid, .start_ns = thread.start_ns, .comm = context.name(thread.tid)};
}

Fact NewFact(const EvidenceContext& context, FactKind kind) {
  Fact fact;
  fact.kind = kind;
  fact.evidence.begin_mono_ns = context.begin_mono_ns;
  fact.evidence.end_mono_ns = context.end_mono_ns;
  fact.quality.lost_records = context.lost_records;
  return fact;
}

Fact NewFactOfSums(const EvidenceContext& context, const SnapshotPair& sums, FactKind kind) {
  Fact fact = NewFact(context, kind);
  fact.evidence.begin_mono_ns = std::clamp(sums.before->mono_ns, context.begin_mono_ns, context.end_mono_ns);
  SetSpan(sums, &fact);
  return fact;
}

Fact NewFactOfSums(const EvidenceContext& context, const SnapshotPair& sums, FactKind kind, const ThreadKey& thread) {
  Fact fact = NewFact(context, kind);
  fact.thread = ThreadOf(context, thread);
  const int64_t begin_ns = sums.BeginOf(thread);
  fact.evidence.begin_mono_ns = std::clamp(begin_ns, context.begin_mono_ns, context.end_mono_ns);
  fact.evidence.span_ns = std::max<int64_t>(0, sums.after->mono_ns - begin_ns);
  return fact;
}

void SetSpan(const SnapshotPair& sums, Fact* fact) {
  fact->evidence.span_ns = std::max<int64_t>(0, sums.after->mono_ns - sums.before->mono_ns);
}

void SetCpus(Fact* fact, FactField field, const CpuList& cpus) {
  if (!cpus.empty()) fact->values[field] = cpus;
}

}  // namespace hftmon
