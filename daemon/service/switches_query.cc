#include "daemon/service/switches_query.h"

#include <algorithm>
#include <vector>

#include "daemon/service/convert.h"
#include "daemon/service/convert_stack.h"
#include "daemon/service/convert_switches.h"
#include "daemon/service/floors.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/window_threads.h"

namespace hftmon {
namespace {

constexpr double kPercentilesDefault[] = {50, 95, 99, 99.9};

bool WantsEvent(const SwitchEvent& event, const ThreadFilter& filter, int64_t min_duration_ns) {
  if (event.is_end || !filter.Keeps(event.thread)) return false;
  if (event.is_migration) return true;
  // An interval whose beginning was not seen lasted at least as long as its wait.
  return std::max(event.off_cpu_ns, event.wait_ns) >= min_duration_ns;
}

void AnswerEvents(const ServiceCore& core, const ThreadFilter& filter, const v1::QueryContextSwitchesRequest& request,
                  int64_t begin_mono_ns, int64_t end_mono_ns, int64_t rows_max, v1::QueryContextSwitchesResponse* response) {
  const size_t events_max = request.max_events() > 0 ? request.max_events() : std::min<int64_t>(kAnswerRowsDefault, rows_max);
  std::vector<SwitchEvent> newest_first;
  bool overwritten = false;
  SwitchEvent event;
  uint64_t index = core.switch_events->end();
  // The history is in the order of time: the first entry before the window is the last one to look at.
  for (; index > 0 && newest_first.size() < events_max; --index) {
    const SeqRead read = core.switch_events->Read(index - 1, &event);
    overwritten = read != SeqRead::kOk;
    if (overwritten || event.end_mono_ns < begin_mono_ns) break;
    if (event.end_mono_ns < end_mono_ns && WantsEvent(event, filter, request.min_duration_ns())) newest_first.push_back(event);
  }
  for (auto it = newest_first.rbegin(); it != newest_first.rend(); ++it) {
    v1::SwitchEvent* out = response->add_events();
    SwitchEventToProto(*it, core.names, out);
    if (!it->is_migration) AddStack(core.stacks, it->thread.tid, it->end_mono_ns, out);
  }

  const int64_t floor_ns = core.targets->FloorsSince(begin_mono_ns).off_cpu_ns;
  if (floor_ns != kNoFloor) response->set_events_floor_ns(floor_ns);
  response->set_events_incomplete(overwritten || floor_ns > request.min_duration_ns());
}

}  // namespace

grpc::Status AnswerSwitches(const ServiceCore& core, const TargetSelection& selection, const v1::QueryContextSwitchesRequest& request,
                            const Arrival& arrival, int64_t rows_max, v1::QueryContextSwitchesResponse* response) {
  const ThreadFilter filter{selection, {request.tids().begin(), request.tids().end()}};
  const int64_t end_ns = arrival.time.monotonic_ns;
  const int64_t begin_ns = selection.WindowBegin(request.window_ns(), end_ns);
  WindowAnswer answer = core.windows->Query(begin_ns, end_ns, [&filter](const ThreadKey& thread) { return filter.Keeps(thread); });

  const std::vector<ThreadWindow> threads = ThreadsOf(core, filter, std::move(answer.threads));
  if (const grpc::Status found = CheckTidsFound(request.tids(), TidsOf(threads), "switches"); !found.ok()) return found;

  WindowAnswerToProto(core, selection, request.window_ns(), begin_ns, arrival, answer, response->mutable_window());
  TimePairToProto(core.status->Now(), response->mutable_time());
  response->set_lost_records(core.status->LostBetween(answer.begin_mono_ns, answer.end_mono_ns));
  response->set_unslotted_thread_count(selection.UnslottedSince(answer.begin_mono_ns));

  std::vector<double> percentiles(request.percentiles().begin(), request.percentiles().end());
  if (percentiles.empty()) percentiles.assign(std::begin(kPercentilesDefault), std::end(kPercentilesDefault));
  const Targets::Floors floors = core.targets->FloorsSince(answer.begin_mono_ns);
  if (floors.run_queue_ns != kNoFloor) response->set_run_queue_floor_ns(floors.run_queue_ns);
  if (floors.off_cpu_ns != kNoFloor) response->set_off_cpu_floor_ns(floors.off_cpu_ns);
  const EventsOfThreads events = CollectEvents(
      *core.switch_events, answer,
      {.run_queue_floor_ns = floors.run_queue_ns, .off_cpu_floor_ns = floors.off_cpu_ns, .lost_any = response->lost_records() > 0},
      [&filter](const ThreadKey& thread) { return filter.Keeps(thread); });
  for (const ThreadWindow& thread : threads) {
    v1::ThreadSwitches* out = response->add_threads();
    const auto of_thread = events.find(thread.thread);
    ThreadWindowToProto(thread, percentiles, of_thread == events.end() ? nullptr : &of_thread->second, core.names, out);
    if (const auto total = core.totals->Find(thread.thread)) ThreadTotalToProto(*total, out);
  }
  if (request.min_duration_ns() > 0) AnswerEvents(core, filter, request, answer.begin_mono_ns, answer.end_mono_ns, rows_max, response);
  return grpc::Status::OK;
}

}  // namespace hftmon
