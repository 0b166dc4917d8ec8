#include "daemon/service/convert.h"

#include "common/histogram.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

void DetectionToProto(const LoopStatus& loop, v1::DurationStatistics* out) {
  out->set_count(TotalCount(loop.detection_histogram));
  out->set_sum_ns(loop.detection_sum_ns);
  if (out->count() > 0) out->set_max_ns(loop.detection_max_ns);
  for (const double percent : {50.0, 95.0, 99.0, 99.9}) {
    const auto value_ns = PercentileNs(loop.detection_histogram, percent);
    if (!value_ns.has_value()) continue;
    auto* percentile = out->add_percentiles();
    percentile->set_percent(percent);
    percentile->set_value_ns(*value_ns);
  }
}

void LoopToProto(const LoopStatus& loop, v1::LoopStatus* out) {
  out->set_mode(loop.mode);
  out->set_cpu(loop.cpu);
  out->set_iteration_count(loop.iteration_count);
  out->set_record_count(loop.record_count);
  out->set_gap_count(loop.gap_count);
  out->set_gap_max_ns(loop.gap_max_ns);
  out->set_gap_threshold_ns(loop.gap_threshold_ns);
  out->set_scheduling(loop.scheduling);
  DetectionToProto(loop, out->mutable_detection());
}

void ClockToProto(const ClockStatus& clock, v1::ClockStatus* out) {
  out->set_source(clock.source);
  out->set_reason(clock.reason);
  out->set_tsc_hz(clock.tsc_hz);
  out->set_error_ns(clock.error_ns);
}

void ProbeToProto(const ProbeStatus& probe, v1::ProbeStatus* out) {
  out->set_name(probe.name);
  out->set_attach_point(probe.attach_point);
  out->set_run_count(probe.run_count);
  if (probe.mean_ns.has_value()) out->set_mean_ns(*probe.mean_ns);
  out->set_recursion_misses(probe.recursion_misses);
  out->set_instruction_count(probe.instruction_count);
}

}  // namespace

void TimePairToProto(const TimePair& pair, v1::TimePair* out) {
  out->set_monotonic_ns(pair.monotonic_ns);
  out->set_realtime_ns(pair.realtime_ns);
  out->set_error_ns(pair.error_ns);
}

void ThreadToProto(const ThreadKey& thread, ThreadNames* names, v1::ThreadId* out) {
  out->set_tid(static_cast<int32_t>(thread.tid));
  out->set_pid(static_cast<int32_t>(thread.tgid));
  out->set_start_boottime_ns(thread.start_ns);
  out->set_comm(ValidUtf8(names->NameOf(thread.tid)));
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
}

void CapabilityToProto(const Capability& capability, v1::Capability* out) {
  out->set_name(capability.name);
  out->set_available(capability.available);
  out->set_reason(capability.reason);
  out->set_mend(capability.mend);
  out->set_required(capability.required);
}

}  // namespace hftmon
