// JitterGatherer: how late the periodic threads of an answer woke up in its window -> hftmon.v1.Jitter. One call's own; any thread but the
// housekeeping thread.
//
// Source: the history of switch events (SwitchEvent), walked once for all threads. It has a thread's sleeps above the kernel's floor for
// off-CPU intervals, so sleeps are told where the target, or somebody else, has a blocked threshold below them; and until when a sleep was
// to last, where the target asks for the probe group "locks". Bound: the history's capacity.
//
// What is not so of the whole window is said in `jitter_unavailable`, beside the jitter of the rest: since when sleeps are recorded, from
// when on they are still kept, how many records were lost, how long nothing was collected. A thread whose wake-ups have no period has
// neither.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_JITTER_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_JITTER_H_

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "daemon/analysis/exact_percentile.h"
#include "daemon/analysis/wake_up_jitter.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "hftmon/v1/threads.pb.h"

namespace hftmon {

class JitterGatherer {
 public:
  // Walks the history. `core`'s parts and `selection` outlive the object. Of `request`: tids, period_ns, percentiles (checked already).
  JitterGatherer(const ServiceCore& core, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns,
                 const v1::QueryThreadsRequest& request);

  // Sets `jitter`, `jitter_unavailable`, both or neither.
  void Fill(const ThreadKey& thread, v1::ScheduledThread* out) const;

  // Older switch events of the window were no longer kept.
  bool overwritten() const { return covered_begin_ns_ > begin_ns_; }

 private:
  // How a target's sleeps were recorded.
  struct Recording {
    int64_t floor_ns = 0;  // kNoFloor: they were not
    int64_t since_ns = 0;  // at that floor; the window's begin or later
  };

  Recording RecordingOf(const TargetInfo& target) const;
  void Walk(const SeqRing<SwitchEvent>& events, const std::unordered_set<uint32_t>& tids);
  std::vector<WakeUp> WakeUpsOf(const ThreadKey& thread, const Recording& recording) const;
  std::string WhyNone(const JitterFinding& finding, const Recording& recording) const;
  // What is missing in the window; empty: nothing.
  std::string Missing(const Recording& recording) const;

  const Targets& targets_;
  const TargetSelection& selection_;
  const int64_t begin_ns_;
  const int64_t end_ns_;
  const int64_t period_ns_;  // 0: to be found
  const std::vector<double> percentiles_;
  std::vector<Recording> recordings_;  // by the selection's targets
  int64_t covered_begin_ns_;
  uint64_t lost_count_ = 0;
  int64_t off_ns_ = 0;
  struct Sleep {
    WakeUp wake_up;
    int64_t off_cpu_ns = 0;
  };
  std::map<ThreadKey, std::vector<Sleep>, ThreadKeyOrder> sleeps_;  // newest first
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_JITTER_H_
