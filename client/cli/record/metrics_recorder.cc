#include "client/cli/record/metrics_recorder.h"

#include <utility>

#include "common/counted.h"

namespace hftmon {

MetricsRecorder::MetricsRecorder(const Client& client, const std::vector<int32_t>& pids, int64_t period_ns, PartSink* sink) : sink_(*sink) {
  auto list = client.ListMetrics();
  listed_ = list.status();
  if (!list.ok()) return;
  v1::RecordingPart part;
  *part.mutable_metric_list() = *std::move(list);
  listed_ = sink_.Put(part);
  if (!listed_.ok()) return;
  v1::WatchMetricsRequest request;
  request.mutable_pids()->Add(pids.begin(), pids.end());
  request.set_period_ns(period_ns);
  stream_ = client.WatchMetrics(request);
  thread_ = std::thread([this] { Read(); });
}

MetricsRecorder::~MetricsRecorder() {
  Stop().IgnoreError();
}

void MetricsRecorder::Read() {
  v1::RecordingPart part;
  while (stream_->Read(part.mutable_metrics())) {
    dropped_ = part.metrics().dropped();
    if (!sink_.Put(part).ok()) return;  // the recorder's own next part fails likewise, and says why
  }
}

absl::Status MetricsRecorder::Stop() {
  if (!thread_.joinable()) return std::exchange(listed_, absl::OkStatus());
  stream_->Cancel();
  thread_.join();
  if (dropped_ > 0) warnings_.push_back(Counted(dropped_, "snapshot") + " of metrics were skipped: counters have gaps");
  return stream_->Finish();
}

}  // namespace hftmon
