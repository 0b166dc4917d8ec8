#include "daemon/collectors/hardware_programs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace hftmon {
namespace {

struct Row {
  std::string_view name;
  __u64 hft_cpu_hardware::*count;
};

constexpr std::array<Row, 4> kRows = {{
    {"on_hardware_tick", &hft_cpu_hardware::tick_count},
    {"on_idle", &hft_cpu_hardware::idle_event_count},
    {"on_frequency", &hft_cpu_hardware::frequency_event_count},
    {"on_machine_check", &hft_cpu_hardware::machine_check_count},
}};
constexpr std::array<std::string_view, 4> kPrograms = {"on_hardware_tick", "on_idle", "on_frequency", "on_machine_check"};
constexpr std::array<std::string_view, HFT_COUNTERS> kCounters = {"tsc", "aperf", "mperf", "smi"};  // by enum hft_hardware_counter

// Relaxed: each word stands for itself.
template <typename Word>
Word Load(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
}

template <typename Word>
void Clear(Word& word) {
  std::atomic_ref<Word>(word).store(0, std::memory_order_relaxed);
}

}  // namespace

HardwarePrograms::HardwarePrograms(Parts parts)
    : parts_(std::move(parts)), demand_([this] { return Attach(); }, [this] { return Detach(); }) {}

std::span<const std::string_view> HardwarePrograms::CounterNames() {
  return kCounters;
}

std::span<const std::string_view> HardwarePrograms::ProgramNames() {
  return kPrograms;
}

void HardwarePrograms::LeaveOut(std::string_view name, std::string reason) {
  left_out_[std::string(name)] = std::move(reason);
}

std::string HardwarePrograms::WhyNot(std::string_view program_or_counter) const {
  if (const auto found = left_out_.find(program_or_counter); found != left_out_.end()) return found->second;
  std::lock_guard lock(mutex_);
  const auto refused = refused_counters_.find(program_or_counter);
  return refused == refused_counters_.end() ? "" : refused->second;
}

absl::Status HardwarePrograms::Attach() {
  if (absl::Status admitted = parts_.admit("attaching the programs of the hardware group"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  absl::Status status = AttachAdmitted();
  if (status.ok()) return status;
  programs_.clear();
  for (const auto& [cpu, events] : events_) CloseEvents(cpu, events);
  events_.clear();
  return status;
}

absl::Status HardwarePrograms::AttachAdmitted() {
  absl::StatusOr<std::vector<int>> online = parts_.online();
  if (!online.ok()) return online.status();
  ForgetReadings();
  refused_counters_.clear();
  OpenEvents(*online);
  for (const std::string_view name : kPrograms) {
    if (left_out_.contains(name)) continue;
    absl::StatusOr<Attachment> attached = parts_.attach(std::string(name));
    if (!attached.ok()) return attached.status();
    programs_.push_back(*std::move(attached));
  }
  return absl::OkStatus();
}

// Counters begin anew with their events, and what happened while nobody looked is in no sum. No program runs.
void HardwarePrograms::ForgetReadings() {
  for (hft_cpu_hardware& cpu : parts_.cpus()) {
    for (hft_hardware_reading& reading : cpu.readings) Clear(reading.sequence);
    for (hft_idle_row& row : cpu.idle) {
      Clear(row.count);
      Clear(row.duration_ns);
      Clear(row.longest_ns);
    }
    for (__u64* word : {&cpu.position, &cpu.last_reading_ns, &cpu.idle_unpaired_count, &cpu.frequency_change_count, &cpu.check_count}) {
      Clear(*word);
    }
    for (__u32* word : {&cpu.idle_state, &cpu.frequency_khz, &cpu.frequency_lowest_khz}) Clear(*word);
  }
}

// Of those CPUs that have none.
void HardwarePrograms::OpenEvents(std::span<const int> online) {
  const size_t cpu_count = parts_.cpus().size();
  for (const int cpu : online) {
    if (!events_.contains(cpu) && static_cast<size_t>(cpu) < cpu_count) events_[cpu] = OpenEventsOf(cpu);
  }
}

HardwarePrograms::CpuEvents HardwarePrograms::OpenEventsOf(int cpu) {
  CpuEvents events;
  for (uint32_t counter = 0; counter < HFT_COUNTERS; ++counter) {
    const std::string name(kCounters[counter]);
    if (left_out_.contains(name)) continue;
    const absl::StatusOr<int> fd = parts_.open_event(name, cpu);
    if (absl::IsNotFound(fd.status())) continue;  // it went offline
    absl::Status status = fd.status();
    if (fd.ok()) {
      cross_call_count_.fetch_add(1, std::memory_order_relaxed);
      status = parts_.put_event(static_cast<uint32_t>(cpu) * HFT_COUNTERS + counter, *fd);
    }
    if (status.ok()) {
      events.open |= 1u << counter;
    } else {
      refused_counters_[name] = std::string(status.message());
    }
  }
  // After they were opened: the readings before lack some of them.
  events.looked_at = Load(parts_.cpus()[static_cast<size_t>(cpu)].position);
  return events;
}

void HardwarePrograms::CloseEvents(int cpu, const CpuEvents& events) {
  for (uint32_t counter = 0; counter < HFT_COUNTERS; ++counter) {
    if ((events.open & 1u << counter) == 0) continue;
    parts_.put_event(static_cast<uint32_t>(cpu) * HFT_COUNTERS + counter, -1).IgnoreError();  // it is empty already
    cross_call_count_.fetch_add(1, std::memory_order_relaxed);
  }
}

// Whether the newest reading lacks a counter whose event is open.
bool HardwarePrograms::AreLost(int cpu, CpuEvents* events) const {
  const hft_cpu_hardware& state = parts_.cpus()[static_cast<size_t>(cpu)];
  const uint64_t position = Load(state.position);
  if (position <= events->looked_at) return false;
  events->looked_at = position;
  const hft_hardware_reading& newest = state.readings[(position - 1) % HFT_HARDWARE_READINGS];
  const uint32_t known = Load(newest.known);
  // Acquire: the next reading overwrites this one only after 127 others.
  const bool whole =
      std::atomic_ref<__u32>(const_cast<__u32&>(newest.sequence)).load(std::memory_order_acquire) == static_cast<uint32_t>(position);
  return whole && (events->open & ~known) != 0;
}

void HardwarePrograms::ForgetLostEvents(std::span<const int> online) {
  for (auto entry = events_.begin(); entry != events_.end();) {
    const bool offline = std::find(online.begin(), online.end(), entry->first) == online.end();
    if (!offline && !AreLost(entry->first, &entry->second)) {
      ++entry;
      continue;
    }
    CloseEvents(entry->first, entry->second);
    entry = events_.erase(entry);
  }
}

void HardwarePrograms::FollowCpus() {
  if (!attached() || !parts_.admit("following the CPUs with the programs of the hardware group").ok()) return;
  const absl::StatusOr<std::vector<int>> online = parts_.online();
  if (!online.ok()) return;
  std::lock_guard lock(mutex_);
  ForgetLostEvents(*online);
  OpenEvents(*online);
}

absl::Status HardwarePrograms::Detach() {
  if (absl::Status admitted = parts_.admit("detaching the programs of the hardware group"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  programs_.clear();  // readers first
  for (const auto& [cpu, events] : events_) CloseEvents(cpu, events);
  events_.clear();
  return absl::OkStatus();
}

bool HardwarePrograms::IsOne(std::string_view program) {
  return std::find(kPrograms.begin(), kPrograms.end(), program) != kPrograms.end();
}

uint64_t HardwarePrograms::RunCount(std::string_view program, std::span<const hft_cpu_hardware> cpus) {
  uint64_t count = 0;
  for (const Row& row : kRows) {
    if (row.name != program) continue;
    for (const hft_cpu_hardware& cpu : cpus) count += Load(cpu.*row.count);
  }
  return count;
}

}  // namespace hftmon
