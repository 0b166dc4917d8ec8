#include "daemon/service/timeline_query.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/utf8.h"
#include "daemon/analysis/interrupt_names.h"
#include "daemon/analysis/timeline.h"
#include "daemon/os/syscall_names.h"
#include "daemon/service/convert.h"
#include "daemon/service/floors.h"
#include "daemon/service/request_checks.h"

namespace hftmon {
namespace {

// Events before the window that are looked at for the CPUs on which threads were.
constexpr uint64_t kLookedBackMax = 65'536;

// One thread, while its timeline is put together.
struct ThreadStory {
  TimelineEvidence evidence;
  const ThreadTotal* total = nullptr;  // as it was on arrival; null: it had no slot
  int64_t born_ns = 0;
  int64_t ended_ns = 0;      // 0: not seen to end
  bool has_earlier = false;  // of the events one is from before the window
};

class TimelineSearch {
 public:
  TimelineSearch(const ServiceCore& core, const TargetSelection& selection, const v1::QueryTimelineRequest& request, int64_t begin_ns,
                 int64_t end_ns, int64_t now_ns)
      : core_(core),
        selection_(selection),
        tids_(request.tids().begin(), request.tids().end()),
        begin_ns_(begin_ns),
        end_ns_(end_ns),
        now_ns_(now_ns) {}

  void Run(const std::vector<ThreadTotal>& on_arrival) {
    for (const ThreadTotal& total : on_arrival) {
      if (Keeps(total.thread)) stories_[total.thread].total = &total;
    }
    ReadEvents();
    ReadSpikes();
    for (auto& [thread, story] : stories_) Complete(thread, &story);
  }

  std::map<ThreadKey, ThreadStory, ThreadKeyOrder>& stories() { return stories_; }
  bool overwritten() const { return overwritten_; }
  int64_t kept_since_ns() const { return kept_since_ns_; }

 private:
  bool Keeps(const ThreadKey& thread) const { return (tids_.empty() || tids_.contains(thread.tid)) && selection_.Keeps(thread); }

  // Newest first. The history is in the order of time: everything that ended after an entry is newer than it.
  void ReadEvents() {
    SwitchEvent event;
    uint64_t looked_back = 0;
    int64_t oldest_ns = now_ns_;
    for (uint64_t index = core_.switch_events->end(); index > 0; --index) {
      if (core_.switch_events->Read(index - 1, &event) != SeqRead::kOk) {
        overwritten_ = oldest_ns > begin_ns_;
        kept_since_ns_ = std::max(begin_ns_, oldest_ns);
        return;
      }
      oldest_ns = std::min(oldest_ns, event.end_mono_ns);
      const bool earlier = event.end_mono_ns < begin_ns_;
      if (earlier && (waiting_for_earlier() == 0 || ++looked_back > kLookedBackMax)) return;
      if (Keeps(event.thread)) Take(event, earlier);
    }
  }

  size_t waiting_for_earlier() const { return stories_.size() - with_earlier_; }

  void Take(const SwitchEvent& event, bool earlier) {
    const auto found = earlier ? stories_.find(event.thread) : stories_.try_emplace(event.thread).first;
    if (found == stories_.end() || found->second.has_earlier) return;
    ThreadStory& story = found->second;
    if (event.is_end) story.ended_ns = event.end_mono_ns;
    if (earlier) {
      story.has_earlier = true;
      ++with_earlier_;
    }
    story.evidence.events.push_back(event);
  }

  void ReadSpikes() {
    Spike spike;
    std::unordered_set<uint64_t> ended;
    const SeqRing<Spike>& ring = core_.spikes->ended();
    for (uint64_t left = ring.end(); left > 0;) {
      // A spike is detected after its end.
      if (ring.Read(--left, &spike) != SeqRead::kOk || spike.detected_mono_ns < begin_ns_) break;
      if (TakeSpike(spike, false)) ended.insert(spike.id);
    }
    for (const SpikeRing which : {SpikeRing::kGoingOn, SpikeRing::kHeldUp}) {
      const SeqRing<Spike>& tellings = core_.spikes->ring(which);
      for (uint64_t left = tellings.end(); left > 0;) {
        if (tellings.Read(--left, &spike) != SeqRead::kOk) break;
        // Of several tellings the newest.
        if (core_.spikes->GoesOn(spike) && ended.insert(spike.id).second) TakeSpike(spike, true);
      }
    }
  }

  bool TakeSpike(const Spike& spike, bool goes_on) {
    const bool is_shown = spike.kind == SpikeKind::kPreempted || spike.kind == SpikeKind::kRunQueue || spike.kind == SpikeKind::kBlocked ||
                          spike.kind == SpikeKind::kInterrupted;
    if (!is_shown || !Keeps(spike.thread)) return false;
    stories_[spike.thread].evidence.spikes.push_back(TimelineSpikeOf(spike, goes_on));
    return true;
  }

  // What is known of its life, and what it does now.
  void Complete(const ThreadKey& thread, ThreadStory* story) const {
    const TargetInfo* target = selection_.TargetOf(thread);
    TimelineEvidence& evidence = story->evidence;
    const int64_t born_ns = story->born_ns = core_.time->FromBoottime(thread.start_ns);
    evidence.begin_mono_ns = std::max({begin_ns_, born_ns, overwritten_ ? kept_since_ns_ : begin_ns_});
    if (target != nullptr && born_ns < target->attached_mono_ns && !target->watched_from_birth)
      evidence.begin_mono_ns = std::max(evidence.begin_mono_ns, target->attached_mono_ns);
    evidence.end_mono_ns = end_ns_;
    evidence.kept_until_mono_ns = now_ns_;
    const bool alive = story->total != nullptr && story->total->alive;
    if (story->ended_ns > 0) {
      evidence.end_mono_ns = std::min(end_ns_, story->ended_ns);
      evidence.kept_until_mono_ns = story->ended_ns;
    } else if (alive && target != nullptr && target->state == TargetState::kRunning) {
      if (const auto& departure = story->total->departure) evidence.absence = AbsenceOf(*departure);
    } else {
      evidence.followed = false;
      if (target != nullptr && target->ended_mono_ns > 0) evidence.end_mono_ns = std::min(end_ns_, target->ended_mono_ns);
    }
  }

  TimelineAbsence AbsenceOf(const ThreadDeparture& departure) const {
    TimelineAbsence absence{.cpu = departure.cpu, .kind = departure.kind, .syscall = departure.syscall};
    absence.since_mono_ns =
        departure.out_clock_ns < 0 ? -departure.out_clock_ns : core_.time->FromRunQueueClock(departure.cpu, departure.out_clock_ns);
    return absence;
  }

  const ServiceCore& core_;
  const TargetSelection& selection_;
  const std::unordered_set<uint32_t> tids_;  // empty = all
  const int64_t begin_ns_;
  const int64_t end_ns_;
  const int64_t now_ns_;
  std::map<ThreadKey, ThreadStory, ThreadKeyOrder> stories_;
  size_t with_earlier_ = 0;
  bool overwritten_ = false;
  int64_t kept_since_ns_ = 0;  // overwritten: nothing is kept of what ended before
};

std::string NameIn(const char (&name)[HFT_COMM_LENGTH]) {
  return ValidUtf8(std::string(name, std::find(name, name + HFT_COMM_LENGTH, '\0')));
}

std::string DetailOf(const TimelinePiece& piece, ThreadNames* names) {
  switch (piece.state) {
    case TimelineState::kBlocked:
      if (piece.syscall == HFT_STOPPED) return "stopped";
      if (piece.out_kind == HFT_SWITCH_BLOCKED_FAULT) return "page fault";
      return piece.syscall >= 0 ? SyscallName(piece.syscall) : "";
    case TimelineState::kInterrupted:
      return piece.source == HFT_SOURCE_NONE ? "" : ValidUtf8(InterruptName(piece.source, piece.number, NameIn(piece.name)));
    case TimelineState::kWaiting:
      return piece.name[0] != '\0' || piece.other_tid == 0 ? NameIn(piece.name) : ValidUtf8(names->NameOf(piece.other_tid));
    default:
      return "";
  }
}

void PieceToProto(const TimelinePiece& piece, ThreadNames* names, v1::TimelinePiece* out) {
  out->set_start_monotonic_ns(piece.start_mono_ns);
  out->set_duration_ns(piece.duration_ns);
  out->set_state(std::string(TimelineStateName(piece.state)));
  if (piece.cpu >= 0) out->set_cpu(piece.cpu);
  out->set_detail(DetailOf(piece, names));
  out->set_other_tid(static_cast<int32_t>(piece.other_tid));
  out->set_spike_id(piece.spike_id);
}

}  // namespace

std::vector<ThreadTotal> ThreadsOnArrival(const ServiceCore& core, const TargetSelection& selection) {
  std::vector<ThreadTotal> threads;
  std::unordered_set<uint32_t> pids;
  for (const TargetInfo& target : selection.targets()) {
    if (!pids.insert(target.pid).second) continue;
    const std::vector<ThreadTotal> of_target = core.totals->AllOf(target.pid);
    threads.insert(threads.end(), of_target.begin(), of_target.end());
  }
  return threads;
}

grpc::Status AnswerTimeline(const ServiceCore& core, const TargetSelection& selection, const v1::QueryTimelineRequest& request,
                            const Arrival& arrival, const std::vector<ThreadTotal>& on_arrival, v1::QueryTimelineResponse* response) {
  const int64_t now_ns = arrival.time.monotonic_ns;
  const int64_t end_ns = request.end_monotonic_ns() > 0 ? request.end_monotonic_ns() : now_ns;
  if (end_ns > now_ns) {
    RequestChecks checks;
    checks.Add("end_monotonic_ns", absl::StrCat("end_monotonic_ns is ", end_ns, ", which is ", end_ns - now_ns,
                                                " ns ahead of CLOCK_MONOTONIC: give a time that has passed, or 0 for now"));
    return checks.Result();
  }
  const int64_t window_ns = request.window_ns() > 0 ? request.window_ns() : kTimelineWindowDefaultNs;
  const int64_t begin_ns = std::max<int64_t>(0, end_ns - window_ns);
  TimelineSearch search(core, selection, request, begin_ns, end_ns, now_ns);
  search.Run(on_arrival);
  std::unordered_set<uint32_t> tids;
  for (const auto& [thread, story] : search.stories()) tids.insert(thread.tid);
  if (const grpc::Status found = CheckTidsFound(request.tids(), tids, "timeline"); !found.ok()) return found;

  const TimelineBlindness blindness{.losses = core.status->LossesWithin(begin_ns, now_ns),
                                    .off = core.status->OffSpansWithin(begin_ns, now_ns)};
  std::vector<std::pair<ThreadKey, int64_t>> threads;  // and when each was born
  std::vector<std::vector<TimelinePiece>> timelines;
  for (auto& [thread, story] : search.stories()) {
    std::vector<TimelinePiece> pieces = TimelineOf(std::move(story.evidence), blindness);
    if (pieces.empty()) continue;  // it did not live in the window
    threads.emplace_back(thread, story.born_ns);
    timelines.push_back(std::move(pieces));
  }
  const int pieces_max = request.max_pieces() > 0 ? request.max_pieces() : kTimelinePiecesDefault;
  const std::vector<size_t> left_out = LeaveOutOldest(&timelines, static_cast<size_t>(pieces_max));
  bool any_left_out = search.overwritten();
  for (size_t i = 0; i < threads.size(); ++i) {
    any_left_out |= left_out[i] > 0;
    v1::ThreadTimeline* out = response->add_threads();
    ThreadToProto(threads[i].first, core.names, out->mutable_thread());
    const int64_t first_ns = timelines[i].empty() ? end_ns : timelines[i].front().start_mono_ns;
    out->set_truncated(first_ns > std::max(begin_ns, threads[i].second));
    for (const TimelinePiece& piece : timelines[i]) PieceToProto(piece, core.names, out->add_pieces());
  }

  const int64_t covered_ns = search.overwritten() ? std::min(end_ns, search.kept_since_ns()) : begin_ns;
  v1::Window* window = response->mutable_window();
  window->set_begin_monotonic_ns(covered_ns);
  window->set_end_monotonic_ns(end_ns);
  window->set_requested_ns(request.window_ns());
  window->set_truncated(search.overwritten() || begin_ns < selection.last_attached_mono_ns());
  window->set_late(arrival.late);
  window->set_off_ns(core.status->OffWithin(covered_ns, end_ns));
  TimePairToProto(core.status->Now(), response->mutable_time());
  response->set_lost_records(core.status->LostBetween(covered_ns, end_ns));
  response->set_pieces_left_out(any_left_out);
  response->set_unslotted_thread_count(selection.UnslottedSince(covered_ns));
  const Targets::Floors floors = core.targets->FloorsSince(covered_ns);
  if (floors.run_queue_ns != kNoFloor) response->set_run_queue_floor_ns(floors.run_queue_ns);
  if (floors.off_cpu_ns != kNoFloor) response->set_off_cpu_floor_ns(floors.off_cpu_ns);
  return grpc::Status::OK;
}

}  // namespace hftmon
