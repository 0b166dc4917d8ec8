#include "daemon/collectors/counter_programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "daemon/pmu/host_counters.h"

namespace hftmon {
namespace {

struct Row {
  std::string_view name;
  __u64 hft_cpu::*count;
};

constexpr std::array<Row, 2> kRows = {{
    {"on_counted_switch", &hft_cpu::counted_switch_count},
    {"on_counted_tick", &hft_cpu::counted_tick_count},
}};
constexpr std::array<std::string_view, 2> kPrograms = {kRows[0].name, kRows[1].name};

// Relaxed: each word stands for itself, or is ordered by the interrupt that opening an event sends.
template <typename Word>
Word Load(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
}

template <typename Word>
void Store(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_relaxed);
}

int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

bool Contains(std::span<const int> cpus, int cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

// Opening or closing sends one for each event, and one more for the witness of a single one.
uint64_t EventCalls(const CounterGroup& group) {
  return std::max<uint64_t>(group.size(), 2);
}

}  // namespace

CounterPrograms::CounterPrograms(Parts parts) : parts_(std::move(parts)) {}

std::span<const std::string_view> CounterPrograms::ProgramNames() {
  return kPrograms;
}

absl::Status CounterPrograms::Attach(const CounterWish& wish) {
  std::lock_guard lock(mutex_);
  CounterWish united = wanted_;
  united |= wish;
  if (!attached() || !counted_.Covers(united)) {
    if (absl::Status status = Change(united); !status.ok()) return status;
  }
  wanted_ = united;
  idle_turns_ = 0;
  PutInterval();
  return absl::OkStatus();
}

void CounterPrograms::Want(const CounterWish& wish) {
  std::lock_guard lock(mutex_);
  wanted_ = wish;
  if (wish.any()) PutInterval();
}

void CounterPrograms::Settle() {
  std::lock_guard lock(mutex_);
  if (wanted_.any() && (!attached() || !counted_.Covers(wanted_))) {
    // Wanted since without having been asked for, or refused then.
    idle_turns_ = 0;
    if (--paused_turns_ > 0 || !parts_.admit("opening the events that threads count").ok()) return;
    if (!Change(wanted_).ok()) paused_turns_ = kRetryTurns;
    return;
  }
  if (!attached() || wanted_.any()) {
    idle_turns_ = 0;
    return;
  }
  if (++idle_turns_ < kPatienceTurns || !parts_.admit("detaching the programs of counters").ok()) return;
  Detach();
  idle_turns_ = 0;
}

// To these events, whatever is counted now: all of it or as before.
absl::Status CounterPrograms::Change(const CounterWish& wish) {
  if (absl::Status admitted = parts_.admit("opening the events that threads count"); !admitted.ok()) return admitted;
  uint64_t cross_call_count = 0;
  absl::StatusOr<CounterChoice> choice = parts_.choose(wish, &cross_call_count);
  AddCrossCalls(cross_call_count);
  if (!choice.ok()) return choice.status();
  absl::StatusOr<std::vector<int>> online = parts_.online();
  if (!online.ok()) return online.status();
  CloseAll();
  CounterChoice before = std::exchange(set_.choice, *std::move(choice));
  absl::Status status = OpenAll(*online);
  if (status.ok() && !attached()) status = AttachPrograms();
  if (status.ok()) {
    counted_ = wish;
    idle_turns_ = 0;
    PutInterval();
    return status;
  }
  CloseAll();
  set_.choice = std::move(before);
  if (attached() && !OpenAll(*online).ok()) Detach();
  Tell();
  return status;
}

// Under the next number. An error: no CPU counts.
absl::Status CounterPrograms::OpenAll(std::span<const int> online) {
  if (set_.choice.events.empty()) return absl::FailedPreconditionError("no event is to be counted: name one");
  set_.number = ++last_number_;
  set_.refused_cpus.clear();
  OpenMissing(online);
  set_.since_mono_ns = MonotonicNs();
  if (!groups_.empty()) return absl::OkStatus();
  const std::string why = set_.refused_cpus.empty() ? "no CPU is online" : set_.refused_cpus.begin()->second;
  return absl::FailedPreconditionError(fmt::format("no CPU counts these events: {}", why));
}

// Of those CPUs that have none and have not refused them.
void CounterPrograms::OpenMissing(std::span<const int> online) {
  const size_t cpu_count = parts_.cpus().size();
  for (const int cpu : online) {
    if (groups_.contains(cpu) || set_.refused_cpus.contains(cpu) || static_cast<size_t>(cpu) >= cpu_count) continue;
    absl::StatusOr<CpuGroup> group = OpenGroup(cpu);
    absl::Status status = group.status();
    if (status.ok()) {
      status = Publish(cpu, *group);
      if (status.ok()) groups_.emplace(cpu, *std::move(group));
    }
    if (!status.ok() && !absl::IsNotFound(status)) set_.refused_cpus[cpu] = std::string(status.message());  // NOT_FOUND: it went offline
  }
}

absl::StatusOr<CounterPrograms::CpuGroup> CounterPrograms::OpenGroup(int cpu) {
  CpuEvents counted = EventsOfCpu(set_.choice.events, cpu);
  if (counted.events.empty()) return absl::FailedPreconditionError(fmt::format("CPU {} is of a kind that has none of the events", cpu));
  absl::StatusOr<CounterGroup> group =
      CounterGroup::Open(*parts_.calls, {.tid = -1, .cpu = cpu}, counted.events, {.facts = parts_.facts()});
  if (!group.ok()) {
    // At most: each was opened and closed again, and the one that was refused was tried alone.
    if (!absl::IsNotFound(group.status())) AddCrossCalls(2 * counted.events.size());
    return group.status();
  }
  AddCrossCalls(EventCalls(*group) + 1);
  if (absl::Status enabled = group->Enable(); !enabled.ok()) {
    AddCrossCalls(EventCalls(*group));
    return enabled;
  }
  return CpuGroup{.group = *std::move(group),
                  .places = std::move(counted.places),
                  .failed_count = Load(parts_.cpus()[static_cast<size_t>(cpu)].failed_count)};
}

// The programs read it from here on. Nothing of it is theirs where it fails.
absl::Status CounterPrograms::Publish(int cpu, const CpuGroup& group) {
  const uint32_t first = static_cast<uint32_t>(cpu) * HFT_THREAD_COUNTERS;
  for (size_t event = 0; event < group.places.size(); ++event) {
    absl::Status status = parts_.put_event(first + static_cast<uint32_t>(group.places[event]), group.group.descriptor(event));
    if (status.ok()) continue;
    for (size_t put = 0; put < event; ++put) parts_.put_event(first + static_cast<uint32_t>(group.places[put]), -1).IgnoreError();
    return status;
  }
  hft_cpu_counters& state = parts_.cpus()[static_cast<size_t>(cpu)];
  Store(state.set, __u32{set_.number});
  Store(state.event_count, static_cast<__u32>(set_.choice.events.size()));
  // Release: a program that sees the epoch sees the set. One that saw an earlier epoch is gone: opening interrupted its CPU.
  std::atomic_ref<__u32>(state.epoch).store(++last_epoch_, std::memory_order_release);
  return absl::OkStatus();
}

void CounterPrograms::Close(int cpu, CpuGroup* group) {
  Store(parts_.cpus()[static_cast<size_t>(cpu)].epoch, __u32{0});
  group->group.Disable().IgnoreError();  // the counters are free at once, whenever the table's reference goes
  const uint32_t first = static_cast<uint32_t>(cpu) * HFT_THREAD_COUNTERS;
  for (const size_t place : group->places) parts_.put_event(first + static_cast<uint32_t>(place), -1).IgnoreError();
  AddCrossCalls(EventCalls(group->group) + 1);
}

void CounterPrograms::CloseAll() {
  for (auto& [cpu, group] : groups_) Close(cpu, &group);
  groups_.clear();
}

absl::Status CounterPrograms::AttachPrograms() {
  for (hft_cpu_counters& cpu : parts_.cpus()) Store(cpu.task, __u64{0});
  for (const std::string_view name : kPrograms) {
    if (std::find(left_out_.begin(), left_out_.end(), name) != left_out_.end()) continue;
    absl::StatusOr<Attachment> attached = parts_.attach(std::string(name));
    if (!attached.ok()) {
      programs_.clear();
      return attached.status();
    }
    programs_.push_back(*std::move(attached));
  }
  attached_.store(true, std::memory_order_relaxed);
  return absl::OkStatus();
}

void CounterPrograms::Detach() {
  programs_.clear();  // readers first
  CloseAll();
  counted_ = {};
  attached_.store(false, std::memory_order_relaxed);
}

void CounterPrograms::PutInterval() {
  set_.interval_ns = wanted_.interval_ns == 0 ? kIntervalDefaultNs : wanted_.interval_ns;
  Store(parts_.control()->interval_ns, static_cast<__u64>(set_.interval_ns));
  Tell();
}

void CounterPrograms::FollowCpus() {
  if (!attached() || !parts_.admit("following the CPUs with the events that threads count").ok()) return;
  const absl::StatusOr<std::vector<int>> online = parts_.online();
  if (!online.ok()) return;
  std::lock_guard lock(mutex_);
  for (auto entry = groups_.begin(); entry != groups_.end();) {
    const bool stands_still = Load(parts_.cpus()[static_cast<size_t>(entry->first)].failed_count) != entry->second.failed_count;
    if (Contains(*online, entry->first) && !stands_still) {
      ++entry;
      continue;
    }
    Close(entry->first, &entry->second);
    entry = groups_.erase(entry);
  }
  std::erase_if(set_.refused_cpus, [&online](const auto& refused) { return !Contains(*online, refused.first); });
  OpenMissing(*online);
  Tell();
}

void CounterPrograms::Tell() {
  std::lock_guard lock(told_mutex_);
  told_ = set_;
}

CounterPrograms::Set CounterPrograms::set() const {
  std::lock_guard lock(told_mutex_);
  return told_;
}

absl::StatusOr<hft_counter_values> CounterPrograms::ReadNow(int cpu) {
  if (absl::Status admitted = parts_.admit("reading the events of a CPU from another one"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  const auto group = groups_.find(cpu);
  if (group == groups_.end()) return absl::UnavailableError(fmt::format("CPU {} counts nothing", cpu));
  hft_counter_values now = {};
  const absl::StatusOr<std::vector<CounterReading>> readings = group->second.group.Read();
  AddCrossCalls(1);
  if (!readings.ok()) return readings.status();
  now.mono_ns = static_cast<__u64>(MonotonicNs());
  now.enabled_ns = readings->front().enabled_ns;
  now.running_ns = readings->front().running_ns;
  for (size_t event = 0; event < readings->size(); ++event) {
    const size_t place = group->second.places[event];
    now.values[place] = (*readings)[event].value;
    now.counted |= __u64{1} << place;
  }
  return now;
}

bool CounterPrograms::IsOne(std::string_view program) {
  return std::find(kPrograms.begin(), kPrograms.end(), program) != kPrograms.end();
}

uint64_t CounterPrograms::RunCount(std::string_view program, std::span<const hft_cpu> cpus) {
  uint64_t count = 0;
  for (const Row& row : kRows) {
    if (row.name != program) continue;
    for (const hft_cpu& cpu : cpus) count += Load(cpu.*row.count);
  }
  return count;
}

}  // namespace hftmon
