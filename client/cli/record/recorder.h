// Recorder: asks a daemon about a stretch of time and puts the answers into a recording: of what it keeps already, or slice by slice while
// time goes on. Slices abut. A slice is asked kSliceLagNs after its end, when what was in progress at that moment has mostly been told;
// pieces of a stall that lasts longer are recorded as the daemon saw them then, the spike that it becomes as it ended.
//
// Threads: one calls; snapshots of metrics come on a thread of its own while it follows. Bounds: an answer in memory at a time;
// kPiecesPerAsk pieces an answer, a stretch that has more is asked in halves; kRecordingBytesMax in all.
#ifndef HFTMON_CLIENT_CLI_RECORD_RECORDER_H_
#define HFTMON_CLIENT_CLI_RECORD_RECORDER_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/console.h"
#include "client/cli/record/part_sink.h"
#include "client/cpp/client.h"

namespace hftmon {

inline constexpr int64_t kSliceNs = 500'000'000;
inline constexpr int64_t kSliceLagNs = 100'000'000;
inline constexpr int64_t kMetricsPeriodNs = 100'000'000;
inline constexpr int32_t kPiecesPerAsk = 50'000;
inline constexpr size_t kRecordingWarningsMax = 200;  // different ones that are kept

class StopWait;

class Recorder {
 public:
  struct Question {
    std::vector<int32_t> pids;         // of targets; empty: all
    int64_t blocked_threshold_ns = 0;  // of sleeps that are spikes; 0: none
    std::string recorder_version;
  };

  // Both outlive it.
  Recorder(const Client& client, Question question, PartSink* sink) : client_(client), question_(std::move(question)), sink_(*sink) {}

  // What is kept: from `begin_ns` (0: everything that may be asked for at a time, a minute) to `end_ns` (0: now). Once.
  absl::Status RecordKept(int64_t begin_ns, int64_t end_ns);
  // From now on for so long (0: until a signal). 0, or 128 + the signal that ended it; the recording is whole either way. Once.
  absl::StatusOr<int> Follow(const Console& console, int64_t duration_ns);

  // The moment, by the daemon's clock.
  absl::StatusOr<int64_t> DaemonNow() const;

  // What keeps the recording from being the whole truth; they stand in it too.
  const std::vector<std::string>& warnings() const { return warnings_; }
  int64_t recorded_ns() const { return told_until_ns_ - begin_ns_; }

 private:
  absl::Status Begin(int64_t begin_ns);
  absl::Status AskSlice(int64_t end_ns);
  absl::Status AskTimeline(int64_t begin_ns, int64_t end_ns);
  // Of what ended since `since_ns`.
  absl::Status AskEvents(int64_t since_ns);
  absl::Status AskInterrupts();
  absl::Status End(const std::string& reason);
  absl::Status FollowSlices(StopWait* stop, int64_t duration_ns);
  absl::Status Warn(const std::vector<std::string>& warnings);
  bool IsFull() const;

  const Client& client_;
  const Question question_;
  PartSink& sink_;
  int64_t begin_ns_ = 0;
  int64_t told_until_ns_ = 0;
  int64_t events_until_ns_ = 0;
  std::vector<std::string> warnings_;
  std::set<std::string> warned_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RECORD_RECORDER_H_
