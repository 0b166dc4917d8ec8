// SpikeQuota: how many spikes a reader wanted, when a spike that goes on is told twice: an id counts once.
//
// Threads: one. Bounds: the limit; without one it keeps nothing.
#ifndef HFTMON_CLIENT_CLI_SPIKE_QUOTA_H_
#define HFTMON_CLIENT_CLI_SPIKE_QUOTA_H_

#include <cstdint>
#include <set>

namespace hftmon {

class SpikeQuota {
 public:
  // 0 = no limit.
  explicit SpikeQuota(size_t limit) : limit_(limit) {}

  // Whether the spike is one of those that were wanted. False for the first beyond them.
  bool Take(uint64_t id, bool in_progress) {
    if (limit_ == 0) return true;
    if (!ids_.contains(id) && ids_.size() == limit_) return false;
    ids_.insert(id);
    if (in_progress) {
      open_ids_.insert(id);
    } else {
      open_ids_.erase(id);
    }
    return true;
  }
  // All were told, each at its end. The end of one may be lost: then Take says when the next one comes.
  bool full() const { return limit_ > 0 && ids_.size() == limit_ && open_ids_.empty(); }

 private:
  const size_t limit_;
  std::set<uint64_t> ids_;
  std::set<uint64_t> open_ids_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_SPIKE_QUOTA_H_
