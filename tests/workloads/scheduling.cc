#include "tests/workloads/scheduling.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace hftmon::workload {

int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

pid_t Tid() {
  return gettid();
}

std::vector<int> InheritedCpus() {
  // Read once: later calls come from threads that pinned themselves.
  static const std::vector<int> cpus = [] {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    sched_getaffinity(getpid(), sizeof(mask), &mask);
    std::vector<int> found;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &mask)) found.push_back(cpu);
    }
    return found;
  }();
  return cpus;
}

int ChooseCpu(int64_t asked) {
  const std::vector<int> cpus = InheritedCpus();
  if (asked < 0) return cpus.back();
  if (std::find(cpus.begin(), cpus.end(), asked) == cpus.end()) {
    std::fprintf(stderr, "CPU %lld is not in the mask this process was given: choose another, or widen it with taskset\n",
                 static_cast<long long>(asked));
    std::exit(3);
  }
  return static_cast<int>(asked);
}

int OtherCpu(int cpu) {
  for (const int candidate : InheritedCpus()) {
    if (candidate != cpu) return candidate;
  }
  return -1;
}

void PinTo(int cpu) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(cpu, &mask);
  if (sched_setaffinity(0, sizeof(mask), &mask) != 0) {
    std::fprintf(stderr, "cannot pin to CPU %d: %s\n", cpu, std::strerror(errno));
    std::exit(3);
  }
}

void Name(const std::string& name) {
  prctl(PR_SET_NAME, name.substr(0, 15).c_str());
}

std::string BecomeFifo(int priority) {
  sched_param parameters{};
  parameters.sched_priority = priority;
  if (sched_setscheduler(0, SCHED_FIFO, &parameters) == 0) return "";
  return std::string("SCHED_FIFO is refused: ") + std::strerror(errno) +
         ". Run as root or with CAP_SYS_NICE; with CONFIG_RT_GROUP_SCHED the process's cpu cgroup also needs a cpu.rt_runtime_us above 0";
}

void BecomeBatch() {
  const sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);
}

void BecomeImportant() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(Tid()), -20);
}

void SleepUntil(int64_t monotonic_ns) {
  const timespec until{monotonic_ns / 1'000'000'000, monotonic_ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

void SpinUntil(int64_t monotonic_ns) {
  while (NowNs() < monotonic_ns) {
  }
}

void LimitLifetime(unsigned seconds) {
  alarm(seconds);
}

}  // namespace hftmon::workload
