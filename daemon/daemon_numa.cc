// The part of the composition root that knows where memory, threads and devices are.
#include <fmt/format.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/markers/program_ranges.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/free_memory.h"
#include "daemon/os/perf_event_facts.h"
#include "daemon/os/privileges.h"
#include "daemon/os/proc_maps.h"
#include "daemon/os/thread_ids.h"
#include "daemon/stacks/unwind_process.h"

namespace hftmon {
namespace {

NamedMemory NamedMemoryOf(const FileRoot& files, uint32_t pid) {
  const ProgramRanges program = ReadProgramRanges(MarkerThread::kDirectory, ProcMarkerProcesses(files), pid);
  NamedMemory named{.ranges = {}, .why_missing = program.why_missing};
  for (const ProgramRange& range : program.ranges) {
    named.ranges.push_back({.start = range.address, .end = range.address + range.bytes, .name = range.name});
  }
  return named;
}

}  // namespace

absl::Status Daemon::AdmitNumaMaps() const {
  const auto why = [](const char* refused) {
    return fmt::format("reading numa_maps holds up the process's memory calls, {}; without exact, single pages are looked at", refused);
  };
  return AdmitUnlessQuiet(why("and hftmon is off: ask again after `hftmon on`"),
                          why("which is refused in quiet mode (market hours): ask again after `hftmon quiet off`"));
}

void Daemon::BuildNuma() {
  HostNumaLooks::Parts parts;
  parts.files = files_;
  parts.locations = &page_locations_;
  parts.clock = clock_.get();
  parts.page_bytes = ::sysconf(_SC_PAGESIZE);
  parts.topology = [this] { return LoadCpuTopology(files_); };
  parts.admit = [this] { return AdmitNumaMaps(); };
  parts.look_at = [this](uint32_t pid, int64_t start_boottime_ns) { return LookAtTarget(pid, start_boottime_ns); };
  parts.growth = {.calls = &perf_calls_,
                  .memory = &perf_memory_,
                  .clock = clock_.get(),
                  .threads = [this](pid_t pid) { return ReadThreadIds(files_, pid); },
                  .facts = [this] { return ReadPerfEventFacts(files_, SystemCapabilities(), perf_calls_); },
                  .mappings = [this](uint32_t pid) { return ProcMaps::Read(files_, static_cast<pid_t>(pid)); },
                  .unwinder = [this] { return std::make_unique<UnwindProcess>(UnwindBinaryPath(), clock_.get()); },
                  .admit = [this] { return AdmitSampling("sampling page faults"); },
                  .look_at = parts.look_at};
  parts.cache_lines_unavailable = [this]() -> std::string {
    const absl::StatusOr<std::vector<SampledEvent>> events = AccessEvents();
    return events.ok() ? std::string() : std::string(events.status().message());
  };
  parts.bandwidth = [this](int64_t duration_ns, const std::function<bool(int64_t)>& wait) { return MeasureBandwidth(duration_ns, wait); };
  parts.give_back_memory = [] { ReturnFreeMemory(); };
  parts.named_memory = [this](uint32_t pid) { return NamedMemoryOf(files_, pid); };
  numa_looks_ = std::make_unique<HostNumaLooks>(std::move(parts));
}

}  // namespace hftmon
