// KernelLockSearch, AddKernelLockSums: the part of QueryLocks that tells of the kernel's own locks. Any thread; reads mapped memory.
#ifndef HFTMON_DAEMON_SERVICE_KERNEL_LOCKS_QUERY_H_
#define HFTMON_DAEMON_SERVICE_KERNEL_LOCKS_QUERY_H_

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "daemon/analysis/spike.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// The waits for locks of the kernel among the spikes of a window, by lock.
class KernelLockSearch {
 public:
  // Shorter ones are in no sum: the kernel told them of some targets only.
  explicit KernelLockSearch(int64_t floor_ns) : floor_ns_(floor_ns) {}

  void Add(const Spike& spike);
  // Largest sum first.
  void ToProto(ThreadNames* names, v1::QueryLocksResponse* response) const;

 private:
  using Key = std::pair<uint64_t, hft_lock_type>;  // an address may be another lock's later

  struct Share {
    KernelStall stall;  // the holder's
    uint64_t count = 0;
    int64_t duration_ns = 0;
  };
  struct Sum {
    uint64_t count = 0;
    int64_t duration_ns = 0;
    int64_t longest_ns = -1;
    uint64_t longest_spike_id = 0;
    uint64_t unknown_holder_count = 0;
    std::set<uint32_t> tids;
    std::map<uint32_t, Share> holders;  // by tid
  };

  static void SumToProto(const Key& key, const Sum& sum, ThreadNames* names, v1::ContendedKernelLock* out);

  const int64_t floor_ns_;
  std::map<Key, Sum> sums_;
};

// Of the threads that the answer has already.
void AddKernelLockSums(const KernelLockTotals& totals, const TargetSelection& selection, v1::QueryLocksResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_KERNEL_LOCKS_QUERY_H_
