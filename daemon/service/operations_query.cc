#include "daemon/service/operations_query.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "common/histogram.h"
#include "common/sparse_histogram.h"
#include "common/utf8.h"
#include "daemon/analysis/spike_names.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/operation_source.h"

namespace hftmon {
namespace {

constexpr double kPercentilesDefault[] = {50, 90, 95, 99, 99.9, 99.999};

std::vector<double> PercentilesOf(const v1::QueryOperationsRequest& request) {
  if (request.percentiles().empty()) return {std::begin(kPercentilesDefault), std::end(kPercentilesDefault)};
  return {request.percentiles().begin(), request.percentiles().end()};
}

std::string WhyEnded(const absl::Status& why) {
  if (why.ok()) return "it ended, or closed the file";
  if (absl::IsCancelled(why)) return "it is no longer watched";
  return ValidUtf8(std::string(why.message()));
}

int64_t Bounded(uint64_t ns) {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return static_cast<int64_t>(ns < kMax ? ns : kMax);
}

void FiguresToProto(const OperationFigures& figures, const std::vector<double>& percentiles, v1::DurationStatistics* out) {
  out->set_count(figures.count);
  out->set_sum_ns(Bounded(figures.sum_ns));
  if (figures.count == 0) return;
  out->set_max_ns(figures.max_ns);
  for (const double percent : percentiles) {
    const std::optional<PercentilePlace> place = FindPercentile(figures.durations, percent);
    if (!place) continue;
    v1::Percentile* percentile = out->add_percentiles();
    percentile->set_percent(percent);
    percentile->set_value_ns(BucketMiddleNs(place->bucket));
  }
}

void OperationToProto(const OperationEntry& entry, double seconds, const std::vector<double>& percentiles, v1::OperationSum* out) {
  out->set_name(ValidUtf8(entry.name));
  FiguresToProto(entry.spans, percentiles, out->mutable_durations());
  if (entry.spans.count > 0) {
    out->set_min_ns(entry.spans.min_ns);
    out->set_mean_ns(entry.spans.mean_ns());
  }
  out->set_error_count(entry.error_count);
  if (seconds > 0) out->set_rate_hz(static_cast<double>(entry.recent_count) / seconds);
  out->set_instant_count(entry.instant_count);
  if (entry.heartbeats.count > 0) FiguresToProto(entry.heartbeats, percentiles, out->mutable_heartbeat_gaps());
}

void MarksToProto(const MarkedProgram& program, v1::MarkCounts* out) {
  out->set_read_count(program.counts.delivered_count);
  out->set_dropped_count(program.counts.overwritten_count);
  for (size_t i = 0; i < kMarkerFaults; ++i) {
    const auto fault = static_cast<MarkerFault>(i);
    if (program.counts.faults[fault] > 0) (*out->mutable_refused())[std::string(MarkerFaultName(fault))] = program.counts.faults[fault];
  }
  out->set_open_count(program.open_count);
  out->set_begin_lost_count(program.losses.begin_lost_count);
  out->set_begin_replaced_count(program.losses.begin_replaced_count);
  out->set_begin_evicted_count(program.losses.begin_evicted_count);
  out->set_begin_unfinished_count(program.losses.begin_unfinished_count);
  out->set_end_without_begin_count(program.losses.end_without_begin_count);
  out->set_beat_evicted_count(program.losses.beat_evicted_count);
}

// Kinds that hit no span are left out; the largest sum first.
void HitsToProto(const OperationSlowness& slowness, v1::OperationSum* out) {
  std::vector<size_t> kinds;
  for (size_t kind = 0; kind < kStallKinds; ++kind) {
    if (slowness.hits[kind].span_count > 0) kinds.push_back(kind);
  }
  std::stable_sort(kinds.begin(), kinds.end(),
                   [&](size_t a, size_t b) { return slowness.hits[a].duration_ns > slowness.hits[b].duration_ns; });
  for (const size_t kind : kinds) {
    const OperationHits& hits = slowness.hits[kind];
    v1::OperationHit* hit = out->add_hits();
    hit->set_kind(std::string(SpikeKindName(static_cast<SpikeKind>(kind))));
    hit->set_span_count(hits.span_count);
    hit->set_stall_count(hits.stall_count);
    hit->set_duration_ns(hits.duration_ns);
    hit->set_longest_ns(hits.longest_ns);
  }
}

void SlownessToProto(const OperationSlowness& slowness, v1::OperationSum* out) {
  if (slowness.threshold_ns > 0) out->set_threshold_ns(slowness.threshold_ns);
  if (slowness.gap_threshold_ns > 0 && out->has_heartbeat_gaps()) out->set_gap_threshold_ns(slowness.gap_threshold_ns);
  out->set_spike_count(slowness.spike_count);
  out->set_untold_spike_count(slowness.untold_count);
  out->set_uncompared_count(slowness.uncompared_count);
  HitsToProto(slowness, out);
}

// As /proc/PID/stat has it.
uint64_t StartTicks(const TargetInfo& target) {
  static const int64_t kTicksPerSecond = sysconf(_SC_CLK_TCK);
  return static_cast<uint64_t>(target.start_boottime_ns / (1'000'000'000 / kTicksPerSecond));
}

bool IsUsed(const OperationEntry& entry) {
  return entry.spans.count + entry.heartbeats.count + entry.instant_count > 0;
}

void ProgramToProto(const TargetInfo& target, const MarkedProgram& program, std::span<const OperationSlowness> slowness, int64_t now_ns,
                    const std::vector<double>& percentiles, v1::MarkedProgram* out) {
  out->set_pid(static_cast<int32_t>(target.pid));
  out->set_comm(ValidUtf8(target.comm));
  out->set_file_number(static_cast<int32_t>(program.name.number));
  out->set_since_monotonic_ns(program.since_mono_ns);
  out->set_ended(program.ended);
  if (program.ended) out->set_ended_reason(WhyEnded(program.why_ended));
  const int64_t until_ns = program.ended ? program.until_mono_ns : now_ns;
  const double seconds = static_cast<double>(until_ns - program.since_mono_ns) / 1e9;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    if (!IsUsed(program.operations[i])) continue;
    v1::OperationSum* const sum = out->add_operations();
    OperationToProto(program.operations[i], seconds, percentiles, sum);
    if (i < slowness.size()) SlownessToProto(slowness[i], sum);
  }
  MarksToProto(program, out->mutable_marks());
}

}  // namespace

void AnswerOperations(const ServiceCore& core, const TargetSelection& selection, const v1::QueryOperationsRequest& request,
                      v1::QueryOperationsResponse* response) {
  const TimePair now = core.status->Now();
  TimePairToProto(now, response->mutable_time());
  const std::string why_not = core.operations == nullptr ? "this daemon reads no marks" : core.operations->WhyNot();
  response->set_available(why_not.empty());
  response->set_reason(why_not);
  if (!why_not.empty()) return;
  const std::vector<double> percentiles = PercentilesOf(request);
  for (const TargetInfo& target : selection.targets()) {
    for (const MarkedProgram& program : core.operations->ProgramsOf(target.pid)) {
      if (program.start_ticks != StartTicks(target)) continue;  // of another process that had this number
      v1::MarkedProgram* out = response->add_programs();
      ProgramToProto(target, program, core.operations->SlownessOf(program.span_file_id), now.monotonic_ns, percentiles, out);
      out->set_namespace_pid(core.names->NumbersOf(target.pid, target.pid).pid);
    }
  }
  const MarkerReader::Status files = core.operations->Files();
  for (const MarkerReader::Refusal& refusal : files.refusals) {
    v1::RefusedMarkerFile* out = response->add_refused();
    out->set_pid(static_cast<int32_t>(refusal.name.pid));
    out->set_file_number(static_cast<int32_t>(refusal.name.number));
    out->set_reason(ValidUtf8(std::string(refusal.why.message())));
  }
  response->set_unlisted_refused_count(files.unlisted_refusal_count);
  response->set_left_behind_count(files.left_behind_count);
  response->set_forgotten_program_count(core.operations->ForgottenCount());
}

}  // namespace hftmon
