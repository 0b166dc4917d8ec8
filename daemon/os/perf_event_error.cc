#include "daemon/os/perf_event_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/strings/cord.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr std::string_view kParanoidFile = "/proc/sys/kernel/perf_event_paranoid";
constexpr char kMendPayload[] = "hftmon/mend";  // the message's end, behind kBeforeMend
constexpr std::string_view kBeforeMend = ": ";
// Which a guest or a kernel may lack altogether. Of those of other PMUs the type itself was read from /sys.
bool IsCoreEvent(const perf_event_attr& attributes) {
  return attributes.type == PERF_TYPE_HARDWARE || attributes.type == PERF_TYPE_HW_CACHE || attributes.type == PERF_TYPE_RAW;
}

bool IsCycles(const perf_event_attr& attributes) {
  // The upper half chooses the PMU of a hybrid processor.
  return attributes.type == PERF_TYPE_HARDWARE && static_cast<uint32_t>(attributes.config) == PERF_COUNT_HW_CPU_CYCLES;
}

PerfEventRefusal Missing(const std::string& text, const PerfEventRequest& request, const PerfEventRefusalFacts& facts) {
  PerfEventRefusal refusal{.code = absl::StatusCode::kFailedPrecondition};
  const perf_event_attr& attributes = request.attributes;
  if (attributes.type == PERF_TYPE_TRACEPOINT) {
    refusal.reason = fmt::format("this kernel has no tracepoint {} ({})", attributes.config, text);
    refusal.mend = "take its number from tracefs, events/SUBSYSTEM/NAME/id";
  } else if (attributes.type == PERF_TYPE_SOFTWARE) {
    refusal.reason = fmt::format("this kernel has no software event {} ({})", attributes.config, text);
    refusal.mend = "choose another event, or boot a newer kernel";
  } else if (!IsCoreEvent(attributes)) {
    refusal.reason =
        fmt::format("PMU {} is not there, has no event {:#x}, or counts on other CPUs ({})", attributes.type, attributes.config, text);
    refusal.mend = "see type, events and cpus (cpumask) of the PMU below /sys/bus/event_source/devices";
  } else if (facts.hardware_pmu.value_or(false)) {
    refusal.reason = fmt::format("this processor has no such event ({}); of a hybrid one, cores of this kind do not", text);
    refusal.mend = "choose another event";
  } else if (facts.hardware_pmu.has_value() || IsCycles(attributes)) {
    refusal.reason = fmt::format("no hardware PMU ({}): a virtual machine without one, or the driver is missing", text);
    refusal.mend = "run on the bare machine, or let the hypervisor pass the PMU through";
  } else {
    refusal.reason = fmt::format("no hardware PMU, or one without such an event ({})", text);
    refusal.mend =
        "choose another event; where cycles are missing too, run on the bare machine, or let the hypervisor pass the PMU through";
  }
  return refusal;
}

PerfEventRefusal Forbidden(const std::string& text, const PerfEventRequest& request, const PerfEventRefusalFacts& facts) {
  PerfEventRefusal refusal{.code = absl::StatusCode::kPermissionDenied};
  constexpr std::string_view kContainer = "in a container also let seccomp pass perf_event_open";
  const auto set = [&](std::string why, std::string mend) {
    refusal.reason = fmt::format("perf_event_open is refused ({}): {}", text, why);
    refusal.mend = fmt::format("{}; {}", mend, kContainer);
    return refusal;
  };
  if (!facts.paranoid_level) {
    return set("see perf_event_paranoid",
               "give hftmond CAP_PERFMON; where kernel.perf_event_paranoid is above 2 (Debian's default is 3) also CAP_SYS_ADMIN, or "
               "sysctl kernel.perf_event_paranoid=2");
  }
  const int level = *facts.paranoid_level;
  const std::string found = fmt::format("perf_event_paranoid is {}", level);
  if (facts.exempt) {
    return set(found + " and does not bind the caller, which has the capability: a security module or seccomp refuses",
               "see in the kernel log what the security module denies");
  }
  const perf_event_attr& attributes = request.attributes;
  if (level > 2) {
    return set(found + ": kernels that know this level ask for CAP_SYS_ADMIN, CAP_PERFMON is not enough",
               "sysctl kernel.perf_event_paranoid=2");
  }
  if (level > 1 && !attributes.exclude_kernel) {
    return set(found + ": without CAP_PERFMON the kernel's own work is not counted",
               "give CAP_PERFMON, count user code alone (:u), or sysctl kernel.perf_event_paranoid=1");
  }
  if (level > 0 && request.tid == -1)
    return set(found + ": without CAP_PERFMON a CPU is not counted", "give CAP_PERFMON, or sysctl kernel.perf_event_paranoid=0");
  if (level > -1 && attributes.type == PERF_TYPE_TRACEPOINT)
    return set(found + ": without CAP_PERFMON tracepoints are not opened", "give CAP_PERFMON, or sysctl kernel.perf_event_paranoid=-1");
  const std::string what = request.tid > 0 ? fmt::format("thread {} is another user's, or a security module refuses", request.tid)
                                           : std::string("a security module refuses");
  return set(fmt::format("{} and allows it: {}", found, what), "give CAP_PERFMON (before Linux 5.13 also CAP_SYS_PTRACE)");
}

PerfEventRefusal Invalid(const std::string& text, const PerfEventRequest& request) {
  PerfEventRefusal refusal{.code = absl::StatusCode::kInvalidArgument};
  refusal.reason = fmt::format("this kernel or processor does not take the event as it is encoded: type {}, config {:#x} ({})",
                               request.attributes.type, request.attributes.config, text);
  refusal.mend = "compare it with the PMU's format folder below /sys/bus/event_source/devices";
  return refusal;
}

PerfEventRefusal Unsupported(const std::string& text, const PerfEventRequest& request, const PerfEventRefusalFacts& facts) {
  const bool samples = request.attributes.sample_period != 0;
  if (!samples && request.attributes.precise_ip == 0) return Missing(text, request, facts);
  return {.code = absl::StatusCode::kFailedPrecondition,
          .reason = fmt::format("this PMU does not sample the event so ({})", text),
          .mend = "count it without a sample period, or ask for less precision; in a virtual machine, run on the bare machine"};
}

}  // namespace

PerfEventRefusal ExplainPerfEventError(int error, const PerfEventRequest& request, const PerfEventRefusalFacts& facts) {
  const std::string text = std::strerror(error);
  switch (error) {
    case ENOENT:
      return Missing(text, request, facts);
    case EOPNOTSUPP:
      return Unsupported(text, request, facts);
    case ENODEV:
    case ENXIO:
      if (request.cpu < 0) return Missing(text, request, facts);
      return {.code = absl::StatusCode::kNotFound,
              .reason = fmt::format("CPU {} is offline ({})", request.cpu, text),
              .mend = fmt::format("echo 1 > /sys/devices/system/cpu/cpu{}/online", request.cpu)};
    case ESRCH:
      return {.code = absl::StatusCode::kNotFound, .reason = fmt::format("the thread has ended ({})", text), .mend = "name one that runs"};
    case EACCES:
    case EPERM:
      return Forbidden(text, request, facts);
    case EINVAL:
      return Invalid(text, request);
    case E2BIG:
      return {.code = absl::StatusCode::kFailedPrecondition,
              .reason = fmt::format("the event asks for what this kernel does not know yet ({})", text),
              .mend = "boot a newer kernel, or choose another event"};
    case EBUSY:
      return {.code = absl::StatusCode::kResourceExhausted,
              .reason = fmt::format("another user holds the counters for itself ({})", text),
              .mend = "end it: perf, a vendor's profiler, a daemon that counts"};
    case EMFILE:
    case ENFILE:
      return {.code = absl::StatusCode::kResourceExhausted,
              .reason = fmt::format("no descriptor is left ({}): each event of each thread or CPU needs one", text),
              .mend = error == EMFILE ? "raise LimitNOFILE= of hftmond.service" : "sysctl fs.file-max=NUMBER with a higher one"};
    case ENOSPC:
    case ENOMEM:
      return {.code = absl::StatusCode::kResourceExhausted,
              .reason = fmt::format("the kernel has no room for it ({})", text),
              .mend = "count fewer events or threads"};
    case ENOSYS:
      return {.code = absl::StatusCode::kFailedPrecondition,
              .reason = fmt::format("this kernel counts no events ({})", text),
              .mend = "boot a kernel built with CONFIG_PERF_EVENTS=y; in a container let seccomp pass perf_event_open"};
    default:
      return {.code = absl::StatusCode::kFailedPrecondition,
              .reason = fmt::format("perf_event_open fails: {}", text),
              .mend = "see the kernel log"};
  }
}

PerfEventRefusal ExplainNoSuchCpu(int cpu) {
  return {.code = absl::StatusCode::kNotFound,
          .reason = fmt::format("there is no CPU {} on this host", cpu),
          .mend = "`lscpu` lists those that there are"};
}

absl::Status StatusOf(const PerfEventRefusal& refusal) {
  absl::Status status(refusal.code, fmt::format("{}{}{}", refusal.reason, kBeforeMend, refusal.mend));
  status.SetPayload(kMendPayload, absl::Cord(refusal.mend));
  return status;
}

absl::Status PerfEventError(std::string_view what, const PerfEventRefusal& refusal) {
  return StatusOf({.code = refusal.code, .reason = fmt::format("{}: {}", what, refusal.reason), .mend = refusal.mend});
}

PerfEventRefusal RefusalOf(const absl::Status& status) {
  PerfEventRefusal refusal{.code = status.code(), .reason = std::string(status.message())};
  const auto mend = status.GetPayload(kMendPayload);
  if (!mend) return refusal;
  refusal.mend = std::string(*mend);
  refusal.reason.resize(refusal.reason.size() - refusal.mend.size() - kBeforeMend.size());
  return refusal;
}

absl::StatusOr<int> ReadParanoidLevel(const FileRoot& root) {
  const absl::StatusOr<std::string> text = root.ReadFile(kParanoidFile);
  if (!text.ok()) return text.status();
  if (const std::optional<int> level = ParseNumber<int>(Trim(*text))) return *level;
  return absl::InvalidArgumentError(fmt::format("{}: '{}' is not a number", kParanoidFile, Trim(*text)));
}

}  // namespace hftmon
