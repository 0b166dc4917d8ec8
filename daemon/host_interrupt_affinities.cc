#include "daemon/host_interrupt_affinities.h"

#include <algorithm>
#include <iterator>

#include "daemon/kept_free_cpus.h"
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

HostInterruptAffinities::ThreadsOfCpus HostInterruptAffinities::BoundThreads(std::span<const ThreadKey> threads,
                                                                             const std::vector<int>& online, uint64_t* unread_count) const {
  const size_t count = std::min(threads.size(), threads_max_);
  *unread_count = threads.size() - count;
  ThreadsOfCpus bound;
  for (const ThreadKey& thread : threads.first(count)) {
    const absl::StatusOr<std::vector<int>> allowed = ReadAllowedCpus(root_, thread.tgid, thread.tid);
    if (absl::IsNotFound(allowed.status())) continue;  // ended meanwhile
    if (!allowed.ok()) {
      ++*unread_count;
      continue;
    }
    std::vector<int> cpus = Common(*allowed, online);
    if (cpus.size() < online.size()) bound[std::move(cpus)].push_back(thread);
  }
  return bound;
}

absl::StatusOr<InterruptAffinityReport> HostInterruptAffinities::Read(std::span<const ThreadKey> threads) const {
  std::lock_guard lock(mutex_);
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(root_);
  if (!online.ok()) return online.status();
  if (online->empty()) return absl::InternalError("/sys/devices/system/cpu/online names no CPU: is /sys mounted?");
  absl::StatusOr<InterruptLines> read = ReadInterruptLines(root_);
  if (!read.ok()) return read.status();
  const absl::StatusOr<std::vector<int>> reserved = ReadKeptFreeCpus(root_, view_);
  if (!reserved.ok()) return reserved.status();
  InterruptAffinityReport report;
  report.unread_line_count = read->unread_count;
  const ThreadsOfCpus bound = BoundThreads(threads, *online, &report.unread_thread_count);
  for (InterruptLine& line : read->lines) {
    const std::vector<int> now = line.effective_cpus.empty() ? Common(line.allowed_cpus, *online) : line.effective_cpus;
    InterruptAffinity affinity;
    affinity.irq = line.irq;
    affinity.reserved_effective_cpus = Common(now, *reserved);
    affinity.reserved_allowed_cpus = Common(line.allowed_cpus, *reserved);
    for (const auto& [cpus, there] : bound) {
      const std::vector<int> hit = Common(now, cpus);
      if (hit.empty()) continue;
      affinity.bound_thread_count += there.size();
      const size_t room = kHitThreadsMax - affinity.bound_threads.size();
      for (const ThreadKey& thread : std::span(there).first(std::min(there.size(), room))) {
        affinity.bound_threads.push_back({.thread = thread, .cpus = hit});
      }
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
