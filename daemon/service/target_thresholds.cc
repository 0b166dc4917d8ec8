#include "daemon/service/target_thresholds.h"

#include <algorithm>

#include "daemon/service/poll_thread.h"

namespace hftmon {

const TargetThresholds::Known* TargetThresholds::Find(uint32_t tgid) {
  if (!valid_) Refresh();
  auto found = known_.find(tgid);
  if (found == known_.end() && PollThread::NowNs() - refreshed_ns_ >= kRefreshIntervalNs) {
    Refresh();
    found = known_.find(tgid);
  }
  return found == known_.end() ? nullptr : &found->second;
}

int64_t TargetThresholds::SpikeThresholdNs(uint32_t tgid) {
  std::lock_guard lock(mutex_);
  const Known* known = Find(tgid);
  return known == nullptr ? default_ns_ : known->threshold_ns;
}

bool TargetThresholds::CoversCpu(uint32_t tgid, uint32_t cpu) {
  std::lock_guard lock(mutex_);
  const Known* known = Find(tgid);
  return known == nullptr || known->cpus.empty() || std::binary_search(known->cpus.begin(), known->cpus.end(), static_cast<int>(cpu));
}

void TargetThresholds::Invalidate() {
  std::lock_guard lock(mutex_);
  valid_ = false;
}

void TargetThresholds::Refresh() {
  default_ns_ = targets_->default_spike_threshold_ns();
  known_.clear();
  for (const TargetInfo& target : targets_->List()) {
    const int64_t own_ns = target.options.spike_threshold_ns > 0 ? target.options.spike_threshold_ns : default_ns_;
    const auto [entry, added] = known_.try_emplace(target.pid, Known{.threshold_ns = own_ns, .cpus = target.spike_cpus});
    if (added) continue;
    entry->second.threshold_ns = std::min(entry->second.threshold_ns, own_ns);
    // A pid of two targets, one of them ended: what either has is shown.
    if (target.spike_cpus.empty()) entry->second.cpus.clear();
  }
  valid_ = true;
  refreshed_ns_ = PollThread::NowNs();
}

}  // namespace hftmon
