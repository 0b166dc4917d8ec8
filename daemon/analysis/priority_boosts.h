// JoinBoosts: changes of priority by inheritance in, the times in which a thread ran with another's priority out. Pure, any thread.
#ifndef HFTMON_DAEMON_ANALYSIS_PRIORITY_BOOSTS_H_
#define HFTMON_DAEMON_ANALYSIS_PRIORITY_BOOSTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "daemon/ingest/boost_step.h"

namespace hftmon {

// From the change that made the thread more urgent than it is to the one that gave it its own priority again.
struct PriorityBoost {
  ThreadKey thread;
  int64_t start_mono_ns = 0;
  int64_t duration_ns = -1;      // -1: it goes on, as far as is known
  uint8_t own_priority = 0;      // kernel priority 0 … 139; 255 for SCHED_DEADLINE
  uint8_t boosted_priority = 0;  // the most urgent one that it had
  uint32_t donor_tid = 0;        // who waited for it with that one
  uint32_t donor_tgid = 0;
  uint32_t step_count = 0;  // changes within, its first and last among them
  char donor_comm[HFT_COMM_LENGTH] = {};

  // Whether it was in force at some time in [begin, end].
  bool Overlaps(int64_t begin_mono_ns, int64_t end_mono_ns) const {
    return start_mono_ns <= end_mono_ns && (duration_ns < 0 || start_mono_ns + duration_ns >= begin_mono_ns);
  }
};

struct JoinedBoosts {
  std::vector<PriorityBoost> boosts;  // in the order of their beginnings
  // Ends without a beginning and beginnings whose end was not seen though the thread was boosted anew: steps that were lost or
  // overwritten. They are in no boost.
  uint64_t fragment_count = 0;
};

// `steps`: in the order of time, of any threads.
JoinedBoosts JoinBoosts(std::span<const BoostStep> steps);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_PRIORITY_BOOSTS_H_
