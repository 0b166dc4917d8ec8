// The part of the composition root that knows from which CPUs memory may be measured, and what moves through it.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/daemon.h"
#include "daemon/kept_free_cpus.h"
#include "daemon/numa/host_bandwidth.h"
#include "daemon/numa/numa_probe.h"
#include "daemon/os/bounded_process.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/last_level_caches.h"
#include "daemon/os/perf_event_facts.h"
#include "daemon/os/privileges.h"
#include "daemon/os/proc_affinity.h"

namespace hftmon {
namespace {

constexpr char kProbeName[] = "hftmon-numa-probe";

// Those that the thread may run on, where ordinary CPUs are among the rest: it was put there. Ended threads are on none.
void AddBound(const FileRoot& files, const ThreadKey& thread, const std::vector<int>& ordinary, std::vector<int>* cpus) {
  const absl::StatusOr<std::vector<int>> allowed = ReadAllowedCpus(files, thread.tgid, thread.tid);
  if (!allowed.ok()) return;
  if (!std::includes(allowed->begin(), allowed->end(), ordinary.begin(), ordinary.end())) {
    cpus->insert(cpus->end(), allowed->begin(), allowed->end());
  }
}

std::vector<std::vector<int>> CoresOf(const FileRoot& files, const std::vector<int>& online) {
  std::vector<std::vector<int>> cores;
  for (const int cpu : online) {
    absl::StatusOr<std::vector<int>> core = ReadSmtSiblings(files, cpu);
    if (!core.ok() || core->empty()) continue;
    core->push_back(cpu);
    std::sort(core->begin(), core->end());
    if (core->front() == cpu) cores.push_back(*std::move(core));
  }
  return cores;
}

}  // namespace

absl::Status Daemon::AdmitNumaMeasuring() const {
  const auto why = [](const char* refused) { return fmt::format("measuring takes memory bandwidth from the host's nodes, {}", refused); };
  return AdmitUnlessQuiet(why("and hftmon is off: ask again after `hftmon on`"),
                          why("which is refused in quiet mode (market hours): ask again after `hftmon quiet off`"));
}

std::vector<int> Daemon::WatchedCpus(const std::vector<int>& online, const std::vector<int>& reserved) const {
  std::vector<int> ordinary;
  std::set_difference(online.begin(), online.end(), reserved.begin(), reserved.end(), std::back_inserter(ordinary));
  std::vector<int> cpus;
  for (const TargetInfo& target : registry_->List()) {
    if (target.state == TargetState::kEnded) continue;
    for (const ThreadTotal& total : totals_->AllOf(target.pid)) {
      if (total.alive) AddBound(files_, total.thread, ordinary, &cpus);
    }
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

absl::StatusOr<HostBandwidth> Daemon::MeasureBandwidth(int64_t duration_ns, const std::function<bool(int64_t)>& wait) {
  HostBandwidthParts parts;
  parts.files = files_;
  parts.calls = &perf_calls_;
  parts.clock = clock_.get();
  parts.facts = ReadPerfEventFacts(files_, SystemCapabilities(), perf_calls_);
  absl::StatusOr<NumaNodes> nodes = ReadNumaNodes(files_);
  if (!nodes.ok()) return nodes.status();
  parts.places.nodes = *std::move(nodes);
  absl::StatusOr<CpuTopology> topology = LoadCpuTopology(files_);
  if (!topology.ok()) return topology.status();
  parts.places.topology = *std::move(topology);
  const absl::StatusOr<std::vector<int>> reserved = ReadKeptFreeCpus(files_, collector_->view());
  if (!reserved.ok()) return reserved.status();
  const std::vector<int> watched = WatchedCpus(parts.places.topology.online, *reserved);
  std::set_union(reserved->begin(), reserved->end(), watched.begin(), watched.end(), std::back_inserter(parts.places.avoided_cpus));
  return MeasureHostBandwidth(parts, duration_ns, wait);
}

absl::StatusOr<MeasureHost> Daemon::ReadMeasureHost() const {
  MeasureHost host;
  absl::StatusOr<NumaNodes> nodes = ReadNumaNodes(files_);
  if (!nodes.ok()) return nodes.status();
  host.nodes = *std::move(nodes);
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(files_);
  if (!online.ok()) return online.status();
  absl::StatusOr<std::vector<int>> reserved = ReadKeptFreeCpus(files_, collector_->view());
  if (!reserved.ok()) return reserved.status();
  host.reserved_cpus = *std::move(reserved);
  host.watched_cpus = WatchedCpus(*online, host.reserved_cpus);
  host.usable_cpus = modes_->other_cpus();
  host.cores = CoresOf(files_, *online);
  const absl::StatusOr<std::vector<LastLevelCache>> caches = ReadLastLevelCaches(files_);
  if (!caches.ok()) return caches.status();
  for (const LastLevelCache& cache : *caches) {
    if (cache.bytes) host.last_level_bytes = std::max(host.last_level_bytes.value_or(0), *cache.bytes);
  }
  return host;
}

void Daemon::BuildNumaMeasuring() {
  HostNumaMeasuring::Parts parts;
  parts.clock = clock_.get();
  parts.host = [this] { return ReadMeasureHost(); };
  parts.admit = [this] { return AdmitNumaMeasuring(); };
  parts.probe = [path = PathBesideOwn(kProbeName)](const PlannedPair& pair, int64_t patience_ns, std::function<bool()> given_up) {
    return RunNumaProbe(path, pair, patience_ns, std::move(given_up));
  };
  numa_measuring_ = std::make_unique<HostNumaMeasuring>(std::move(parts));
}

}  // namespace hftmon
