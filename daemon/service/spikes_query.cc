#include "daemon/service/spikes_query.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_set>
#include <vector>

#include "daemon/service/convert.h"
#include "daemon/service/floors.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/spike_details.h"
#include "daemon/service/spike_filter.h"

namespace hftmon {
namespace {

// Reads one ring of the spike history backwards.
class NewestFirst {
 public:
  explicit NewestFirst(const SeqRing<Spike>& ring) : ring_(&ring), left_(ring.end()) {}

  // The entry that is next; nullptr when there is none, or it was overwritten.
  const Spike* Peek() {
    if (!filled_ && !overwritten_ && left_ > 0) {
      filled_ = ring_->Read(--left_, &spike_) == SeqRead::kOk;
      overwritten_ = !filled_;
    }
    return filled_ ? &spike_ : nullptr;
  }
  void Pop() { filled_ = false; }
  bool overwritten() const { return overwritten_; }

 private:
  const SeqRing<Spike>* ring_;
  uint64_t left_;  // entries that were not read
  bool filled_ = false;
  bool overwritten_ = false;
  Spike spike_;
};

// The spikes of a window, newest first.
class WindowSearch {
 public:
  WindowSearch(const ServiceCore& core, const TargetSelection& selection, const SpikeFilter& filter, TargetThresholds* thresholds,
               int64_t begin_mono_ns, int64_t end_mono_ns, size_t spikes_max)
      : history_(*core.spikes),
        selection_(selection),
        filter_(filter),
        thresholds_(thresholds),
        begin_mono_ns_(begin_mono_ns),
        end_mono_ns_(end_mono_ns),
        spikes_max_(spikes_max),
        going_on_count_(history_.going_on_count()) {}

  // The history is in the order of detection, which comes after a spike's end, by milliseconds where its record was held or lost.
  void Run() {
    std::array<NewestFirst, kSpikeRings.size()> rings = {NewestFirst(history_.ring(SpikeRing::kEnded)),
                                                         NewestFirst(history_.ring(SpikeRing::kGoingOn)),
                                                         NewestFirst(history_.ring(SpikeRing::kHeldUp))};
    oldest_detected_ns_ = end_mono_ns_;
    while (!left_out_) {
      NewestFirst* newest = NewestOf(&rings);
      overwritten_ = rings[0].overwritten();
      if (overwritten_ || newest == nullptr) break;
      const Spike& spike = *newest->Peek();
      if (spike.detected_mono_ns < begin_mono_ns_) break;
      oldest_detected_ns_ = std::min(oldest_detected_ns_, spike.detected_mono_ns);
      Consider(spike);
      newest->Pop();
    }
    // What was told before the window and still goes on belongs to it too.
    bool told_overwritten = false;
    for (NewestFirst* ring : {&rings[1], &rings[2]}) {
      while (!left_out_ && going_on_seen_ < going_on_count_ && ring->Peek() != nullptr) {
        if (history_.GoesOn(*ring->Peek())) Consider(*ring->Peek());
        ring->Pop();
      }
      told_overwritten |= ring->overwritten();
    }
    going_on_missing_ = !left_out_ && told_overwritten && going_on_seen_ < going_on_count_;
  }

  const std::vector<Spike>& newest_first() const { return newest_first_; }
  bool overwritten() const { return overwritten_; }                   // older spikes of the window may have been overwritten
  bool left_out() const { return left_out_; }                         // there are more than were asked for
  bool going_on_missing() const { return going_on_missing_; }         // the telling of one that goes on was overwritten
  int64_t oldest_detected_ns() const { return oldest_detected_ns_; }  // of the entries that were looked at

 private:
  // The ring whose next entry was appended last; nullptr when none has any.
  static NewestFirst* NewestOf(std::array<NewestFirst, kSpikeRings.size()>* rings) {
    NewestFirst* newest = nullptr;
    for (NewestFirst& ring : *rings) {
      if (ring.Peek() != nullptr && (newest == nullptr || ring.Peek()->order > newest->Peek()->order)) newest = &ring;
    }
    return newest;
  }

  void Consider(const Spike& spike) {
    const bool goes_on = spike.in_progress && history_.GoesOn(spike);
    const int64_t spike_end_ns = goes_on ? end_mono_ns_ : spike.start_mono_ns + spike.duration_ns;
    // One that ended after the window's end may have been told within it.
    if (spike_end_ns > end_mono_ns_) return;
    // Of a spike that was told more than once the last telling counts.
    if (!told_.insert(spike.id).second) return;
    if (goes_on) ++going_on_seen_;
    if (spike_end_ns < begin_mono_ns_ || !selection_.Keeps(spike.thread) ||
        !filter_.Wants(spike, spike_end_ns - spike.start_mono_ns, thresholds_)) {
      return;
    }
    left_out_ = newest_first_.size() == spikes_max_;
    if (!left_out_) newest_first_.push_back(spike);
  }

  const SpikeHistory& history_;
  const TargetSelection& selection_;
  const SpikeFilter& filter_;
  TargetThresholds* const thresholds_;
  const int64_t begin_mono_ns_;
  const int64_t end_mono_ns_;
  const size_t spikes_max_;
  const uint64_t going_on_count_;
  uint64_t going_on_seen_ = 0;
  std::unordered_set<uint64_t> told_;
  std::vector<Spike> newest_first_;
  bool overwritten_ = false;
  bool left_out_ = false;
  bool going_on_missing_ = false;
  int64_t oldest_detected_ns_ = 0;
};

}  // namespace

grpc::Status AnswerSpikes(const ServiceCore& core, const TargetSelection& selection, TargetThresholds* thresholds,
                          const v1::DetectSpikesRequest& request, const Arrival& arrival, int64_t rows_max,
                          v1::DetectSpikesResponse* response) {
  const int64_t end_ns = arrival.time.monotonic_ns;
  int64_t begin_ns = selection.WindowBegin(request.window_ns(), end_ns);
  if (selection.targets().empty() && request.window_ns() == 0) begin_ns = end_ns;
  const SpikeFilter filter{.threshold_ns = request.threshold_ns(), .blocked_threshold_ns = request.blocked_threshold_ns()};
  const size_t spikes_max = request.max_spikes() > 0 ? request.max_spikes() : std::min<int64_t>(kAnswerRowsDefault, rows_max);
  WindowSearch search(core, selection, filter, thresholds, begin_ns, end_ns, spikes_max);
  search.Run();
  SpikeDetails details(core, selection);
  for (auto it = search.newest_first().rbegin(); it != search.newest_first().rend(); ++it) details.ToProto(*it, response->add_spikes());

  const bool before_attach = request.window_ns() > 0 && begin_ns < selection.last_attached_mono_ns();
  if (search.overwritten()) begin_ns = std::max(begin_ns, search.oldest_detected_ns());
  v1::Window* window = response->mutable_window();
  window->set_begin_monotonic_ns(begin_ns);
  window->set_end_monotonic_ns(end_ns);
  window->set_requested_ns(request.window_ns());
  window->set_truncated(search.overwritten() || before_attach);
  window->set_late(arrival.late);
  window->set_off_ns(core.status->OffWithin(begin_ns, end_ns));
  TimePairToProto(core.status->Now(), response->mutable_time());
  // A spike may have begun before the window that it ended in.
  int64_t first_begin_ns = begin_ns;
  for (const Spike& spike : search.newest_first()) first_begin_ns = std::min(first_begin_ns, spike.start_mono_ns);
  EpochsToProto(EpochsWithin(details.epochs(), first_begin_ns, end_ns), response->mutable_epochs());
  response->set_lost_records(core.status->LostBetween(begin_ns, end_ns));

  const AnswerFloor floor =
      FloorOfAnswer(*core.targets, selection.targets(), request.threshold_ns(), request.blocked_threshold_ns(), begin_ns);
  if (floor.run_queue_ns != kNoFloor) response->set_floor_ns(floor.run_queue_ns);
  const uint64_t unfollowed = request.blocked_threshold_ns() > 0 ? core.spikes->unfollowed_count() : 0;
  response->set_unfollowed_sleep_count(unfollowed);
  response->set_incomplete(search.overwritten() || search.going_on_missing() || floor.above_asked);
  response->set_older_left_out(search.left_out());
  response->set_unslotted_thread_count(selection.UnslottedSince(begin_ns));
  return grpc::Status::OK;
}

}  // namespace hftmon
