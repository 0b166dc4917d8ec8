#include "client/cli/deferred_between.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace hftmon {
namespace {

template <typename Row>
using Rows = google::protobuf::RepeatedPtrField<Row>;

template <typename Row, typename KeyOf>
auto ByKey(const Rows<Row>& rows, KeyOf key_of) {
  std::map<decltype(key_of(rows.Get(0))), const Row*> by_key;
  for (const Row& row : rows) by_key[key_of(row)] = &row;
  return by_key;
}

// Calls subtract(before, &row) for each row that both have; keeps those that still have any.
template <typename Row, typename KeyOf, typename Subtract, typename HasAny>
void Differences(const Rows<Row>& first, Rows<Row>* rows, KeyOf key_of, Subtract subtract, HasAny has_any) {
  const auto known = ByKey(first, key_of);
  for (Row& row : *rows) {
    if (const auto found = known.find(key_of(row)); found != known.end()) subtract(*found->second, &row);
  }
  rows->erase(std::remove_if(rows->begin(), rows->end(), [&has_any](const Row& row) { return !has_any(row); }), rows->end());
}

void SubtractDelay(const v1::DelaySums& first, v1::DelaySums* delay) {
  delay->set_count(delay->count() - first.count());
  delay->set_sum_ns(delay->sum_ns() - first.sum_ns());
  // Counts of buckets are modulo 2^32, and so is their difference.
  Differences(
      first.buckets(), delay->mutable_buckets(), [](const v1::DelayBucket& bucket) { return bucket.upper_ns(); },
      [](const v1::DelayBucket& before, v1::DelayBucket* bucket) {
        bucket->set_count(static_cast<uint32_t>(bucket->count() - before.count()));
      },
      [](const v1::DelayBucket& bucket) { return bucket.count() > 0; });
}

void SubtractSoftirq(const v1::SoftirqDelay& first, v1::SoftirqDelay* softirq) {
  softirq->set_raise_count(softirq->raise_count() - first.raise_count());
  softirq->set_run_count(softirq->run_count() - first.run_count());
  softirq->set_unraised_count(softirq->unraised_count() - first.unraised_count());
  SubtractDelay(first.delay(), softirq->mutable_delay());
  SubtractDelay(first.duration(), softirq->mutable_duration());
  softirq->set_overlapped_count(softirq->overlapped_count() - first.overlapped_count());
  softirq->set_interrupted_count(softirq->interrupted_count() - first.interrupted_count());
}

void SubtractWork(const v1::WorkFunction& first, v1::WorkFunction* work) {
  work->set_begin_count(work->begin_count() - first.begin_count());
  work->set_delay_count(work->delay_count() - first.delay_count());
  work->set_delay_ns(work->delay_ns() - first.delay_ns());
  work->set_end_count(work->end_count() - first.end_count());
  work->set_duration_ns(work->duration_ns() - first.duration_ns());
}

void SubtractTasklet(const v1::TaskletFunction& first, v1::TaskletFunction* tasklet) {
  tasklet->set_count(tasklet->count() - first.count());
  tasklet->set_duration_ns(tasklet->duration_ns() - first.duration_ns());
}

void SubtractThread(const v1::InterruptThread& first, v1::InterruptThread* thread) {
  thread->set_wake_count(thread->wake_count() - first.wake_count());
  thread->set_running_count(thread->running_count() - first.running_count());
  thread->set_waiting_count(thread->waiting_count() - first.waiting_count());
  thread->set_delay_count(thread->delay_count() - first.delay_count());
  thread->set_delay_ns(thread->delay_ns() - first.delay_ns());
}

void ClearLongest(v1::CpuDeferred* cpu) {
  cpu->mutable_work_delay()->clear_longest_ns();
  for (v1::SoftirqDelay& softirq : *cpu->mutable_softirqs()) {
    softirq.mutable_delay()->clear_longest_ns();
    softirq.mutable_duration()->clear_longest_ns();
  }
  for (v1::HandlerDurations& handler : *cpu->mutable_handlers()) handler.mutable_duration()->clear_longest_ns();
  for (v1::WorkFunction& work : *cpu->mutable_works()) {
    work.clear_delay_longest_ns();
    work.clear_duration_longest_ns();
  }
  for (v1::TaskletFunction& tasklet : *cpu->mutable_tasklets()) tasklet.clear_longest_ns();
}

void SubtractCpu(const v1::CpuDeferred& first, v1::CpuDeferred* cpu) {
  Differences(
      first.softirqs(), cpu->mutable_softirqs(), [](const v1::SoftirqDelay& softirq) { return softirq.name(); }, SubtractSoftirq,
      [](const v1::SoftirqDelay& softirq) { return softirq.raise_count() > 0 || softirq.run_count() > 0; });
  Differences(
      first.handlers(), cpu->mutable_handlers(),
      [](const v1::HandlerDurations& handler) { return std::make_pair(handler.irq(), handler.name()); },
      [](const v1::HandlerDurations& before, v1::HandlerDurations* handler) {
        SubtractDelay(before.duration(), handler->mutable_duration());
      },
      [](const v1::HandlerDurations& handler) { return handler.duration().count() > 0; });
  SubtractDelay(first.work_delay(), cpu->mutable_work_delay());
  Differences(
      first.works(), cpu->mutable_works(), [](const v1::WorkFunction& work) { return work.function(); }, SubtractWork,
      [](const v1::WorkFunction& work) { return work.begin_count() > 0 || work.end_count() > 0; });
  Differences(
      first.tasklets(), cpu->mutable_tasklets(), [](const v1::TaskletFunction& tasklet) { return tasklet.function(); }, SubtractTasklet,
      [](const v1::TaskletFunction& tasklet) { return tasklet.count() > 0; });
  cpu->set_queued_work_count(cpu->queued_work_count() - first.queued_work_count());
  cpu->set_displaced_work_count(cpu->displaced_work_count() - first.displaced_work_count());
  cpu->set_unended_work_count(cpu->unended_work_count() - first.unended_work_count());
}

// Whether a count of the device's, or the set of its lines, began anew.
template <typename Device>
bool BeganAnew(const Device& first, const Device& second) {
  if (first.interrupt_count() > second.interrupt_count() || first.lines_size() != second.lines_size()) return true;
  for (int i = 0; i < first.lines_size(); ++i) {
    if (first.lines(i).irq() != second.lines(i).irq() || first.lines(i).count() > second.lines(i).count()) return true;
  }
  return false;
}

bool BeganAnew(const v1::InterfaceInterrupts& first, const v1::InterfaceInterrupts& second) {
  return first.rx_packets() > second.rx_packets() || first.tx_packets() > second.tx_packets() ||
         BeganAnew<v1::InterfaceInterrupts>(first, second);
}

bool BeganAnew(const v1::BlockDeviceInterrupts& first, const v1::BlockDeviceInterrupts& second) {
  return first.completed_count() > second.completed_count() || BeganAnew<v1::BlockDeviceInterrupts>(first, second);
}

void SubtractCounts(const v1::InterfaceInterrupts& first, v1::InterfaceInterrupts* device) {
  if (device->has_rx_packets()) device->set_rx_packets(device->rx_packets() - first.rx_packets());
  if (device->has_tx_packets()) device->set_tx_packets(device->tx_packets() - first.tx_packets());
}

void SubtractCounts(const v1::BlockDeviceInterrupts& first, v1::BlockDeviceInterrupts* device) {
  if (device->has_completed_count()) device->set_completed_count(device->completed_count() - first.completed_count());
}

template <typename Device>
size_t SubtractDevices(const Rows<Device>& first, Rows<Device>* devices) {
  const auto known = ByKey(first, [](const Device& device) { return device.name(); });
  const auto of_part = [&known](const Device& device) {
    const auto found = known.find(device.name());
    return found == known.end() || BeganAnew(*found->second, device);
  };
  const auto kept = std::remove_if(devices->begin(), devices->end(), of_part);
  const auto lost_count = static_cast<size_t>(devices->end() - kept);
  devices->erase(kept, devices->end());
  for (Device& device : *devices) {
    const Device& before = *known.at(device.name());
    device.set_interrupt_count(device.interrupt_count() - before.interrupt_count());
    for (int i = 0; i < device.lines_size(); ++i) {
      device.mutable_lines(i)->set_count(device.lines(i).count() - before.lines(i).count());
    }
    SubtractCounts(before, &device);
  }
  return lost_count;
}

}  // namespace

v1::DeferredWork DeferredBetween(const v1::DeferredWork& first, const v1::DeferredWork& second) {
  v1::DeferredWork between = second;
  for (v1::CpuDeferred& cpu : *between.mutable_cpus()) ClearLongest(&cpu);
  const auto has_any = [](const v1::CpuDeferred& cpu) {
    return cpu.softirqs_size() > 0 || cpu.handlers_size() > 0 || cpu.works_size() > 0 || cpu.tasklets_size() > 0 ||
           cpu.queued_work_count() > 0;
  };
  Differences(
      first.cpus(), between.mutable_cpus(), [](const v1::CpuDeferred& cpu) { return cpu.cpu(); }, SubtractCpu, has_any);
  for (v1::InterruptThread& thread : *between.mutable_threads()) thread.clear_delay_longest_ns();
  Differences(
      first.threads(), between.mutable_threads(), [](const v1::InterruptThread& thread) { return thread.tid(); }, SubtractThread,
      [](const v1::InterruptThread& thread) { return thread.wake_count() > 0 || thread.delay_count() > 0; });
  between.set_unlisted_thread_count(second.unlisted_thread_count() - first.unlisted_thread_count());
  return between;
}

CoalescingSpan CoalescingBetween(const v1::InterruptCoalescing& first, const v1::InterruptCoalescing& second) {
  CoalescingSpan span{.between = second};
  span.lost_device_count = SubtractDevices(first.interfaces(), span.between.mutable_interfaces()) +
                           SubtractDevices(first.block_devices(), span.between.mutable_block_devices());
  return span;
}

}  // namespace hftmon
