#include "daemon/collectors/memory_programs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <utility>

namespace hftmon {
namespace {

struct Row {
  std::string_view name;
  std::string_view attach_point;
  __u64 hft_cpu::*count;
};

// Ends before beginnings, as they are attached: none is missed.
constexpr std::array<Row, 16> kRows = {{
    {"on_minor_fault", "software event minor-faults", &hft_cpu::minor_fault_count},
    {"on_major_fault", "software event major-faults", &hft_cpu::major_fault_count},
    {"on_tlb_flush", "", &hft_cpu::tlb_flush_count},
    {"on_user_fault", "", &hft_cpu::user_fault_count},
    {"on_kernel_fault", "", &hft_cpu::kernel_fault_count},
    {"on_reclaim_end", "", &hft_cpu::reclaim_end_count},
    {"on_group_reclaim_end", "", &hft_cpu::group_reclaim_end_count},
    {"on_compaction_end", "", &hft_cpu::compaction_end_count},
    {"on_migration_end", "", &hft_cpu::migration_end_count},
    {"on_cross_call_entry", "", &hft_cpu::cross_call_entry_count},
    {"on_reclaim_begin", "", &hft_cpu::reclaim_begin_count},
    {"on_group_reclaim_begin", "", &hft_cpu::group_reclaim_begin_count},
    {"on_compaction_begin", "", &hft_cpu::compaction_begin_count},
    {"on_migration_begin", "", &hft_cpu::migration_begin_count},
    {"on_cross_call", "", &hft_cpu::cross_call_count},
    {"on_collapse", "", &hft_cpu::collapse_count},
}};
constexpr std::array<std::pair<const char*, FaultEvent>, 2> kEvents = {
    {{"on_minor_fault", FaultEvent::kMinor}, {"on_major_fault", FaultEvent::kMajor}}};
constexpr std::array<std::string_view, 3> kTracepoints = {"on_tlb_flush", "on_user_fault", "on_kernel_fault"};

// What a kernel may lack, and what is not told then.
struct Optional {
  std::string_view name;
  std::string_view part;
};
constexpr std::array<Optional, 11> kOptional = {{{"on_reclaim_end", "reclaim"},
                                                 {"on_group_reclaim_end", "reclaim"},
                                                 {"on_compaction_end", "compaction"},
                                                 {"on_migration_end", "migration"},
                                                 {"on_cross_call_entry", "senders"},
                                                 {"on_reclaim_begin", "reclaim"},
                                                 {"on_group_reclaim_begin", "reclaim"},
                                                 {"on_compaction_begin", "compaction"},
                                                 {"on_migration_begin", "migration"},
                                                 {"on_cross_call", "senders"},
                                                 {"on_collapse", "collapse"}}};
constexpr std::array<std::string_view, kOptional.size()> kOptionalNames = [] {
  std::array<std::string_view, kOptional.size()> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = kOptional[i].name;
  return names;
}();

// Relaxed: the count stands for itself.
uint64_t Load(const __u64& word) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(word)).load(std::memory_order_relaxed);
}

}  // namespace

MemoryPrograms::MemoryPrograms(Parts parts) : parts_(std::move(parts)), demand_([this] { return Attach(); }, [this] { return Detach(); }) {}

std::span<const std::string_view> MemoryPrograms::TracepointNames() {
  return kTracepoints;
}

std::span<const std::string_view> MemoryPrograms::OptionalNames() {
  return kOptionalNames;
}

std::vector<std::pair<std::string, std::string>> MemoryPrograms::missing() const {
  std::vector<std::pair<std::string, std::string>> parts;
  for (const Optional& program : kOptional) {
    const auto left_out = left_out_.find(program.name);
    if (left_out == left_out_.end()) continue;
    const bool told = std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return part.first == program.part; });
    if (!told) parts.emplace_back(program.part, left_out->second);
  }
  return parts;
}

std::vector<std::string> MemoryPrograms::Names() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

void MemoryPrograms::TryEvents() {
  absl::StatusOr<std::vector<int>> online = parts_.online();
  if (!online.ok() || online->empty()) return;
  absl::StatusOr<int> event = parts_.open_event(FaultEvent::kMinor, online->front());
  if (event.ok()) {
    close(*event);
  } else if (!absl::IsNotFound(event.status())) {
    Refuse(std::string(event.status().message()));
  }
}

absl::Status MemoryPrograms::Attach() {
  if (!refusal_.empty()) {
    return absl::FailedPreconditionError(fmt::format("probe group \"memory\" is not available on this host: {}", refusal_));
  }
  if (absl::Status admitted = parts_.admit("attaching the programs of page faults"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  absl::Status status = AttachAdmitted();
  if (!status.ok()) {
    tracepoints_.clear();
    events_.clear();
  }
  return status;
}

absl::Status MemoryPrograms::AttachAdmitted() {
  absl::StatusOr<std::vector<int>> online = parts_.online();
  if (!online.ok()) return online.status();
  if (absl::Status status = AttachEvents(*online); !status.ok()) return status;
  std::vector<std::string_view> names(kTracepoints.begin(), kTracepoints.end());
  std::copy_if(kOptionalNames.begin(), kOptionalNames.end(), std::back_inserter(names),
               [this](std::string_view name) { return !left_out_.contains(name); });
  for (const std::string_view name : names) {
    absl::StatusOr<Attachment> attached = parts_.attach(std::string(name));
    if (!attached.ok()) return attached.status();
    tracepoints_.push_back(*std::move(attached));
  }
  return absl::OkStatus();
}

// Of those CPUs that have none.
absl::Status MemoryPrograms::AttachEvents(std::span<const int> cpus) {
  const std::span<const hft_cpu> counts = parts_.cpus();
  for (const int cpu : cpus) {
    if (events_.contains(cpu)) continue;
    CpuEvents events;
    for (const auto& [program, event] : kEvents) {
      absl::StatusOr<int> fd = parts_.open_event(event, cpu);
      if (absl::IsNotFound(fd.status())) break;  // it went offline
      if (!fd.ok()) return fd.status();
      absl::StatusOr<Attachment> attached = parts_.attach_to_event(program, *fd);
      if (!attached.ok()) return attached.status();
      events.links.push_back(*std::move(attached));
    }
    if (events.links.size() < kEvents.size()) continue;
    const auto index = static_cast<size_t>(cpu);
    if (index < counts.size()) {
      events.begun_count = Load(counts[index].user_fault_count);
      events.ended_count = Load(counts[index].minor_fault_count) + Load(counts[index].major_fault_count);
    }
    events_[cpu] = std::move(events);
  }
  return absl::OkStatus();
}

// The events of a CPU that is, or was, offline.
void MemoryPrograms::ForgetLostEvents(std::span<const int> online) {
  const std::span<const hft_cpu> counts = parts_.cpus();
  for (auto entry = events_.begin(); entry != events_.end();) {
    CpuEvents& events = entry->second;
    bool lost = std::find(online.begin(), online.end(), entry->first) == online.end();
    if (const auto index = static_cast<size_t>(entry->first); index < counts.size()) {
      const uint64_t begun_count = Load(counts[index].user_fault_count);
      const uint64_t ended_count = Load(counts[index].minor_fault_count) + Load(counts[index].major_fault_count);
      // Since the last one that ended, however many looks ago.
      if (ended_count != events.ended_count) {
        events.begun_count = begun_count;
        events.ended_count = ended_count;
      }
      lost = lost || begun_count - events.begun_count >= kUnendedFaultsMax;
    }
    entry = lost ? events_.erase(entry) : std::next(entry);
  }
}

void MemoryPrograms::FollowCpus() {
  if (!attached() || !parts_.admit("following the CPUs with the programs of page faults").ok()) return;
  const absl::StatusOr<std::vector<int>> online = parts_.online();
  if (!online.ok()) return;
  std::lock_guard lock(mutex_);
  ForgetLostEvents(*online);
  AttachEvents(*online).IgnoreError();  // what fails is tried again at the next look
}

absl::Status MemoryPrograms::Detach() {
  if (absl::Status admitted = parts_.admit("detaching the programs of page faults"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  tracepoints_.clear();
  events_.clear();
  return absl::OkStatus();
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
    for (const hft_cpu& cpu : cpus) count += Load(cpu.*row.count);
  }
  return count;
}

}  // namespace hftmon
