// SleepFacts: sleeps within what a program marked as its operations, or between its heartbeats.
// Reads: spikes of the kinds operation and gap with a Cause kBlocked in a system call; of those in futex the spikes of the kind blocked in
// their time (probe group locks, attach --blocked), which tell whether it was a lock with an owner.
// Produces: kHotPathSleep, one for each thread, kind and call; those in futex apart by whether an owner is known. A sleep in futex that no
// blocked spike tells of may be either, and is left out. One sleep is told once: of operations within operations, and of the gap around
// them, the one that ends first has it.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SLEEPS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SLEEPS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

class SleepFacts {
 public:
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const;

 private:
  struct Sleep {
    SpikeTally tally;
    std::set<std::string> operations;
  };
  // Of one spike.
  struct MarkedSleep {
    SpikeKind kind = SpikeKind::kOperation;
    int32_t call = -1;
    uint64_t spike_id = 0;
    int64_t begin_mono_ns = 0;
    int64_t end_mono_ns = 0;
    int64_t blocked_ns = 0;
    std::string operation;  // empty: unnamed
  };
  struct FutexWait {
    int64_t end_mono_ns = 0;
    uint32_t owner_tid = 0;  // 0: none is known
  };
  // Kind, call, owner: -1 where it is not asked, 0 where none is known.
  using Key = std::tuple<SpikeKind, int32_t, int64_t>;
  struct OfThread {
    std::vector<MarkedSleep> sleeps;
    std::map<int64_t, FutexWait> futex_waits;  // by the time of their beginning; those of one thread do not overlap
  };
  static std::map<Key, Sleep> SleepsOf(const OfThread& of_thread);

  std::map<ThreadKey, OfThread, ThreadKeyOrder> threads_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SLEEPS_H_
