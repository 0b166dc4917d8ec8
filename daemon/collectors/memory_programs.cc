#include "daemon/collectors/memory_programs.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

struct Row {
  std::string_view name;
  std::string_view attach_point;
  __u64 hft_cpu::*count;
  uint64_t event;  // PERF_COUNT_SW_…; kNoEvent: a tracepoint
};
constexpr uint64_t kNoEvent = UINT64_MAX;

// In the order in which they are attached: ends before beginnings, so that none is missed.
constexpr std::array<Row, 5> kRows = {{
    {"on_minor_fault", "software event minor-faults", &hft_cpu::minor_fault_count, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    {"on_major_fault", "software event major-faults", &hft_cpu::major_fault_count, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    {"on_tlb_flush", "", &hft_cpu::tlb_flush_count, kNoEvent},
    {"on_user_fault", "", &hft_cpu::user_fault_count, kNoEvent},
    {"on_kernel_fault", "", &hft_cpu::kernel_fault_count, kNoEvent},
}};
constexpr std::array<std::string_view, 3> kTracepoints = {"on_tlb_flush", "on_user_fault", "on_kernel_fault"};

// Every one is told: the program is all that happens at it, no sample is written.
absl::StatusOr<int> OpenEvent(uint64_t config, int cpu) {
  perf_event_attr attributes = {};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = config;
  attributes.sample_period = 1;
  const long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) {
    return absl::FailedPreconditionError(
        fmt::format("page faults of CPU {} cannot be counted (perf_event_open: {}): give hftmond CAP_PERFMON", cpu, strerror(errno)));
  }
  return static_cast<int>(fd);
}

}  // namespace

MemoryPrograms::MemoryPrograms(BpfObject* object, std::function<absl::StatusOr<std::vector<int>>()> online)
    : object_(object), online_(std::move(online)), demand_([this] { return Attach(); }, [this] { return Detach(); }) {}

absl::Status MemoryPrograms::Prepare() {
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(kTracepoints);
  if (!left_out.ok()) return left_out.status();
  if (!left_out->empty()) refusal_ = fmt::format("this kernel has no {}", left_out->front().section);
  for (const Row& row : kRows) {
    const std::string name(row.name);
    absl::Status status = refusal_.empty() ? object_->KeepDetached(name) : object_->LeaveOut(name);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status MemoryPrograms::Attach() {
  if (!refusal_.empty()) {
    return absl::FailedPreconditionError(fmt::format("probe group \"memory\" is not available on this host: {}", refusal_));
  }
  absl::Status status = AttachEvents();
  for (const std::string_view name : kTracepoints) {
    if (status.ok()) status = object_->Attach(std::string(name));
  }
  if (!status.ok()) Detach().IgnoreError();
  return status;
}

absl::Status MemoryPrograms::AttachEvents() {
  absl::StatusOr<std::vector<int>> online = online_();
  if (!online.ok()) return online.status();
  std::lock_guard lock(mutex_);
  for (const int cpu : *online) {
    if (event_cpus_.contains(cpu)) continue;
    for (const Row& row : kRows) {
      if (row.event == kNoEvent) continue;
      absl::StatusOr<int> event = OpenEvent(row.event, cpu);
      if (!event.ok()) return event.status();
      if (absl::Status status = object_->AttachToEvent(std::string(row.name), *event); !status.ok()) return status;
    }
    event_cpus_.insert(cpu);
  }
  // The events of a CPU that went offline are gone for ever: it gets new ones when it is back.
  std::erase_if(event_cpus_, [&online](int cpu) { return std::find(online->begin(), online->end(), cpu) == online->end(); });
  return absl::OkStatus();
}

void MemoryPrograms::FollowCpus() {
  // What fails is tried again at the next look.
  if (attached()) AttachEvents().IgnoreError();
}

// Of several that fail the first one's error; what is detached already stays so.
absl::Status MemoryPrograms::Detach() {
  std::lock_guard lock(mutex_);
  absl::Status first;
  for (const Row& row : kRows) first.Update(object_->Detach(std::string(row.name)));
  event_cpus_.clear();
  return first;
}

bool MemoryPrograms::IsOne(std::string_view program) {
  return std::any_of(kRows.begin(), kRows.end(), [program](const Row& row) { return row.name == program; });
}

std::string_view MemoryPrograms::AttachPoint(std::string_view program) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [program](const Row& one) { return one.name == program; });
  return row == kRows.end() ? "" : row->attach_point;
}

uint64_t MemoryPrograms::RunCount(std::string_view program, std::span<const hft_cpu> cpus) {
  uint64_t count = 0;
  for (const Row& row : kRows) {
    if (row.name != program) continue;
    for (const hft_cpu& cpu : cpus) {
      // Relaxed: the count stands for itself.
      count += std::atomic_ref<__u64>(const_cast<__u64&>(cpu.*row.count)).load(std::memory_order_relaxed);
    }
  }
  return count;
}

}  // namespace hftmon
