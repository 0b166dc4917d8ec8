#include "daemon/host_numa_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "daemon/numa/placement_reader.h"
#include "daemon/os/proc_affinity.h"
#include "daemon/os/proc_comm.h"
#include "daemon/os/thread_ids.h"
#include "daemon/os/thread_scheduling.h"
#include "daemon/sampling_thread.h"
#include "daemon/with_reason.h"

namespace hftmon {
namespace {

// A look's pauses, which end when it is cancelled.
class LookPacer final : public Pacer {
 public:
  explicit LookPacer(SamplingThread<NumaLook>* thread) : thread_(thread) {}
  bool Pause() override { return !thread_->Wait(SystemPacer::kPauseNs); }

 private:
  SamplingThread<NumaLook>* const thread_;
};

void PutThreads(const FileRoot& files, uint32_t pid, NumaLookedProcess* process) {
  absl::StatusOr<std::vector<pid_t>> tids = ReadThreadIds(files, static_cast<pid_t>(pid));
  if (!tids.ok()) return;
  std::sort(tids->begin(), tids->end());
  for (const pid_t listed : *tids) {
    if (process->threads.size() >= HostNumaLooks::kThreadsMax) {
      process->left_out_thread_count = tids->size() - process->threads.size();
      return;
    }
    const auto tid = static_cast<uint32_t>(listed);
    LocatedThread thread{.tid = tid, .comm = {}, .last_cpu = std::nullopt, .allowed_cpus = {}};
    const absl::StatusOr<ThreadStat> stat = ReadThreadStat(files, pid, tid);
    if (!stat.ok()) continue;  // it ended
    thread.last_cpu = stat->cpu;
    const absl::StatusOr<std::string> comm = files.ReadFile(fmt::format("/proc/{}/task/{}/comm", pid, tid));
    if (comm.ok()) thread.comm = ParseProcComm(*comm);
    if (absl::StatusOr<std::vector<int>> cpus = ReadAllowedCpus(files, pid, tid); cpus.ok()) thread.allowed_cpus = *std::move(cpus);
    process->threads.push_back(std::move(thread));
  }
}

}  // namespace

class HostNumaLooks::Run final : public NumaLookRun {
 public:
  Run(HostNumaLooks* owner, NumaLookPlan plan)
      : owner_(owner), plan_(std::move(plan)), thread_("hftmon_numa", [this](SamplingThread<NumaLook>& thread) { return Look(thread); }) {}

  void Cancel() override { thread_.Cancel(); }
  const absl::StatusOr<NumaLook>* Result() const override { return thread_.result(); }

 private:
  // Lets the next one begin when this one's thread has ended: members are destroyed in reverse order.
  struct Leaver {
    HostNumaLooks* owner;
    bool took_much = false;  // written by the thread, which has ended by then
    ~Leaver() {
      if (took_much && owner->parts_.give_back_memory) owner->parts_.give_back_memory();
      owner->busy_.store(false, std::memory_order_release);  // pairs with Begin's exchange
    }
  };

  absl::StatusOr<NumaLook> Look(SamplingThread<NumaLook>& thread);
  absl::StatusOr<ProcessPlacement> LookAt(const NumaLookProcess& process, Pacer& pacer) const;
  absl::Status LookAtGrowth(const NumaLookProcess& process, SamplingThread<NumaLook>& thread, NumaLookedProcess* looked) const;

  HostNumaLooks* const owner_;
  const NumaLookPlan plan_;
  Leaver leaver_{owner_};
  SamplingThread<NumaLook> thread_;
};

absl::StatusOr<NumaLook> HostNumaLooks::Run::Look(SamplingThread<NumaLook>& thread) {
  const Parts& parts = owner_->parts_;
  NumaLook look;
  absl::StatusOr<NumaNodes> nodes = ReadNumaNodes(parts.files);
  if (!nodes.ok()) {
    return WithReason(absl::UnavailableError(fmt::format("the host's nodes cannot be read: {}", std::string(nodes.status().message()))),
                      "NO_NODES");
  }
  look.nodes = *std::move(nodes);
  if (const absl::StatusOr<CpuTopology> topology = parts.topology(); topology.ok()) {
    look.sub_numa_clustering = look.nodes.sub_numa_clustering(*topology);
  }
  look.devices = ReadDeviceLocalities(parts.files);
  if (plan_.bandwidth_ns > 0) {
    absl::StatusOr<HostBandwidth> measured = parts.bandwidth(plan_.bandwidth_ns, [&thread](int64_t ns) { return thread.Wait(ns); });
    if (!measured.ok()) return measured.status();
    look.bandwidth = *std::move(measured);
  }
  LookPacer pacer(&thread);
  for (const NumaLookProcess& process : plan_.processes) {
    if (thread.Wait(0)) return absl::CancelledError("cancelled");
    NumaLookedProcess looked;
    looked.pid = process.pid;
    // First: where memory lies is told of the end.
    if (absl::Status grown = LookAtGrowth(process, thread, &looked); !grown.ok()) return grown;
    looked.placement = LookAt(process, pacer);
    if (absl::IsCancelled(looked.placement.status())) return looked.placement.status();
    if (looked.placement.ok()) {
      PutThreads(parts.files, process.pid, &looked);
      if (looked.placement->mappings.size() > kWholeMappingsMax) leaver_.took_much = true;
    }
    look.processes.push_back(std::move(looked));
  }
  return look;
}

absl::Status HostNumaLooks::Run::LookAtGrowth(const NumaLookProcess& process, SamplingThread<NumaLook>& thread,
                                              NumaLookedProcess* looked) const {
  if (plan_.growth_ns == 0) return absl::OkStatus();
  absl::StatusOr<ProcessGrowth> growth = LookForGrowth(owner_->parts_.growth, process.pid, process.start_boottime_ns, plan_.growth_ns,
                                                       [&thread](int64_t duration_ns) { return thread.Wait(duration_ns); });
  if (!growth.ok()) return growth.status();
  looked->growth = *std::move(growth);
  return absl::OkStatus();
}

absl::StatusOr<ProcessPlacement> HostNumaLooks::Run::LookAt(const NumaLookProcess& process, Pacer& pacer) const {
  const Parts& parts = owner_->parts_;
  const auto check = [&] { return CheckRuns(parts.look_at(process.pid, process.start_boottime_ns), process.pid, "its memory was"); };
  if (absl::Status runs = check(); !runs.ok()) return runs;
  PlacementWish wish{.pid = static_cast<pid_t>(process.pid), .pages_max = plan_.pages_max};
  const absl::Status admitted = parts.admit();
  // Quiet mode may have begun since the request was taken.
  if (plan_.exact && !admitted.ok()) return admitted;
  wish.exact = plan_.exact;
  if (plan_.keep_pages || !admitted.ok()) wish.small_rss_bytes_max = 0;
  wish.keep_pages = plan_.keep_pages;
  const NamedMemory named = parts.named_memory ? parts.named_memory(process.pid) : NamedMemory();
  wish.named_ranges = named.ranges;
  wish.addresses = process.addresses;
  PlacementReader reader(parts.files, *parts.locations, pacer, *parts.clock, parts.page_bytes);
  absl::StatusOr<ProcessPlacement> placement = reader.Read(wish);
  if (!placement.ok()) return placement;
  if (absl::Status runs = check(); !runs.ok()) return runs;
  if (!named.why_missing.empty()) placement->unavailable.push_back({.part = "ranges", .reason = named.why_missing});
  return placement;
}

absl::StatusOr<std::unique_ptr<NumaLookRun>> HostNumaLooks::Begin(const NumaLookPlan& plan) {
  if (plan.exact) {
    if (absl::Status admitted = parts_.admit(); !admitted.ok()) return admitted;
  }
  if (plan.growth_ns > 0) {
    if (absl::Status admitted = parts_.growth.admit(); !admitted.ok()) return admitted;
  }
  // Acquire: pairs with the release of the one before.
  if (busy_.exchange(true, std::memory_order_acquire)) {
    return WithReason(absl::ResourceExhaustedError("another look at where memory lies goes on, and there is one at a time: ask again soon"),
                      "SAMPLING");
  }
  try {
    return std::make_unique<Run>(this, plan);
  } catch (const std::system_error& error) {
    return WithReason(absl::ResourceExhaustedError(fmt::format("no thread for the look can be had ({}): ask again", error.what())),
                      "SAMPLING");
  }
}

}  // namespace hftmon
