#include "daemon/loop_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <optional>

#include "daemon/os/cpu_topology.h"
#include "daemon/os/housekeeping_cpu.h"
#include "daemon/os/thread_placement.h"

namespace hftmon {
namespace {

constexpr int kFifoPriority = 10;

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
      ChooseHousekeepingCpu(*topology, *allowed, config.cpu < 0 ? std::nullopt : std::optional<int>(static_cast<int>(config.cpu)));
  if (!chosen.ok()) return chosen.status();
  Placement placement;
  placement.loop_cpu = chosen->cpu;
  placement.reason = chosen->reason;
  for (int cpu : *allowed) {
    if (topology->IsOnline(cpu) && !topology->IsReserved(cpu)) placement.usable_cpus.push_back(cpu);
  }
  placement.facts = ReadHostFacts(*topology, FileRoot(), placement.usable_cpus.size(), placement.loop_cpu);
  return placement;
}

absl::Status LoopThread::Place(const Placement& placement, const Config& config) {
  SystemSchedulingCalls calls;
  pthread_setname_np(pthread_self(), "hftmon_loop");
  // The kernel may stretch a sleep by the thread's timer slack, 50 us by default.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  if (absl::Status status = PinCurrentThread(placement.loop_cpu, calls); !status.ok()) return status;
  tid_.store(static_cast<pid_t>(::syscall(SYS_gettid)), std::memory_order_relaxed);
  Reschedule(config.scheduling, static_cast<int>(config.nice));
  return absl::OkStatus();
}

void LoopThread::Reschedule(const std::string& scheduling, int nice) {
  SystemSchedulingCalls calls(tid());
  const absl::Status status = scheduling == "fifo" ? UseSchedFifo(kFifoPriority, calls) : UseSchedOther(nice, calls);
  std::string achieved = DescribeScheduling(calls);
  // Not being allowed a better priority is no reason not to watch; it is said.
  if (!status.ok()) achieved += fmt::format(" ({})", std::string(status.message()));
  std::lock_guard lock(mutex_);
  scheduling_ = std::move(achieved);
}

std::string LoopThread::scheduling() const {
  std::lock_guard lock(mutex_);
  return scheduling_;
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
