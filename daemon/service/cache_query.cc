#include "daemon/service/cache_query.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "daemon/analysis/counter_history.h"
#include "daemon/control/target_options.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_cache.h"
#include "daemon/service/counter_absence.h"
#include "daemon/service/window_threads.h"

namespace hftmon {
namespace {

constexpr double kPercentilesDefault[] = {1, 50, 99, 99.9};
// What a window's threads are told with.
class CacheRows {
 public:
  CacheRows(const ServiceCore& core, const v1::QueryCacheRequest& request, const CounterTotals::State& state, CounterAnswer answer)
      : core_(core), answer_(std::move(answer)) {
    percentiles_.assign(request.percentiles().begin(), request.percentiles().end());
    if (percentiles_.empty()) percentiles_.assign(std::begin(kPercentilesDefault), std::end(kPercentilesDefault));
    if (state.set.number == answer_.set.number) answer_.set.interval_ns = state.set.interval_ns;  // it changes without a new number
    if (state.set.events.empty() || state.set.number == answer_.set.number) return;
    // The history hears of a set a moment later, and of none before its first span.
    answer_.set_changed = answer_.set.number != 0;
    answer_.set = state.set;
    answer_.rates = RatesOf(answer_.set);
    answer_.threads.clear();
  }

  // A reading that is not in the history. Leaves it out where the thread has been read since.
  void AddNow(const CounterSpan& span) {
    if (span.set != answer_.set.number) return;
    CounterWindow& window = answer_.threads[span.thread];
    if (window.last_end_mono_ns > span.begin_mono_ns) return;
    window.Add(answer_.rates, span);
    answer_.end_mono_ns = std::max(answer_.end_mono_ns, span.end_mono_ns);
    read_now_.insert(span.thread);
  }

  void Fill(const ThreadKey& thread, const ThreadCounterTotal* total, bool paused, v1::ThreadCache* out) const {
    ThreadToProto(thread, core_.names, out->mutable_thread());
    const auto window = answer_.threads.find(thread);
    const bool has_spans = window != answer_.threads.end() && window->second.span_count > 0;
    const std::string reason = has_spans ? "" : paused ? kPausedTarget : WhyNoSpan(core_, thread, total, Spanless());
    out->set_available(reason.empty());
    out->set_reason(reason);
    if (has_spans) CounterWindowToProto(answer_.set, answer_.rates, window->second, percentiles_, out);
    if (total != nullptr && total->unavailable.empty()) CounterTotalToProto(answer_.set, *total, out);
    out->set_read_now(read_now_.contains(thread));
  }

  const CounterAnswer& answer() const { return answer_; }

 private:
  SpanlessWindow Spanless() const {
    return {.begin_mono_ns = answer_.begin_mono_ns,
            .lost_count = answer_.lost_count,
            .interval_ns = answer_.set.interval_ns,
            .since_mono_ns = answer_.set.since_mono_ns};
  }

  const ServiceCore& core_;
  CounterAnswer answer_;
  std::vector<double> percentiles_;
  std::set<ThreadKey, ThreadKeyOrder> read_now_;
};

// Each process's running threads, as far as they are asked for.
std::vector<CounterSpan> ReadNow(const ServiceCore& core, const TargetSelection& selection, const ThreadFilter& filter,
                                 v1::QueryCacheResponse* response) {
  std::vector<CounterSpan> spans;
  uint64_t cross_call_count = 0;
  for (const TargetInfo& target : selection.targets()) {
    if (target.state == TargetState::kEnded) continue;
    auto now = core.counters->ReadNow(target.pid);
    if (!now.ok()) {
      response->set_read_now_error(std::string(now.status().message()));
      continue;
    }
    cross_call_count += now->cross_call_count;
    std::copy_if(now->spans.begin(), now->spans.end(), std::back_inserter(spans),
                 [&filter](const CounterSpan& span) { return filter.Keeps(span.thread); });
  }
  response->set_cross_call_count(cross_call_count);
  return spans;
}

void SpansToProto(const CounterAnswer& answer, v1::QueryCacheResponse* response) {
  uint64_t span_count = 0;
  int64_t wide_sum_ns = 0;
  int64_t widest_ns = 0;
  for (const auto& [thread, window] : answer.threads) {
    span_count += window.span_count;
    wide_sum_ns += window.wide_sum_ns;
    widest_ns = std::max(widest_ns, window.widest_ns);
  }
  response->mutable_window()->set_resolution_ns(widest_ns);
  if (span_count == 0) return;
  response->set_mean_span_ns(wide_sum_ns / static_cast<int64_t>(span_count));
  response->set_widest_span_ns(widest_ns);
}

void WindowToProto(const ServiceCore& core, const TargetSelection& selection, const v1::QueryCacheRequest& request, int64_t asked_begin_ns,
                   const Arrival& arrival, const CounterAnswer& answer, v1::QueryCacheResponse* response) {
  v1::Window* window = response->mutable_window();
  window->set_begin_monotonic_ns(answer.begin_mono_ns);
  window->set_end_monotonic_ns(answer.end_mono_ns);
  window->set_requested_ns(request.window_ns());
  window->set_truncated(answer.truncated || answer.set_changed ||
                        (request.window_ns() > 0 && asked_begin_ns < selection.last_attached_mono_ns()));
  window->set_late(arrival.late);
  window->set_off_ns(core.status->OffWithin(answer.begin_mono_ns, answer.end_mono_ns));
  TimePairToProto(core.status->Now(), response->mutable_time());
  response->set_lost_span_count(answer.lost_count);
  response->set_set_changed(answer.set_changed);
  response->set_unslotted_thread_count(selection.UnslottedSince(answer.begin_mono_ns));
  SpansToProto(answer, response);
}

// Those that are counted now, and those that the window has of the past.
grpc::Status AddThreads(const ServiceCore& core, const TargetSelection& selection, const ThreadFilter& filter,
                        const v1::QueryCacheRequest& request, const CacheRows& rows, v1::QueryCacheResponse* response) {
  std::map<ThreadKey, std::optional<ThreadCounterTotal>, ThreadKeyOrder> threads;
  for (const auto& [thread, window] : rows.answer().threads) threads.try_emplace(thread);
  std::unordered_set<uint32_t> paused;  // processes
  for (const TargetInfo& target : selection.targets()) {
    if (target.state == TargetState::kPaused) paused.insert(target.pid);
    for (ThreadCounterTotal& total : core.counters->ThreadsOf(target.pid)) {
      if (filter.Keeps(total.thread)) threads[total.thread] = std::move(total);
    }
  }
  std::unordered_set<uint32_t> found;
  for (const auto& [thread, total] : threads) {
    found.insert(thread.tid);
    rows.Fill(thread, total ? &*total : nullptr, paused.contains(thread.tgid), response->add_threads());
  }
  return CheckTidsFound(request.tids(), found, "threads");
}

}  // namespace

grpc::Status AnswerCache(const ServiceCore& core, const TargetSelection& selection, const v1::QueryCacheRequest& request,
                         const Arrival& arrival, v1::QueryCacheResponse* response) {
  const int64_t end_ns = arrival.time.monotonic_ns;
  const int64_t begin_ns = selection.WindowBegin(request.window_ns(), end_ns);
  if (core.counters == nullptr || core.counter_history == nullptr) {
    response->set_reason(kNoCounters);
    WindowToProto(core, selection, request, begin_ns, arrival, {.begin_mono_ns = begin_ns, .end_mono_ns = end_ns}, response);
    return grpc::Status::OK;
  }
  const ThreadFilter filter{selection, {request.tids().begin(), request.tids().end()}};
  std::vector<CounterSpan> now;
  if (request.read_now()) now = ReadNow(core, selection, filter, response);
  CounterTotals::State state = core.counters->state();
  const auto paused = std::find_if(selection.targets().begin(), selection.targets().end(),
                                   [](const TargetInfo& target) { return target.state == TargetState::kPaused && Counts(target.options); });
  if (!state.reason.empty() && paused != selection.targets().end()) {
    state.reason = "process " + std::to_string(paused->pid) + ": " + kPausedTarget;
  }
  CacheRows rows(core, request, state,
                 core.counter_history->Query(begin_ns, end_ns, [&filter](const ThreadKey& thread) { return filter.Keeps(thread); }));
  for (const CounterSpan& span : now) rows.AddNow(span);
  const CounterAnswer& answer = rows.answer();
  CounterStateToProto(state, answer.set, response);
  for (const CounterRate& rate : answer.rates) RateToProto(rate, response->add_rates());
  WindowToProto(core, selection, request, begin_ns, arrival, answer, response);
  const grpc::Status added = AddThreads(core, selection, filter, request, rows, response);
  // Where nothing is counted no thread has counters, and those asked for are not wrong for it.
  return response->available() ? added : grpc::Status::OK;
}

}  // namespace hftmon
