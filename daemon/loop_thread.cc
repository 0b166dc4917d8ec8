#include "daemon/loop_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <future>

#include "daemon/os/process_threads.h"
#include "daemon/os/thread_placement.h"

namespace hftmon {
namespace {

constexpr int kFifoPriority = 10;

}  // namespace

void SleepNs(int64_t duration_ns) {
  const timespec duration = {duration_ns / 1'000'000'000, duration_ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, nullptr);
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

absl::Status LoopThread::MoveTo(int cpu) {
  SystemSchedulingCalls calls(tid());
  return PinCurrentThread(cpu, calls);
}

bool LoopThread::IsOn(int cpu) const {
  return IsPinnedTo(tid(), cpu);
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
