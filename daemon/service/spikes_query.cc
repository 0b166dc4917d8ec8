#include "daemon/service/spikes_query.h"

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <vector>

#include "daemon/service/convert.h"
#include "daemon/service/convert_spike.h"
#include "daemon/service/convert_stack.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/spike_filter.h"

namespace hftmon {
namespace {

constexpr int64_t kNoFloor = std::numeric_limits<int64_t>::max();

// Reads the spike history backwards.
class NewestFirst {
 public:
  explicit NewestFirst(const SpikeHistory& spikes)
      : ended_{.ring = &spikes.ended(), .left = spikes.ended().end()},
        going_on_{.ring = &spikes.going_on(), .left = spikes.going_on().end()} {}

  // nullptr when there is none, or an ended one was overwritten. Of those in progress the history keeps fewer: older ones are left out.
  const Spike* Next() {
    Fill(&ended_);
    Fill(&going_on_);
    if (ended_.overwritten) return nullptr;
    Head* head = ended_.filled && (!going_on_.filled || ended_.spike.order > going_on_.spike.order) ? &ended_ : &going_on_;
    if (!head->filled) return nullptr;
    head->filled = false;
    return &head->spike;
  }
  bool overwritten() const { return ended_.overwritten; }

 private:
  struct Head {
    const SeqRing<Spike>* ring = nullptr;
    uint64_t left = 0;  // entries that were not read
    bool filled = false;
    bool overwritten = false;
    Spike spike;
  };

  static void Fill(Head* head) {
    if (head->filled || head->overwritten || head->left == 0) return;
    head->filled = head->ring->Read(--head->left, &head->spike) == SeqRead::kOk;
    head->overwritten = !head->filled;
  }

  Head ended_;
  Head going_on_;
};

struct Found {
  std::vector<Spike> newest_first;
  bool overwritten = false;   // older spikes of the window may have been overwritten
  bool left_out = false;      // there are more than were asked for
  int64_t oldest_end_ns = 0;  // of the entries that were looked at, when overwritten
};

Found FindSpikes(const ServiceCore& core, const TargetSelection& selection, const SpikeFilter& filter, TargetThresholds* thresholds,
                 int64_t begin_mono_ns, int64_t end_mono_ns, size_t spikes_max) {
  Found found{.oldest_end_ns = end_mono_ns};
  std::unordered_set<uint64_t> told;
  // The history is in the order of detection, that is of the spikes' ends.
  NewestFirst history(*core.spikes);
  while (const Spike* next = history.Next()) {
    const Spike& spike = *next;
    const int64_t spike_end_ns = spike.start_mono_ns + spike.duration_ns;
    if (spike_end_ns < begin_mono_ns) break;
    found.oldest_end_ns = std::min(found.oldest_end_ns, spike_end_ns);
    // Of a spike that was told more than once the last telling counts.
    if (!told.insert(spike.id).second) continue;
    if (spike_end_ns > end_mono_ns || !selection.Keeps(spike.thread) || !filter.Wants(spike, thresholds)) continue;
    found.left_out = found.newest_first.size() == spikes_max;
    if (found.left_out) break;
    found.newest_first.push_back(spike);
  }
  found.overwritten = history.overwritten();
  return found;
}

// The lowest threshold that the request has for any target.
int64_t AskedNs(const TargetSelection& selection, TargetThresholds* thresholds, const v1::DetectSpikesRequest& request) {
  if (request.threshold_ns() > 0) return request.threshold_ns();
  int64_t lowest_ns = kNoFloor;
  for (const TargetInfo& target : selection.targets()) lowest_ns = std::min(lowest_ns, thresholds->SpikeThresholdNs(target.pid));
  return lowest_ns;
}

}  // namespace

grpc::Status AnswerSpikes(const ServiceCore& core, const TargetSelection& selection, TargetThresholds* thresholds,
                          const v1::DetectSpikesRequest& request, const Arrival& arrival, int64_t rows_max,
                          v1::DetectSpikesResponse* response) {
  const int64_t end_ns = arrival.time.monotonic_ns;
  int64_t begin_ns =
      request.window_ns() > 0 ? std::max<int64_t>(0, end_ns - request.window_ns()) : std::min(end_ns, selection.first_attached_mono_ns());
  if (selection.targets().empty() && request.window_ns() == 0) begin_ns = end_ns;
  const SpikeFilter filter{.threshold_ns = request.threshold_ns(), .blocked_threshold_ns = request.blocked_threshold_ns()};
  const size_t spikes_max = request.max_spikes() > 0 ? request.max_spikes() : std::min<int64_t>(kAnswerRowsDefault, rows_max);
  const Found found = FindSpikes(core, selection, filter, thresholds, begin_ns, end_ns, spikes_max);
  const std::vector<ClockEpoch> epochs = core.time->Epochs();
  for (auto it = found.newest_first.rbegin(); it != found.newest_first.rend(); ++it) {
    v1::Spike* spike = response->add_spikes();
    SpikeToProto(*it, core.names, spike);
    SpikeTimeToProto(*it, epochs, core.time->ErrorOfBegin(it->cpu, it->record_clock_ns, it->record_mono_ns, it->duration_ns), spike);
    AddStack(core.stacks, it->thread.tid, it->record_mono_ns, spike);
  }

  const bool before_attach = request.window_ns() > 0 && begin_ns < selection.last_attached_mono_ns();
  if (found.overwritten) begin_ns = std::max(begin_ns, found.oldest_end_ns);
  v1::Window* window = response->mutable_window();
  window->set_begin_monotonic_ns(begin_ns);
  window->set_end_monotonic_ns(end_ns);
  window->set_requested_ns(request.window_ns());
  window->set_truncated(found.overwritten || before_attach);
  window->set_late(arrival.late);
  window->set_off_ns(core.status->OffWithin(begin_ns, end_ns));
  TimePairToProto(core.status->Now(), response->mutable_time());
  // A spike may have begun before the window that it ended in.
  int64_t first_begin_ns = begin_ns;
  for (const Spike& spike : found.newest_first) first_begin_ns = std::min(first_begin_ns, spike.start_mono_ns);
  EpochsToProto(EpochsWithin(epochs, first_begin_ns, end_ns), response->mutable_epochs());
  response->set_lost_records(core.status->LostBetween(begin_ns, end_ns));

  const Targets::Floors floors = core.targets->FloorsSince(begin_ns);
  if (floors.run_queue_ns != kNoFloor) response->set_floor_ns(floors.run_queue_ns);
  const bool below_floor = floors.run_queue_ns > AskedNs(selection, thresholds, request) ||
                           (request.blocked_threshold_ns() > 0 && floors.off_cpu_ns > request.blocked_threshold_ns());
  response->set_incomplete(found.overwritten || below_floor);
  response->set_older_left_out(found.left_out);
  response->set_unslotted_thread_count(selection.UnslottedSince(begin_ns));
  return grpc::Status::OK;
}

}  // namespace hftmon
