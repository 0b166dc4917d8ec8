#include "daemon/loop_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <future>
#include <optional>

#include "daemon/os/cpu_topology.h"
#include "daemon/os/housekeeping_cpu.h"
#include "daemon/os/thread_placement.h"

namespace hftmon {
namespace {

constexpr int kFifoPriority = 10;
// SCHED_FIFO that spins is throttled for 50 ms a second; 900 us of work and 60 us of sleep are not.
constexpr PollPolicy kFifoLatencyPolicy{"latency", 900'000, 60'000, 60'000};

const PollPolicy* ChoosePolicy(const Config& config, size_t usable_cpus) {
  std::string mode = config.mode;
  if (mode == "auto") mode = usable_cpus >= Placement::kCpusForSpinning ? "latency" : "balanced";
  if (mode == "latency" && config.scheduling == "fifo") return &kFifoLatencyPolicy;
  return FindPollPolicy(mode);
}

}  // namespace

void SleepNs(int64_t duration_ns) {
  const timespec duration = {duration_ns / 1'000'000'000, duration_ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, nullptr);
}

absl::StatusOr<Placement> ChoosePlacement(const Config& config) {
  SystemSchedulingCalls calls;
  absl::StatusOr<std::vector<int>> allowed = CurrentAffinity(calls);
  if (!allowed.ok()) return allowed.status();
  absl::StatusOr<CpuTopology> topology = LoadCpuTopology(FileRoot());
  if (!topology.ok()) return topology.status();
  absl::StatusOr<HousekeepingCpu> chosen =
      ChooseHousekeepingCpu(*topology, *allowed, config.cpu < 0 ? std::nullopt : std::optional<int>(config.cpu));
  if (!chosen.ok()) return chosen.status();
  Placement placement;
  placement.loop_cpu = chosen->cpu;
  placement.reason = chosen->reason;
  for (int cpu : *allowed) {
    if (topology->IsOnline(cpu) && !topology->IsReserved(cpu)) placement.other_cpus.push_back(cpu);
  }
  placement.policy = ChoosePolicy(config, placement.other_cpus.size());
  if (placement.policy->owns_cpu() && placement.other_cpus.size() > 1) std::erase(placement.other_cpus, placement.loop_cpu);
  if (placement.other_cpus.empty()) placement.other_cpus.push_back(placement.loop_cpu);
  return placement;
}

absl::Status LoopThread::Place(const Placement& placement, const Config& config) {
  SystemSchedulingCalls calls;
  pthread_setname_np(pthread_self(), "hftmon_loop");
  // The kernel may stretch a sleep by the thread's timer slack, 50 us by default.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  if (absl::Status status = PinCurrentThread(placement.loop_cpu, calls); !status.ok()) return status;
  absl::Status status = config.scheduling == "fifo" ? UseSchedFifo(kFifoPriority, calls) : UseSchedOther(config.nice, calls);
  scheduling_ = DescribeScheduling(calls);
  // Not being allowed a better priority is no reason not to watch; it is said.
  if (!status.ok()) scheduling_ += fmt::format(" ({})", std::string(status.message()));
  return absl::OkStatus();
}

absl::Status LoopThread::Start(HousekeepingLoop* loop, const Placement& placement, const Config& config) {
  std::promise<absl::Status> placed;
  std::future<absl::Status> outcome = placed.get_future();
  thread_ = std::thread([this, loop, &placement, &config, &placed] {
    absl::Status status = Place(placement, config);
    const bool ok = status.ok();
    placed.set_value(std::move(status));
    if (ok) loop->Run(stop_);
  });
  return outcome.get();
}

void LoopThread::Stop() {
  stop_.store(true, std::memory_order_relaxed);  // a flag: nothing is published with it
  if (thread_.joinable()) thread_.join();
}

}  // namespace hftmon
