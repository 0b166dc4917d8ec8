#include "daemon/service/metrics_stream.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/service/answer_size.h"
#include "daemon/service/convert.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/spike_filter.h"
#include "daemon/service/target_selection.h"

namespace hftmon {
namespace {

// Empty = all. The first unknown name is an error that lists near ones.
grpc::Status FindMetrics(const v1::WatchMetricsRequest& request, std::vector<const MetricRow*>* metrics) {
  RequestChecks checks;
  for (int i = 0; i < request.metrics_size(); ++i) {
    const MetricRow* row = FindMetric(request.metrics(i));
    if (row == nullptr) {
      checks.Add("metrics[" + std::to_string(i) + "]", UnknownMetricMessage(request.metrics(i)));
      return checks.Result();
    }
    metrics->push_back(row);
  }
  if (metrics->empty()) {
    for (const MetricRow& row : MetricRows()) metrics->push_back(&row);
  }
  return grpc::Status::OK;
}

std::vector<const MetricRow*> OfThreads(const std::vector<const MetricRow*>& metrics) {
  std::vector<const MetricRow*> found;
  std::copy_if(metrics.begin(), metrics.end(), std::back_inserter(found),
               [](const MetricRow* metric) { return metric->origin == MetricOrigin::kThreads; });
  return found;
}

}  // namespace

grpc::ServerWriteReactor<v1::WatchMetricsResponse>* MetricsStream::Start(const v1::WatchMetricsRequest& request,
                                                                         const MetricsStreamShared& shared) {
  using Refused = RefusedStream<v1::WatchMetricsResponse>;
  if (const grpc::Status checked = Check(request); !checked.ok()) return new Refused(checked);
  std::vector<const MetricRow*> metrics;
  if (const grpc::Status found = FindMetrics(request, &metrics); !found.ok()) return new Refused(found);
  TargetSelection selection;
  if (const grpc::Status selected = selection.Select(*shared.core->targets, request.pids()); !selected.ok()) return new Refused(selected);

  std::unique_ptr<MetricsStream> stream(new MetricsStream(shared, request, metrics));
  // gRPC knows the stream only once it is returned: until then it can be deleted like any object.
  if (const grpc::Status added = shared.streams->Add(stream.get(), shared.limits->Get().metric_streams_max); !added.ok())
    return new Refused(added);
  if (!shared.poll_thread->Add(stream.get())) {
    shared.streams->Remove(stream.get());
    return new Refused(RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUERY_LIMIT", "too many calls wait: call again later"));
  }
  return stream.release();
}

MetricsStream::MetricsStream(const MetricsStreamShared& shared, const v1::WatchMetricsRequest& request,
                             const std::vector<const MetricRow*>& metrics)
    : shared_(shared),
      request_(request),
      metrics_(OfThreads(metrics)),
      period_ns_(request.period_ns() > 0 ? request.period_ns() : kMetricsPeriodDefaultNs),
      due_ns_(PollThread::NowNs() + period_ns_),
      covered_until_ns_(shared.core->windows->closed_until_mono_ns()),
      spike_cursor_(shared.core->spikes->ended().end()),
      counters_(shared.core, shared.counter_windows, request, metrics, covered_until_ns_) {}

int64_t MetricsStream::Poll(int64_t now_ns) {
  if (counters_.any() && now_ns >= next_take_ns_) {
    counters_.Take();
    next_take_ns_ = now_ns + CounterMetricSamples::kTakeIntervalNs;
  }
  if (now_ns < due_ns_) return counters_.any() ? std::min(due_ns_, next_take_ns_) : due_ns_;
  const int64_t until_ns = shared_.core->windows->closed_until_mono_ns();
  // Nothing was closed before the stream began: its first window has no beginning yet.
  if (covered_until_ns_ == 0) covered_until_ns_ = until_ns;
  if (until_ns <= covered_until_ns_) return now_ns + kRetryNs;
  auto snapshot = std::make_unique<v1::WatchMetricsResponse>();
  MakeSnapshot(until_ns, snapshot.get());
  if (const grpc::Status fits = CheckAnswer(*snapshot, snapshot->samples_size() + snapshot->unavailable_size(), shared_.limits);
      !fits.ok()) {
    End(fits);
    return kPollDone;
  }
  if (!Offer(std::move(snapshot))) return kPollDone;
  Pump();
  due_ns_ = std::max(due_ns_ + period_ns_, now_ns);
  return counters_.any() ? std::min(due_ns_, next_take_ns_) : due_ns_;
}

bool MetricsStream::Offer(std::unique_ptr<v1::WatchMetricsResponse> snapshot) {
  Reasons reasons;
  for (const v1::UnavailableMetrics& entry : snapshot->unavailable()) reasons.insert(entry.SerializeAsString());
  std::lock_guard lock(mutex());
  if (ended()) return false;
  if (pending_ != nullptr) {
    ++dropped_;
    shared_.dropped_count->fetch_add(1, std::memory_order_relaxed);
    // What is told once is told by the one that is sent.
    snapshot->set_counter_set_changed(snapshot->counter_set_changed() || pending_->counter_set_changed());
    snapshot->set_lost_counter_span_count(snapshot->lost_counter_span_count() + pending_->lost_counter_span_count());
  }
  auto* entries = snapshot->mutable_unavailable();
  entries->erase(std::remove_if(entries->begin(), entries->end(),
                                [this](const v1::UnavailableMetrics& entry) { return told_reasons_.contains(entry.SerializeAsString()); }),
                 entries->end());
  pending_ = std::move(snapshot);
  pending_reasons_ = std::move(reasons);
  return true;
}

void MetricsStream::MakeSnapshot(int64_t until_mono_ns, v1::WatchMetricsResponse* snapshot) {
  TargetSelection selection;
  // A target that was detached or has ended meanwhile has no samples; the stream goes on for the others.
  selection.SelectKnown(*shared_.core->targets, request_.pids());
  selection.LeaveOutEndedBefore(covered_until_ns_);
  const WindowAnswer answer = shared_.core->windows->Query(covered_until_ns_, until_mono_ns,
                                                           [&selection](const ThreadKey& thread) { return selection.Keeps(thread); });
  v1::Window* window = snapshot->mutable_window();
  window->set_begin_monotonic_ns(answer.begin_mono_ns);
  window->set_end_monotonic_ns(answer.end_mono_ns);
  window->set_requested_ns(period_ns_);
  window->set_resolution_ns(answer.resolution_ns);
  window->set_truncated(answer.truncated);
  window->set_off_ns(shared_.core->status->OffWithin(answer.begin_mono_ns, answer.end_mono_ns));
  TimePairToProto(shared_.core->status->Now(), snapshot->mutable_time());
  snapshot->set_lost_records(shared_.core->status->LostBetween(answer.begin_mono_ns, answer.end_mono_ns));
  snapshot->set_unslotted_thread_count(selection.UnslottedSince(answer.begin_mono_ns));
  AddMetricSamples(*shared_.core, selection, metrics_, request_.per_thread(), answer.threads, CountSpikes(until_mono_ns), snapshot);
  counters_.Fill(selection, covered_until_ns_, snapshot);
  covered_until_ns_ = until_mono_ns;
}

std::optional<SpikeCounts> MetricsStream::CountSpikes(int64_t until_mono_ns) {
  SpikeCounts counts;
  const SpikeFilter filter;  // waits above each target's own threshold, whatever other clients asked for
  const SeqRing<Spike>& spikes = shared_.core->spikes->ended();
  const uint64_t begin = spikes.begin();
  bool complete = spike_cursor_ >= begin;
  spike_cursor_ = std::max(spike_cursor_, begin);
  Spike spike;
  for (; spike_cursor_ < spikes.end(); ++spike_cursor_) {
    if (spikes.Read(spike_cursor_, &spike) != SeqRead::kOk) {
      complete = false;
      continue;
    }
    if (spike.start_mono_ns + spike.duration_ns >= until_mono_ns) break;
    if (filter.Wants(spike, spike.duration_ns, shared_.thresholds)) ++counts[spike.thread];
  }
  return complete ? std::optional(std::move(counts)) : std::nullopt;
}

bool MetricsStream::NextMessage(v1::WatchMetricsResponse* message) {
  if (pending_ == nullptr) return false;
  message->Swap(pending_.get());
  pending_.reset();
  told_reasons_ = std::move(pending_reasons_);
  message->set_dropped(dropped_);
  return true;
}

void MetricsStream::Detach() {
  shared_.poll_thread->Remove(this);
  shared_.streams->Remove(this);
}

}  // namespace hftmon
