#include "daemon/service/correlate_query.h"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/placed_time.h"
#include "common/utf8.h"
#include "daemon/analysis/event_correlation.h"
#include "daemon/analysis/interrupt_names.h"
#include "daemon/os/syscall_names.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/floors.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/rich_error.h"
#include "daemon/service/spike_details.h"

namespace hftmon {
namespace {

// Times beyond are none of this host's, and sums with them stay in range.
constexpr int64_t kTimeMaxNs = std::numeric_limits<int64_t>::max() / 4;

grpc::Status PlaceEvents(const TimeSource& time, const v1::CorrelateEventsRequest& request, std::vector<PlacedTime>* placed) {
  using Clock = v1::CorrelateEventsRequest;
  if (request.clock() == Clock::TSC) {
    std::vector<uint64_t> ticks;
    for (const v1::TimedEvent& event : request.events()) ticks.push_back(static_cast<uint64_t>(event.time()));
    absl::StatusOr<std::vector<PlacedTime>> found = time.FromTicks(ticks);
    if (!found.ok()) return RichError(grpc::StatusCode::FAILED_PRECONDITION, "NOT_A_CLOCK", std::string(found.status().message()));
    *placed = *std::move(found);
  } else if (request.clock() == Clock::REALTIME || request.clock() == Clock::TAI) {
    const std::vector<ClockEpoch> epochs = time.Epochs();
    const WallScale scale = request.clock() == Clock::TAI ? WallScale::kTai : WallScale::kRealtime;
    if (scale == WallScale::kTai && epochs.back().tai_offset_ns == 0) {
      return RichError(grpc::StatusCode::FAILED_PRECONDITION, "NO_TAI_OFFSET",
                       "the kernel of the daemon's host was not told TAI minus UTC (chronyd and ptp4l's phc2sys can tell it): give the "
                       "times in UTC with the clock REALTIME");
    }
    for (const v1::TimedEvent& event : request.events()) placed->push_back(PlaceWallTime(epochs, scale, event.time()));
  } else {
    for (const v1::TimedEvent& event : request.events()) placed->push_back({.mono_ns = event.time()});
  }
  for (PlacedTime& one : *placed) one.mono_ns = std::clamp(one.mono_ns, -kTimeMaxNs, kTimeMaxNs);
  return grpc::Status::OK;
}

std::string ActorName(const Cause& cause, ThreadNames* names) {
  if (cause.others) return cause.kind == CauseKind::kThread ? "other threads" : "other handlers";
  const std::string comm(cause.comm, std::find(cause.comm, cause.comm + HFT_COMM_LENGTH, '\0'));
  if (cause.kind == CauseKind::kThread) return ValidUtf8(comm.empty() ? names->NameOf(cause.tid) : comm);
  if (IsInterrupt(cause.kind)) {
    return ValidUtf8(InterruptName(cause.source, cause.number, cause.source == HFT_SOURCE_CALL_FUNCTION ? "" : comm));
  }
  if (cause.kind != CauseKind::kBlocked) return "";
  if (cause.syscall == HFT_STOPPED) return "stopped";
  return cause.syscall >= 0 ? SyscallName(cause.syscall) : "";
}

// One walk over the history.
class StallSearch {
 public:
  StallSearch(const ServiceCore& core, const TargetSelection& selection, TargetThresholds* thresholds, int64_t begin_ns, int64_t now_ns)
      : history_(*core.spikes),
        selection_(selection),
        thresholds_(thresholds),
        begin_ns_(begin_ns),
        now_ns_(now_ns),
        covered_begin_ns_(begin_ns),
        going_on_count_(history_.going_on_count()) {}

  void Run(EventCorrelation* correlation) {
    // First: one that ends meanwhile is found at its end.
    ReadGoingOn();
    std::unordered_set<uint64_t> told;
    const SeqRing<Spike>& ended = history_.ended();
    Spike spike;
    int64_t oldest_detected_ns = now_ns_;
    for (uint64_t left = ended.end(); left > 0;) {
      const SpikePosition position{.index = --left, .ring = SpikeRing::kEnded};
      if (history_.Read(position, &spike) != SeqRead::kOk) {
        overwritten_ = true;
        covered_begin_ns_ = std::max(begin_ns_, oldest_detected_ns);
        break;
      }
      // The history is in the order of detection, which comes after a spike's end.
      if (spike.detected_mono_ns < begin_ns_) break;
      oldest_detected_ns = std::min(oldest_detected_ns, spike.detected_mono_ns);
      going_on_.erase(spike.id);
      const int64_t end_ns = spike.start_mono_ns + spike.duration_ns;
      if (Wants(spike, end_ns) && !told.contains(spike.id) && correlation->Add(spike, end_ns, position)) told.insert(spike.id);
    }
    for (const auto& [id, position] : going_on_) {
      if (history_.Read(position, &spike) == SeqRead::kOk && Wants(spike, now_ns_)) correlation->Add(spike, now_ns_, position);
    }
  }

  bool overwritten() const { return overwritten_; }
  // The telling of one that goes on was overwritten.
  bool going_on_missing() const { return going_on_missing_; }
  // Of what was detected before nothing is kept.
  int64_t covered_begin_ns() const { return covered_begin_ns_; }

 private:
  // The newest telling of each.
  void ReadGoingOn() {
    bool told_overwritten = false;
    Spike spike;
    for (const SpikeRing ring : {SpikeRing::kGoingOn, SpikeRing::kHeldUp}) {
      for (uint64_t left = history_.ring(ring).end(); left > 0 && going_on_.size() < going_on_count_;) {
        const SpikePosition position{.index = --left, .ring = ring};
        if (history_.Read(position, &spike) != SeqRead::kOk) {
          told_overwritten = true;
          break;
        }
        if (history_.GoesOn(spike)) going_on_.try_emplace(spike.id, position);
      }
    }
    going_on_missing_ = told_overwritten && going_on_.size() < going_on_count_;
  }

  bool Wants(const Spike& spike, int64_t end_ns) const {
    if (!selection_.Keeps(spike.thread)) return false;
    // Sleeps and marks are kept above thresholds of their own; where a mark's thread was is not always known.
    if (IsMarked(spike.kind)) return true;
    if (!thresholds_->CoversCpu(spike.thread.tgid, spike.cpu)) return false;
    if (spike.kind == SpikeKind::kBlocked) return true;
    return end_ns - spike.start_mono_ns > thresholds_->SpikeThresholdNs(spike.thread.tgid);
  }

  const SpikeHistory& history_;
  const TargetSelection& selection_;
  TargetThresholds* const thresholds_;
  const int64_t begin_ns_;
  const int64_t now_ns_;
  int64_t covered_begin_ns_;
  const uint64_t going_on_count_;
  std::map<uint64_t, SpikePosition> going_on_;
  bool overwritten_ = false;
  bool going_on_missing_ = false;
};

// Why nothing can be known of a time.
class Outside {
 public:
  Outside(const ServiceCore& core, const TargetSelection& selection, int64_t now_ns, int64_t before_ns, int64_t after_ns)
      : core_(core), selection_(selection), now_ns_(now_ns), before_ns_(before_ns), after_ns_(after_ns) {
    for (const TargetInfo& target : selection.targets()) {
      all_ended_ &= target.ended_mono_ns > 0;
      last_ended_ns_ = std::max(last_ended_ns_, target.ended_mono_ns);
    }
  }

  // Empty: something can. `search` is null before the walk.
  std::string Why(int64_t mono_ns, const StallSearch* search) const {
    if (selection_.targets().empty()) return "nothing is watched";
    if (mono_ns > now_ns_) return "in the future";
    if (mono_ns + after_ns_ < selection_.first_attached_mono_ns()) return "before the target was attached";
    if (all_ended_ && mono_ns - before_ns_ > last_ended_ns_) return "after the target ended";
    if (search != nullptr && search->overwritten() && mono_ns + after_ns_ < search->covered_begin_ns()) return "older than the history";
    const int64_t span_ns = before_ns_ + after_ns_;
    if (core_.status->OffWithin(mono_ns - before_ns_, mono_ns + after_ns_) >= span_ns) return "the programs were off";
    return "";
  }

 private:
  const ServiceCore& core_;
  const TargetSelection& selection_;
  const int64_t now_ns_;
  const int64_t before_ns_;
  const int64_t after_ns_;
  bool all_ended_ = true;
  int64_t last_ended_ns_ = 0;
};

// The spikes of the hits, each once, and each event's. False: one was overwritten since the walk.
bool HitsToProto(const ServiceCore& core, const TargetSelection& selection, const EventCorrelation& correlation,
                 v1::CorrelateEventsResponse* response) {
  SpikeDetails details(core, selection);
  const std::vector<EventCorrelation::Hit> hits = correlation.Hits();
  enum class Told : uint8_t { kNotYet, kTold, kGone };
  std::vector<Told> told(correlation.stalls().size(), Told::kNotYet);
  bool whole = true;
  Spike spike;
  for (size_t i = 0; i < hits.size(); ++i) {
    v1::CorrelatedEvent* event = response->mutable_events(static_cast<int>(i));
    for (const uint32_t index : hits[i].stalls) {
      const EventCorrelation::Stall& stall = correlation.stalls()[index];
      if (told[index] == Told::kNotYet) {
        const bool read = core.spikes->Read(stall.position, &spike) == SeqRead::kOk && spike.id == stall.id;
        told[index] = read ? Told::kTold : Told::kGone;
        if (read) details.ToProto(spike, event->add_spikes());
      }
      if (told[index] == Told::kTold) event->add_spike_ids(stall.id);
      whole &= told[index] == Told::kTold;
    }
    event->set_stalled_ns(hits[i].stalled_ns);
    if (!hits[i].stalls.empty()) response->set_hit_count(response->hit_count() + 1);
  }
  return whole;
}

}  // namespace

grpc::Status AnswerCorrelation(const ServiceCore& core, const TargetSelection& selection, TargetThresholds* thresholds,
                               const v1::CorrelateEventsRequest& request, const Arrival& arrival, v1::CorrelateEventsResponse* response) {
  std::vector<PlacedTime> placed;
  if (const grpc::Status status = PlaceEvents(*core.time, request, &placed); !status.ok()) return status;
  const bool unsaid = request.before_ns() == 0 && request.after_ns() == 0;
  const int64_t before_ns = unsaid ? kCorrelateBeforeDefaultNs : request.before_ns();
  const int64_t after_ns = request.after_ns();
  const int64_t now_ns = arrival.time.monotonic_ns;
  const Outside outside(core, selection, now_ns, before_ns, after_ns);
  int64_t first_ns = now_ns;
  int64_t last_ns = std::numeric_limits<int64_t>::min();
  std::vector<int64_t> times_ns;
  for (const PlacedTime& one : placed) {
    const bool is_outside = !outside.Why(one.mono_ns, nullptr).empty();
    times_ns.push_back(is_outside ? kTimeMaxNs : one.mono_ns);  // no stall is there
    if (is_outside) continue;
    first_ns = std::min(first_ns, one.mono_ns - before_ns);
    last_ns = std::max(last_ns, std::min(now_ns, one.mono_ns + after_ns));
  }
  first_ns = std::max(first_ns, std::min(now_ns, selection.first_attached_mono_ns()));
  EventCorrelation correlation(times_ns, before_ns, after_ns);
  StallSearch search(core, selection, thresholds, first_ns, now_ns);
  search.Run(&correlation);

  bool incomplete = search.going_on_missing();
  for (size_t i = 0; i < placed.size(); ++i) {
    v1::CorrelatedEvent* event = response->add_events();
    event->set_id(request.events(static_cast<int>(i)).id());
    event->set_monotonic_ns(placed[i].mono_ns);
    event->set_error_ns(placed[i].error_ns);
    incomplete |= search.overwritten() && times_ns[i] - before_ns < search.covered_begin_ns();
  }
  incomplete |= !HitsToProto(core, selection, correlation, response);
  for (size_t i = 0; i < placed.size(); ++i) {
    v1::CorrelatedEvent* event = response->mutable_events(static_cast<int>(i));
    if (event->spike_ids().empty()) event->set_outside(outside.Why(placed[i].mono_ns, &search));
  }
  for (const EventCorrelation::CauseSum& sum : correlation.Causes([&core](const Cause& cause) { return ActorName(cause, core.names); })) {
    v1::CorrelatedCause* cause = response->add_causes();
    cause->set_kind(sum.kind);
    cause->set_actor(sum.actor);
    cause->set_event_count(sum.event_count);
    cause->set_duration_ns(sum.duration_ns);
  }
  const AnswerFloor floor = FloorOfAnswer(*core.targets, selection.targets(), 0, 0, first_ns);
  if (floor.run_queue_ns != kNoFloor) response->set_floor_ns(floor.run_queue_ns);
  response->set_incomplete(incomplete || floor.above_asked);
  if (last_ns >= first_ns) response->set_lost_records(core.status->LostBetween(first_ns, last_ns));
  response->set_unslotted_thread_count(selection.UnslottedSince(first_ns));
  TimePairToProto(core.status->Now(), response->mutable_time());
  return grpc::Status::OK;
}

}  // namespace hftmon
