// RecordingBuilder: makes a Recording of the parts of a recording file: joins pieces across the edges of answers, keeps of a spike that
// came again the last telling, takes a switch that came twice once, and makes of the interrupts' sums their difference.
//
// Threads: one. Bounds: those of the parts.
#ifndef HFTMON_CLIENT_RECORDING_RECORDING_BUILDER_H_
#define HFTMON_CLIENT_RECORDING_RECORDING_BUILDER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "client/recording/recording.h"
#include "hftmon/v1/recording.pb.h"

namespace hftmon {

class RecordingBuilder {
 public:
  // In the order of the file.
  void Add(const v1::RecordingPart& part);
  // What keeps the recording from being the whole truth.
  void AddNote(const std::string& note);
  // Once, the last call. Adds the notes that follow from the parts.
  Recording Finish() &&;

 private:
  using ThreadKey = std::tuple<int32_t, int32_t, int64_t>;             // pid, tid, start
  using InterruptKey = std::tuple<int32_t, std::string, std::string>;  // CPU, kind, name
  using InterruptSum = std::pair<uint64_t, int64_t>;

  void AddFact(const std::string& fact);
  void AddHeader(const v1::RecordingHeader& header);
  void AddTimeline(const v1::QueryTimelineResponse& timeline);
  void AddPiece(const v1::TimelinePiece& piece, RecordedThread* thread);
  void AddSpikes(const v1::DetectSpikesResponse& answer);
  void AddSwitches(const v1::QueryContextSwitchesResponse& answer);
  void SetOperations(const v1::QueryOperationsResponse& answer);
  void AddInterrupts(const v1::QueryInterruptsResponse& answer);
  void AddMetrics(const v1::WatchMetricsResponse& snapshot);
  void FinishInterrupts();
  void FinishTimes();

  Recording recording_;
  std::map<ThreadKey, RecordedThread> threads_;
  std::map<uint64_t, RecordedSpike> spikes_;
  std::set<std::tuple<int32_t, int64_t, int64_t, std::string>> switches_seen_;
  std::map<std::tuple<std::string, int32_t, int32_t>, RecordedCounter> counters_;
  std::map<std::string, std::string> units_;
  std::map<InterruptKey, InterruptSum> interrupts_first_;
  std::map<InterruptKey, InterruptSum> interrupts_last_;
  int interrupt_answers_ = 0;
  bool has_timeline_ = false;
  bool floors_missing_run_queue_ = false;
  bool floors_missing_off_cpu_ = false;
  std::set<std::string> notes_seen_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_RECORDING_RECORDING_BUILDER_H_
