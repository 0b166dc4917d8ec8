#include "daemon/service/request_checks.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "daemon/advice/advice_rules.h"
#include "daemon/control/targets.h"

namespace hftmon {
namespace {

constexpr size_t kProbeGroupNameMax = 64;
constexpr size_t kMetricNameMax = 128;
constexpr size_t kCounterEventNameMax = 256;
constexpr int kRulesPerQueryMax = 256;
constexpr size_t kInterfaceNameBytesMax = 15;  // the kernel's

void CheckSelectorCount(int count, RequestChecks* checks) {
  if (count <= kSelectorsPerCallMax) return;
  checks->Add("selectors", absl::StrCat("selectors has ", count, " entries: give at most ", kSelectorsPerCallMax, " in one call"));
}

}  // namespace

void RequestChecks::Add(const std::string& field, const std::string& description) {
  violations_.push_back({field, description});
}

void RequestChecks::ZeroOrWithin(const std::string& field, int64_t value, int64_t min, int64_t max, const std::string& zero_means) {
  if (value == 0 || (value >= min && value <= max)) return;
  Add(field, absl::StrCat(field, " is ", value, ": give ", min, " to ", max, ", or 0 for ", zero_means));
}

void RequestChecks::ZeroOrUpTo(const std::string& field, int64_t value, int64_t min, int64_t max, const std::string& setting,
                               const std::string& zero_means) {
  if (value == 0 || (value >= min && value <= max)) return;
  Add(field, absl::StrCat(field, " is ", value, ": give ", min, " to ", max, ", or 0 for ", zero_means, "; ", setting,
                          " in hftmond's configuration sets the limit"));
}

void RequestChecks::Pids(const std::string& field, const google::protobuf::RepeatedField<int32_t>& pids, int count_max) {
  if (pids.size() > count_max) Add(field, absl::StrCat(field, " has ", pids.size(), " entries: give at most ", count_max, " in one call"));
  for (int i = 0; i < pids.size(); ++i) {
    if (pids[i] > 0) continue;
    Add(absl::StrCat(field, "[", i, "]"), absl::StrCat(field, " holds ", pids[i], ": an id is 1 or more"));
    return;  // one finding is enough: the list may be long
  }
}

void RequestChecks::Cpus(const std::string& field, const google::protobuf::RepeatedField<int32_t>& cpus) {
  if (cpus.size() > kCpuNumberLimit) {
    Add(field, absl::StrCat(field, " has ", cpus.size(), " entries: give at most ", kCpuNumberLimit));
    return;
  }
  for (int i = 0; i < cpus.size(); ++i) {
    if (cpus[i] >= 0 && cpus[i] < kCpuNumberLimit) continue;
    Add(absl::StrCat(field, "[", i, "]"), absl::StrCat(field, " holds ", cpus[i], ": a CPU is 0 to ", kCpuNumberLimit - 1));
    return;
  }
}

void RequestChecks::Percentiles(const std::string& field, const google::protobuf::RepeatedField<double>& percentiles) {
  if (percentiles.size() > kPercentilesMax) {
    Add(field, absl::StrCat(field, " has ", percentiles.size(), " entries: give at most ", kPercentilesMax));
    return;
  }
  for (int i = 0; i < percentiles.size(); ++i) {
    if (percentiles[i] > 0 && percentiles[i] < 100) continue;  // false for NaN too
    Add(absl::StrCat(field, "[", i, "]"), absl::StrCat(field, " holds ", percentiles[i], ": give values above 0 and below 100, e.g. 99.9"));
  }
}

void RequestChecks::Options(const std::string& prefix, const v1::TargetOptions& options) {
  ZeroOrWithin(prefix + "spike_threshold_ns", options.spike_threshold_ns(), kThresholdMinNs, kThresholdMaxNs, "the daemon's default");
  ZeroOrWithin(prefix + "blocked_threshold_ns", options.blocked_threshold_ns(), kThresholdMinNs, kBlockedThresholdMaxNs, "none");
  ZeroOrWithin(prefix + "operation_threshold_ns", options.operation_threshold_ns(), kThresholdMinNs, kThresholdMaxNs, "an adaptive one");
  ZeroOrWithin(prefix + "sampling_interval_ns", options.sampling_interval_ns(), kSamplingIntervalMinNs, kSamplingIntervalMaxNs,
               "the daemon's default");
  ZeroOrWithin(prefix + "counter_interval_ns", options.counter_interval_ns(), kCounterIntervalMinNs, kCounterIntervalMaxNs,
               "the default of 1 ms");
  if (!v1::StackChoice_IsValid(options.stacks())) Add(prefix + "stacks", "stacks is none of the choices: use none, kernel, user or both");
  if (options.probe_groups_size() > kProbeGroupsMax) {
    Add(prefix + "probe_groups", absl::StrCat(options.probe_groups_size(), " probe groups: give at most ", kProbeGroupsMax));
    return;
  }
  for (const std::string& group : options.probe_groups()) {
    if (!group.empty() && group.size() <= kProbeGroupNameMax) continue;
    Add(prefix + "probe_groups", absl::StrCat("a probe group's name has 1 to ", kProbeGroupNameMax, " bytes, e.g. \"sched\""));
    return;
  }
}

grpc::Status RequestChecks::Result() const {
  if (violations_.empty()) return grpc::Status::OK;
  std::string message;
  for (const FieldViolation& violation : violations_) {
    if (!message.empty()) message += "; ";
    message += violation.description;
  }
  return RichError(grpc::StatusCode::INVALID_ARGUMENT, "BAD_FIELD", message, violations_);
}

grpc::Status Check(const v1::AttachRequest& request) {
  RequestChecks checks;
  if (request.pids().empty() && request.selectors().empty()) {
    checks.Add("pids", "pids is empty: name 1 to 64 processes to attach, or 1 to 16 selectors");
  }
  checks.Pids("pids", request.pids(), kPidsPerAttachMax);
  CheckSelectorCount(request.selectors_size(), &checks);
  checks.Options("options.", request.options());
  return checks.Result();
}

grpc::Status Check(const v1::DetachRequest& request) {
  RequestChecks checks;
  const bool named = !request.pids().empty() || !request.selectors().empty();
  if (!named && !request.all()) checks.Add("pids", "pids is empty: name the targets or rules to detach, or set all");
  if (named && request.all()) checks.Add("all", "all is set and pids or selectors are named: give one of them");
  CheckSelectorCount(request.selectors_size(), &checks);
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  return checks.Result();
}

grpc::Status Check(const v1::HoldTargetsRequest& request) {
  RequestChecks checks;
  if (request.client().size() > kClientNameBytesMax) {
    checks.Add("client", absl::StrCat("client has ", request.client().size(), " bytes: give at most ", kClientNameBytesMax));
  }
  return checks.Result();
}

grpc::Status Check(const v1::UpdateTargetRequest& request) {
  RequestChecks checks;
  if (request.pid() <= 0) checks.Add("pid", absl::StrCat("pid is ", request.pid(), ": name the target's process id"));
  checks.Options("options.", request.options());
  for (const std::string& path : request.options_mask().paths()) {
    if (path == "spike_threshold_ns" || path == "blocked_threshold_ns" || path == "sampling_interval_ns" || path == "follow_children" ||
        path == "stacks" || path == "waker" || path == "operation_threshold_ns" || path == "probe_groups" || path == "cache" ||
        path == "counter_events" || path == "counter_interval_ns")
      continue;
    checks.Add("options_mask",
               absl::StrCat("options_mask names \"", path.substr(0, kProbeGroupNameMax),
                            "\": spike_threshold_ns, blocked_threshold_ns, sampling_interval_ns, follow_children, stacks, "
                            "waker, operation_threshold_ns, probe_groups, cache, counter_events and counter_interval_ns can be changed; "
                            "detach and attach again for the rest"));
    break;
  }
  if (request.state() != v1::TARGET_STATE_UNSPECIFIED && request.state() != v1::TARGET_STATE_RUNNING &&
      request.state() != v1::TARGET_STATE_PAUSED) {
    checks.Add("state", absl::StrCat("state is ", static_cast<int>(request.state()), ": give RUNNING or PAUSED, or leave it out"));
  }
  return checks.Result();
}

grpc::Status Check(const v1::QueryContextSwitchesRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "all that is kept");
  checks.Percentiles("percentiles", request.percentiles());
  checks.ZeroOrWithin("min_duration_ns", request.min_duration_ns(), 1, kBlockedThresholdMaxNs, "no events");
  checks.ZeroOrUpTo("max_events", request.max_events(), 1, limits.answer_rows_max, "answer_rows_max", "1000");
  return checks.Result();
}

grpc::Status Check(const v1::QueryInterruptsRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.Cpus("cpus", request.cpus());
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "no window");
  return checks.Result();
}

grpc::Status Check(const v1::QueryHardwareRequest& request) {
  RequestChecks checks;
  checks.Cpus("cpus", request.cpus());
  if (request.read_registers() && request.cpus().empty()) {
    checks.Add("cpus", "read_registers interrupts each CPU that is read: name them in cpus");
  }
  return checks.Result();
}

grpc::Status Check(const v1::QueryOperationsRequest& request) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Percentiles("percentiles", request.percentiles());
  return checks.Result();
}

grpc::Status Check(const v1::QueryInversionsRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "all that is kept");
  checks.ZeroOrWithin("min_duration_ns", request.min_duration_ns(), 1, kBlockedThresholdMaxNs, "waits of any length");
  checks.ZeroOrUpTo("max_inversions", request.max_inversions(), 1, limits.answer_rows_max, "answer_rows_max", "1000");
  return checks.Result();
}

grpc::Status Check(const v1::QueryLocksRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "all that is kept");
  return checks.Result();
}

grpc::Status Check(const v1::RecommendRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "60 s");
  checks.ZeroOrWithin("begin_monotonic_ns", request.begin_monotonic_ns(), 1, INT64_MAX, "the whole window");
  if (!(request.confidence_min() >= 0 && request.confidence_min() <= 1)) checks.Add("confidence_min", "must be within 0 and 1");
  if (request.rules_size() > kRulesPerQueryMax) checks.Add("rules", absl::StrCat("at most ", kRulesPerQueryMax));
  for (const std::string& rule : request.rules()) {
    if (FindAdviceRule(rule) == nullptr) checks.Add("rules", UnknownAdviceRuleMessage(rule));
  }
  return checks.Result();
}

grpc::Status Check(const v1::QueryMemoryRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "all that is kept");
  return checks.Result();
}

grpc::Status Check(const v1::QueryCacheRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "all that is kept");
  checks.Percentiles("percentiles", request.percentiles());
  if (request.read_now() && (request.pids().empty() || request.pids_size() > kPidsPerReadNowMax)) {
    checks.Add("pids", absl::StrCat("pids has ", request.pids_size(),
                                    " entries: read_now interrupts each CPU where a thread of them runs: name 1 to ", kPidsPerReadNowMax));
  }
  return checks.Result();
}

grpc::Status Check(const v1::QueryThreadsRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "all that is kept");
  checks.ZeroOrWithin("period_ns", request.period_ns(), kThreadPeriodMinNs, kThreadPeriodMaxNs, "each thread's own");
  checks.Percentiles("percentiles", request.percentiles());
  return checks.Result();
}

grpc::Status Check(const v1::QueryNetworkRequest& request) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.Cpus("cpus", request.cpus());
  if (request.interface().size() > kInterfaceNameBytesMax) {
    checks.Add("interface",
               absl::StrCat("interface has ", request.interface().size(), " bytes: its name has at most ", kInterfaceNameBytesMax));
  }
  return checks.Result();
}

grpc::Status Check(const v1::SampleStateRequest& request) {
  RequestChecks checks;
  if (request.cpus().size() > kCpuListBytesMax) {
    checks.Add("cpus", absl::StrCat("cpus has ", request.cpus().size(), " bytes: give at most ", kCpuListBytesMax));
  } else if (const auto cpus = ParseCpuList(request.cpus()); !cpus.ok()) {
    checks.Add("cpus", absl::StrCat("cpus: ", cpus.status().message()));
  }
  checks.ZeroOrWithin("duration_ns", request.duration_ns(), kSamplingDurationMinNs, kSamplingDurationMaxNs, "1 s");
  checks.ZeroOrWithin("interval_ns", request.interval_ns(), kStateIntervalMinNs, kStateIntervalMaxNs, "1 us");
  return checks.Result();
}

grpc::Status Check(const v1::SampleAccessesRequest& request) {
  RequestChecks checks;
  if (request.pid() <= 0) checks.Add("pid", absl::StrCat("pid is ", request.pid(), ": give the process id of a target"));
  checks.ZeroOrWithin("duration_ns", request.duration_ns(), kAccessSamplingDurationMinNs, kAccessSamplingDurationMaxNs, "1 s");
  checks.ZeroOrWithin("load_latency_cycles", request.load_latency_cycles(), 1, kLoadLatencyMaxCycles, "30");
  const auto period = static_cast<int64_t>(std::min<uint64_t>(request.period(), INT64_MAX));
  checks.ZeroOrWithin("period", period, 1, kAccessPeriodMax, "10007");
  if (!v1::LineOrder_IsValid(request.order())) {
    checks.Add("order", absl::StrCat("order ", static_cast<int>(request.order()), " is none: give 1 (cycles), 2 (remote) or 3 (total)"));
  }
  checks.ZeroOrWithin("max_lines", request.max_lines(), 1, kContendedLinesMax, "20");
  return checks.Result();
}

grpc::Status Check(const v1::SampleCountersRequest& request) {
  RequestChecks checks;
  if (request.pid() <= 0) checks.Add("pid", absl::StrCat("pid is ", request.pid(), ": give the process id of a target"));
  checks.ZeroOrWithin("duration_ns", request.duration_ns(), kSamplingDurationMinNs, kSamplingDurationMaxNs, "1 s");
  checks.ZeroOrWithin("rate_hz", request.rate_hz(), 1, kCounterRateMaxHz, "1000");
  if (!v1::OverflowBy_IsValid(request.by())) {
    checks.Add("by",
               absl::StrCat("by ", static_cast<int>(request.by()), " is none: give 1 (cycles), 2 (cpu-clock), or 0 for what is best"));
  }
  if (request.events_size() > static_cast<int>(kCounterEventsMax)) {
    checks.Add("events", absl::StrCat("events has ", request.events_size(), " entries: give at most ", kCounterEventsMax));
  }
  for (const std::string& event : request.events()) {
    if (!event.empty() && event.size() <= kCounterEventNameMax) continue;
    checks.Add("events", absl::StrCat("an event's name has 1 to ", kCounterEventNameMax, " bytes, e.g. \"page-faults\""));
    break;
  }
  checks.Percentiles("percentiles", request.percentiles());
  return checks.Result();
}

grpc::Status Check(const v1::QueryNumaRequest& request) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerNumaQueryMax);
  if (!v1::HeatMapResolution_IsValid(request.resolution())) {
    checks.Add("resolution", absl::StrCat("resolution ", static_cast<int>(request.resolution()),
                                          " is none: give 1 (node), 2 (page), 3 (cache line), or 0 for no heat map"));
  }
  checks.ZeroOrWithin("pages_max", request.pages_max(), 1, kNumaPagesMax, "4096");
  checks.ZeroOrWithin("bandwidth_ns", request.bandwidth_ns(), kNumaBandwidthMinNs, kNumaBandwidthMaxNs, "no bandwidths");
  checks.ZeroOrWithin("growth_ns", request.growth_ns(), kNumaGrowthMinNs, kNumaGrowthMaxNs, "no sampling of page faults");
  if (request.growth_ns() != 0 && request.pids_size() != 1) {
    checks.Add("pids", "growth_ns samples page faults of one process: name it");
  }
  if (request.exact() && request.resolution() == v1::HEAT_MAP_RESOLUTION_PAGE) {
    checks.Add("exact", "exact reads numa_maps, which tells nothing of single pages: leave it out, or ask for resolution 1 (node)");
  }
  return checks.Result();
}

grpc::Status Check(const v1::QueryTimelineRequest& request) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.Pids("tids", request.tids(), kTidsPerQueryMax);
  checks.ZeroOrWithin("window_ns", request.window_ns(), kTimelineWindowMinNs, kTimelineWindowMaxNs, "1 s");
  if (request.end_monotonic_ns() < 0) {
    checks.Add("end_monotonic_ns", absl::StrCat("end_monotonic_ns is ", request.end_monotonic_ns(),
                                                ": give a time of CLOCK_MONOTONIC that has passed, or 0 for now"));
  }
  checks.ZeroOrWithin("max_pieces", request.max_pieces(), 1, kTimelinePiecesMax, "10000");
  return checks.Result();
}

grpc::Status Check(const v1::CorrelateEventsRequest& request) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  if (!v1::CorrelateEventsRequest::Clock_IsValid(request.clock())) {
    checks.Add("clock", absl::StrCat("clock is ", static_cast<int>(request.clock()), ": give MONOTONIC, REALTIME, TAI or TSC"));
  }
  if (request.events().empty() || request.events_size() > kCorrelatedEventsMax) {
    checks.Add("events", absl::StrCat("events has ", request.events_size(), " entries: give 1 to ", kCorrelatedEventsMax, " in one call"));
  }
  for (int i = 0; i < request.events_size(); ++i) {
    if (request.events(i).id().size() <= kEventIdBytesMax) continue;
    checks.Add(absl::StrCat("events[", i, "].id"),
               absl::StrCat("an event's id has ", request.events(i).id().size(), " bytes: give at most ", kEventIdBytesMax));
    break;  // one finding is enough: the list may be long
  }
  checks.ZeroOrWithin("before_ns", request.before_ns(), 1, kCorrelateSpanMaxNs, "nothing before (with after_ns 0: 100 us)");
  checks.ZeroOrWithin("after_ns", request.after_ns(), 1, kCorrelateSpanMaxNs, "nothing after");
  return checks.Result();
}

grpc::Status Check(const v1::DetectSpikesRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.ZeroOrUpTo("window_ns", request.window_ns(), 1, limits.window_max_ns, "window_max", "all that is kept");
  checks.ZeroOrWithin("threshold_ns", request.threshold_ns(), 1, kThresholdMaxNs, "each target's threshold");
  checks.ZeroOrWithin("blocked_threshold_ns", request.blocked_threshold_ns(), 1, kBlockedThresholdMaxNs, "no blocked spikes");
  checks.ZeroOrUpTo("max_spikes", request.max_spikes(), 1, limits.answer_rows_max, "answer_rows_max", "1000");
  return checks.Result();
}

grpc::Status Check(const v1::StreamSpikesRequest& request, const ServiceLimits& limits) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  checks.ZeroOrWithin("threshold_ns", request.threshold_ns(), kThresholdMinNs, kThresholdMaxNs, "each target's threshold");
  checks.ZeroOrWithin("blocked_threshold_ns", request.blocked_threshold_ns(), kThresholdMinNs, kBlockedThresholdMaxNs, "no blocked spikes");
  checks.ZeroOrUpTo("queue_limit", request.queue_limit(), 1, limits.stream_queue_max, "stream_queue_max", "1024");
  return checks.Result();
}

grpc::Status Check(const v1::WatchMetricsRequest& request) {
  RequestChecks checks;
  checks.Pids("pids", request.pids(), kPidsPerQueryMax);
  if (request.metrics_size() > kMetricsPerWatchMax) {
    checks.Add("metrics",
               absl::StrCat("metrics has ", request.metrics_size(), " entries: give at most ", kMetricsPerWatchMax, ", or none for all"));
  }
  for (const std::string& metric : request.metrics()) {
    if (!metric.empty() && metric.size() <= kMetricNameMax) continue;
    checks.Add("metrics", absl::StrCat("a metric's name has 1 to ", kMetricNameMax, " bytes: `hftmon metrics --list` names them all"));
    break;
  }
  checks.ZeroOrWithin("period_ns", request.period_ns(), kMetricsPeriodMinNs, kMetricsPeriodMaxNs, "1 s");
  return checks.Result();
}

}  // namespace hftmon
