#include "daemon/os/thread_placement.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};
using CpuSet = std::unique_ptr<cpu_set_t, FreeCpuSet>;
const size_t kCpuSetBytes = CPU_ALLOC_SIZE(kCpuNumberLimit);

CpuSet MakeCpuSet() {
  CpuSet set(CPU_ALLOC(kCpuNumberLimit));
  CPU_ZERO_S(kCpuSetBytes, set.get());
  return set;
}

// getpriority means the whole process by 0.
id_t NiceId(pid_t tid) {
  return static_cast<id_t>(tid != 0 ? tid : ::syscall(SYS_gettid));
}

std::string ErrnoText(int error) {
  return std::strerror(error);
}

bool IsRefusal(int error) {
  return error == EPERM || error == EACCES;
}

const char* PolicyName(int policy) {
  switch (policy) {
    case SCHED_OTHER:
      return "SCHED_OTHER";
    case SCHED_FIFO:
      return "SCHED_FIFO";
    case SCHED_RR:
      return "SCHED_RR";
    case SCHED_BATCH:
      return "SCHED_BATCH";
    case SCHED_IDLE:
      return "SCHED_IDLE";
    default:
      return "another policy";
  }
}

}  // namespace

int SystemSchedulingCalls::GetAffinity(std::vector<int>* cpus) {
  const CpuSet set = MakeCpuSet();
  if (::sched_getaffinity(tid_, kCpuSetBytes, set.get()) != 0) return errno;
  cpus->clear();
  for (int cpu = 0; cpu < kCpuNumberLimit; ++cpu) {
    if (CPU_ISSET_S(static_cast<size_t>(cpu), kCpuSetBytes, set.get())) cpus->push_back(cpu);
  }
  return 0;
}

int SystemSchedulingCalls::SetAffinity(const std::vector<int>& cpus) {
  const CpuSet set = MakeCpuSet();
  for (const int cpu : cpus) {
    if (cpu < 0 || cpu >= kCpuNumberLimit) return EINVAL;
    CPU_SET_S(static_cast<size_t>(cpu), kCpuSetBytes, set.get());
  }
  return ::sched_setaffinity(tid_, kCpuSetBytes, set.get()) == 0 ? 0 : errno;
}

int SystemSchedulingCalls::GetNice(int* nice) {
  errno = 0;  // -1 is a nice value too
  *nice = ::getpriority(PRIO_PROCESS, NiceId(tid_));
  return errno;
}

int SystemSchedulingCalls::SetNice(int nice) {
  return ::setpriority(PRIO_PROCESS, NiceId(tid_), nice) == 0 ? 0 : errno;
}

int SystemSchedulingCalls::GetPolicy(int* policy, int* priority) {
  sched_param parameters;
  if (::sched_getparam(tid_, &parameters) != 0) return errno;
  *priority = parameters.sched_priority;
  const int got = ::sched_getscheduler(tid_);
  if (got < 0) return errno;
  *policy = got & ~SCHED_RESET_ON_FORK;
  return 0;
}

int SystemSchedulingCalls::SetPolicy(int policy, int priority) {
  sched_param parameters{};
  parameters.sched_priority = priority;
  return ::sched_setscheduler(tid_, policy, &parameters) == 0 ? 0 : errno;
}

absl::StatusOr<std::vector<int>> CurrentAffinity(SchedulingCalls& calls) {
  std::vector<int> cpus;
  if (const int error = calls.GetAffinity(&cpus); error != 0) return absl::ErrnoToStatus(error, "cannot read the thread's affinity mask");
  return cpus;
}

absl::Status SetCurrentAffinity(const std::vector<int>& cpus, SchedulingCalls& calls) {
  const int error = calls.SetAffinity(cpus);
  if (error == 0) return absl::OkStatus();
  if (error == EINVAL) {
    return absl::InvalidArgumentError(
        fmt::format("cannot run on CPUs '{}': none of them is online and allowed by the cgroup's cpuset: see "
                    "/sys/devices/system/cpu/online and AllowedCPUs=",
                    FormatCpuList(cpus)));
  }
  return absl::ErrnoToStatus(error, fmt::format("cannot run on CPUs {}", FormatCpuList(cpus)));
}

absl::Status PinCurrentThread(int cpu, SchedulingCalls& calls) {
  absl::Status pinned = SetCurrentAffinity({cpu}, calls);
  if (!pinned.ok()) return pinned;
  // A kernel without the CPU in the cpuset may grant less than was asked.
  const absl::StatusOr<std::vector<int>> granted = CurrentAffinity(calls);
  if (!granted.ok()) return granted.status();
  if (*granted == std::vector<int>{cpu}) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("the thread was to be pinned to CPU {} but may run on {}", cpu, FormatCpuList(*granted)));
}

absl::Status UseSchedOther(int nice, SchedulingCalls& calls) {
  if (nice < -20 || nice > 19) {
    return absl::InvalidArgumentError(fmt::format("nice value {} does not exist: choose one of -20 (most CPU) to 19", nice));
  }
  if (const int error = calls.SetPolicy(SCHED_OTHER, 0); error != 0) {
    return absl::ErrnoToStatus(error, "cannot use the policy SCHED_OTHER");
  }
  const int error = calls.SetNice(nice);
  if (error == 0) return absl::OkStatus();
  const std::string mend = IsRefusal(error) ? fmt::format(": give CAP_SYS_NICE, or LimitNICE={} of the service", nice) : "";
  return absl::ErrnoToStatus(error, fmt::format("cannot set the nice value {}{}", nice, mend));
}

absl::Status UseSchedFifo(int priority, SchedulingCalls& calls) {
  if (priority < 1 || priority > 99) {
    return absl::InvalidArgumentError(fmt::format("SCHED_FIFO priority {} does not exist: choose one of 1 (lowest) to 99", priority));
  }
  const int error = calls.SetPolicy(SCHED_FIFO, priority);
  if (error == 0) return absl::OkStatus();
  const std::string mend = IsRefusal(error) ? fmt::format(
                                                  ": give CAP_SYS_NICE, or LimitRTPRIO={} of the service; with RT_GROUP_SCHED its "
                                                  "cgroup needs cpu.rt_runtime_us besides",
                                                  priority)
                                            : "";
  return absl::ErrnoToStatus(error, fmt::format("cannot use SCHED_FIFO priority {}{}", priority, mend));
}

std::string DescribeScheduling(SchedulingCalls& calls) {
  int policy = 0;
  int priority = 0;
  if (const int error = calls.GetPolicy(&policy, &priority); error != 0) return fmt::format("unknown ({})", ErrnoText(error));
  if (policy == SCHED_FIFO || policy == SCHED_RR) return fmt::format("{} priority {}", PolicyName(policy), priority);
  int nice = 0;
  if (const int error = calls.GetNice(&nice); error != 0) return fmt::format("{} ({})", PolicyName(policy), ErrnoText(error));
  return fmt::format("{} nice {}", PolicyName(policy), nice);
}

}  // namespace hftmon
