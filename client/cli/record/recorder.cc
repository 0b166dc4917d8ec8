#include "client/cli/record/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "client/cli/exit_code.h"
#include "client/cli/record/file_bytes.h"
#include "client/cli/record/host_facts.h"
#include "client/cli/record/metrics_recorder.h"
#include "client/cli/render/warnings.h"
#include "client/cli/stop_wait.h"

namespace hftmon {
namespace {

constexpr int64_t kTimelineAskMaxNs = 60'000'000'000;  // the daemon's bound of a window
constexpr int64_t kTimelineAskMinNs = 1'000;
constexpr int32_t kEventsPerAsk = 100'000;
// Answers about spikes and switches reach to the moment of the question; asked again from a little before it, none is missed that was
// detected late.
constexpr int64_t kEventsOverlapNs = 200'000'000;

int PieceCount(const v1::QueryTimelineResponse& timeline) {
  int count = 0;
  for (const v1::ThreadTimeline& thread : timeline.threads()) count += thread.pieces_size();
  return count;
}

}  // namespace

absl::StatusOr<int64_t> Recorder::DaemonNow() const {
  const auto status = client_.GetStatus();
  if (!status.ok()) return status.status();
  return status->time().monotonic_ns();
}

absl::Status Recorder::Begin(int64_t begin_ns) {
  const auto status = client_.GetStatus();
  if (!status.ok()) return status.status();
  v1::RecordingPart part;
  v1::RecordingHeader* header = part.mutable_header();
  header->set_format_version(kRecordingFormatVersion);
  header->set_recorder_version(question_.recorder_version);
  header->set_daemon_version(status->daemon().version());
  header->set_daemon_uptime_ns(status->daemon().uptime_ns());
  *header->mutable_time() = status->time();
  header->mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  AddHostFacts(header);
  begin_ns_ = begin_ns > 0 ? begin_ns : status->time().monotonic_ns();
  told_until_ns_ = begin_ns_;
  events_until_ns_ = begin_ns_;
  header->set_begin_monotonic_ns(begin_ns_);
  return sink_.Put(part);
}

absl::Status Recorder::RecordKept(int64_t begin_ns, int64_t end_ns) {
  const auto now_ns = DaemonNow();
  if (!now_ns.ok()) return now_ns.status();
  if (end_ns == 0 || end_ns > *now_ns) end_ns = *now_ns;
  if (begin_ns == 0) begin_ns = std::max<int64_t>(1, end_ns - kTimelineAskMaxNs);
  if (const absl::Status begun = Begin(begin_ns); !begun.ok()) return begun;
  while (told_until_ns_ < end_ns && !IsFull()) {
    if (const absl::Status asked = AskTimeline(told_until_ns_, std::min(end_ns, told_until_ns_ + kTimelineAskMaxNs)); !asked.ok())
      return asked;
  }
  if (const absl::Status asked = AskEvents(begin_ns_); !asked.ok()) return asked;
  return End("window");
}

absl::StatusOr<int> Recorder::Follow(const Console& console, int64_t duration_ns) {
  if (const absl::Status begun = Begin(0); !begun.ok()) return begun;
  if (const absl::Status asked = AskInterrupts(); !asked.ok()) return asked;
  auto stop = StopWait::Start(console.out_fd());
  if (!stop.ok()) return stop.status();
  MetricsRecorder metrics(client_, question_.pids, kMetricsPeriodNs, &sink_);
  absl::Status followed = FollowSlices(stop->get(), duration_ns);
  if (const absl::Status counted = metrics.Stop(); !counted.ok() && followed.ok()) {
    followed = Warn({fmt::format("counters are missing: {}", std::string(counted.message()))});
  }
  if (followed.ok()) followed = Warn(metrics.warnings());
  if (!followed.ok()) return followed;
  if (const absl::Status asked = AskInterrupts(); !asked.ok()) return asked;
  const int signal = (*stop)->signal();
  if (const absl::Status ended = End(signal != 0 ? "signal" : "duration"); !ended.ok()) return ended;
  return signal != 0 ? kExitSignalBase + signal : kExitFine;
}

absl::Status Recorder::FollowSlices(StopWait* stop, int64_t duration_ns) {
  const int64_t end_ns = duration_ns > 0 ? begin_ns_ + duration_ns : INT64_MAX;
  bool stopped = false;
  while (!stopped && told_until_ns_ < end_ns && !IsFull()) {
    auto now_ns = DaemonNow();
    if (!now_ns.ok()) return now_ns.status();
    const int64_t slice_end_ns = std::min(end_ns, told_until_ns_ + kSliceNs);
    if (*now_ns < slice_end_ns + kSliceLagNs) {
      stopped = stop->WaitFor(slice_end_ns + kSliceLagNs - *now_ns);
      if (!stopped) continue;
      now_ns = DaemonNow();
      if (!now_ns.ok()) return now_ns.status();
    }
    // At a stop all that happened, whatever is in progress.
    if (const absl::Status asked = AskSlice(stopped ? std::min(end_ns, *now_ns) : slice_end_ns); !asked.ok()) return asked;
  }
  if (!IsFull()) return absl::OkStatus();
  return Warn({fmt::format("the recording ended early: it is {} MiB long, which is as long as one may be", kRecordingBytesMax >> 20)});
}

absl::Status Recorder::AskSlice(int64_t end_ns) {
  if (end_ns <= told_until_ns_) return absl::OkStatus();
  if (const absl::Status asked = AskTimeline(told_until_ns_, end_ns); !asked.ok()) return asked;
  return AskEvents(std::max(begin_ns_, events_until_ns_ - kEventsOverlapNs));
}

absl::Status Recorder::AskTimeline(int64_t begin_ns, int64_t end_ns) {
  v1::QueryTimelineRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  request.set_window_ns(std::max(kTimelineAskMinNs, end_ns - begin_ns));
  request.set_end_monotonic_ns(end_ns);
  request.set_max_pieces(kPiecesPerAsk);
  auto timeline = client_.QueryTimeline(request);
  if (!timeline.ok()) return timeline.status();
  // Not where history was overwritten: of that no shorter question has more.
  const bool is_full = timeline->pieces_left_out() && PieceCount(*timeline) >= kPiecesPerAsk;
  if (is_full && end_ns - begin_ns >= 2 * kTimelineAskMinNs) {
    const int64_t middle_ns = begin_ns + (end_ns - begin_ns) / 2;
    const absl::Status first = AskTimeline(begin_ns, middle_ns);
    return first.ok() ? AskTimeline(middle_ns, end_ns) : first;
  }
  if (const absl::Status warned = Warn(WarningsOf(*timeline)); !warned.ok()) return warned;
  told_until_ns_ = end_ns;
  v1::RecordingPart part;
  *part.mutable_timeline() = *std::move(timeline);
  return sink_.Put(part);
}

absl::Status Recorder::AskEvents(int64_t since_ns) {
  const auto now_ns = DaemonNow();
  if (!now_ns.ok()) return now_ns.status();
  v1::DetectSpikesRequest spikes_request;
  spikes_request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  spikes_request.set_window_ns(std::max<int64_t>(1, *now_ns - since_ns));
  spikes_request.set_blocked_threshold_ns(question_.blocked_threshold_ns);
  spikes_request.set_max_spikes(kEventsPerAsk);
  auto spikes = client_.DetectSpikes(spikes_request);
  if (!spikes.ok()) return spikes.status();
  std::vector<std::string> warnings = WarningsOf(spikes_request, *spikes, {});
  if (spikes->older_left_out()) warnings.push_back(fmt::format("more than {} spikes in a stretch: older ones are missing", kEventsPerAsk));
  v1::QueryContextSwitchesRequest switches_request;
  switches_request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  switches_request.set_window_ns(spikes_request.window_ns());
  switches_request.set_min_duration_ns(1);
  switches_request.set_max_events(kEventsPerAsk);
  auto switches = client_.QueryContextSwitches(switches_request);
  if (!switches.ok()) return switches.status();
  // Which of them are recorded at all the timeline's floors say.
  for (std::string& warning : WarningsOf(*switches, 0)) warnings.push_back(std::move(warning));
  if (switches->events_size() >= kEventsPerAsk) {
    warnings.push_back(fmt::format("{} switches or more in a stretch: wakers and migrations of older ones are missing", kEventsPerAsk));
  }
  events_until_ns_ = *now_ns;
  v1::RecordingPart spikes_part;
  *spikes_part.mutable_spikes() = *std::move(spikes);
  v1::RecordingPart switches_part;
  *switches_part.mutable_switches() = *std::move(switches);
  if (const absl::Status put = sink_.Put(spikes_part); !put.ok()) return put;
  if (const absl::Status put = sink_.Put(switches_part); !put.ok()) return put;
  return Warn(warnings);
}

absl::Status Recorder::AskInterrupts() {
  v1::QueryInterruptsRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  auto interrupts = client_.QueryInterrupts(request);
  if (!interrupts.ok()) return interrupts.status();
  v1::RecordingPart part;
  *part.mutable_interrupts() = *std::move(interrupts);
  return sink_.Put(part);
}

absl::Status Recorder::End(const std::string& reason) {
  v1::QueryOperationsRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  auto operations = client_.QueryOperations(request);
  if (!operations.ok()) return operations.status();
  if (const absl::Status warned = Warn(WarningsOf(*operations)); !warned.ok()) return warned;
  v1::RecordingPart part;
  *part.mutable_operations() = *std::move(operations);
  if (const absl::Status put = sink_.Put(part); !put.ok()) return put;
  v1::RecordingPart end;
  end.mutable_end()->set_end_monotonic_ns(told_until_ns_);
  end.mutable_end()->set_reason(reason);
  return sink_.Put(end);
}

absl::Status Recorder::Warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    if (warnings_.size() >= kRecordingWarningsMax || !warned_.insert(warning).second) continue;
    warnings_.push_back(warning);
    v1::RecordingPart part;
    part.mutable_warning()->set_text(warning);
    if (const absl::Status put = sink_.Put(part); !put.ok()) return put;
  }
  return absl::OkStatus();
}

bool Recorder::IsFull() const {
  return sink_.written_bytes() >= kRecordingBytesMax;
}

}  // namespace hftmon
