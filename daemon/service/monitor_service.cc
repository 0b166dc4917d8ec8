#include "daemon/service/monitor_service.h"

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "common/metric_catalogue.h"
#include "daemon/service/access_sampling_call.h"
#include "daemon/service/answer_size.h"
#include "daemon/service/cache_query.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_coalescing.h"
#include "daemon/service/convert_targets.h"
#include "daemon/service/correlate_query.h"
#include "daemon/service/counter_sampling_call.h"
#include "daemon/service/counter_totals.h"
#include "daemon/service/hardware_query.h"
#include "daemon/service/interrupts_query.h"
#include "daemon/service/inversions_query.h"
#include "daemon/service/locks_query.h"
#include "daemon/service/memory_query.h"
#include "daemon/service/network_query.h"
#include "daemon/service/operations_query.h"
#include "daemon/service/query_pass.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/rich_error.h"
#include "daemon/service/spikes_query.h"
#include "daemon/service/state_sampling_call.h"
#include "daemon/service/switches_query.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/threads_query.h"
#include "daemon/service/timeline_query.h"
#include "daemon/service/windowed_call.h"

namespace hftmon {
namespace {

grpc::ServerUnaryReactor* Answered(grpc::CallbackServerContext* context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

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

template <typename Request, typename Answer>
grpc::ServerUnaryReactor* MonitorService::AnswerWindow(grpc::CallbackServerContext* context, Request request, Answer answer) {
  const TimePair arrival = core_.status->Now();
  const ServiceLimits limits = limits_.Get();
  if (const grpc::Status checked = Check(request, limits); !checked.ok()) return Answered(context, checked);
  if (const grpc::Status translated = Translation(*context).Query(&request); !translated.ok()) {
    return Answered(context, translated);
  }
  limits_.NoteWindow(request.window_ns());
  WindowQuestion question{.rows_max = limits.answer_rows_max};
  const grpc::Status selected = question.selection.Select(*core_.targets, request.pids());
  if (!selected.ok()) return Answered(context, selected);
  const int64_t interval_ns = question.selection.sampling_interval_max_ns();
  return WindowedCall::Start(
      context, ForQueries(), limits.queries_max, arrival, interval_ns,
      [answer = std::move(answer), request = std::move(request), question = std::move(question)](const Arrival& at) mutable {
        question.arrival = at;
        return answer(request, question);
      });
}

grpc::ServerUnaryReactor* MonitorService::QueryContextSwitches(grpc::CallbackServerContext* context,
                                                               const v1::QueryContextSwitchesRequest* request,
                                                               v1::QueryContextSwitchesResponse* response) {
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered = AnswerSwitches(core_, question.selection, asked, question.arrival, question.rows_max, response);
    return answered.ok() ? CheckAnswer(*response, std::max(response->threads_size(), response->events_size()), &limits_) : answered;
  });
}

grpc::ServerUnaryReactor* MonitorService::QueryInterrupts(grpc::CallbackServerContext* context, const v1::QueryInterruptsRequest* request,
                                                          v1::QueryInterruptsResponse* response) {
  if (const grpc::Status checked = Check(*request, limits_.Get()); !checked.ok()) return Answered(context, checked);
  // Here and not in the answer: drivers and /proc/kallsyms take their time, for which the thread that answers would keep others waiting.
  const grpc::Status read = [&] {
    const QueryPass pass(&queries_, limits_.Get().queries_max);
    if (!pass.status().ok()) return pass.status();
    core_.deferred->LearnNames();
    if (request->with_coalescing()) CoalescingToProto(core_.coalescing->Read(), response->mutable_coalescing());
    return grpc::Status::OK;
  }();
  if (!read.ok()) return Answered(context, read);
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered = AnswerInterrupts(core_, question.selection, asked, question.arrival, response);
    const int rows = std::max(response->threads_size(), response->window_threads_size());
    return answered.ok() ? CheckAnswer(*response, rows, &limits_) : answered;
  });
}

grpc::ServerUnaryReactor* MonitorService::QueryHardware(grpc::CallbackServerContext* context, const v1::QueryHardwareRequest* request,
                                                        v1::QueryHardwareResponse* response) {
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  // It opens files for each CPU, and interrupts CPUs where it is asked to: no client may have that done as often as it likes at once.
  const grpc::Status answered = [&] {
    const QueryPass pass(&queries_, limits_.Get().queries_max);
    return pass.status().ok() ? AnswerHardware(core_, *request, response) : pass.status();
  }();
  return Answered(context, answered.ok() ? CheckAnswer(*response, response->cpus_size(), &limits_) : answered);
}

grpc::ServerUnaryReactor* MonitorService::QueryOperations(grpc::CallbackServerContext* context, const v1::QueryOperationsRequest* request,
                                                          v1::QueryOperationsResponse* response) {
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  v1::QueryOperationsRequest asked = *request;
  if (const grpc::Status translated = Translation(*context).Query(&asked); !translated.ok()) return Answered(context, translated);
  // It copies histograms: no client may have that done as often as it likes at once.
  const grpc::Status answered = [&] {
    const QueryPass pass(&queries_, limits_.Get().queries_max);
    if (!pass.status().ok()) return pass.status();
    TargetSelection selection;
    const grpc::Status selected = selection.Select(*core_.targets, asked.pids());
    if (selected.ok()) AnswerOperations(core_, selection, asked, response);
    return selected;
  }();
  if (!answered.ok()) return Answered(context, answered);
  int rows = response->programs_size();
  for (const v1::MarkedProgram& program : response->programs()) rows += program.operations_size();
  return Answered(context, CheckAnswer(*response, rows, &limits_));
}

grpc::ServerUnaryReactor* MonitorService::QueryLocks(grpc::CallbackServerContext* context, const v1::QueryLocksRequest* request,
                                                     v1::QueryLocksResponse* response) {
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered = AnswerLocks(core_, question.selection, asked, question.arrival, response);
    const int rows = std::max({response->threads_size(), response->locks_size(), response->kernel_locks_size()});
    return answered.ok() ? CheckAnswer(*response, rows, &limits_) : answered;
  });
}

grpc::ServerUnaryReactor* MonitorService::QueryInversions(grpc::CallbackServerContext* context, const v1::QueryInversionsRequest* request,
                                                          v1::QueryInversionsResponse* response) {
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered = AnswerInversions(core_, question.selection, asked, question.arrival, question.rows_max, response);
    return answered.ok() ? CheckAnswer(*response, std::max(response->inversions_size(), response->boosts_size()), &limits_) : answered;
  });
}

grpc::ServerUnaryReactor* MonitorService::QueryThreads(grpc::CallbackServerContext* context, const v1::QueryThreadsRequest* request,
                                                       v1::QueryThreadsResponse* response) {
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered = AnswerThreads(core_, question.selection, asked, question.arrival, response);
    return answered.ok() ? CheckAnswer(*response, std::max(response->threads_size(), response->changes_size()), &limits_) : answered;
  });
}

grpc::ServerUnaryReactor* MonitorService::QueryMemory(grpc::CallbackServerContext* context, const v1::QueryMemoryRequest* request,
                                                      v1::QueryMemoryResponse* response) {
  // Here and not in the answer: the kernel's symbols take their time when they are read first, and the thread that answers keeps others
  // waiting.
  if (core_.sender_stacks != nullptr) core_.sender_stacks->Prepare();
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered = AnswerMemory(core_, question.selection, asked, question.arrival, response);
    return answered.ok() ? CheckAnswer(*response, std::max(response->threads_size(), response->mappings_size()), &limits_) : answered;
  });
}

grpc::ServerUnaryReactor* MonitorService::QueryCache(grpc::CallbackServerContext* context, const v1::QueryCacheRequest* request,
                                                     v1::QueryCacheResponse* response) {
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered = AnswerCache(core_, question.selection, asked, question.arrival, response);
    return answered.ok() ? CheckAnswer(*response, response->threads_size(), &limits_) : answered;
  });
}

grpc::ServerUnaryReactor* MonitorService::QueryNetwork(grpc::CallbackServerContext* context, const v1::QueryNetworkRequest* request,
                                                       v1::QueryNetworkResponse* response) {
  const TimePair arrival = core_.status->Now();
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  v1::QueryNetworkRequest asked = *request;
  if (const grpc::Status translated = Translation(*context).Query(&asked); !translated.ok()) {
    return Answered(context, translated);
  }
  TargetSelection selection;
  if (const grpc::Status selected = selection.Select(*core_.targets, asked.pids()); !selected.ok()) return Answered(context, selected);
  // As an answer of a window: then the loop has met every thread that was attached before the call.
  const int64_t interval_ns = selection.sampling_interval_max_ns();
  return WindowedCall::Start(context, ForQueries(), limits_.Get().queries_max, arrival, interval_ns,
                             [this, asked = std::move(asked), response, selection = std::move(selection)](const Arrival& at) {
                               const grpc::Status answered = AnswerNetwork(core_, selection, asked, at, response);
                               return answered.ok() ? CheckAnswer(*response, response->threads_size(), &limits_) : answered;
                             });
}

grpc::ServerUnaryReactor* MonitorService::SampleState(grpc::CallbackServerContext* context, const v1::SampleStateRequest* request,
                                                      v1::SampleStateResponse* response) {
  return StateSamplingCall::Start(
      context, {.core = &core_, .poll_thread = &poll_thread_, .stopping = &stopping_, .queries = &queries_, .limits = &limits_}, *request,
      response);
}

template <typename Call, typename Request, typename Response>
grpc::ServerUnaryReactor* MonitorService::SampleProcess(grpc::CallbackServerContext* context, Request request, Response* response) {
  if (const grpc::Status checked = Check(request); !checked.ok()) return Answered(context, checked);
  PidTranslation::Ids pids;
  pids.Add(request.pid());
  if (const grpc::Status translated = Translation(*context).TargetPids(&pids); !translated.ok()) return Answered(context, translated);
  request.set_pid(pids[0]);
  return Call::Start(context,
                     {.core = &core_, .poll_thread = &poll_thread_, .stopping = &stopping_, .queries = &queries_, .limits = &limits_},
                     request, response);
}

grpc::ServerUnaryReactor* MonitorService::SampleAccesses(grpc::CallbackServerContext* context, const v1::SampleAccessesRequest* request,
                                                         v1::SampleAccessesResponse* response) {
  return SampleProcess<AccessSamplingCall>(context, *request, response);
}

grpc::ServerUnaryReactor* MonitorService::SampleCounters(grpc::CallbackServerContext* context, const v1::SampleCountersRequest* request,
                                                         v1::SampleCountersResponse* response) {
  return SampleProcess<CounterSamplingCall>(context, *request, response);
}

grpc::ServerUnaryReactor* MonitorService::QueryTimeline(grpc::CallbackServerContext* context, const v1::QueryTimelineRequest* request,
                                                        v1::QueryTimelineResponse* response) {
  const TimePair arrival = core_.status->Now();
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  v1::QueryTimelineRequest asked = *request;
  if (const grpc::Status translated = Translation(*context).Query(&asked); !translated.ok()) return Answered(context, translated);
  TargetSelection selection;
  if (const grpc::Status selected = selection.Select(*core_.targets, asked.pids()); !selected.ok()) return Answered(context, selected);
  std::vector<ThreadTotal> on_arrival = ThreadsOnArrival(core_, selection);
  const int64_t interval_ns = selection.sampling_interval_max_ns();
  return WindowedCall::Start(
      context, ForQueries(), limits_.Get().queries_max, arrival, interval_ns,
      [this, asked = std::move(asked), response, selection = std::move(selection), on_arrival = std::move(on_arrival)](const Arrival& at) {
        const grpc::Status answered = AnswerTimeline(core_, selection, asked, at, on_arrival, response);
        if (!answered.ok()) return answered;
        int rows = response->threads_size();
        for (const v1::ThreadTimeline& thread : response->threads()) rows += thread.pieces_size();
        return CheckAnswer(*response, rows, &limits_);
      });
}

grpc::ServerUnaryReactor* MonitorService::CorrelateEvents(grpc::CallbackServerContext* context, const v1::CorrelateEventsRequest* request,
                                                          v1::CorrelateEventsResponse* response) {
  const TimePair arrival = core_.status->Now();
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  v1::CorrelateEventsRequest asked = *request;
  if (const grpc::Status translated = Translation(*context).Query(&asked); !translated.ok()) return Answered(context, translated);
  TargetSelection selection;
  if (const grpc::Status selected = selection.Select(*core_.targets, asked.pids()); !selected.ok()) return Answered(context, selected);
  const int64_t interval_ns = selection.sampling_interval_max_ns();
  return WindowedCall::Start(context, ForQueries(), limits_.Get().queries_max, arrival, interval_ns,
                             [this, asked = std::move(asked), response, selection = std::move(selection)](const Arrival& at) {
                               const grpc::Status answered = AnswerCorrelation(core_, selection, &thresholds_, asked, at, response);
                               if (!answered.ok()) return answered;
                               int64_t rows = std::max(response->events_size(), response->causes_size());
                               int64_t spikes = 0;
                               for (const v1::CorrelatedEvent& event : response->events()) spikes += event.spikes_size();
                               return CheckAnswer(*response, std::max(rows, spikes), &limits_);
                             });
}

grpc::ServerUnaryReactor* MonitorService::DetectSpikes(grpc::CallbackServerContext* context, const v1::DetectSpikesRequest* request,
                                                       v1::DetectSpikesResponse* response) {
  return AnswerWindow(context, *request, [this, response](const auto& asked, const WindowQuestion& question) {
    const grpc::Status answered =
        AnswerSpikes(core_, question.selection, &thresholds_, asked, question.arrival, question.rows_max, response);
    return answered.ok() ? CheckAnswer(*response, response->spikes_size(), &limits_) : answered;
  });
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
