// StallIndex: the stalls of some threads since a moment, gathered from the recorder's ring in one walk.
//
// One thread. Bounds: a walk reads the whole ring at most (8,192 stalls, about a millisecond); it allocates.
#ifndef HFTMON_DAEMON_OPERATIONS_STALL_INDEX_H_
#define HFTMON_DAEMON_OPERATIONS_STALL_INDEX_H_

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "daemon/analysis/stall.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

class StallIndex {
 public:
  // A stall may stand so much before others that ended earlier (StretchHold).
  static constexpr int64_t kDisorderNs = 20'000'000;
  static constexpr int64_t kSlackNs = 100'000;

  void Want(const ThreadKey& thread) { stalls_[thread.tid].thread = thread; }
  // Those that ended since then, of the threads that were wanted.
  void Gather(const SeqRing<Stall>& ring, int64_t since_mono_ns);

  // Of a thread that was wanted, those that began within [begin, end], give or take kSlackNs, by their beginning.
  std::span<const Stall> Of(const ThreadKey& thread, int64_t begin_mono_ns, int64_t end_mono_ns) const;
  // Older ones than this may be missing: the ring did not reach back so far. INT64_MIN: none is.
  int64_t complete_since_mono_ns() const { return complete_since_mono_ns_; }

 private:
  struct OfThread {
    ThreadKey thread;
    std::vector<Stall> stalls;
  };

  std::unordered_map<uint32_t, OfThread> stalls_;  // by tid
  void Read(const SeqRing<Stall>& ring, int64_t since_mono_ns);

  int64_t complete_since_mono_ns_ = INT64_MIN;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OPERATIONS_STALL_INDEX_H_
