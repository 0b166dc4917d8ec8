#include "client/examples/order_book/thread_place.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

namespace hftmon::order_book {

std::vector<int> AllowedCpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof(mask), &mask);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

absl::Status TakePlace(const ThreadPlace& place) {
  prctl(PR_SET_NAME, place.name.substr(0, 15).c_str());
  if (place.cpu >= 0) {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(place.cpu, &mask);
    if (sched_setaffinity(0, sizeof(mask), &mask) != 0) {
      return absl::FailedPreconditionError(
          fmt::format("{}: cannot run on CPU {}: {}: name CPUs that are online and in this process's cpuset", place.name, place.cpu,
                      std::strerror(errno)));
    }
  }
  if (place.priority > 0) {
    sched_param parameters{};
    parameters.sched_priority = place.priority;
    if (sched_setscheduler(0, SCHED_FIFO, &parameters) != 0) {
      return absl::PermissionDeniedError(
          fmt::format("{}: SCHED_FIFO {} is refused: {}: run as root, with CAP_SYS_NICE or a sufficient RLIMIT_RTPRIO; with "
                      "CONFIG_RT_GROUP_SCHED the cpu cgroup also needs a cpu.rt_runtime_us above 0",
                      place.name, place.priority, std::strerror(errno)));
    }
  }
  return absl::OkStatus();
}

}  // namespace hftmon::order_book
