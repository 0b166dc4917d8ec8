// HistoryWindow: what answers have in common that sum the spikes which ended in a window (QueryLocks, QueryMemory): its edges, the walk
// over the history, and what the answer says about it. One call's own.
#ifndef HFTMON_DAEMON_SERVICE_HISTORY_WINDOW_H_
#define HFTMON_DAEMON_SERVICE_HISTORY_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "hftmon/v1/common.pb.h"

namespace hftmon {

class HistoryWindow {
 public:
  // Ends with the call's arrival. `requested_ns` 0: begins with the first attachment.
  HistoryWindow(const TargetSelection& selection, int64_t requested_ns, const Arrival& arrival);

  // Calls visit(spike) for each that ended in the window and is of the selection, newest first; `spike` is valid during the visit.
  template <typename Visit>
  void Walk(const SeqRing<Spike>& ended, Visit visit) {
    Spike spike;
    int64_t oldest_detected_ns = end_ns_;
    for (uint64_t left = ended.end(); left > 0;) {
      if (ended.Read(--left, &spike) != SeqRead::kOk) {
        overwritten_ = true;
        covered_begin_ns_ = std::max(begin_ns_, oldest_detected_ns);
        return;
      }
      // The history is in the order of detection, which comes after a spike's end.
      if (spike.detected_mono_ns < begin_ns_) return;
      oldest_detected_ns = std::min(oldest_detected_ns, spike.detected_mono_ns);
      const int64_t spike_end_ns = spike.start_mono_ns + spike.duration_ns;
      if (spike_end_ns >= begin_ns_ && spike_end_ns <= end_ns_ && selection_->Keeps(spike.thread)) visit(spike);
    }
  }

  int64_t begin_ns() const { return begin_ns_; }
  int64_t end_ns() const { return end_ns_; }
  // Older spikes of the window were no longer kept.
  bool overwritten() const { return overwritten_; }

  // After the walk: `time`, `window`, `lost_records` and `unslotted_thread_count` of the answer.
  template <typename Response>
  void Describe(const ServiceCore& core, Response* response) const {
    ToProto(core, response->mutable_window(), response->mutable_time());
    response->set_lost_records(core.status->LostBetween(covered_begin_ns_, end_ns_));
    response->set_unslotted_thread_count(selection_->UnslottedSince(covered_begin_ns_));
  }

 private:
  void ToProto(const ServiceCore& core, v1::Window* window, v1::TimePair* time) const;

  const TargetSelection* const selection_;
  const int64_t requested_ns_;
  const int64_t end_ns_;
  const int64_t begin_ns_;
  const bool late_;
  int64_t covered_begin_ns_;
  bool overwritten_ = false;
};

// Calls add(total) for each thread of the selection that `tids` names, all when it names none. NOT_FOUND: one of them is no watched thread.
// Source has ThreadsOf(tgid), its totals a `thread`. `verb` is where the user finds those that are.
template <typename Source, typename Add>
grpc::Status AddThreadsOf(const Source& source, const TargetSelection& selection, const google::protobuf::RepeatedField<int32_t>& tids,
                          std::string_view verb, Add add) {
  const std::unordered_set<uint32_t> wanted(tids.begin(), tids.end());
  std::unordered_set<uint32_t> found;
  for (const TargetInfo& target : selection.targets()) {
    for (auto& total : source.ThreadsOf(target.pid)) {
      if (!selection.Keeps(total.thread) || (!wanted.empty() && !wanted.contains(total.thread.tid))) continue;
      found.insert(total.thread.tid);
      add(std::move(total));
    }
  }
  return CheckTidsFound(tids, found, verb);
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_HISTORY_WINDOW_H_
