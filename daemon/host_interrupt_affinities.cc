#include "daemon/host_interrupt_affinities.h"

#include <algorithm>
#include <atomic>
#include <iterator>

#include "daemon/os/cpu_topology.h"
#include "daemon/os/interrupt_lines.h"
#include "daemon/os/proc_affinity.h"

namespace hftmon {
namespace {

// Of sorted lists.
std::vector<int> Common(const std::vector<int>& one, const std::vector<int>& other) {
  std::vector<int> common;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(common));
  return common;
}

}  // namespace

absl::StatusOr<std::vector<int>> HostInterruptAffinities::ReservedCpus() const {
  absl::StatusOr<std::vector<int>> reserved = ReadReservedCpus(root_);
  if (!reserved.ok()) return reserved;
  for (size_t cpu = 0; cpu < view_.cpus.size(); ++cpu) {
    // Relaxed: a rule that comes or goes meanwhile may be in or not.
    if (std::atomic_ref<__u16>(view_.cpus[cpu].audited).load(std::memory_order_relaxed) != 0) reserved->push_back(static_cast<int>(cpu));
  }
  std::sort(reserved->begin(), reserved->end());
  reserved->erase(std::unique(reserved->begin(), reserved->end()), reserved->end());
  return reserved;
}

std::vector<BoundThread> HostInterruptAffinities::BoundThreads(std::span<const ThreadKey> threads) const {
  const std::vector<int> online = ReadOnlineCpus(root_).value_or(std::vector<int>());
  std::vector<BoundThread> bound;
  for (const ThreadKey& thread : threads.first(std::min(threads.size(), threads_max_))) {
    absl::StatusOr<std::vector<int>> cpus = ReadAllowedCpus(root_, thread.tgid, thread.tid);
    if (!cpus.ok()) continue;  // ended meanwhile
    if (Common(*cpus, online).size() < online.size()) bound.push_back({.thread = thread, .cpus = *std::move(cpus)});
  }
  return bound;
}

absl::StatusOr<InterruptAffinityReport> HostInterruptAffinities::Read(std::span<const ThreadKey> threads) const {
  absl::StatusOr<std::vector<InterruptLine>> lines = ReadInterruptLines(root_);
  if (!lines.ok()) return lines.status();
  const absl::StatusOr<std::vector<int>> reserved = ReservedCpus();
  if (!reserved.ok()) return reserved.status();
  const std::vector<BoundThread> bound = BoundThreads(threads);
  InterruptAffinityReport report;
  report.unread_thread_count = threads.size() - std::min(threads.size(), threads_max_);
  for (InterruptLine& line : *lines) {
    const std::vector<int>& now = line.effective_cpus.empty() ? line.allowed_cpus : line.effective_cpus;
    InterruptAffinity affinity;
    affinity.irq = line.irq;
    affinity.reserved_effective_cpus = Common(now, *reserved);
    affinity.reserved_allowed_cpus = Common(line.allowed_cpus, *reserved);
    for (const BoundThread& thread : bound) {
      std::vector<int> hit = Common(now, thread.cpus);
      if (!hit.empty()) affinity.bound_threads.push_back({.thread = thread.thread, .cpus = std::move(hit)});
    }
    affinity.handlers = std::move(line.handlers);
    affinity.chip = std::move(line.chip);
    affinity.allowed_cpus = std::move(line.allowed_cpus);
    affinity.effective_cpus = std::move(line.effective_cpus);
    report.lines.push_back(std::move(affinity));
  }
  return report;
}

}  // namespace hftmon
