#include "daemon/service/convert.h"

#include "common/histogram.h"
#include "common/utf8.h"
#include "daemon/service/convert_time.h"

namespace hftmon {
namespace {

void DurationsToProto(std::span<const uint64_t> histogram, int64_t sum_ns, int64_t max_ns, v1::DurationStatistics* out) {
  out->set_count(TotalCount(histogram));
  out->set_sum_ns(sum_ns);
  if (out->count() > 0) out->set_max_ns(max_ns);
  for (const double percent : {50.0, 95.0, 99.0, 99.9}) {
    const auto value_ns = PercentileNs(histogram, percent);
    if (!value_ns.has_value()) continue;
    auto* percentile = out->add_percentiles();
    percentile->set_percent(percent);
    percentile->set_value_ns(*value_ns);
  }
}

void LoopToProto(const LoopStatus& loop, v1::LoopStatus* out) {
  out->set_mode(loop.mode);
  out->set_cpu(loop.cpu);
  out->set_cpu_reason(loop.cpu_reason);
  out->set_move_count(loop.move_count);
  out->set_iteration_count(loop.iteration_count);
  out->set_record_count(loop.record_count);
  out->set_gap_count(loop.gap_count);
  out->set_gap_max_ns(loop.gap_max_ns);
  out->set_gap_threshold_ns(loop.gap_threshold_ns);
  out->set_scheduling(loop.scheduling);
  DurationsToProto(loop.detection_histogram, loop.detection_sum_ns, loop.detection_max_ns, out->mutable_detection());
  DurationsToProto(loop.crossing_histogram, loop.crossing_sum_ns, loop.crossing_max_ns, out->mutable_crossing_detection());
  DurationsToProto(loop.lateness_histogram, loop.lateness_sum_ns, loop.lateness_max_ns, out->mutable_lateness());
}

void ClockToProto(const ClockStatus& clock, v1::ClockStatus* out) {
  out->set_source(clock.source);
  out->set_reason(clock.reason);
  out->set_tsc_hz(clock.tsc_hz);
  out->set_error_ns(clock.error_ns);
  for (const RunQueueClockStatus& run_queue : clock.run_queue_clocks) RunQueueClockToProto(run_queue, out->add_run_queue_clocks());
  EpochsToProto(clock.epochs, out->mutable_epochs());
  KernelClockToProto(clock.kernel_clock, out->mutable_kernel_clock());
  for (const PtpClock& ptp : clock.ptp_clocks) PtpClockToProto(ptp, out->add_ptp_clocks());
  if (clock.ptp_clocks.empty()) out->set_ptp_reason("/sys/class/ptp lists none: no NIC of this host makes hardware time stamps");
}

void ConfigToProto(const ConfigStatus& config, v1::ConfigStatus* out) {
  out->set_path(ValidUtf8(config.path));
  out->set_loaded_monotonic_ns(config.loaded_mono_ns);
  out->set_loaded_realtime_ns(config.loaded_realtime_ns);
  out->set_reload_count(config.reload_count);
  out->set_refused_count(config.refused_count);
  for (const PendingSetting& setting : config.pending) {
    v1::PendingSetting* pending = out->add_pending();
    pending->set_name(setting.name);
    pending->set_in_force(ValidUtf8(setting.in_force));
    pending->set_in_file(ValidUtf8(setting.in_file));
  }
  for (const std::string& fault : config.faults) out->add_faults(ValidUtf8(fault));
}

void ProbeToProto(const ProbeStatus& probe, v1::ProbeStatus* out) {
  out->set_name(probe.name);
  out->set_attach_point(probe.attach_point);
  out->set_run_count(probe.run_count);
  if (probe.mean_ns.has_value()) out->set_mean_ns(*probe.mean_ns);
  out->set_recursion_misses(probe.recursion_misses);
  out->set_instruction_count(probe.instruction_count);
  out->set_detached(probe.detached);
  out->set_left_out_reason(probe.left_out_reason);
}

}  // namespace

void ThreadToProto(const ThreadKey& thread, ThreadNames* names, v1::ThreadId* out) {
  out->set_tid(static_cast<int32_t>(thread.tid));
  out->set_pid(static_cast<int32_t>(thread.tgid));
  out->set_start_boottime_ns(thread.start_ns);
  out->set_comm(ValidUtf8(names->NameOf(thread.tid)));
  const ThreadNumbers inner = names->NumbersOf(thread.tgid, thread.tid);
  out->set_namespace_tid(inner.tid);
  out->set_namespace_pid(inner.pid);
}

void OperationToProto(const OperationStatus& status, v1::OperationStatus* out) {
  out->set_asked_mode(status.asked_mode);
  out->set_mode(status.mode);
  out->set_mode_reason(status.mode_reason);
  out->set_poll_gap_min_ns(status.poll_gap_min_ns);
  out->set_poll_gap_max_ns(status.poll_gap_max_ns);
  out->set_owns_cpu(status.owns_cpu);
  out->set_other_cpus(status.other_cpus);
  out->set_quiet(status.quiet);
  out->set_off(status.off_since_mono_ns.has_value());
  if (status.off_since_mono_ns) out->set_off_since_monotonic_ns(*status.off_since_mono_ns);
  out->set_off_count(status.off_count);
  out->set_off_total_ns(status.off_total_ns);
}

void StatusToProto(const DaemonStatus& status, v1::GetStatusResponse* out) {
  v1::DaemonStatus* daemon = out->mutable_daemon();
  daemon->set_pid(status.pid);
  daemon->set_uptime_ns(status.uptime_ns);
  daemon->set_rss_bytes(status.rss_bytes);
  daemon->set_bpf_map_bytes(status.bpf_map_bytes);
  daemon->set_cpu_time_ns(status.cpu_time_ns);
  daemon->set_thread_count(status.thread_count);
  daemon->set_version(status.version);
  if (status.uptime_ns > 0) daemon->set_cpu_share(static_cast<double>(status.cpu_time_ns) / static_cast<double>(status.uptime_ns));
  out->set_lost_records(status.lost_records);
  for (const ProbeStatus& probe : status.probes) ProbeToProto(probe, out->add_probes());
  for (const DropCounter& drop : status.drops) {
    v1::DropCounter* counter = out->add_drops();
    counter->set_name(drop.name);
    counter->set_count(drop.count);
    counter->set_help(drop.help);
    counter->set_data_loss(drop.data_loss);
  }
  for (const Bound& bound : status.bounds) {
    v1::Bound* entry = out->add_bounds();
    entry->set_name(bound.name);
    entry->set_used(bound.used);
    entry->set_limit(bound.limit);
  }
  LoopToProto(status.loop, out->mutable_loop());
  ClockToProto(status.clock, out->mutable_clock());
  OperationToProto(status.operation, out->mutable_operation());
  ConfigToProto(status.config, out->mutable_config());
}

void CapabilityToProto(const Capability& capability, v1::Capability* out) {
  out->set_name(capability.name);
  out->set_available(capability.available);
  out->set_reason(capability.reason);
  out->set_mend(capability.mend);
  out->set_required(capability.required);
}

}  // namespace hftmon
