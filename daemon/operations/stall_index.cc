#include "daemon/operations/stall_index.h"

#include <algorithm>

namespace hftmon {

void StallIndex::Gather(const SeqRing<Stall>& ring, int64_t since_mono_ns) {
  complete_since_mono_ns_ = INT64_MIN;
  if (stalls_.empty()) return;
  Read(ring, since_mono_ns);
  for (auto& [tid, of_thread] : stalls_) {
    std::sort(of_thread.stalls.begin(), of_thread.stalls.end(),
              [](const Stall& a, const Stall& b) { return a.start_mono_ns < b.start_mono_ns; });
  }
}

void StallIndex::Read(const SeqRing<Stall>& ring, int64_t since_mono_ns) {
  Stall stall;
  int64_t oldest_end_ns = INT64_MAX;
  for (uint64_t left = ring.end(); left > 0;) {
    if (ring.Read(--left, &stall) != SeqRead::kOk) {
      // Overwritten: all that is known is what came after the oldest one that was read.
      complete_since_mono_ns_ = oldest_end_ns == INT64_MAX ? INT64_MAX : oldest_end_ns + kDisorderNs;
      return;
    }
    oldest_end_ns = std::min(oldest_end_ns, stall.end_mono_ns());
    if (stall.end_mono_ns() < since_mono_ns - kDisorderNs) return;
    if (stall.end_mono_ns() < since_mono_ns) continue;
    const auto found = stalls_.find(stall.thread.tid);
    if (found != stalls_.end() && found->second.thread == stall.thread) found->second.stalls.push_back(stall);
  }
}

std::span<const Stall> StallIndex::Of(const ThreadKey& thread, int64_t begin_mono_ns, int64_t end_mono_ns) const {
  const auto found = stalls_.find(thread.tid);
  if (found == stalls_.end() || !(found->second.thread == thread)) return {};
  const std::vector<Stall>& all = found->second.stalls;
  const auto first = std::lower_bound(all.begin(), all.end(), begin_mono_ns - kSlackNs,
                                      [](const Stall& stall, int64_t time_ns) { return stall.start_mono_ns < time_ns; });
  const auto last = std::upper_bound(first, all.end(), end_mono_ns + kSlackNs,
                                     [](int64_t time_ns, const Stall& stall) { return time_ns < stall.start_mono_ns; });
  return {first, last};
}

}  // namespace hftmon
