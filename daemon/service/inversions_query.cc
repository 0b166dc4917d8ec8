#include "daemon/service/inversions_query.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "daemon/analysis/kernel_priority.h"
#include "daemon/analysis/priority_boosts.h"
#include "daemon/analysis/priority_inversion.h"
#include "daemon/control/target_options.h"
#include "daemon/os/syscall_names.h"
#include "daemon/service/blocked_floor.h"
#include "daemon/service/convert_inversion.h"
#include "daemon/service/floors.h"
#include "daemon/service/history_window.h"
#include "daemon/service/request_checks.h"

namespace hftmon {
namespace {

bool IsOffCpu(SpikeKind kind) {
  return kind == SpikeKind::kPreempted || kind == SpikeKind::kRunQueue || kind == SpikeKind::kBlocked;
}

// A thread may have thousands of waits.
TaskPriorities LookedUpOnce(const TaskPriorities& priorities) {
  if (!priorities) return {};
  using Known = std::map<std::pair<uint32_t, uint32_t>, absl::StatusOr<ThreadStat>>;
  return [&priorities, known = std::make_shared<Known>()](uint32_t pid, uint32_t tid) {
    const auto found = known->find({pid, tid});
    if (found != known->end()) return found->second;
    return known->emplace(std::pair(pid, tid), priorities(pid, tid)).first->second;
  };
}

// Which waits the answer is about.
class AskedWaits {
 public:
  AskedWaits(const TargetSelection& selection, int64_t min_duration_ns)
      : selection_(selection), min_duration_ns_(min_duration_ns), futex_(SyscallNumber("futex")) {
    for (const TargetInfo& target : selection.targets()) {
      if (HasProbeGroup(target.options, kLocksGroup)) asking_.insert(target.pid);
    }
  }

  bool IsAsked(const Spike& spike, const OffCpuTime& time) const {
    return spike.kind == SpikeKind::kBlocked && selection_.Keeps(spike.thread) && LastsLongEnough(time) && IsLockWait(spike.call);
  }
  // A wait in futex of which it is not known whose lock it is for, or whether for one.
  bool IsUnknown(const Spike& spike, const OffCpuTime& time) const {
    if (spike.kind != SpikeKind::kBlocked || !selection_.Keeps(spike.thread) || !LastsLongEnough(time)) return false;
    if (IsUnownedLockWait(spike.call)) return true;
    const bool located = spike.call.state == HFT_CALL_KNOWN && spike.call.futex_command != HFT_NO_FUTEX;
    return !located && spike.out_syscall == futex_ && asking_.contains(spike.thread.tgid);
  }
  bool any_target_asks() const { return !asking_.empty(); }

 private:
  bool LastsLongEnough(const OffCpuTime& time) const { return time.blocked_until_ns - time.start_mono_ns >= min_duration_ns_; }

  const TargetSelection& selection_;
  const int64_t min_duration_ns_;
  const int32_t futex_;
  std::unordered_set<uint32_t> asking_;
};

// The times of all threads off their CPUs that ended in the window or go on, and those before that reach into a wait of the window: what an
// owner did then.
class TimeCollection {
 public:
  TimeCollection(const TaskPriorities& priorities, const AskedWaits& asked, int64_t now_ns)
      : priorities_(priorities), asked_(asked), now_ns_(now_ns) {}

  void Collect(const SpikeHistory& history, HistoryWindow* window) {
    // Those in progress first: one that ends meanwhile is found once more among the ended, and counts as such.
    for (const SpikeRing ring : {SpikeRing::kGoingOn, SpikeRing::kHeldUp}) AddGoingOn(history, history.ring(ring));
    window->Walk(history.ended(), [this](const Spike& spike) { AddEnded(spike, /*in_window=*/true); });
    // Once more, of all threads and back to the beginning of the first wait.
    AddOthers(history.ended(), window->begin_ns());
    std::erase_if(times_, [this](const OffCpuTime& time) { return time.in_progress && ended_.contains(time.spike_id); });
    unknown_count_ += static_cast<uint64_t>(
        std::count_if(going_on_.begin(), going_on_.end(), [this](const auto& one) { return one.second && !ended_.contains(one.first); }));
  }

  const std::vector<OffCpuTime>& times() const { return times_; }
  uint64_t unknown_count() const { return unknown_count_; }

  // A telling of one that goes on was overwritten while it was read.
  bool going_on_missing() const { return going_on_missing_; }

 private:
  void AddGoingOn(const SpikeHistory& history, const SeqRing<Spike>& ring) {
    Spike spike;
    for (uint64_t left = ring.end(); left > ring.begin();) {
      if (ring.Read(--left, &spike) != SeqRead::kOk) {
        going_on_missing_ = true;
        return;
      }
      // Of one that was told more than once the last telling counts.
      if (!IsOffCpu(spike.kind) || !history.GoesOn(spike) || going_on_.contains(spike.id)) continue;
      OffCpuTime time = OffCpuTimeOf(spike, now_ns_);
      time.asked = asked_.IsAsked(spike, time);
      // Nobody has told it of a thread that sleeps.
      if (time.asked) time.priority = PriorityNow(spike.thread);
      going_on_.emplace(spike.id, asked_.IsUnknown(spike, time));
      if (time.asked) first_wait_ns_ = std::min(first_wait_ns_, time.start_mono_ns);
      times_.push_back(std::move(time));
    }
  }

  std::optional<uint8_t> PriorityNow(const ThreadKey& thread) const {
    if (!priorities_) return std::nullopt;
    const absl::StatusOr<ThreadStat> task = priorities_(thread.tgid, thread.tid);
    if (!task.ok()) return std::nullopt;
    return task->priority < 0 ? kDeadlinePriority : static_cast<uint8_t>(task->priority);
  }

  void AddEnded(const Spike& spike, bool in_window) {
    if (!IsOffCpu(spike.kind) || !ended_.insert(spike.id).second) return;
    OffCpuTime time = OffCpuTimeOf(spike, now_ns_);
    if (in_window) {
      time.asked = asked_.IsAsked(spike, time);
      if (time.asked) first_wait_ns_ = std::min(first_wait_ns_, time.start_mono_ns);
      if (asked_.IsUnknown(spike, time)) ++unknown_count_;
    }
    times_.push_back(std::move(time));
  }

  void AddOthers(const SeqRing<Spike>& ended, int64_t begin_ns) {
    Spike spike;
    const int64_t since_ns = std::min(begin_ns, first_wait_ns_);
    for (uint64_t left = ended.end(); left > 0;) {
      if (ended.Read(--left, &spike) != SeqRead::kOk || spike.detected_mono_ns < since_ns) return;
      AddEnded(spike, /*in_window=*/false);
    }
  }

  const TaskPriorities& priorities_;
  const AskedWaits& asked_;
  const int64_t now_ns_;
  std::vector<OffCpuTime> times_;
  std::unordered_set<uint64_t> ended_;  // ids
  bool going_on_missing_ = false;
  std::unordered_map<uint64_t, bool> going_on_;  // by id, whether it is a wait for what is not known
  int64_t first_wait_ns_ = INT64_MAX;
  uint64_t unknown_count_ = 0;
};

// The boosts that are kept, and whether some of the window are not.
struct KeptBoosts {
  std::vector<PriorityBoost> boosts;
  bool incomplete = false;
};
KeptBoosts ReadBoosts(const SeqRing<BoostStep>& ring, int64_t begin_ns) {
  std::vector<BoostStep> steps;
  BoostStep step;
  KeptBoosts kept;
  for (uint64_t left = ring.end(); left > 0;) {
    if (ring.Read(--left, &step) != SeqRead::kOk) {
      // Overwritten: of the window only when what is kept does not reach back to its beginning.
      kept.incomplete = steps.empty() || steps.back().mono_ns > begin_ns;
      break;
    }
    steps.push_back(step);
  }
  std::reverse(steps.begin(), steps.end());
  JoinedBoosts joined = JoinBoosts(steps);
  kept.boosts = std::move(joined.boosts);
  return kept;
}

// Its end may have been lost, or have come while the programs were off.
bool MayHaveEnded(const ServiceCore& core, const PriorityBoost& boost, int64_t now_ns) {
  return core.status->LostBetween(boost.start_mono_ns, now_ns) > 0 || core.status->OffWithin(boost.start_mono_ns, now_ns) > 0;
}

// Of any target's threads; one that goes on only of a thread that is still watched: else nobody would have seen its end.
void AddBoosts(const ServiceCore& core, const HistoryWindow& window, const std::vector<PriorityBoost>& boosts,
               v1::QueryInversionsResponse* response) {
  TargetSelection all;
  all.SelectKnown(*core.targets, google::protobuf::RepeatedField<int32_t>());
  for (const PriorityBoost& boost : boosts) {
    if (!boost.Overlaps(window.begin_ns(), window.end_ns()) || !all.Keeps(boost.thread)) continue;
    if (boost.duration_ns < 0 && (!all.Runs(boost.thread) || MayHaveEnded(core, boost, window.end_ns()))) continue;
    BoostToProto(boost, core.names, response->add_boosts());
  }
}

// Whether every target that asks for what threads block in has done so since its attachment, or since before the window.
bool AskedThroughout(const TargetSelection& selection, int64_t begin_ns) {
  return std::none_of(selection.targets().begin(), selection.targets().end(), [begin_ns](const TargetInfo& target) {
    if (!HasProbeGroup(target.options, kLocksGroup)) return false;
    const auto since = target.probes_since_mono_ns.find(kLocksGroup);
    return since != target.probes_since_mono_ns.end() && since->second > std::max(begin_ns, target.attached_mono_ns + kAttachingNs);
  });
}

}  // namespace

grpc::Status AnswerInversions(const ServiceCore& core, const TargetSelection& selection, const v1::QueryInversionsRequest& request,
                              const Arrival& arrival, int64_t rows_max, v1::QueryInversionsResponse* response) {
  HistoryWindow window(selection, request.window_ns(), arrival);
  const AskedWaits asked(selection, request.min_duration_ns());
  const TaskPriorities priorities = LookedUpOnce(core.task_priorities);
  TimeCollection collection(priorities, asked, window.end_ns());
  collection.Collect(*core.spikes, &window);

  KeptBoosts kept;
  const bool collects_boosts = core.boost_steps != nullptr && core.boosts_unavailable.empty();
  if (collects_boosts) {
    kept = ReadBoosts(*core.boost_steps, window.begin_ns());
    AddBoosts(core, window, kept.boosts, response);
  } else {
    response->set_boosts_unavailable(core.boosts_unavailable.empty() ? "this daemon does not collect them" : core.boosts_unavailable);
  }

  const InversionAnswer found = FindInversions(collection.times(), collects_boosts ? std::optional(std::move(kept.boosts)) : std::nullopt);
  const size_t inversions_max = request.max_inversions() > 0 ? request.max_inversions() : std::min<int64_t>(kAnswerRowsDefault, rows_max);
  const size_t left_out = found.inversions.size() - std::min(found.inversions.size(), inversions_max);
  for (size_t i = left_out; i < found.inversions.size(); ++i) {
    InversionToProto(found.inversions[i], priorities, core.names, response->add_inversions());
  }
  response->set_older_left_out(left_out > 0);
  response->set_unknown_owner_count(collection.unknown_count() + found.unknown_count);

  window.Describe(core, response);
  const BlockedFloor floor = FloorOfBlocked(*core.targets, selection, window.begin_ns(), window.end_ns());
  const bool recorded = asked.any_target_asks() && floor.ns != kNoFloor;
  if (recorded) response->set_blocked_floor_ns(floor.ns);
  response->set_incomplete(!recorded || floor.part_only || !AskedThroughout(selection, window.begin_ns()) || window.overwritten() ||
                           kept.incomplete || collection.going_on_missing() || core.spikes->unfollowed_count() > 0);
  return grpc::Status::OK;
}

}  // namespace hftmon
