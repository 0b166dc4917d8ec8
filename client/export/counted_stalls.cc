#include "client/export/counted_stalls.h"

#include <algorithm>
#include <map>
#include <utility>

namespace hftmon {

const std::vector<std::string>& SpikeKinds() {
  static const std::vector<std::string> kKinds = {"preempted",  "run_queue", "interrupted", "blocked",   "fault", "kernel_lock",
                                                  "compaction", "reclaim",   "migration",   "operation", "gap"};
  return kKinds;
}

const std::set<std::string>& CountedByDefault() {
  static const std::set<std::string> kKinds = {"preempted",   "run_queue",  "interrupted", "fault",
                                               "kernel_lock", "compaction", "reclaim",     "migration"};
  return kKinds;
}

std::vector<CountedStall> CountedStalls(const Recording& recording, const std::set<std::string>& kinds) {
  std::vector<const RecordedSpike*> spikes;
  for (const RecordedSpike& spike : recording.spikes) {
    if (kinds.contains(spike.kind)) spikes.push_back(&spike);
  }
  std::stable_sort(spikes.begin(), spikes.end(), [](const RecordedSpike* a, const RecordedSpike* b) {
    return a->start_ns != b->start_ns ? a->start_ns < b->start_ns : a->duration_ns > b->duration_ns;
  });
  std::map<std::pair<int32_t, int64_t>, int64_t> counted_until_ns;  // by thread
  std::vector<CountedStall> stalls;
  for (const RecordedSpike* spike : spikes) {
    int64_t& until_ns = counted_until_ns.try_emplace({spike->thread.tid, spike->thread.start_boottime_ns}, INT64_MIN).first->second;
    const int64_t counted_ns = spike->end_ns() - std::max(until_ns, spike->start_ns);
    if (counted_ns > 0) stalls.push_back({spike, counted_ns});
    until_ns = std::max(until_ns, spike->end_ns());
  }
  return stalls;
}

}  // namespace hftmon
