#include "daemon/analysis/priority_inversion.h"

#include <linux/futex.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

#include "daemon/analysis/kernel_priority.h"

namespace hftmon {
namespace {

constexpr uint8_t kFutexLockPi2 = 13;  // newer than the headers that this is built with may be
constexpr uint32_t kMutexContended = 2;

// What a list of a thread's times needs: they are in the order of their beginnings, and one overlaps at most the tail of the one before.
using Times = std::vector<const OffCpuTime*>;

// One that began before a moment may last beyond it; with the wait for a CPU at the end of a sleep, told by a spike of its own, two do.
constexpr size_t kOverlapping = 2;

class TimesByThread {
 public:
  explicit TimesByThread(std::span<const OffCpuTime> times) {
    for (const OffCpuTime& time : times) of_tid_[time.thread.tid].push_back(&time);
    for (auto& [tid, list] : of_tid_) {
      std::stable_sort(list.begin(), list.end(),
                       [](const OffCpuTime* a, const OffCpuTime* b) { return a->start_mono_ns < b->start_mono_ns; });
    }
  }

  // Those of the thread that may overlap [begin, end].
  std::span<const OffCpuTime* const> Around(uint32_t tid, int64_t begin_ns, int64_t end_ns) const {
    const auto found = of_tid_.find(tid);
    if (found == of_tid_.end()) return {};
    const Times& list = found->second;
    const auto later = [](int64_t ns, const OffCpuTime* time) { return ns < time->start_mono_ns; };
    const auto first = std::upper_bound(list.begin(), list.end(), begin_ns, later);
    const auto last = std::upper_bound(first, list.end(), end_ns, later);
    const auto before = std::min<std::ptrdiff_t>(kOverlapping, first - list.begin());
    return std::span(list).subspan(static_cast<size_t>(first - list.begin() - before), static_cast<size_t>(last - first + before));
  }

  // The wait for a lock in which the thread is at that moment; nullptr: in none that was recorded.
  const OffCpuTime* LockWaitAt(uint32_t tid, int64_t mono_ns) const {
    for (const OffCpuTime* time : Around(tid, mono_ns, mono_ns)) {
      if (time->start_mono_ns <= mono_ns && mono_ns < time->blocked_until_ns && IsLockWait(time->call)) return time;
    }
    return nullptr;
  }

 private:
  std::unordered_map<uint32_t, Times> of_tid_;
};

// The futex of a process's own: its lock's owner is one of its threads.
bool IsPrivate(const Call& call) {
  return (call.arguments[1] & FUTEX_PRIVATE_FLAG) != 0;
}

void AddShare(const RunnerShare& share, int64_t duration_ns, std::vector<RunnerShare>* sums) {
  const auto known = std::find_if(sums->begin(), sums->end(), [&](const RunnerShare& sum) { return sum.tid == share.tid; });
  if (known != sums->end()) {
    known->duration_ns += duration_ns;
    return;
  }
  sums->push_back(share);
  sums->back().duration_ns = duration_ns;
}

class InversionSearch {
 public:
  InversionSearch(std::span<const OffCpuTime> times, const std::optional<std::vector<PriorityBoost>>& boosts)
      : by_thread_(times), boosts_(boosts) {}

  void Consider(const OffCpuTime& wait) {
    const bool owner_known = wait.call.owner_state != HFT_OWNER_STATE_UNKNOWN;
    Inversion inversion;
    inversion.wait = &wait;
    FollowChain(&inversion);
    AddOwnerTime(&inversion);
    const bool less_urgent = wait.priority && owner_known && OutranksInClass(*wait.priority, wait.call.owner_priority);
    const bool away = (owner_known && wait.call.owner_state != HFT_OWNER_RUNNING) || inversion.owner_off_cpu_ns.value_or(0) > 0;
    if (!less_urgent && !away) {
      if (!owner_known || !wait.priority) ++answer_.unknown_count;
      return;
    }
    inversion.inherited = WasInherited(inversion, less_urgent);
    answer_.inversions.push_back(std::move(inversion));
  }

  InversionAnswer Finish() {
    std::stable_sort(answer_.inversions.begin(), answer_.inversions.end(),
                     [](const Inversion& a, const Inversion& b) { return a.wait->end_mono_ns < b.wait->end_mono_ns; });
    return std::move(answer_);
  }

 private:
  InversionLink LinkOf(const OffCpuTime& wait) const {
    InversionLink link{.owner = {.tid = wait.call.owner_tid}, .call = wait.call};
    for (const OffCpuTime* time : by_thread_.Around(wait.call.owner_tid, wait.start_mono_ns, wait.end_mono_ns)) link.owner = time->thread;
    if (link.owner.tgid == 0 && (IsPrivate(wait.call) || wait.call.owner_source != HFT_OWNER_PI_WORD)) link.owner.tgid = wait.thread.tgid;
    return link;
  }

  void FollowChain(Inversion* inversion) const {
    std::unordered_set<uint32_t> seen = {inversion->wait->thread.tid};
    for (const OffCpuTime* wait = inversion->wait; wait != nullptr;) {
      if (inversion->chain.size() == kInversionLinksMax) {
        inversion->chain_truncated = true;
        return;
      }
      inversion->chain.push_back(LinkOf(*wait));
      if (!seen.insert(wait->call.owner_tid).second) {
        inversion->chain_truncated = true;
        return;
      }
      wait = by_thread_.LockWaitAt(wait->call.owner_tid, inversion->wait->start_mono_ns);
    }
  }

  // How long the last owner was off its CPU within the wait, and who had that meanwhile. Its times are joined: the wait for a CPU after a
  // sleep is in two of them.
  void AddOwnerTime(Inversion* inversion) const {
    const InversionLink& last = inversion->chain.back();
    if (last.call.owner_state == HFT_OWNER_STATE_UNKNOWN) return;
    const int64_t begin_ns = inversion->wait->start_mono_ns;
    const int64_t end_ns = inversion->wait->blocked_until_ns;
    int64_t until_ns = begin_ns;
    int64_t sum_ns = 0;
    std::vector<RunnerShare> runners;
    for (const OffCpuTime* time : by_thread_.Around(last.owner.tid, begin_ns, end_ns)) {
      const int64_t from_ns = std::max(time->start_mono_ns, until_ns);
      const int64_t to_ns = std::min(time->end_mono_ns, end_ns);
      if (to_ns <= from_ns) continue;
      sum_ns += to_ns - from_ns;
      until_ns = to_ns;
      for (const RunnerShare& runner : time->runners) {
        if (runner.tid == inversion->wait->thread.tid) continue;  // it ran before it waited
        AddShare(runner, std::min(runner.duration_ns, to_ns - from_ns), &runners);
      }
    }
    inversion->owner_off_cpu_ns = sum_ns;
    const auto longest = std::max_element(runners.begin(), runners.end(),
                                          [](const RunnerShare& a, const RunnerShare& b) { return a.duration_ns < b.duration_ns; });
    if (longest != runners.end()) inversion->preemptor = *longest;
  }

  bool WasInherited(const Inversion& inversion, bool less_urgent) const {
    if (!InheritsPriority(inversion.wait->call)) return false;
    if (!boosts_) return less_urgent;
    return std::any_of(boosts_->begin(), boosts_->end(), [&](const PriorityBoost& boost) {
      return boost.thread.tid == inversion.wait->call.owner_tid &&
             boost.Overlaps(inversion.wait->start_mono_ns, inversion.wait->blocked_until_ns);
    });
  }

  const TimesByThread by_thread_;
  const std::optional<std::vector<PriorityBoost>>& boosts_;
  InversionAnswer answer_;
};

}  // namespace

bool InheritsPriority(const Call& call) {
  return call.futex_command == FUTEX_LOCK_PI || call.futex_command == kFutexLockPi2;
}

bool IsLockWait(const Call& call) {
  return call.state == HFT_CALL_KNOWN && call.futex_command != HFT_NO_FUTEX && call.owner_tid != 0;
}

bool IsUnownedLockWait(const Call& call) {
  if (call.state != HFT_CALL_KNOWN || call.futex_command == HFT_NO_FUTEX || call.owner_tid != 0) return false;
  if (InheritsPriority(call)) return true;
  // As glibc's mutexes and the kernel's protocol of robust ones write a lock that is waited for; other words are no locks, as far as is
  // known.
  return call.futex_word_known && (call.futex_word == kMutexContended || (call.futex_word & FUTEX_WAITERS) != 0);
}

OffCpuTime OffCpuTimeOf(const Spike& spike, int64_t now_mono_ns) {
  OffCpuTime time;
  time.thread = spike.thread;
  time.spike_id = spike.id;
  time.start_mono_ns = spike.start_mono_ns;
  time.in_progress = spike.in_progress;
  time.end_mono_ns = spike.in_progress ? std::max(now_mono_ns, spike.start_mono_ns) : spike.start_mono_ns + spike.duration_ns;
  if (!spike.in_progress) time.priority = spike.priority;
  time.call = spike.call;
  int64_t blocked_ns = 0;
  for (size_t i = 0; i < std::min<size_t>(spike.cause_count, spike.causes.size()); ++i) {
    const Cause& cause = spike.causes[i];
    if (cause.kind == CauseKind::kBlocked) blocked_ns += cause.duration_ns;
    if (cause.kind != CauseKind::kThread || cause.others) continue;
    RunnerShare share{.tid = cause.tid, .tgid = cause.tgid, .duration_ns = cause.duration_ns};
    std::memcpy(share.comm, cause.comm, sizeof(share.comm));
    time.runners.push_back(share);
  }
  // One that sleeps on sleeps until now; one that was woken already waits for a CPU.
  const bool sleeps_on = spike.in_progress && spike.kind == SpikeKind::kBlocked && blocked_ns == spike.duration_ns;
  time.blocked_until_ns = sleeps_on ? time.end_mono_ns : spike.start_mono_ns + blocked_ns;
  return time;
}

InversionAnswer FindInversions(std::span<const OffCpuTime> times, const std::optional<std::vector<PriorityBoost>>& boosts) {
  InversionSearch search(times, boosts);
  for (const OffCpuTime& time : times) {
    if (time.asked && IsLockWait(time.call)) search.Consider(time);
  }
  return search.Finish();
}

}  // namespace hftmon
