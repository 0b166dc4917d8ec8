// SpikeQuota: how many spikes a reader wanted, when a spike that goes on is told twice: an id counts once, and its end is waited for.
//
// Threads: one. Bounds: the limit; without one it keeps nothing.
#ifndef HFTMON_CLIENT_CLI_SPIKE_QUOTA_H_
#define HFTMON_CLIENT_CLI_SPIKE_QUOTA_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

class SpikeQuota {
 public:
  // 0 = no limit.
  explicit SpikeQuota(size_t limit) : limit_(limit) {}

  // Whether the spike is one of those that were wanted. One beyond them may show that the end of another will not come any more.
  bool Take(const v1::Spike& spike) {
    if (limit_ == 0) return true;
    if (!ids_.contains(spike.id()) && ids_.size() == limit_) {
      std::erase_if(open_, [&spike](const auto& open) {
        return open.second.tid == spike.thread().tid() && open.second.start_ns < spike.start_monotonic_ns();
      });
      return false;
    }
    ids_.insert(spike.id());
    open_.erase(spike.id());
    if (spike.in_progress()) open_[spike.id()] = {.tid = spike.thread().tid(), .start_ns = spike.start_monotonic_ns()};
    return true;
  }
  // Something was lost on the way, perhaps an end: none is waited for.
  void EndsMayBeLost() { open_.clear(); }
  // All were told, each at its end.
  bool full() const { return limit_ > 0 && ids_.size() == limit_ && open_.empty(); }

 private:
  struct Open {
    int32_t tid = 0;
    int64_t start_ns = 0;
  };

  const size_t limit_;
  std::set<uint64_t> ids_;
  std::map<uint64_t, Open> open_;  // told in progress, by id
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_SPIKE_QUOTA_H_
