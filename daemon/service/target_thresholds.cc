#include "daemon/service/target_thresholds.h"

#include <algorithm>

#include "daemon/service/poll_thread.h"

namespace hftmon {

int64_t TargetThresholds::SpikeThresholdNs(uint32_t tgid) {
  std::lock_guard lock(mutex_);
  if (!valid_) Refresh();
  auto found = threshold_ns_of_pid_.find(tgid);
  if (found == threshold_ns_of_pid_.end() && PollThread::NowNs() - refreshed_ns_ >= kRefreshIntervalNs) {
    Refresh();
    found = threshold_ns_of_pid_.find(tgid);
  }
  return found == threshold_ns_of_pid_.end() ? default_ns_ : found->second;
}

void TargetThresholds::Invalidate() {
  std::lock_guard lock(mutex_);
  valid_ = false;
}

void TargetThresholds::Refresh() {
  default_ns_ = targets_->default_spike_threshold_ns();
  threshold_ns_of_pid_.clear();
  for (const TargetInfo& target : targets_->List()) {
    const int64_t own_ns = target.options.spike_threshold_ns > 0 ? target.options.spike_threshold_ns : default_ns_;
    const auto [entry, added] = threshold_ns_of_pid_.try_emplace(target.pid, own_ns);
    if (!added) entry->second = std::min(entry->second, own_ns);
  }
  valid_ = true;
  refreshed_ns_ = PollThread::NowNs();
}

}  // namespace hftmon
