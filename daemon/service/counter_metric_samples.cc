#include "daemon/service/counter_metric_samples.h"

#include <algorithm>
#include <utility>

#include "common/utf8.h"
#include "daemon/analysis/counter_metrics.h"
#include "daemon/control/target_options.h"
#include "daemon/service/counter_absence.h"

namespace hftmon {
namespace {

constexpr char kNoThread[] = "none of its threads is counted: it ended, or they found no place in the tables of threads";
constexpr char kNoCounter[] =
    "its events had no counter in this window: more events are counted than the processor counts at once, ask for fewer";
constexpr char kOtherCores[] =
    "not counted on the CPUs on which it ran: they are of a kind that does not have the event, or refused it (`hftmon cache` names these)";
constexpr char kSomeCores[] =
    "counted in a part of its time only: the other CPUs on which it ran are of a kind that does not have the event, or refused it (`hftmon "
    "cache` names these)";
constexpr char kDoesNotAsk[] = "its target does not ask for it: attach it with --cache or --counters";

}  // namespace

// One answer in the making.
struct CounterMetricSamples::Snapshot {
  const TargetSelection& selection;
  const SpanlessWindow spanless;
  v1::WatchMetricsResponse* out;
  std::vector<const MetricRow*> counted = {};  // of those asked for, what this set can tell
};

CounterMetricSamples::CounterMetricSamples(const ServiceCore* core, CounterWindowBudget* budget, const v1::WatchMetricsRequest& request,
                                           const std::vector<const MetricRow*>& metrics, int64_t since_mono_ns)
    : core_(core),
      budget_(budget),
      per_thread_(request.per_thread()),
      named_(request.metrics_size() > 0),
      pids_(request.pids().begin(), request.pids().end()),
      since_mono_ns_(since_mono_ns) {
  std::copy_if(metrics.begin(), metrics.end(), std::back_inserter(metrics_),
               [](const MetricRow* metric) { return metric->origin != MetricOrigin::kThreads; });
  if (core_->counter_history == nullptr) return;
  cursor_ = core_->counter_history->Now();
  told_set_ = cursor_.set;
}

void CounterMetricSamples::Take() {
  if (!any() || core_->counter_history == nullptr) return;
  CounterArrivals arrivals;
  do {
    arrivals = core_->counter_history->TakeNew(
        &cursor_, [this](const std::vector<CounterRate>& rates, const CounterSpan& span) { Add(rates, span); }, kTakeMax);
    lost_count_ += arrivals.lost_count;
  } while (arrivals.more);
  if (arrivals.set.number < set_.number) return;  // it has not heard of what is counted now
  FollowSet(arrivals.set);
  rates_ = std::move(arrivals.rates);
}

void CounterMetricSamples::Add(const std::vector<CounterRate>& rates, const CounterSpan& span) {
  if (span.set < set_.number) {
    ++lost_count_;
    return;
  }
  if (span.set != set_.number) FollowSet({.number = span.set});
  if (span.end_mono_ns <= since_mono_ns_ || (!pids_.empty() && !pids_.contains(span.thread.tgid))) return;
  const auto window = windows_.find(KeyOf(span.thread));
  if (window != windows_.end()) {
    window->second.Add(rates, span);
  } else if (budget_->Take()) {
    windows_[KeyOf(span.thread)].Add(rates, span);
  } else {
    ++lost_count_;
    return;
  }
  if (read_.size() < CounterWindowBudget::kWindowsMax) read_.insert(span.thread);
}

// What was counted of other events is in no sample.
void CounterMetricSamples::FollowSet(const CounterSet& now) {
  if (now.number != set_.number) Forget();
  set_ = now;
}

void CounterMetricSamples::Forget() {
  budget_->GiveBack(windows_.size());
  windows_.clear();
  read_.clear();
}

void CounterMetricSamples::Fill(const TargetSelection& selection, int64_t begin_mono_ns, v1::WatchMetricsResponse* out) {
  if (!any()) return;
  if (core_->counters == nullptr || core_->counter_history == nullptr) {
    v1::UnavailableMetrics* entry = out->add_unavailable();
    entry->set_reason(kNoCounters);
    return;
  }
  Take();
  const CounterTotals::State state = core_->counters->state();
  // The history hears of a set a moment later, and never of another interval.
  if (!state.set.events.empty()) {
    if (state.set.number != set_.number) rates_ = RatesOf(state.set);
    FollowSet(state.set);
  }
  out->set_lost_counter_span_count(std::exchange(lost_count_, 0));
  out->set_counter_set_changed(told_set_ != 0 && told_set_ != set_.number);
  told_set_ = set_.number;
  Snapshot snapshot{.selection = selection,
                    .spanless = {.begin_mono_ns = begin_mono_ns,
                                 .lost_count = out->lost_counter_span_count(),
                                 .interval_ns = set_.interval_ns,
                                 .since_mono_ns = set_.since_mono_ns},
                    .out = out};
  if (!state.reason.empty() && windows_.empty()) {
    bool paused = false;
    for (const TargetInfo& target : selection.targets()) {
      if (target.state != TargetState::kPaused || !Counts(target.options)) continue;
      AddUnavailable(target.pid, 0, kPausedTarget, &snapshot);
      paused = true;
    }
    if (!paused) AddUnavailable(0, 0, state.reason, &snapshot);
    return;
  }
  std::map<std::string, v1::UnavailableMetrics> missing;  // by reason
  for (const MetricRow* metric : metrics_) {
    const std::string reason = WhyNotCounted(*metric, set_, rates_, state.unavailable, named_);
    if (reason.empty()) {
      snapshot.counted.push_back(metric);
    } else {
      missing[reason].add_metrics(std::string(metric->name));
    }
  }
  for (auto& [reason, entry] : missing) {
    entry.set_reason(ValidUtf8(reason));
    *out->add_unavailable() = std::move(entry);
  }
  std::unordered_set<uint32_t> pids;  // an ended target's may be a running one's again
  for (const TargetInfo& target : selection.targets()) {
    if (!snapshot.counted.empty() && pids.insert(target.pid).second) FillTarget(target, &snapshot);
  }
  Forget();
}

void CounterMetricSamples::FillTarget(const TargetInfo& target, Snapshot* snapshot) const {
  const auto window = windows_.find({.tid = 0, .tgid = target.pid, .start_ns = 0});
  // Who asks no longer has what it counted until then.
  const auto is_its = [&target](const auto& entry) { return entry.first.tgid == target.pid; };
  const bool has_windows = per_thread_ ? std::any_of(windows_.begin(), windows_.end(), is_its) : window != windows_.end();
  if (!Counts(target.options) && !has_windows) return AddUnavailable(target.pid, 0, kDoesNotAsk, snapshot);
  std::map<ThreadKey, std::string, ThreadKeyOrder> spanless;  // why; empty: it had nothing to count
  for (const ThreadCounterTotal& total : core_->counters->ThreadsOf(target.pid)) {
    if (!snapshot->selection.Keeps(total.thread) || read_.contains(total.thread)) continue;
    spanless[total.thread] =
        target.state == TargetState::kPaused ? kPausedTarget : WhyNoSpan(*core_, total.thread, &total, snapshot->spanless);
  }
  if (per_thread_) return FillThreads(target, spanless, snapshot);
  if (window == windows_.end()) {
    if (spanless.empty() && target.state != TargetState::kEnded) AddUnavailable(target.pid, 0, kNoThread, snapshot);
    if (spanless.empty()) return;
    const auto why = std::find_if(spanless.begin(), spanless.end(), [](const auto& thread) { return !thread.second.empty(); });
    if (why != spanless.end()) return AddUnavailable(target.pid, 0, why->second, snapshot);
    return AddSamples(target.pid, 0, {}, snapshot);
  }
  AddSamples(target.pid, 0, window->second, snapshot);
  for (const auto& [thread, reason] : spanless) {
    if (!reason.empty()) AddUnavailable(target.pid, thread.tid, reason, snapshot);
  }
}

void CounterMetricSamples::FillThreads(const TargetInfo& target, const std::map<ThreadKey, std::string, ThreadKeyOrder>& spanless,
                                       Snapshot* snapshot) const {
  std::map<ThreadKey, const CounterWindow*, ThreadKeyOrder> windows;
  for (const auto& [thread, window] : windows_) {
    if (thread.tgid == target.pid && snapshot->selection.Keeps(thread)) windows[thread] = &window;
  }
  for (const auto& [thread, window] : windows) AddSamples(target.pid, thread.tid, *window, snapshot);
  for (const auto& [thread, reason] : spanless) {
    if (reason.empty()) {
      AddSamples(target.pid, thread.tid, {}, snapshot);
    } else {
      AddUnavailable(target.pid, thread.tid, reason, snapshot);
    }
  }
}

void CounterMetricSamples::AddSamples(uint32_t pid, uint32_t tid, const CounterWindow& window, Snapshot* snapshot) const {
  const bool had_counters = window.running_ns > 0;
  if (window.span_count > 0 && !had_counters) AddUnavailable(pid, tid, kNoCounter, snapshot);
  std::vector<const MetricRow*> lacking;
  std::vector<const MetricRow*> partly;
  const ThreadNumbers inner = core_->names->NumbersOf(pid, tid == 0 ? pid : tid);
  for (const MetricRow* metric : snapshot->counted) {
    const std::optional<CounterMetricValue> value = CounterMetricOf(*metric, set_, rates_, window);
    const bool lacks = had_counters && LacksEvents(*metric, set_, rates_, window);
    if (lacks) (value ? partly : lacking).push_back(metric);
    if (!value) continue;
    v1::MetricSample* sample = snapshot->out->add_samples();
    sample->set_metric(std::string(metric->name));
    sample->set_pid(static_cast<int32_t>(pid));
    sample->set_tid(static_cast<int32_t>(tid));
    sample->set_namespace_pid(inner.pid);
    if (tid != 0) sample->set_namespace_tid(inner.tid);
    sample->set_value(value->value);
    sample->set_estimated(value->estimated || lacks);
    sample->set_doubtful(value->doubtful);
  }
  if (!lacking.empty()) AddUnavailable(pid, tid, kOtherCores, snapshot, lacking);
  if (!partly.empty()) AddUnavailable(pid, tid, kSomeCores, snapshot, partly);
}

void CounterMetricSamples::AddUnavailable(uint32_t pid, uint32_t tid, const std::string& reason, Snapshot* snapshot,
                                          std::span<const MetricRow* const> metrics) const {
  if (snapshot->out->unavailable_size() >= kUnavailableMax) {
    snapshot->out->set_unavailable_dropped_count(snapshot->out->unavailable_dropped_count() + 1);
    return;
  }
  v1::UnavailableMetrics* entry = snapshot->out->add_unavailable();
  entry->set_pid(static_cast<int32_t>(pid));
  entry->set_tid(static_cast<int32_t>(tid));
  entry->set_reason(ValidUtf8(reason));
  for (const MetricRow* metric : metrics) entry->add_metrics(std::string(metric->name));
  if (pid == 0) return;
  const ThreadNumbers inner = core_->names->NumbersOf(pid, tid == 0 ? pid : tid);
  entry->set_namespace_pid(inner.pid);
  if (tid != 0) entry->set_namespace_tid(inner.tid);
}

}  // namespace hftmon
