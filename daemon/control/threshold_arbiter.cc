#include "daemon/control/threshold_arbiter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/counted.h"
#include "daemon/control/limit_reached.h"

namespace hftmon {
namespace {

Targets::Floors FloorsOf(const ThresholdSettings& settings) {
  return {.run_queue_ns = settings.run_queue_threshold_ns, .off_cpu_ns = settings.blocked_threshold_ns};
}

Targets::Floors Highest(const Targets::Floors& one, const Targets::Floors& other) {
  return {.run_queue_ns = std::max(one.run_queue_ns, other.run_queue_ns), .off_cpu_ns = std::max(one.off_cpu_ns, other.off_cpu_ns)};
}

void SortDistinct(std::vector<int64_t>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

}  // namespace

class ThresholdArbiter::HeldLease : public ThresholdLease {
 public:
  HeldLease(std::weak_ptr<ThresholdArbiter> arbiter, uint64_t id) : arbiter_(std::move(arbiter)), id_(id) {}
  ~HeldLease() override {
    if (std::shared_ptr<ThresholdArbiter> arbiter = arbiter_.lock()) arbiter->Release(id_);
  }

 private:
  const std::weak_ptr<ThresholdArbiter> arbiter_;
  const uint64_t id_;
};

std::shared_ptr<ThresholdArbiter> ThresholdArbiter::Create(const KernelView& view, const MonotonicClock* clock,
                                                           const TargetDefaults& defaults, ThresholdObserver observer) {
  std::shared_ptr<ThresholdArbiter> arbiter(new ThresholdArbiter(view, clock, defaults, std::move(observer)));
  arbiter->Publish(arbiter->in_force_);
  return arbiter;
}

ThresholdArbiter::ThresholdArbiter(const KernelView& view, const MonotonicClock* clock, const TargetDefaults& defaults,
                                   ThresholdObserver observer)
    : view_(view), clock_(clock), observer_(std::move(observer)), defaults_(defaults) {
  of_targets_ = {.run_queue_threshold_ns = defaults.spike_threshold_ns,
                 .blocked_threshold_ns = kNoThresholdNs,
                 .sampling_interval_ns = defaults.sampling_interval_ns,
                 .run_queue_levels_ns = {defaults.spike_threshold_ns}};
  in_force_ = of_targets_;
}

void ThresholdArbiter::SetTargets(const ThresholdSettings& minimum) {
  std::lock_guard lock(mutex_);
  of_targets_ = minimum;
  Apply();
}

void ThresholdArbiter::SetDefaults(const TargetDefaults& defaults) {
  std::lock_guard lock(mutex_);
  defaults_ = defaults;
}

void ThresholdArbiter::SetLeasesMax(int64_t leases_max) {
  std::lock_guard lock(mutex_);
  leases_max_ = static_cast<size_t>(leases_max);
}

ThresholdSettings ThresholdArbiter::settings() const {
  std::lock_guard lock(mutex_);
  return in_force_;
}

absl::StatusOr<std::unique_ptr<ThresholdLease>> ThresholdArbiter::Lease(int64_t spike_threshold_ns, int64_t blocked_threshold_ns) {
  std::lock_guard lock(mutex_);
  if (absl::Status status = ValidateSpikeThreshold(spike_threshold_ns, defaults_); !status.ok()) return status;
  if (absl::Status status = ValidateBlockedThreshold(blocked_threshold_ns); !status.ok()) return status;
  if (leases_.size() >= leases_max_) {
    return LimitReached(absl::StrFormat("%s a threshold already: close some of the streams",
                                        Counted(leases_.size(), "subscriber holds", "subscribers hold")),
                        "threshold_leases_max", static_cast<int64_t>(leases_max_));
  }
  const uint64_t id = next_lease_id_++;
  leases_[id] = {.run_queue_threshold_ns = spike_threshold_ns,
                 .blocked_threshold_ns = blocked_threshold_ns == 0 ? kNoThresholdNs : blocked_threshold_ns};
  Apply();
  return std::unique_ptr<ThresholdLease>(std::make_unique<HeldLease>(weak_from_this(), id));
}

void ThresholdArbiter::Release(uint64_t lease_id) {
  std::lock_guard lock(mutex_);
  leases_.erase(lease_id);
  Apply();
}

Targets::Floors ThresholdArbiter::FloorsSince(int64_t since_mono_ns) const {
  std::lock_guard lock(mutex_);
  Targets::Floors highest = FloorsOf(in_force_);
  for (const PastFloors& past : past_) {
    if (past.end_mono_ns > since_mono_ns) highest = Highest(highest, past.floors);
  }
  if (forgotten_.end_mono_ns > since_mono_ns) highest = Highest(highest, forgotten_.floors);
  return highest;
}

size_t ThresholdArbiter::lease_count() const {
  std::lock_guard lock(mutex_);
  return leases_.size();
}

int64_t ThresholdArbiter::leases_max() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(leases_max_);
}

void ThresholdArbiter::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

void ThresholdArbiter::Apply() {
  ThresholdSettings next = of_targets_;
  for (const auto& [id, lease] : leases_) {
    const int64_t run_queue_ns = lease.run_queue_threshold_ns == 0 ? defaults_.spike_threshold_ns : lease.run_queue_threshold_ns;
    next.run_queue_threshold_ns = std::min(next.run_queue_threshold_ns, run_queue_ns);
    next.blocked_threshold_ns = std::min(next.blocked_threshold_ns, lease.blocked_threshold_ns);
    next.run_queue_levels_ns.push_back(run_queue_ns);
    if (lease.blocked_threshold_ns == kNoThresholdNs) continue;
    next.blocked_levels_ns.push_back(lease.blocked_threshold_ns);
    next.held_up.sleeps_of_all = true;
  }
  SortDistinct(&next.run_queue_levels_ns);
  SortDistinct(&next.blocked_levels_ns);
  if (closed_ || next == in_force_) return;
  Publish(next);
  // The old floors end only now: while both were in force, the higher one is what can be promised.
  if (FloorsOf(next).run_queue_ns != in_force_.run_queue_threshold_ns || FloorsOf(next).off_cpu_ns != in_force_.blocked_threshold_ns) {
    KeepPast(FloorsOf(in_force_), clock_->NowNs());
  }
  in_force_ = next;
}

void ThresholdArbiter::Publish(const ThresholdSettings& next) {
  // The detector goes first: a record that the kernel makes under the new threshold finds it ready.
  if (observer_) observer_(next);
  StoreToKernel(next);
}

void ThresholdArbiter::StoreToKernel(const ThresholdSettings& settings) const {
  const auto word = [](int64_t threshold_ns) {
    return threshold_ns == kNoThresholdNs ? HFT_NO_THRESHOLD : static_cast<uint64_t>(threshold_ns);
  };
  const auto down_to = [&](int64_t limit_ns) {
    return WaitThresholds{.run_queue_ns = word(std::min(settings.run_queue_threshold_ns, limit_ns)),
                          .off_cpu_ns = word(std::min(settings.blocked_threshold_ns, limit_ns))};
  };
  StoreThresholds(view_, down_to(kNoThresholdNs), down_to(stall_threshold_ns_));
}

void ThresholdArbiter::SetStallThreshold(int64_t threshold_ns) {
  std::lock_guard lock(mutex_);
  if (closed_ || threshold_ns == stall_threshold_ns_) return;
  const int64_t earlier_ns = stall_threshold_ns_;
  stall_threshold_ns_ = threshold_ns;
  StoreToKernel(in_force_);
  past_stall_floors_.push_back({.end_mono_ns = clock_->NowNs(), .threshold_ns = earlier_ns});
  if (past_stall_floors_.size() > kHistoryMax) past_stall_floors_.pop_front();
}

int64_t ThresholdArbiter::StallFloorSince(int64_t since_mono_ns) const {
  std::lock_guard lock(mutex_);
  int64_t highest_ns = stall_threshold_ns_;
  for (const PastStallFloor& past : past_stall_floors_) {
    if (past.end_mono_ns > since_mono_ns) highest_ns = std::max(highest_ns, past.threshold_ns);
  }
  const bool forgotten = past_stall_floors_.size() == kHistoryMax && past_stall_floors_.front().end_mono_ns > since_mono_ns;
  return forgotten ? kNoThresholdNs : highest_ns;
}

void ThresholdArbiter::KeepPast(const Targets::Floors& floors, int64_t end_mono_ns) {
  past_.push_back({.end_mono_ns = end_mono_ns, .floors = floors});
  if (past_.size() <= kHistoryMax) return;
  forgotten_.floors = Highest(forgotten_.floors, past_.front().floors);
  forgotten_.end_mono_ns = past_.front().end_mono_ns;
  past_.pop_front();
}

}  // namespace hftmon
