// FindInversions: waits for locks in, those whose owner is less urgent or does not run out. Pure, any thread.
//
// When a wait for a lock is an inversion, W being who waits and O who has the lock as the wait begins:
//   - O is less urgent than W: W is real time (or SCHED_DEADLINE) and O's own priority, without what it inherits, is a less urgent one.
//   Nice
//     values order nobody: they share the CPU, so among ordinary threads this never holds; or
//   - O does not run: it waits for a CPU or is blocked as the wait begins, or the last owner of the chain lost its CPU or slept within the
//     wait, as far as its own spikes tell. Whatever the two priorities are: who waits then waits for whoever keeps O away.
// A wait whose owner is as urgent as it or more, and runs, is ordinary contention.
//
// The chain: O may wait for a lock itself as W's wait begins; that wait is a spike of O's own that covers this moment and names its owner,
// and so on, until one that waits for no lock, or whose wait was not recorded. All links are as of the beginning of W's wait.
#ifndef HFTMON_DAEMON_ANALYSIS_PRIORITY_INVERSION_H_
#define HFTMON_DAEMON_ANALYSIS_PRIORITY_INVERSION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/priority_boosts.h"
#include "daemon/analysis/spike.h"

namespace hftmon {

inline constexpr size_t kInversionLinksMax = 16;

// Who had a CPU that another thread waited for.
struct RunnerShare {
  uint32_t tid = 0;
  uint32_t tgid = 0;
  int64_t duration_ns = 0;
  char comm[HFT_COMM_LENGTH] = {};
};

// A time that a thread was off its CPU, out of its spike: what is needed here, so that a whole history fits.
struct OffCpuTime {
  ThreadKey thread;
  uint64_t spike_id = 0;
  int64_t start_mono_ns = 0;
  int64_t end_mono_ns = 0;          // of one in progress: now
  int64_t blocked_until_ns = 0;     // what followed was a wait for a CPU; start_mono_ns: all of it was
  std::optional<uint8_t> priority;  // of the thread when it ended (in progress: now), what it inherits included
  bool in_progress = false;
  bool asked = false;  // a wait that the answer is about
  Call call;
  std::vector<RunnerShare> runners;
};

// Requires a kPreempted, kRunQueue or kBlocked spike. Of one in progress: until `now_mono_ns`, its priority not known.
OffCpuTime OffCpuTimeOf(const Spike& spike, int64_t now_mono_ns);

// Whether the thread waits for a lock whose owner is known.
bool IsLockWait(const Call& call);
// Whether it waits for what looks like a lock, and whose that is is not known.
bool IsUnownedLockWait(const Call& call);
// Whether the lock's owner inherits from who waits for it.
bool InheritsPriority(const Call& call);

struct InversionLink {
  ThreadKey owner;  // start_ns 0: not known; tgid 0: neither
  Call call;        // of who waits for it: the lock and what is known of the owner
};

struct Inversion {
  const OffCpuTime* wait = nullptr;         // of the `times` that were given
  std::vector<InversionLink> chain;         // at least one
  bool chain_truncated = false;             // it goes on, or goes round
  std::optional<int64_t> owner_off_cpu_ns;  // within the wait; absent: the last owner is not watched
  std::optional<RunnerShare> preemptor;     // who had its CPU for longest meanwhile
  bool inherited = false;
};

struct InversionAnswer {
  std::vector<Inversion> inversions;  // in the order of their ends
  uint64_t unknown_count = 0;         // asked waits whose waiter's or owner's priority is not known, and that are none by what is
};

// `times`: of all threads, in any order; outlives the answer. `boosts`: in any order; absent where they are not collected: then whoever has
// a lock with inheritance and is less urgent is taken to have inherited.
InversionAnswer FindInversions(std::span<const OffCpuTime> times, const std::optional<std::vector<PriorityBoost>>& boosts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_PRIORITY_INVERSION_H_
