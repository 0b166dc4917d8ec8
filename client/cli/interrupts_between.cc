#include "client/cli/interrupts_between.h"

#include <algorithm>
#include <string>
#include <utility>

#include "client/cli/deferred_between.h"

namespace hftmon {
namespace {

template <typename Row>
using Rows = google::protobuf::RepeatedPtrField<Row>;

std::string KeyOf(const v1::InterruptSource& source) {
  return source.kind() + " " + source.name();
}

std::string KeyOf(const v1::DeviceHandler& device) {
  return std::to_string(device.irq()) + " " + device.name();
}

template <typename Row>
std::map<std::string, const Row*> ByKey(const Rows<Row>& rows) {
  std::map<std::string, const Row*> by_key;
  for (const Row& row : rows) by_key[KeyOf(row)] = &row;
  return by_key;
}

// Sums of time never fall while a table lives, and a row never leaves it.
template <typename Row>
bool BeganAnew(const Rows<Row>& first, const Rows<Row>& second) {
  const std::map<std::string, const Row*> rows = ByKey(second);
  return std::any_of(first.begin(), first.end(), [&rows](const Row& row) {
    const auto found = rows.find(KeyOf(row));
    return found == rows.end() || found->second->self_ns() < row.self_ns();
  });
}

void SubtractUnhandled(const v1::InterruptSource&, v1::InterruptSource*) {}

void SubtractUnhandled(const v1::DeviceHandler& first, v1::DeviceHandler* row) {
  row->set_unhandled_count(row->unhandled_count() - first.unhandled_count());
}

// Largest first. Counts of threads are modulo 2^32, and so is their difference; those of CPUs are far below that.
template <typename Row>
Rows<Row> Differences(const Rows<Row>& first, const Rows<Row>& second, bool modulo) {
  const std::map<std::string, const Row*> known = ByKey(first);
  Rows<Row> differences;
  for (const Row& now : second) {
    Row row = now;
    if (const auto found = known.find(KeyOf(now)); found != known.end()) {
      const uint64_t count = now.count() - found->second->count();
      row.set_count(modulo ? static_cast<uint32_t>(count) : count);
      row.set_self_ns(now.self_ns() - found->second->self_ns());
      SubtractUnhandled(*found->second, &row);
    }
    if (row.count() > 0) *differences.Add() = std::move(row);
  }
  std::stable_sort(differences.begin(), differences.end(), [](const Row& a, const Row& b) { return a.self_ns() > b.self_ns(); });
  return differences;
}

void SumSources(v1::ThreadInterrupts* thread) {
  uint64_t count = 0;
  int64_t self_ns = 0;
  for (const v1::InterruptSource& source : thread->sources()) {
    count += source.count();
    self_ns += source.self_ns();
  }
  thread->set_count(count);
  thread->set_self_ns(self_ns);
}

using ThreadKey = std::pair<int32_t, int64_t>;  // tid and start

ThreadKey KeyOf(const v1::ThreadInterrupts& thread) {
  return {thread.thread().tid(), thread.thread().start_boottime_ns()};
}

void AddThreads(const v1::QueryInterruptsResponse& first, const v1::QueryInterruptsResponse& second, const std::set<int32_t>& attached_pids,
                InterruptsSpan* span) {
  std::map<ThreadKey, const v1::ThreadInterrupts*> gone;
  for (const v1::ThreadInterrupts& thread : first.threads()) gone[KeyOf(thread)] = &thread;
  for (const v1::ThreadInterrupts& thread : second.threads()) {
    v1::ThreadInterrupts* row = span->between.add_threads();
    *row = thread;
    row->clear_stretch_max_ns();
    const auto found = gone.find(KeyOf(thread));
    if (found == gone.end() || attached_pids.contains(thread.thread().pid()) || BeganAnew(found->second->sources(), thread.sources()))
      continue;
    *row->mutable_sources() = Differences(found->second->sources(), thread.sources(), /*modulo=*/true);
    SumSources(row);
    gone.erase(found);
  }
  span->lost_thread_count = gone.size();
}

void SubtractSteal(const v1::CpuInterrupts* first, v1::CpuInterrupts* cpu, InterruptsSpan* span) {
  const int64_t over_ns = first == nullptr ? 0 : cpu->steal_monotonic_ns() - first->steal_monotonic_ns();
  if (!cpu->has_steal_ns() || first == nullptr || !first->has_steal_ns() || over_ns <= 0) {
    cpu->clear_steal_ns();
    return;
  }
  cpu->set_steal_ns(cpu->steal_ns() - first->steal_ns());
  span->steal_over_ns[cpu->cpu()] = over_ns;
}

void AddCpus(const v1::QueryInterruptsResponse& first, const v1::QueryInterruptsResponse& second, InterruptsSpan* span) {
  std::map<int32_t, const v1::CpuInterrupts*> known;
  for (const v1::CpuInterrupts& cpu : first.cpus()) known[cpu.cpu()] = &cpu;
  for (const v1::CpuInterrupts& cpu : second.cpus()) {
    const auto found = known.find(cpu.cpu());
    const v1::CpuInterrupts* before = found == known.end() ? nullptr : found->second;
    if (before != nullptr && (BeganAnew(before->sources(), cpu.sources()) || BeganAnew(before->devices(), cpu.devices()))) {
      ++span->lost_cpu_count;
      continue;
    }
    v1::CpuInterrupts* row = span->between.add_cpus();
    *row = cpu;
    SubtractSteal(before, row, span);
    if (before == nullptr) continue;
    *row->mutable_sources() = Differences(before->sources(), cpu.sources(), /*modulo=*/false);
    *row->mutable_devices() = Differences(before->devices(), cpu.devices(), /*modulo=*/false);
    row->set_unpaired_count(cpu.unpaired_count() - before->unpaired_count());
    row->set_discarded_count(cpu.discarded_count() - before->discarded_count());
  }
}

}  // namespace

InterruptsSpan InterruptsBetween(const v1::QueryInterruptsResponse& first, const v1::QueryInterruptsResponse& second,
                                 const std::set<int32_t>& attached_pids) {
  InterruptsSpan span;
  span.duration_ns = second.time().monotonic_ns() - first.time().monotonic_ns();
  *span.between.mutable_time() = second.time();
  span.between.set_unslotted_thread_count(second.unslotted_thread_count());
  *span.between.mutable_lines() = second.lines();
  span.between.set_lines_unavailable(second.lines_unavailable());
  span.between.set_unread_thread_count(second.unread_thread_count());
  span.between.set_unread_line_count(second.unread_line_count());
  span.between.set_late(second.late());
  if (second.has_deferred()) *span.between.mutable_deferred() = DeferredBetween(first.deferred(), second.deferred());
  if (second.has_coalescing()) {
    CoalescingSpan coalescing = CoalescingBetween(first.coalescing(), second.coalescing());
    *span.between.mutable_coalescing() = std::move(coalescing.between);
    span.lost_device_count = coalescing.lost_device_count;
  }
  AddThreads(first, second, attached_pids, &span);
  AddCpus(first, second, &span);
  return span;
}

}  // namespace hftmon
