#include "daemon/os/thread_scheduling.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <optional>

#include "common/cpu_list.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr int kRealTimePriorities = 100;  // MAX_RT_PRIO: stat's priority counts from there
constexpr int64_t kTickNs = 10'000'000;   // USER_HZ is 100 on every architecture that the programs load on
constexpr uint64_t kResetOnFork = 1;      // SCHED_FLAG_RESET_ON_FORK
constexpr size_t kLongBits = 8 * sizeof(unsigned long);

// struct sched_attr as of its first version (Linux 3.14): glibc of the build has no name for it.
struct KernelAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime_ns;
  uint64_t deadline_ns;
  uint64_t period_ns;
};

// Fields 3 … 41 of stat, by number - 3.
constexpr size_t kFirstField = 3;
constexpr size_t kLastField = 41;
using Fields = std::array<std::string_view, kLastField - kFirstField + 1>;

template <typename Number>
absl::StatusOr<Number> NumberOf(const Fields& fields, size_t field) {
  const std::optional<Number> number = ParseNumber<Number>(fields[field - kFirstField]);
  if (number) return *number;
  return absl::InvalidArgumentError(fmt::format("/proc stat: field {} is '{}', no number", field, fields[field - kFirstField]));
}

}  // namespace

std::string PolicyName(int policy) {
  constexpr std::array<const char*, 8> kNames = {"other", "fifo", "rr", "batch", nullptr, "idle", "deadline", "ext"};
  if (policy < 0 || policy >= static_cast<int>(kNames.size()) || kNames[static_cast<size_t>(policy)] == nullptr) {
    return fmt::format("policy {}", policy);
  }
  return kNames[static_cast<size_t>(policy)];
}

absl::StatusOr<ThreadStat> ParseThreadStat(std::string_view text) {
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return absl::InvalidArgumentError("/proc stat: no name in parentheses");
  std::string_view rest = text.substr(name_end + 1);
  Fields fields;
  for (std::string_view& field : fields) field = NextWord(&rest);
  const auto priority = NumberOf<int>(fields, 18);
  const auto nice = NumberOf<int>(fields, 19);
  const auto start_ticks = NumberOf<uint64_t>(fields, 22);
  const auto cpu = NumberOf<int>(fields, 39);
  const auto realtime_priority = NumberOf<int>(fields, 40);
  const auto policy = NumberOf<int>(fields, 41);
  for (const absl::Status& status :
       {priority.status(), nice.status(), start_ticks.status(), cpu.status(), realtime_priority.status(), policy.status()}) {
    if (!status.ok()) return status;
  }
  return ThreadStat{.priority = *priority + kRealTimePriorities,
                    .nice = *nice,
                    .start_ticks = *start_ticks,
                    .cpu = *cpu,
                    .realtime_priority = *realtime_priority,
                    .policy = *policy};
}

absl::StatusOr<ThreadStat> ReadThreadStat(const FileRoot& root, uint32_t tgid, uint32_t tid) {
  const absl::StatusOr<std::string> text = root.ReadFile(fmt::format("/proc/{}/task/{}/stat", tgid, tid));
  if (!text.ok()) return text.status();
  return ParseThreadStat(*text);
}

int SystemSchedulingQueries::GetAttributes(pid_t tid, SchedulingAttributes* attributes) {
  KernelAttributes kernel{};
  if (::syscall(SYS_sched_getattr, tid, &kernel, sizeof(kernel), 0) != 0) return errno;
  attributes->policy = static_cast<int>(kernel.policy);
  attributes->nice = kernel.nice;
  attributes->realtime_priority = static_cast<int>(kernel.priority);
  attributes->deadline = {};
  if (kernel.policy == SCHED_DEADLINE) {
    attributes->deadline = {.runtime_ns = static_cast<int64_t>(kernel.runtime_ns),
                            .deadline_ns = static_cast<int64_t>(kernel.deadline_ns),
                            .period_ns = static_cast<int64_t>(kernel.period_ns)};
  }
  attributes->reset_on_fork = (kernel.flags & kResetOnFork) != 0;
  return 0;
}

int SystemSchedulingQueries::GetAffinity(pid_t tid, std::vector<int>* cpus) {
  // The call itself and not glibc's: it says how many bytes the kernel's mask has, which are few.
  std::array<unsigned long, kCpuNumberLimit / kLongBits> mask{};
  const long bytes = ::syscall(SYS_sched_getaffinity, tid, sizeof(mask), mask.data());
  if (bytes < 0) return errno;
  cpus->clear();
  const size_t words = static_cast<size_t>(bytes) / sizeof(unsigned long);
  for (size_t i = 0; i < words; ++i) {
    for (unsigned long bits = mask[i]; bits != 0; bits &= bits - 1) {
      cpus->push_back(static_cast<int>(i * kLongBits + static_cast<size_t>(std::countr_zero(bits))));
    }
  }
  return 0;
}

absl::StatusOr<ScheduledNow> ReadThreadScheduling(const FileRoot& root, SchedulingQueries& queries, uint32_t tgid, uint32_t tid,
                                                  int64_t start_boottime_ns) {
  SchedulingAttributes attributes;
  std::vector<int> cpus;
  const int refused = queries.GetAttributes(static_cast<pid_t>(tid), &attributes);
  if (refused == ESRCH) return absl::NotFoundError(fmt::format("thread {} has ended", tid));
  if (const int error = queries.GetAffinity(static_cast<pid_t>(tid), &cpus); error != 0) {
    if (error == ESRCH) return absl::NotFoundError(fmt::format("thread {} has ended", tid));
    return absl::ErrnoToStatus(error, fmt::format("sched_getaffinity of thread {}", tid));
  }
  // Last: whose number it is now has had it all the while.
  const absl::StatusOr<ThreadStat> stat = ReadThreadStat(root, tgid, tid);
  if (!stat.ok()) return stat.status();
  if (stat->start_ticks != static_cast<uint64_t>(start_boottime_ns / kTickNs)) {
    return absl::NotFoundError(fmt::format("thread {} has ended: another one has its number", tid));
  }
  ScheduledNow now{.cpu = stat->cpu};
  ThreadScheduling& scheduling = now.scheduling;
  scheduling.priority = stat->priority;
  scheduling.cpus_allowed = FormatCpuList(cpus);
  // Without sched_getattr there is still what the file has.
  scheduling.policy = refused == 0 ? attributes.policy : stat->policy;
  scheduling.realtime_priority = refused == 0 ? attributes.realtime_priority : stat->realtime_priority;
  if (scheduling.policy == SCHED_OTHER || scheduling.policy == SCHED_BATCH) {
    scheduling.nice = refused == 0 ? attributes.nice : stat->nice;
  }
  scheduling.deadline = attributes.deadline;
  scheduling.reset_on_fork = attributes.reset_on_fork;
  return now;
}

}  // namespace hftmon
