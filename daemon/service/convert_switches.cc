#include "daemon/service/convert_switches.h"

#include <algorithm>
#include <string>

#include "common/utf8.h"
#include "daemon/analysis/switch_summary.h"
#include "daemon/os/syscall_names.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_waker.h"

namespace hftmon {
namespace {

const char* KindName(size_t kind) {
  switch (kind) {
    case HFT_SWITCH_BLOCKED_SYSCALL:
      return "blocked_syscall";
    case HFT_SWITCH_BLOCKED_FAULT:
      return "blocked_fault";
    case HFT_SWITCH_YIELD:
      return "yield";
    case HFT_SWITCH_USER_PREEMPTION:
      return "user_preemption";
    case HFT_SWITCH_KERNEL_PREEMPTION:
      return "kernel_preemption";
    case HFT_SWITCH_FORCED_MIGRATION:
      return "forced_migration";
    case HFT_SWITCH_EXIT:
      return "exit";
    default:
      return "unknown";
  }
}

const char* ReasonName(hft_migration_reason reason) {
  switch (reason) {
    case HFT_MIGRATION_WAKE_UP:
      return "wake_up";
    case HFT_MIGRATION_AFFINITY:
      return "affinity";
    case HFT_MIGRATION_BALANCE:
      return "balance";
    case HFT_MIGRATION_EXEC:
      return "exec";
    default:
      return "unknown";
  }
}

bool IsVoluntary(hft_switch_kind kind) {
  return EndsWithWakeUp(kind) || kind == HFT_SWITCH_EXIT;
}

}  // namespace

void DurationsToProto(const DurationSummary& summary, v1::DurationStatistics* out) {
  out->set_count(summary.count);
  out->set_sum_ns(summary.sum_ns);
  out->set_unbinned_count(summary.unbinned_count);
  if (summary.max_ns.has_value()) out->set_max_ns(*summary.max_ns);
  out->set_max_estimated(summary.max_estimated);
  for (const PercentileValue& value : summary.percentiles) {
    v1::Percentile* percentile = out->add_percentiles();
    percentile->set_percent(value.percent);
    percentile->set_value_ns(value.value_ns);
    percentile->set_exact(value.exact);
  }
}

void DepthToProto(const DepthSummary& summary, v1::DepthStatistics* out) {
  out->set_count(summary.count);
  if (summary.mean.has_value()) out->set_mean(*summary.mean);
  if (summary.p50.has_value()) out->set_p50(*summary.p50);
  if (summary.p99.has_value()) out->set_p99(*summary.p99);
  if (summary.max.has_value()) out->set_max(*summary.max);
}

void ThreadWindowToProto(const ThreadWindow& window, std::span<const double> percentiles, const ThreadEvents* events, ThreadNames* names,
                         v1::ThreadSwitches* out) {
  const SwitchSummary summary = Summarize(window, percentiles, events);
  ThreadToProto(summary.thread, names, out->mutable_thread());
  out->set_voluntary_count(summary.voluntary_count);
  out->set_involuntary_count(summary.involuntary_count);
  out->set_migration_count(summary.migration_count);
  out->set_discarded_count(summary.discarded_count);
  for (size_t kind = 0; kind < summary.kind_count.size(); ++kind) {
    if (summary.kind_count[kind] > 0) (*out->mutable_kinds())[KindName(kind)] += summary.kind_count[kind];
  }
  DurationsToProto(summary.run_queue_latency, out->mutable_run_queue_latency());
  DurationsToProto(summary.off_cpu, out->mutable_off_cpu());
  DepthToProto(summary.run_queue_depth, out->mutable_run_queue_depth());
}

void ThreadTotalToProto(const ThreadTotal& total, v1::ThreadSwitches* out) {
  out->set_voluntary_total(total.voluntary_count);
  out->set_involuntary_total(total.involuntary_count);
  out->set_run_delay_total_ns(total.run_delay_ns);
  out->set_alive(total.alive);
}

void SwitchEventToProto(const SwitchEvent& event, ThreadNames* names, v1::SwitchEvent* out) {
  ThreadToProto(event.thread, names, out->mutable_thread());
  const bool whole = !event.is_migration && event.off_cpu_ns >= 0;
  if (whole) out->set_duration_ns(event.off_cpu_ns);
  out->set_start_monotonic_ns(event.end_mono_ns - (whole ? event.off_cpu_ns : event.wait_ns));
  out->set_run_queue_ns(event.wait_ns);
  const bool stopped = event.out_kind == HFT_SWITCH_UNKNOWN && event.out_syscall == HFT_STOPPED;
  out->set_kind(event.is_migration ? "migration" : stopped ? "stopped" : KindName(event.out_kind));
  out->set_cpu_out(event.cpu_out);
  out->set_cpu_in(event.cpu_in);
  if (event.is_migration) {
    out->set_migration_reason(ReasonName(event.migration_reason));
    return;
  }
  out->set_voluntary(IsVoluntary(event.out_kind));
  if (event.out_kind == HFT_SWITCH_BLOCKED_SYSCALL) out->set_syscall(SyscallName(event.out_syscall));
  AddWaker(event.waker, names, out);
  out->set_run_queue_depth(event.depth);
  out->set_preemptor_tid(static_cast<int32_t>(event.prev_tid));
  out->set_preemptor_namespace_tid(names->NumbersOf(0, event.prev_tid).tid);
  const std::string comm(event.prev_comm, std::find(event.prev_comm, event.prev_comm + HFT_COMM_LENGTH, '\0'));
  out->set_preemptor_comm(ValidUtf8(comm.empty() ? names->NameOf(event.prev_tid) : comm));
}

}  // namespace hftmon
