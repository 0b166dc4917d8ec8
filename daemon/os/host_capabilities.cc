#include "daemon/os/host_capabilities.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "common/cpu_list.h"
#include "common/duration.h"
#include "daemon/os/memory_lock.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/os/perf_event_facts.h"
#include "daemon/os/proc_numbers.h"
#include "daemon/os/proc_schedstat.h"
#include "daemon/os/ptp_clocks.h"
#include "daemon/os/raw_clocks.h"
#include "daemon/os/tsc.h"

namespace hftmon {
namespace {

// The first kernel whose BPF has atomic operations that return the old value.
constexpr int kKernelMajorMin = 5;
constexpr int kKernelMinorMin = 12;

HostCapability Available(std::string name, std::string found) {
  return {.name = std::move(name), .available = true, .reason = std::move(found)};
}

HostCapability Unavailable(std::string name, std::string reason, std::string mend) {
  return {.name = std::move(name), .available = false, .reason = std::move(reason), .mend = std::move(mend)};
}

HostCapability Required(HostCapability capability) {
  capability.required = true;
  return capability;
}

HostCapability Btf(const HostProbes& probes) {
  constexpr std::string_view kPath = "/sys/kernel/btf/vmlinux";
  if (probes.root.CanRead(kPath)) return Available("btf", std::string(kPath));
  return Unavailable(
      "btf", fmt::format("{} cannot be read: the kernel does not describe its types, so the programs cannot be fitted to it", kPath),
      "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (the distributions' kernels are)");
}

HostCapability KernelVersion(const HostProbes& probes) {
  std::string_view rest = probes.kernel_release;
  const size_t dot = rest.find('.');
  const std::optional<int> major = ParseNumber<int>(rest.substr(0, dot));
  std::optional<int> minor;
  if (dot != std::string_view::npos) {
    rest.remove_prefix(dot + 1);
    minor = ParseNumber<int>(rest.substr(0, rest.find_first_not_of("0123456789")));
  }
  const std::string mend = fmt::format("boot a kernel of at least {}.{}", kKernelMajorMin, kKernelMinorMin);
  if (!major || !minor)
    return Unavailable("kernel_version", fmt::format("'{}' is no kernel version that is understood", probes.kernel_release), mend);
  if (*major > kKernelMajorMin || (*major == kKernelMajorMin && *minor >= kKernelMinorMin))
    return Available("kernel_version", probes.kernel_release);
  return Unavailable("kernel_version",
                     fmt::format("the kernel is {}: its BPF lacks atomic operations that the programs use", probes.kernel_release), mend);
}

HostCapability BpfPrivileges(const HostProbes& probes) {
  const absl::Status checked = CheckBpfPrivileges(probes.has_capability);
  if (checked.ok()) return Available("bpf_privileges", probes.has_capability(CAP_SYS_ADMIN) ? "CAP_SYS_ADMIN" : "CAP_BPF and CAP_PERFMON");
  return Unavailable("bpf_privileges", std::string(checked.message()),
                     "run the daemon as root, or AmbientCapabilities=CAP_BPF CAP_PERFMON");
}

HostCapability SchedInfo(const HostProbes& probes) {
  constexpr std::string_view kMend =
      "boot a kernel built with CONFIG_SCHED_INFO=y (CONFIG_SCHEDSTATS or CONFIG_TASK_DELAY_ACCT selects it)";
  const absl::StatusOr<std::string> text = probes.root.ReadFile("/proc/self/schedstat");
  if (!text.ok()) return Unavailable("sched_info", std::string(text.status().message()), std::string(kMend));
  const absl::StatusOr<ProcSchedstat> schedstat = ParseProcSchedstat(*text);
  if (!schedstat.ok()) return Unavailable("sched_info", std::string(schedstat.status().message()), std::string(kMend));
  // Whoever reads this has been given the CPU at least once.
  if (schedstat->timeslices == 0)
    return Unavailable("sched_info", "/proc/self/schedstat stands at 0: the kernel does not account run delays", std::string(kMend));
  return Available("sched_info", "/proc/self/schedstat");
}

HostCapability InvariantTsc(const HostProbes& probes) {
  if (probes.invariant_tsc) return Available("invariant_tsc", "the cycle counter runs at one rate");
  return Unavailable("invariant_tsc", "the CPU does not call its time stamp counter invariant: the clock falls back to CLOCK_MONOTONIC",
                     "in a virtual machine: let the hypervisor pass the invtsc CPU flag through");
}

HostCapability ClocksourceTsc(const HostProbes& probes) {
  const absl::StatusOr<std::string> source = probes.root.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!source.ok()) return Unavailable("clocksource_tsc", std::string(source.status().message()), "mount /sys");
  if (Trim(*source) == kTscClocksource) return Available("clocksource_tsc", std::string(Trim(*source)));
  return Unavailable("clocksource_tsc",
                     fmt::format("the kernel's clock source is {}: the clock falls back to CLOCK_MONOTONIC", Trim(*source)),
                     fmt::format("echo {} > /sys/devices/system/clocksource/clocksource0/current_clocksource, if it is among "
                                 "available_clocksource; the kernel log says why it was left",
                                 kTscClocksource));
}

HostCapability HardwarePmu(const HostProbes& probes) {
  const int error = probes.open_hardware_counter();
  if (error == 0) return Available("hardware_pmu", "perf_event_open counts cycles");
  PerfEventRefusalFacts facts;
  if (const absl::StatusOr<int> level = ReadParanoidLevel(probes.root); level.ok())
    facts = {.paranoid_level = *level, .exempt = IsExemptFromParanoidLevel(*level, probes.has_capability)};
  PerfEventRefusal refusal = ExplainPerfEventError(error, {.attributes = CycleAttributes()}, facts);
  return Unavailable("hardware_pmu", std::move(refusal.reason), std::move(refusal.mend));
}

HostCapability PerfEventParanoid(const HostProbes& probes) {
  const absl::StatusOr<int> level = ReadParanoidLevel(probes.root);
  if (absl::IsInvalidArgument(level.status()))
    return Unavailable("perf_event_paranoid", std::string(level.status().message()), "sysctl kernel.perf_event_paranoid=2");
  if (!level.ok())
    return Unavailable("perf_event_paranoid", std::string(level.status().message()), "boot a kernel built with CONFIG_PERF_EVENTS=y");
  const std::string found = fmt::format("perf_event_paranoid is {}", *level);
  if (probes.has_capability(CAP_SYS_ADMIN) || *level < 0) return Available("perf_event_paranoid", found);
  if (*level > 2) {
    return Unavailable("perf_event_paranoid", found + ": kernels that know this level ask for CAP_SYS_ADMIN, CAP_PERFMON is not enough",
                       "sysctl kernel.perf_event_paranoid=2");
  }
  if (probes.has_capability(CAP_PERFMON)) return Available("perf_event_paranoid", found + ", with CAP_PERFMON");
  return Unavailable("perf_event_paranoid", found + ": without CAP_PERFMON a CPU's counters cannot be read", "give CAP_PERFMON");
}

HostCapability CpuListCapability(const HostProbes& probes, std::string name, std::string_view file, std::string_view none,
                                 std::string_view mend) {
  const absl::StatusOr<std::string> text = probes.root.ReadFile(fmt::format("/sys/devices/system/cpu/{}", file));
  const std::string_view list = text.ok() ? Trim(*text) : std::string_view();
  if (list.empty() || list == "(null)") return Unavailable(std::move(name), std::string(none), std::string(mend));
  return Available(std::move(name), fmt::format("CPUs {}", list));
}

HostCapability NumaNodes(const HostProbes& probes) {
  const absl::StatusOr<std::string> text = probes.root.ReadFile("/sys/devices/system/node/online");
  if (!text.ok()) return Unavailable("numa_nodes", "the kernel tells no NUMA nodes", "boot a kernel built with CONFIG_NUMA=y");
  const absl::StatusOr<std::vector<int>> nodes = ParseCpuList(*text);
  if (!nodes.ok())
    return Unavailable("numa_nodes", std::string(nodes.status().message()), "report this kernel's /sys/devices/system/node/online");
  if (nodes->size() > 1) return Available("numa_nodes", fmt::format("{} nodes", nodes->size()));
  return Unavailable("numa_nodes", "the host has one node: there is nothing remote",
                     "none: on a host with one socket this is as it should be");
}

HostCapability Cgroup2(const HostProbes& probes) {
  for (const std::string_view path : {"/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"}) {
    if (probes.root.Exists(path)) return Available("cgroup2", std::string(path));
  }
  return Unavailable("cgroup2", "no cgroup2 file system at /sys/fs/cgroup: targets cannot be named by cgroup or unit",
                     "boot with systemd.unified_cgroup_hierarchy=1, or mount -t cgroup2 none /sys/fs/cgroup");
}

HostCapability Tracefs(const HostProbes& probes) {
  for (const std::string_view path : {"/sys/kernel/tracing/events/header_page", "/sys/kernel/debug/tracing/events/header_page"}) {
    if (probes.root.CanRead(path)) return Available("tracefs", std::string(path.substr(0, path.rfind("/events"))));
  }
  return Unavailable("tracefs", "no tracefs that can be read: only programs attached through BTF are available",
                     "mount -t tracefs none /sys/kernel/tracing, as root");
}

HostCapability MemoryLockLimit(const HostProbes& probes) {
  if (probes.has_capability(CAP_IPC_LOCK)) return Available("memory_lock_limit", "CAP_IPC_LOCK: no limit");
  constexpr size_t kNeededBytes = 64u << 20;
  const size_t limit = probes.memory_lock_limit_bytes();
  if (limit == SIZE_MAX) return Available("memory_lock_limit", "unlimited");
  const std::string found = fmt::format("RLIMIT_MEMLOCK is {} KiB", limit / 1024);
  if (limit >= kNeededBytes) return Available("memory_lock_limit", found);
  return Unavailable("memory_lock_limit", found + ": the loop's memory may be paged out", "give CAP_IPC_LOCK, or LimitMEMLOCK=64M");
}

HostCapability Msr(const HostProbes& probes) {
  constexpr char kEvents[] = "/sys/bus/event_source/devices/msr/events";
  if (const auto events = probes.root.List(kEvents); events.ok()) {
    std::vector<std::string> names = *events;
    std::sort(names.begin(), names.end());
    return Available("msr", fmt::format("the msr PMU ({})", fmt::join(names, ", ")));
  }
  return Unavailable("msr", "no msr PMU: system management interrupts cannot be counted",
                     "run on x86 with a kernel whose perf supports this CPU; many hypervisors hide it");
}

HostCapability ClockSynchronised(const KernelClock& clock) {
  constexpr std::string_view kName = "clock_synchronised";
  if (!clock.available)
    return Unavailable(std::string(kName), clock.reason,
                       "let the daemon call clock_adjtime: in a systemd unit ProtectClock=no and SystemCallFilter=clock_adjtime");
  if (clock.synchronised) return Available(std::string(kName), fmt::format("to UTC within {}", FormatDuration(clock.max_error_ns)));
  return Unavailable(std::string(kName),
                     "nobody synchronises the kernel's clock (STA_UNSYNC): wall times do not compare with those of other hosts",
                     "run chronyd, or ptp4l with phc2sys");
}

HostCapability TaiOffset(int64_t offset_ns) {
  if (offset_ns != 0) return Available("tai_offset", fmt::format("TAI is UTC + {} s", offset_ns / 1'000'000'000));
  return Unavailable("tai_offset", "the kernel was told no TAI offset: times cannot be matched with PTP and hardware time stamps",
                     "let chronyd (leapsectz right/UTC), ptp4l or phc2sys tell the kernel");
}

HostCapability PtpClocks(const HostProbes& probes) {
  constexpr std::string_view kMend = "use a NIC with hardware time stamps; in a KVM guest: modprobe ptp_kvm";
  const std::vector<PtpClock> clocks = ReadPtpClocks(probes.root, *probes.ptp_calls);
  std::string found;
  std::string missing;
  for (const PtpClock& clock : clocks) {
    std::string& text = clock.offset_ns ? found : missing;
    text += (text.empty() ? "" : "; ") + (clock.offset_ns ? clock.device + " (" + clock.name : clock.reason);
    if (!clock.offset_ns) continue;
    for (const std::string& interface : clock.interfaces) text += ", " + interface;
    text += fmt::format("), {}", clock.method);
  }
  if (!found.empty()) return Available("ptp_clocks", found);
  if (!missing.empty()) return Unavailable("ptp_clocks", missing, std::string(kMend));
  return Unavailable("ptp_clocks", "/sys/class/ptp lists none: no NIC of this host makes hardware time stamps", std::string(kMend));
}

}  // namespace

HostProbes SystemHostProbes() {
  static const SystemPtpCalls ptp_calls;  // without state
  utsname names{};
  ::uname(&names);
  return {.root = FileRoot("/"),
          .kernel_release = names.release,
          .invariant_tsc = TscIsInvariant(),
          .has_capability = SystemCapabilities(),
          .open_hardware_counter =
              [] {
                SystemPerfEventCalls calls;
                return TryCycleCounter(calls);
              },
          .memory_lock_limit_bytes = SystemMemoryLockCalls().limit_bytes,
          .adjust_clock = SystemAdjustClock(),
          .tai_offset_ns = [] { return ReadTaiOffsetNs(SystemRawClocks()); },
          .ptp_calls = &ptp_calls};
}

std::vector<HostCapability> ReadHostCapabilities(const HostProbes& probes) {
  const KernelClock clock = ReadKernelClock(probes.adjust_clock);
  return {Required(Btf(probes)),
          Required(KernelVersion(probes)),
          Required(BpfPrivileges(probes)),
          Required(SchedInfo(probes)),
          InvariantTsc(probes),
          ClocksourceTsc(probes),
          HardwarePmu(probes),
          PerfEventParanoid(probes),
          CpuListCapability(probes, "isolated_cpus", "isolated", "no CPU is isolated: ordinary work and the watched threads share CPUs",
                            "boot with isolcpus=LIST, or make a cpuset partition of type isolated"),
          CpuListCapability(probes, "nohz_full", "nohz_full", "no CPU runs without the timer tick",
                            "boot with nohz_full=LIST (CONFIG_NO_HZ_FULL=y)"),
          NumaNodes(probes),
          Cgroup2(probes),
          Tracefs(probes),
          MemoryLockLimit(probes),
          Msr(probes),
          ClockSynchronised(clock),
          TaiOffset(probes.tai_offset_ns()),
          PtpClocks(probes)};
}

}  // namespace hftmon
