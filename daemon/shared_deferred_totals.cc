#include "daemon/shared_deferred_totals.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

constexpr char kAttachIt[] = "no running target asks: attach one with --probes irq";

template <size_t kLength>
std::string NameIn(const char (&name)[kLength]) {
  return std::string(name, strnlen(name, kLength));
}

DelayTotal DelayOf(const hft_delay& delay) {
  DelayTotal total{.count = LoadWord(delay.count), .sum_ns = LoadNs(delay.sum_ns), .longest_ns = LoadNs(delay.longest_ns), .buckets = {}};
  for (size_t bucket = 0; bucket < HFT_DELAY_BUCKETS; ++bucket) {
    if (const uint32_t count = LoadWord(delay.buckets[bucket]); count != 0) total.buckets.push_back({DelayBucketUpperNs(bucket), count});
  }
  return total;
}

void AddDelay(const DelayTotal& more, DelayTotal* total) {
  total->count += more.count;
  total->sum_ns += more.sum_ns;
  total->longest_ns = std::max(total->longest_ns, more.longest_ns);
  std::map<int64_t, uint64_t> counts;
  for (const DelayBucket& bucket : total->buckets) counts[bucket.upper_ns] += bucket.count;
  for (const DelayBucket& bucket : more.buckets) counts[bucket.upper_ns] += bucket.count;
  total->buckets.clear();
  for (const auto& [upper_ns, count] : counts) total->buckets.push_back({upper_ns, count});
}

std::vector<HandlerTotal> HandlersOf(const hft_cpu_deferred& state) {
  std::map<std::pair<uint32_t, std::string>, DelayTotal> handlers;
  std::vector<HandlerTotal> totals;
  for (size_t row = 1; row < HFT_HANDLER_ROWS; ++row) {
    const hft_handler_row& handler = state.handlers[row];
    // Acquire: its name and number were written before it was counted.
    if (std::atomic_ref<__u64>(const_cast<__u64&>(handler.duration.count)).load(std::memory_order_acquire) == 0) continue;
    // A handler that was freed and requested anew has two rows.
    AddDelay(DelayOf(handler.duration), &handlers[{LoadWord(handler.irq), NameIn(handler.name)}]);
  }
  for (auto& [key, duration] : handlers) totals.push_back({.irq = key.first, .name = key.second, .duration = std::move(duration)});
  if (LoadWord(state.handlers[0].duration.count) > 0) totals.push_back({.duration = DelayOf(state.handlers[0].duration)});
  return totals;
}

template <typename Total, typename Add>
void MergeSameNames(std::vector<Total>* totals, Add add) {
  std::vector<Total> merged;
  for (const Total& total : *totals) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&total](const Total& one) { return one.function == total.function; });
    if (same == merged.end()) {
      merged.push_back(total);
    } else {
      add(total, &*same);
    }
  }
  *totals = std::move(merged);
}

// Those that took longest first, with the rest behind them.
template <typename Total>
void Order(std::vector<Total>* totals) {
  std::stable_sort(totals->begin(), totals->end(), [](const Total& a, const Total& b) {
    return a.function.empty() != b.function.empty() ? b.function.empty() : a.duration_ns > b.duration_ns;
  });
}

}  // namespace

int64_t DelayBucketUpperNs(size_t bucket) {
  if (bucket == 0) return int64_t{1} << HFT_DELAY_FIRST_OCTAVE;
  const size_t octave = HFT_DELAY_FIRST_OCTAVE + (bucket - 1) / 4;
  const int64_t width_ns = int64_t{1} << (octave - 2);
  return (int64_t{1} << octave) + static_cast<int64_t>((bucket - 1) % 4 + 1) * width_ns;
}

void SharedDeferredTotals::LearnNames() const {
  std::vector<uint64_t> addresses;
  for (const hft_cpu_deferred& cpu : parts_.view.deferred) {
    for (const hft_work_row& row : cpu.works) addresses.push_back(LoadWord(row.function));
    for (const hft_tasklet_row& row : cpu.tasklets) addresses.push_back(LoadWord(row.function));
  }
  std::erase(addresses, 0u);
  parts_.functions->Learn(addresses);
}

CpuDeferredTotal SharedDeferredTotals::ReadCpu(uint32_t cpu) const {
  const hft_cpu_deferred& state = parts_.view.deferred[cpu];
  CpuDeferredTotal total;
  total.cpu = cpu;
  total.queued_count = LoadWord(state.queued_count);
  total.displaced_count = LoadWord(state.displaced_count);
  total.unended_count = LoadWord(state.unended_count);
  total.work_delay = DelayOf(state.work_delay);
  for (size_t vector = 0; vector < HFT_DEFERRED_SOFTIRQS; ++vector) {
    const hft_softirq_delay& softirq = state.softirqs[vector];
    total.softirqs[vector] = {.raise_count = LoadWord(softirq.raise_count),
                              .run_count = LoadWord(softirq.run_count),
                              .unraised_count = LoadWord(softirq.unraised_count),
                              .delay = DelayOf(softirq.delay),
                              .duration = DelayOf(softirq.duration),
                              .overlapped_count = LoadWord(softirq.overlapped_count),
                              .interrupted_count = LoadWord(softirq.interrupted_count)};
  }
  const auto name = [this](size_t row, uint64_t address) { return row == 0 ? std::string() : parts_.functions->NameOf(address); };
  for (size_t row = 0; row < HFT_WORK_ROWS; ++row) {
    const hft_work_row& work = state.works[row];
    if (LoadWord(work.begin_count) == 0 && LoadWord(work.end_count) == 0) continue;
    total.works.push_back({.function = name(row, LoadWord(work.function)),
                           .begin_count = LoadWord(work.begin_count),
                           .delay_count = LoadWord(work.delay_count),
                           .delay_ns = LoadNs(work.delay_ns),
                           .delay_longest_ns = LoadNs(work.delay_longest_ns),
                           .end_count = LoadWord(work.end_count),
                           .duration_ns = LoadNs(work.duration_ns),
                           .duration_longest_ns = LoadNs(work.duration_longest_ns)});
  }
  for (size_t row = 0; row < HFT_TASKLET_ROWS; ++row) {
    const hft_tasklet_row& tasklet = state.tasklets[row];
    if (LoadWord(tasklet.count) == 0) continue;
    total.tasklets.push_back({.function = name(row, LoadWord(tasklet.function)),
                              .count = LoadWord(tasklet.count),
                              .duration_ns = LoadNs(tasklet.duration_ns),
                              .longest_ns = LoadNs(tasklet.longest_ns)});
  }
  // Modules may have functions of one name: they are one row, for it is by their names that answers are compared.
  MergeSameNames(&total.works, [](const auto& from, auto* to) {
    to->begin_count += from.begin_count;
    to->delay_count += from.delay_count;
    to->delay_ns += from.delay_ns;
    to->delay_longest_ns = std::max(to->delay_longest_ns, from.delay_longest_ns);
    to->end_count += from.end_count;
    to->duration_ns += from.duration_ns;
    to->duration_longest_ns = std::max(to->duration_longest_ns, from.duration_longest_ns);
  });
  MergeSameNames(&total.tasklets, [](const auto& from, auto* to) {
    to->count += from.count;
    to->duration_ns += from.duration_ns;
    to->longest_ns = std::max(to->longest_ns, from.longest_ns);
  });
  total.handlers = HandlersOf(state);
  Order(&total.works);
  Order(&total.tasklets);
  return total;
}

DeferredTotal SharedDeferredTotals::Read() const {
  DeferredTotal total;
  total.collecting = parts_.collecting();
  if (!total.collecting) total.reason = parts_.refusal.empty() ? kAttachIt : parts_.refusal;
  total.missing = parts_.missing;
  total.names_problem = parts_.functions->problem();
  for (uint32_t cpu = 0; cpu < parts_.view.deferred.size(); ++cpu) {
    total.cpus.push_back(ReadCpu(cpu));
    total.unlisted_thread_count += LoadWord(parts_.view.deferred[cpu].unlisted_thread_count);
  }
  for (const hft_irq_thread& thread : parts_.view.irq_threads) {
    // Acquire: its name and number were written before it was counted.
    if (std::atomic_ref<__u64>(const_cast<__u64&>(thread.wake_count)).load(std::memory_order_acquire) == 0) continue;
    total.threads.push_back({.irq = LoadWord(thread.irq),
                             .name = NameIn(thread.name),
                             .tid = LoadWord(thread.tid),
                             .wake_count = LoadWord(thread.wake_count),
                             .running_count = LoadWord(thread.running_count),
                             .waiting_count = LoadWord(thread.waiting_count),
                             .delay_count = LoadWord(thread.delay_count),
                             .delay_ns = LoadNs(thread.delay_ns),
                             .delay_longest_ns = LoadNs(thread.delay_longest_ns)});
  }
  std::sort(total.threads.begin(), total.threads.end(), [](const auto& a, const auto& b) { return a.irq < b.irq; });
  return total;
}

}  // namespace hftmon
