#include "daemon/service/convert_deferred.h"

#include <algorithm>
#include <string>

#include "common/utf8.h"
#include "daemon/analysis/interrupt_names.h"

namespace hftmon {
namespace {

std::string FunctionName(const std::string& function) {
  return function.empty() ? "others" : ValidUtf8(function);
}

void DelayToProto(const DelayTotal& total, v1::DelaySums* out) {
  out->set_count(total.count);
  out->set_sum_ns(total.sum_ns);
  out->set_longest_ns(total.longest_ns);
  for (const DelayBucket& bucket : total.buckets) {
    v1::DelayBucket* entry = out->add_buckets();
    entry->set_upper_ns(bucket.upper_ns);
    entry->set_count(bucket.count);
  }
}

void SoftirqToProto(size_t vector, const SoftirqDelayTotal& total, v1::SoftirqDelay* out) {
  out->set_name(InterruptName(static_cast<hft_interrupt_source>(HFT_SOURCE_SOFTIRQ + vector), 0, ""));
  out->set_raise_count(total.raise_count);
  out->set_run_count(total.run_count);
  out->set_unraised_count(total.unraised_count);
  DelayToProto(total.delay, out->mutable_delay());
  DelayToProto(total.duration, out->mutable_duration());
  out->set_overlapped_count(total.overlapped_count);
  out->set_interrupted_count(total.interrupted_count);
}

void WorkToProto(const WorkTotal& total, v1::WorkFunction* out) {
  out->set_function(FunctionName(total.function));
  out->set_begin_count(total.begin_count);
  out->set_delay_count(total.delay_count);
  out->set_delay_ns(total.delay_ns);
  out->set_delay_longest_ns(total.delay_longest_ns);
  out->set_end_count(total.end_count);
  out->set_duration_ns(total.duration_ns);
  out->set_duration_longest_ns(total.duration_longest_ns);
}

bool IsEmpty(const CpuDeferredTotal& total) {
  const bool quiet = std::all_of(total.softirqs.begin(), total.softirqs.end(),
                                 [](const SoftirqDelayTotal& softirq) { return softirq.raise_count == 0 && softirq.run_count == 0; });
  return quiet && total.handlers.empty() && total.works.empty() && total.tasklets.empty() && total.queued_count == 0;
}

void CpuToProto(const CpuDeferredTotal& total, v1::CpuDeferred* out) {
  out->set_cpu(static_cast<int32_t>(total.cpu));
  for (size_t vector = 0; vector < total.softirqs.size(); ++vector) {
    const SoftirqDelayTotal& softirq = total.softirqs[vector];
    if (softirq.raise_count > 0 || softirq.run_count > 0) SoftirqToProto(vector, softirq, out->add_softirqs());
  }
  DelayToProto(total.work_delay, out->mutable_work_delay());
  for (const WorkTotal& work : total.works) WorkToProto(work, out->add_works());
  for (const TaskletTotal& tasklet : total.tasklets) {
    v1::TaskletFunction* entry = out->add_tasklets();
    entry->set_function(FunctionName(tasklet.function));
    entry->set_count(tasklet.count);
    entry->set_duration_ns(tasklet.duration_ns);
    entry->set_longest_ns(tasklet.longest_ns);
  }
  for (const HandlerTotal& handler : total.handlers) {
    v1::HandlerDurations* entry = out->add_handlers();
    entry->set_irq(static_cast<int32_t>(handler.irq));
    entry->set_name(handler.name.empty() && handler.irq == 0 ? "others" : ValidUtf8(handler.name));
    DelayToProto(handler.duration, entry->mutable_duration());
  }
  out->set_queued_work_count(total.queued_count);
  out->set_displaced_work_count(total.displaced_count);
  out->set_unended_work_count(total.unended_count);
}

void ThreadToProto(const InterruptThreadTotal& total, v1::InterruptThread* out) {
  out->set_irq(static_cast<int32_t>(total.irq));
  out->set_name(ValidUtf8(total.name));
  out->set_tid(static_cast<int32_t>(total.tid));
  out->set_wake_count(total.wake_count);
  out->set_running_count(total.running_count);
  out->set_waiting_count(total.waiting_count);
  out->set_delay_count(total.delay_count);
  out->set_delay_ns(total.delay_ns);
  out->set_delay_longest_ns(total.delay_longest_ns);
}

}  // namespace

void DeferredToProto(const DeferredTotal& total, const std::set<int32_t>& cpus, v1::DeferredWork* out) {
  out->set_collecting(total.collecting);
  out->set_reason(total.reason);
  for (const std::string& missing : total.missing) out->add_missing(missing);
  for (const CpuDeferredTotal& cpu : total.cpus) {
    const bool wanted = cpus.empty() ? !IsEmpty(cpu) : cpus.contains(static_cast<int32_t>(cpu.cpu));
    if (wanted) CpuToProto(cpu, out->add_cpus());
  }
  for (const InterruptThreadTotal& thread : total.threads) ThreadToProto(thread, out->add_threads());
  out->set_unlisted_thread_count(total.unlisted_thread_count);
  out->set_names_unavailable(total.names_problem);
}

}  // namespace hftmon
