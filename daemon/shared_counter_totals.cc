#include "daemon/shared_counter_totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <iterator>
#include <optional>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

constexpr char kNobodyAsks[] =
    "nothing is counted: attach a process with --counters page-faults,… or, where `hftmon doctor` has a hardware_pmu, with --cache";

// A copy of one moment: between two counts that the writer changes before and after all the rest. Absent: it was written meanwhile.
template <typename State>
std::optional<State> CopyWhole(const State& state) {
  using Word = uint64_t __attribute__((may_alias));
  // Acquire: what was written before the count is seen by the loads below.
  const uint64_t ended_count = std::atomic_ref<__u64>(const_cast<__u64&>(state.ended_count)).load(std::memory_order_acquire);
  std::array<uint64_t, sizeof(State) / sizeof(uint64_t)> words;
  const Word* from = reinterpret_cast<const Word*>(&state);
  for (size_t word = 0; word < words.size(); ++word) words[word] = __atomic_load_n(&from[word], __ATOMIC_RELAXED);
  // Keeps the loads above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (LoadWord(state.begun_count) != ended_count) return std::nullopt;
  return std::bit_cast<State>(words);
}

}  // namespace

CounterSet CounterSetOf(const CounterPrograms::Set& set) {
  CounterSet told{.number = set.number, .interval_ns = set.interval_ns, .since_mono_ns = set.since_mono_ns};
  for (const ChosenEvent& event : set.choice.events) {
    told.events.push_back({.name = event.name, .metric = event.metric, .counts = event.counts, .number_unchecked = event.number_unchecked});
  }
  return told;
}

CounterTotals::State SharedCounterTotals::state() const {
  const CounterPrograms::Set set = parts_.set();
  State state{.set = CounterSetOf(set), .unavailable = set.choice.unavailable, .cross_call_count = parts_.cross_calls()};
  if (!parts_.attached()) state.reason = kNobodyAsks;
  for (const auto& [cpu, reason] : set.refused_cpus) state.unavailable.emplace_back(fmt::format("CPU {}", cpu), reason);
  return state;
}

std::string SharedCounterTotals::WhyNot(uint32_t slot) const {
  if ((LoadWord(parts_.view.slots[slot].wishes.probes) & HFT_COUNTING) == 0) {
    return "its target does not ask for it: attach it with --cache or --counters";
  }
  if (slot >= parts_.view.thread_counters.size()) {
    return fmt::format("the table of counts is full with the first {} watched threads: watch fewer",
                       parts_.view.thread_counters.size() - 1);
  }
  return parts_.attached() ? "" : kNobodyAsks;
}

void SharedCounterTotals::Fill(uint32_t slot, uint32_t generation, uint32_t set, ThreadCounterTotal* total) const {
  total->unavailable = WhyNot(slot);
  if (!total->unavailable.empty()) return;
  std::optional<hft_thread_counters> whole;
  for (int tries = 0; !whole && tries < kTriesMax; ++tries) whole = CopyWhole(parts_.view.thread_counters[slot]);
  if (!whole) {
    total->unavailable = "its counts were written each time that they were read: ask again";
    return;
  }
  if (whole->generation != generation || whole->set != set || whole->sum.begin_ns == 0) {
    total->unread = true;
    total->unavailable = "it was not read twice yet: it has neither switched nor been ticked so often since these events are counted";
    return;
  }
  const hft_counter_sum& sum = whole->sum;
  total->reading_count = whole->reading_count;
  total->last_mono_ns = static_cast<int64_t>(sum.end_ns);
  total->sum = {.thread = total->thread,
                .set = set,
                .counted = static_cast<uint16_t>(sum.counted),
                .begin_mono_ns = static_cast<int64_t>(sum.begin_ns),
                .end_mono_ns = static_cast<int64_t>(sum.end_ns),
                .on_cpu_ns = static_cast<int64_t>(sum.on_cpu_ns),
                .enabled_ns = static_cast<int64_t>(sum.enabled_ns),
                .running_ns = static_cast<int64_t>(sum.running_ns)};
  std::copy(std::begin(sum.values), std::end(sum.values), total->sum.values.begin());
}

std::vector<ThreadCounterTotal> SharedCounterTotals::ThreadsOf(uint32_t tgid) const {
  const uint32_t set = parts_.set().number;
  return ReadSlotsOf<ThreadCounterTotal>(
      parts_.view, parts_.high_water(), tgid,
      [this, set](uint32_t slot, uint32_t generation, ThreadCounterTotal* total) { Fill(slot, generation, set, total); });
}

bool SharedCounterTotals::IsOf(const hft_cpu_counters& cpu, uint32_t tgid) const {
  if (cpu.task == 0 || cpu.epoch == 0 || cpu.begun_epoch != cpu.epoch || cpu.slot >= parts_.view.slots.size()) return false;
  const hft_thread_slot& slot = parts_.view.slots[cpu.slot];
  const uint32_t tid = LoadWord(slot.tid);
  if (LoadWord(slot.tgid) != tgid || LoadWord(slot.generation) != cpu.generation) return false;
  // While its target is paused nobody sees it leave, and a slot that is not its tid's any more is of before the pause.
  return tgid / 64 < parts_.view.watched_bits.size() && (LoadWord(parts_.view.watched_bits[tgid / 64]) >> (tgid % 64) & 1) != 0 &&
         tid < parts_.view.slot_of_tid.size() && LoadWord(parts_.view.slot_of_tid[tid]) == cpu.slot;
}

absl::StatusOr<std::optional<CounterSpan>> SharedCounterTotals::ReadCpu(uint16_t cpu, uint32_t tgid) const {
  const hft_cpu_counters& state = parts_.view.cpu_counters[cpu];
  std::optional<hft_cpu_counters> before;
  for (int tries = 0; !before && tries < kTriesMax; ++tries) before = CopyWhole(state);
  if (!before || !IsOf(*before, tgid)) return std::nullopt;
  const absl::StatusOr<hft_counter_values> now = parts_.read_now(cpu);
  if (absl::IsFailedPrecondition(now.status())) return now.status();
  // Else it switched, or was ticked, in between: what was read is no longer beside what stood there.
  if (!now.ok() || LoadWord(state.begun_count) != before->begun_count) return std::nullopt;
  const hft_counter_values& last = before->last;
  const hft_thread_slot& slot = parts_.view.slots[before->slot];
  CounterSpan span = {.thread = {.tid = LoadWord(slot.tid), .tgid = tgid, .start_ns = LoadNs(slot.start_ns)},
                      .set = before->set,
                      .cpu = cpu,
                      .begin_mono_ns = static_cast<int64_t>(last.mono_ns),
                      .end_mono_ns = static_cast<int64_t>(now->mono_ns),
                      .on_cpu_ns = static_cast<int64_t>(now->mono_ns - last.mono_ns),
                      .enabled_ns = static_cast<int64_t>(now->enabled_ns - last.enabled_ns),
                      .running_ns = static_cast<int64_t>(now->running_ns - last.running_ns)};
  uint64_t counted = last.counted & now->counted;
  for (size_t event = 0; event < span.values.size(); ++event) {
    if (now->values[event] < last.values[event]) counted &= ~(uint64_t{1} << event);
    if ((counted >> event & 1) != 0) span.values[event] = now->values[event] - last.values[event];
  }
  span.counted = static_cast<uint16_t>(counted);
  return span;
}

absl::StatusOr<CounterTotals::Now> SharedCounterTotals::ReadNow(uint32_t tgid) {
  if (!parts_.attached()) return absl::FailedPreconditionError(kNobodyAsks);
  Now now;
  const uint64_t before = parts_.cross_calls();
  for (size_t cpu = 0; cpu < parts_.view.cpu_counters.size(); ++cpu) {
    const absl::StatusOr<std::optional<CounterSpan>> span = ReadCpu(static_cast<uint16_t>(cpu), tgid);
    if (!span.ok()) return span.status();
    if (*span) now.spans.push_back(**span);
  }
  now.cross_call_count = parts_.cross_calls() - before;
  return now;
}

}  // namespace hftmon
