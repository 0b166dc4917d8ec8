// MonitorService's calls that ask: about a window, about the present, and those that sample a process or look at it for a while.
#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/service/access_sampling_call.h"
#include "daemon/service/answer_size.h"
#include "daemon/service/answered.h"
#include "daemon/service/cache_query.h"
#include "daemon/service/convert_coalescing.h"
#include "daemon/service/correlate_query.h"
#include "daemon/service/counter_sampling_call.h"
#include "daemon/service/hardware_query.h"
#include "daemon/service/interrupts_query.h"
#include "daemon/service/inversions_query.h"
#include "daemon/service/locks_query.h"
#include "daemon/service/memory_query.h"
#include "daemon/service/monitor_service.h"
#include "daemon/service/network_query.h"
#include "daemon/service/numa_call.h"
#include "daemon/service/numa_measure_call.h"
#include "daemon/service/operations_query.h"
#include "daemon/service/query_pass.h"
#include "daemon/service/recommend_call.h"
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

grpc::ServerUnaryReactor* MonitorService::QueryNuma(grpc::CallbackServerContext* context, const v1::QueryNumaRequest* request,
                                                    v1::QueryNumaResponse* response) {
  if (const grpc::Status checked = Check(*request); !checked.ok()) return Answered(context, checked);
  v1::QueryNumaRequest asked = *request;
  if (const grpc::Status translated = Translation(*context).Query(&asked); !translated.ok()) return Answered(context, translated);
  return NumaCall::Start(context,
                         {.core = &core_, .poll_thread = &poll_thread_, .stopping = &stopping_, .queries = &queries_, .limits = &limits_},
                         asked, response);
}

grpc::ServerUnaryReactor* MonitorService::MeasureNuma(grpc::CallbackServerContext* context, const v1::MeasureNumaRequest*,
                                                      v1::MeasureNumaResponse* response) {
  return NumaMeasureCall::Start(
      context, {.core = &core_, .poll_thread = &poll_thread_, .stopping = &stopping_, .queries = &queries_, .limits = &limits_}, response);
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

grpc::ServerUnaryReactor* MonitorService::Recommend(grpc::CallbackServerContext* context, const v1::RecommendRequest* request,
                                                    v1::RecommendResponse* response) {
  if (const grpc::Status checked = Check(*request, limits_.Get()); !checked.ok()) return Answered(context, checked);
  v1::RecommendRequest asked = *request;
  if (const grpc::Status translated = Translation(*context).Query(&asked); !translated.ok()) return Answered(context, translated);
  return RecommendCall::Start(
      context, {.core = &core_, .poll_thread = &poll_thread_, .stopping = &stopping_, .queries = &queries_, .limits = &limits_}, asked,
      response);
}

}  // namespace hftmon
