#include "daemon/service/monitor_service.h"

#include <algorithm>
#include <map>
#include <vector>

#include "common/metric_catalogue.h"
#include "daemon/service/answered.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_targets.h"
#include "daemon/service/counter_totals.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

// Target.namespace_pid by pid; of an ended and a living target with one pid the living one's.
std::map<int32_t, int32_t> InnermostNumbers(const Targets& targets) {
  std::map<int32_t, int32_t> numbers;
  for (const TargetInfo& target : targets.List()) {
    const int32_t number = target.pid_levels.empty() ? 0 : target.pid_levels.back().number;
    const auto [entry, added] = numbers.try_emplace(static_cast<int32_t>(target.pid), number);
    if (!added && target.state != TargetState::kEnded) entry->second = number;
  }
  return numbers;
}

}  // namespace

MonitorService::MonitorService(const ServiceCore& core, const ServiceLimits& limits)
    : core_(core), thresholds_(core.targets), limits_(limits), notifier_(core.spikes) {}

std::vector<Bound> MonitorService::Bounds() const {
  const ServiceLimits limits = limits_.Get();
  std::vector<Bound> bounds = {
      {"spike_streams", static_cast<int64_t>(spike_streams_.size()), limits.spike_streams_max},
      {"metric_streams", static_cast<int64_t>(metrics_streams_.size()), limits.metric_streams_max},
      {"counter_windows", static_cast<int64_t>(counter_windows_.used()), static_cast<int64_t>(CounterWindowBudget::kWindowsMax)},
      {"queries", queries_.count(), limits.queries_max}};
  for (Bound& bound : limits_.PerCallBounds()) bounds.push_back(std::move(bound));
  return bounds;
}

void MonitorService::Stop() {
  stopping_.store(true, std::memory_order_release);  // pairs with WindowedCall's acquire
  spike_streams_.EndAll();
  metrics_streams_.EndAll();
  hold_streams_.EndAll();
}

PidTranslation MonitorService::Translation(const grpc::CallbackServerContext& context) {
  return PidTranslation(core_, context, &queries_, limits_.Get().queries_max);
}

void MonitorService::AnswerTarget(const TargetInfo& target, v1::Target* out) const {
  TargetToProto(target, out);
  // Measured, not wished for: a walk over many threads, or a loop that sleeps, takes longer.
  if (target.state == TargetState::kRunning) out->set_sampling_interval_ns(core_.windows->achieved_interval_ns());
}

uint32_t MonitorService::CountedSet() const {
  if (core_.counters == nullptr) return 0;
  const CounterTotals::State state = core_.counters->state();
  return state.reason.empty() ? state.set.number : 0;
}

bool MonitorService::BeganAnewSince(uint32_t counted_set) const {
  return counted_set != 0 && core_.counters->state().set.number != counted_set;
}

grpc::ServerUnaryReactor* MonitorService::Attach(grpc::CallbackServerContext* context, const v1::AttachRequest* request,
                                                 v1::AttachResponse* response) {
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  const auto selectors = SelectorsFromProto(request->selectors());
  if (!selectors.ok()) return Answered(context, ToGrpcStatus(selectors.status()));
  PidTranslation::Ids pids = request->pids();
  if (const grpc::Status translated = Translation(*context).Processes(&pids); !translated.ok()) {
    return Answered(context, translated);
  }
  const uint32_t counted_before = CountedSet();
  const auto attached = core_.targets->Attach({.pids = {pids.data(), static_cast<size_t>(pids.size())},
                                               .selectors = *selectors,
                                               .options = OptionsFromProto(request->options()),
                                               .session_id = request->persist() ? 0 : request->session_id()});
  thresholds_.Invalidate();
  if (!attached.ok()) return Answered(context, ToGrpcStatus(attached.status()));
  for (const TargetInfo& target : attached->targets) AnswerTarget(target, response->add_targets());
  for (const RuleInfo& rule : attached->rules) RuleToProto(rule, response->add_rules());
  response->set_counters_began_anew(BeganAnewSince(counted_before));
  return Answered(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* MonitorService::Detach(grpc::CallbackServerContext* context, const v1::DetachRequest* request,
                                                 v1::DetachResponse* response) {
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  const auto selectors = SelectorsFromProto(request->selectors());
  if (!selectors.ok()) return Answered(context, ToGrpcStatus(selectors.status()));
  PidTranslation::Ids pids = request->pids();
  if (const grpc::Status translated = Translation(*context).TargetPids(&pids); !translated.ok()) {
    return Answered(context, translated);
  }
  const std::map<int32_t, int32_t> inner = InnermostNumbers(*core_.targets);  // while they are known
  const auto detached = core_.targets->Detach({.pids = {pids.data(), static_cast<size_t>(pids.size())},
                                               .selectors = *selectors,
                                               .all = request->all(),
                                               .force = request->force(),
                                               .session_id = request->persist() ? 0 : request->session_id()});
  thresholds_.Invalidate();
  if (!detached.ok()) return Answered(context, ToGrpcStatus(detached.status()));
  response->mutable_pids()->Add(detached->pids.begin(), detached->pids.end());
  response->mutable_still_held_pids()->Add(detached->still_held.begin(), detached->still_held.end());
  for (const int32_t pid : detached->pids) response->add_namespace_pids(inner.contains(pid) ? inner.at(pid) : 0);
  for (const int32_t pid : detached->still_held) response->add_still_held_namespace_pids(inner.contains(pid) ? inner.at(pid) : 0);
  for (const RuleInfo& rule : detached->rules) RuleToProto(rule, response->add_rules());
  return Answered(context, grpc::Status::OK);
}

grpc::ServerWriteReactor<v1::HoldTargetsResponse>* MonitorService::HoldTargets(grpc::CallbackServerContext* /*context*/,
                                                                               const v1::HoldTargetsRequest* request) {
  return HoldStream::Start(*request, {.targets = core_.targets, .streams = &hold_streams_, .thresholds = &thresholds_, .limits = &limits_});
}

grpc::ServerUnaryReactor* MonitorService::ListTargets(grpc::CallbackServerContext* context, const v1::ListTargetsRequest* /*request*/,
                                                      v1::ListTargetsResponse* response) {
  for (const TargetInfo& target : core_.targets->List()) AnswerTarget(target, response->add_targets());
  for (const RuleInfo& rule : core_.targets->Rules()) RuleToProto(rule, response->add_rules());
  return Answered(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* MonitorService::UpdateTarget(grpc::CallbackServerContext* context, const v1::UpdateTargetRequest* request,
                                                       v1::UpdateTargetResponse* response) {
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  PidTranslation::Ids pids;
  pids.Add(request->pid());
  if (const grpc::Status translated = Translation(*context).TargetPids(&pids); !translated.ok()) {
    return Answered(context, translated);
  }
  const uint32_t counted_before = CountedSet();
  const auto updated = core_.targets->Update(pids[0], UpdateFromProto(*request));
  thresholds_.Invalidate();
  if (!updated.ok()) return Answered(context, ToGrpcStatus(updated.status()));
  AnswerTarget(*updated, response->mutable_target());
  response->set_counters_began_anew(BeganAnewSince(counted_before));
  return Answered(context, grpc::Status::OK);
}

grpc::ServerWriteReactor<v1::StreamSpikesResponse>* MonitorService::StreamSpikes(grpc::CallbackServerContext* context,
                                                                                 const v1::StreamSpikesRequest* request) {
  v1::StreamSpikesRequest asked = *request;
  const grpc::Status translated = Translation(*context).Query(&asked);
  if (!translated.ok()) return new RefusedStream<v1::StreamSpikesResponse>(translated);
  return SpikeStream::Start(asked, {.core = &core_,
                                    .notifier = &notifier_,
                                    .streams = &spike_streams_,
                                    .thresholds = &thresholds_,
                                    .limits = &limits_,
                                    .dropped_count = &dropped_count_});
}

grpc::ServerWriteReactor<v1::WatchMetricsResponse>* MonitorService::WatchMetrics(grpc::CallbackServerContext* context,
                                                                                 const v1::WatchMetricsRequest* request) {
  v1::WatchMetricsRequest asked = *request;
  const grpc::Status translated = Translation(*context).Query(&asked);
  if (!translated.ok()) return new RefusedStream<v1::WatchMetricsResponse>(translated);
  return MetricsStream::Start(asked, {.core = &core_,
                                      .poll_thread = &poll_thread_,
                                      .streams = &metrics_streams_,
                                      .thresholds = &thresholds_,
                                      .limits = &limits_,
                                      .dropped_count = &dropped_count_,
                                      .counter_windows = &counter_windows_});
}

grpc::ServerUnaryReactor* MonitorService::ListMetrics(grpc::CallbackServerContext* context, const v1::ListMetricsRequest* /*request*/,
                                                      v1::ListMetricsResponse* response) {
  for (const MetricRow& row : MetricRows()) {
    v1::MetricDescription* metric = response->add_metrics();
    metric->set_name(std::string(row.name));
    metric->set_unit(std::string(row.unit));
    metric->set_kind(std::string(MetricKindName(row.kind)));
    metric->set_help(std::string(row.help));
    metric->set_source(std::string(row.source));
  }
  return Answered(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* MonitorService::GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* /*request*/,
                                                    v1::GetStatusResponse* response) {
  StatusToProto(core_.status->Status(), response);
  const std::vector<TargetInfo> targets = core_.targets->List();
  response->set_target_count(static_cast<int32_t>(
      std::count_if(targets.begin(), targets.end(), [](const TargetInfo& target) { return target.state != TargetState::kEnded; })));
  TimePairToProto(core_.status->Now(), response->mutable_time());
  return Answered(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* MonitorService::GetCapabilities(grpc::CallbackServerContext* context,
                                                          const v1::GetCapabilitiesRequest* /*request*/,
                                                          v1::GetCapabilitiesResponse* response) {
  for (const Capability& capability : core_.status->Capabilities()) CapabilityToProto(capability, response->add_capabilities());
  return Answered(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* MonitorService::SetMode(grpc::CallbackServerContext* context, const v1::SetModeRequest* request,
                                                  v1::SetModeResponse* response) {
  const absl::Status set = core_.operation->SetMode(request->mode(), request->scheduling());
  if (!set.ok()) return Answered(context, ToGrpcStatus(set));
  OperationToProto(core_.operation->Describe(), response->mutable_operation());
  return Answered(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* MonitorService::SetQuiet(grpc::CallbackServerContext* context, const v1::SetQuietRequest* request,
                                                   v1::SetQuietResponse* response) {
  core_.operation->SetQuiet(request->quiet());
  OperationToProto(core_.operation->Describe(), response->mutable_operation());
  return Answered(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* MonitorService::SetCollecting(grpc::CallbackServerContext* context, const v1::SetCollectingRequest* request,
                                                        v1::SetCollectingResponse* response) {
  const absl::Status set = core_.operation->SetCollecting(request->on());
  if (!set.ok()) return Answered(context, ToGrpcStatus(set));
  OperationToProto(core_.operation->Describe(), response->mutable_operation());
  return Answered(context, grpc::Status::OK);
}

}  // namespace hftmon
