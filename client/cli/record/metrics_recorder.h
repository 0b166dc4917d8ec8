// MetricsRecorder: while it lives, the daemon's snapshots of metrics go into a recording, on a thread of its own.
//
// Threads: the constructor, Stop and warnings by one thread; the sink takes parts of any.
#ifndef HFTMON_CLIENT_CLI_RECORD_METRICS_RECORDER_H_
#define HFTMON_CLIENT_CLI_RECORD_METRICS_RECORDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/record/part_sink.h"
#include "client/cpp/client.h"

namespace hftmon {

class MetricsRecorder {
 public:
  // `client` and `sink` outlive it. Of all metrics, one sample a target.
  MetricsRecorder(const Client& client, const std::vector<int32_t>& pids, int64_t period_ns, PartSink* sink);
  ~MetricsRecorder();
  MetricsRecorder(const MetricsRecorder&) = delete;
  MetricsRecorder& operator=(const MetricsRecorder&) = delete;

  // Ends it. The error for which snapshots are missing, of the stream's or of the list of metrics.
  absl::Status Stop();
  // After Stop.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void Read();

  PartSink& sink_;
  absl::Status listed_;
  std::unique_ptr<MetricStream> stream_;
  uint64_t dropped_ = 0;
  std::vector<std::string> warnings_;
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RECORD_METRICS_RECORDER_H_
