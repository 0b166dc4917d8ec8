#include "client/cli/interrupts_between.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace hftmon {
namespace {

using Sources = google::protobuf::RepeatedPtrField<v1::InterruptSource>;
using Devices = google::protobuf::RepeatedPtrField<v1::DeviceHandler>;

template <typename Rows>
void LargestFirst(Rows* rows) {
  std::stable_sort(rows->begin(), rows->end(), [](const auto& a, const auto& b) { return a.self_ns() > b.self_ns(); });
}

// Counts of threads are modulo 2^32, and so is their difference; those of CPUs are far below that.
template <typename Row>
bool Subtract(const Row& first, bool modulo, Row* row) {
  const uint64_t count = row->count() - first.count();
  row->set_count(modulo ? static_cast<uint32_t>(count) : count);
  row->set_self_ns(row->self_ns() - first.self_ns());
  return row->count() > 0;
}

Sources SourcesBetween(const Sources& first, const Sources& second, bool modulo) {
  std::map<std::string, const v1::InterruptSource*> known;
  for (const v1::InterruptSource& source : first) known[source.kind() + source.name()] = &source;
  Sources between;
  for (const v1::InterruptSource& source : second) {
    v1::InterruptSource row = source;
    const auto found = known.find(source.kind() + source.name());
    if (found == known.end() || Subtract(*found->second, modulo, &row)) *between.Add() = std::move(row);
  }
  LargestFirst(&between);
  return between;
}

Devices DevicesBetween(const Devices& first, const Devices& second) {
  std::map<std::pair<int32_t, std::string>, const v1::DeviceHandler*> known;
  for (const v1::DeviceHandler& device : first) known[{device.irq(), device.name()}] = &device;
  Devices between;
  for (const v1::DeviceHandler& device : second) {
    v1::DeviceHandler row = device;
    const auto found = known.find({device.irq(), device.name()});
    if (found != known.end()) {
      row.set_unhandled_count(row.unhandled_count() - found->second->unhandled_count());
      if (!Subtract(*found->second, /*modulo=*/false, &row)) continue;
    }
    *between.Add() = std::move(row);
  }
  LargestFirst(&between);
  return between;
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

uint64_t CountOf(const v1::CpuInterrupts& cpu) {
  uint64_t count = 0;
  for (const v1::InterruptSource& source : cpu.sources()) count += source.count();
  return count;
}

void SubtractCpu(const v1::CpuInterrupts& first, v1::CpuInterrupts* cpu) {
  *cpu->mutable_sources() = SourcesBetween(first.sources(), cpu->sources(), /*modulo=*/false);
  *cpu->mutable_devices() = DevicesBetween(first.devices(), cpu->devices());
  cpu->set_unpaired_count(cpu->unpaired_count() - first.unpaired_count());
  cpu->set_discarded_count(cpu->discarded_count() - first.discarded_count());
  if (cpu->has_steal_ns() && first.has_steal_ns()) {
    cpu->set_steal_ns(cpu->steal_ns() - first.steal_ns());
  } else {
    cpu->clear_steal_ns();
  }
}

using ThreadKey = std::pair<int32_t, int64_t>;  // tid and start

ThreadKey KeyOf(const v1::ThreadInterrupts& thread) {
  return {thread.thread().tid(), thread.thread().start_boottime_ns()};
}

}  // namespace

InterruptsSpan InterruptsBetween(const v1::QueryInterruptsResponse& first, const v1::QueryInterruptsResponse& second) {
  InterruptsSpan span;
  span.duration_ns = second.time().monotonic_ns() - first.time().monotonic_ns();
  *span.between.mutable_time() = second.time();
  span.between.set_unslotted_thread_count(second.unslotted_thread_count());

  std::map<ThreadKey, const v1::ThreadInterrupts*> threads;
  for (const v1::ThreadInterrupts& thread : first.threads()) threads[KeyOf(thread)] = &thread;
  for (const v1::ThreadInterrupts& thread : second.threads()) {
    v1::ThreadInterrupts* row = span.between.add_threads();
    *row = thread;
    row->clear_stretch_max_ns();
    const auto found = threads.find(KeyOf(thread));
    if (found == threads.end()) continue;
    *row->mutable_sources() = SourcesBetween(found->second->sources(), thread.sources(), /*modulo=*/true);
    SumSources(row);
    threads.erase(found);
  }
  span.lost_thread_count = threads.size();

  std::map<int32_t, const v1::CpuInterrupts*> cpus;
  for (const v1::CpuInterrupts& cpu : first.cpus()) cpus[cpu.cpu()] = &cpu;
  for (const v1::CpuInterrupts& cpu : second.cpus()) {
    const auto found = cpus.find(cpu.cpu());
    if (found != cpus.end() && CountOf(cpu) < CountOf(*found->second)) continue;
    v1::CpuInterrupts* row = span.between.add_cpus();
    *row = cpu;
    if (found != cpus.end()) SubtractCpu(*found->second, row);
  }
  return span;
}

}  // namespace hftmon
