#include "daemon/service/locks_query.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/analysis/call_names.h"
#include "daemon/control/target_options.h"
#include "daemon/os/syscall_names.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_call.h"
#include "daemon/service/floors.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

void SumToProto(const CallTotal& total, bool named, v1::CallSum* out) {
  if (named) {
    out->set_name(SyscallName(total.syscall));
    out->set_number(total.syscall);
  }
  out->set_count(total.count);
  out->set_blocked_ns(total.blocked_ns);
  out->set_wait_ns(total.wait_ns);
  out->set_longest_ns(total.longest_ns);
}

void ThreadToProto(ThreadCallTotal total, ThreadNames* names, v1::ThreadCalls* out) {
  ThreadToProto(total.thread, names, out->mutable_thread());
  out->set_available(total.unavailable.empty());
  out->set_reason(total.unavailable);
  std::stable_sort(total.calls.begin(), total.calls.end(),
                   [](const CallTotal& a, const CallTotal& b) { return a.blocked_ns > b.blocked_ns; });
  for (const CallTotal& call : total.calls) SumToProto(call, /*named=*/true, out->add_calls());
  if (total.others) SumToProto(*total.others, /*named=*/false, out->mutable_others());
}

// How long the thread was blocked, the wait for a CPU that followed left out.
int64_t BlockedNs(const Spike& spike) {
  int64_t sum_ns = 0;
  for (size_t i = 0; i < std::min<size_t>(spike.cause_count, spike.causes.size()); ++i) {
    if (spike.causes[i].kind == CauseKind::kBlocked) sum_ns += spike.causes[i].duration_ns;
  }
  return sum_ns;
}

struct Share {
  Call longest;
  uint64_t count = 0;
  uint64_t running_count = 0;
  uint64_t runnable_count = 0;
  int64_t blocked_ns = 0;
  int64_t longest_ns = -1;
};

struct Lock {
  uint64_t count = 0;
  int64_t blocked_ns = 0;
  int64_t longest_ns = -1;
  uint64_t longest_spike_id = 0;
  uint64_t unknown_owner_count = 0;
  std::set<uint32_t> waiters;
  std::map<uint32_t, Share> owners;  // by tid
};

using Locks = std::map<std::pair<uint32_t, uint64_t>, Lock>;  // by process and address

void AddWait(const Spike& spike, Locks* locks) {
  const Call& call = spike.call;
  const int64_t blocked_ns = BlockedNs(spike);
  Lock& lock = (*locks)[{spike.thread.tgid, call.arguments[0]}];
  ++lock.count;
  lock.blocked_ns += blocked_ns;
  lock.waiters.insert(spike.thread.tid);
  if (blocked_ns > lock.longest_ns) {
    lock.longest_ns = blocked_ns;
    lock.longest_spike_id = spike.id;
  }
  if (call.owner_tid == 0) {
    ++lock.unknown_owner_count;
    return;
  }
  Share& share = lock.owners[call.owner_tid];
  ++share.count;
  share.blocked_ns += blocked_ns;
  share.running_count += call.owner_state == HFT_OWNER_RUNNING ? 1 : 0;
  share.runnable_count += call.owner_state == HFT_OWNER_RUNNABLE ? 1 : 0;
  if (blocked_ns > share.longest_ns) {
    share.longest_ns = blocked_ns;
    share.longest = call;
  }
}

void LockToProto(const std::pair<uint32_t, uint64_t>& key, const Lock& lock, ThreadNames* names, v1::ContendedLock* out) {
  out->set_pid(static_cast<int32_t>(key.first));
  out->set_address(key.second);
  out->set_count(lock.count);
  out->set_blocked_ns(lock.blocked_ns);
  out->set_longest_ns(lock.longest_ns);
  out->set_longest_spike_id(lock.longest_spike_id);
  out->set_unknown_owner_count(lock.unknown_owner_count);
  for (const uint32_t tid : lock.waiters) out->add_waiter_tids(static_cast<int32_t>(tid));
  std::vector<const Share*> shares;
  for (const auto& [tid, share] : lock.owners) shares.push_back(&share);
  std::stable_sort(shares.begin(), shares.end(), [](const Share* a, const Share* b) { return a->blocked_ns > b->blocked_ns; });
  for (const Share* share : shares) {
    v1::OwnerShare* entry = out->add_owners();
    OwnerToProto(share->longest, names, entry->mutable_owner());
    entry->set_count(share->count);
    entry->set_blocked_ns(share->blocked_ns);
    entry->set_running_count(share->running_count);
    entry->set_runnable_count(share->runnable_count);
  }
}

// Above which length single waits were recorded; where that was not so all the time, the floor in force now, and `part_only`.
struct BlockedFloor {
  int64_t ns = kNoFloor;
  bool part_only = false;
};
BlockedFloor FloorOfLocks(const Targets& targets, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns) {
  int64_t highest_ns = -1;
  for (const TargetInfo& target : selection.targets()) {
    const int64_t own_ns = target.options.blocked_threshold_ns;
    if (own_ns == 0 || (target.ended_mono_ns > 0 && target.ended_mono_ns < begin_ns)) continue;
    highest_ns = std::max(highest_ns, FloorOf(targets, target, &Targets::Floors::off_cpu_ns, begin_ns, own_ns, own_ns));
  }
  // No target asks: a stream may.
  if (highest_ns < 0) highest_ns = targets.FloorsSince(begin_ns).off_cpu_ns;
  if (highest_ns != kNoFloor) return {highest_ns, false};
  const int64_t now_ns = targets.FloorsSince(end_ns).off_cpu_ns;
  return {now_ns, now_ns != kNoFloor};
}

// The waits for locks that ended in the window, newest first. The history is in the order of detection, which comes after a spike's end.
struct WaitSearch {
  Locks locks;
  uint64_t unlocated_count = 0;  // in a futex, and which is not known
  bool overwritten = false;
  int64_t oldest_detected_ns = 0;

  void Run(const SeqRing<Spike>& ended, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns) {
    std::unordered_set<uint32_t> asking;
    for (const TargetInfo& target : selection.targets()) {
      if (HasProbeGroup(target.options, kLocksGroup)) asking.insert(target.pid);
    }
    oldest_detected_ns = end_ns;
    const int32_t futex = SyscallNumber("futex");
    Spike spike;
    for (uint64_t left = ended.end(); left > 0;) {
      if (ended.Read(--left, &spike) != SeqRead::kOk) {
        overwritten = true;
        return;
      }
      if (spike.detected_mono_ns < begin_ns) return;
      oldest_detected_ns = std::min(oldest_detected_ns, spike.detected_mono_ns);
      const int64_t spike_end_ns = spike.start_mono_ns + spike.duration_ns;
      if (spike.kind != SpikeKind::kBlocked || spike_end_ns < begin_ns || spike_end_ns > end_ns || !selection.Keeps(spike.thread)) continue;
      if (spike.call.state == HFT_CALL_KNOWN && spike.call.futex_command != HFT_NO_FUTEX) {
        AddWait(spike, &locks);
      } else if (spike.out_syscall == futex && asking.contains(spike.thread.tgid)) {
        ++unlocated_count;
      }
    }
  }
};

}  // namespace

grpc::Status AnswerLocks(const ServiceCore& core, const TargetSelection& selection, const v1::QueryLocksRequest& request,
                         const Arrival& arrival, v1::QueryLocksResponse* response) {
  std::unordered_set<uint32_t> missing(request.tids().begin(), request.tids().end());
  const std::unordered_set<uint32_t> wanted = missing;
  for (const TargetInfo& target : selection.targets()) {
    for (ThreadCallTotal& total : core.calls->ThreadsOf(target.pid)) {
      if (!selection.Keeps(total.thread) || (!wanted.empty() && !wanted.contains(total.thread.tid))) continue;
      missing.erase(total.thread.tid);
      ThreadToProto(std::move(total), core.names, response->add_threads());
    }
  }
  if (!missing.empty()) {
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_THREAD",
                     absl::StrCat("thread ", *missing.begin(),
                                  " is not a watched thread of the targets asked for: `hftmon locks` without -t lists them"));
  }

  const int64_t end_ns = arrival.time.monotonic_ns;
  int64_t begin_ns =
      request.window_ns() > 0 ? std::max<int64_t>(0, end_ns - request.window_ns()) : std::min(end_ns, selection.first_attached_mono_ns());
  WaitSearch search;
  search.Run(core.spikes->ended(), selection, begin_ns, end_ns);
  std::vector<const Locks::value_type*> order;
  for (const Locks::value_type& lock : search.locks) order.push_back(&lock);
  // A wait whose owner is known was for a lock; one without may be for anything, the sleep of an idle thread above all.
  std::stable_sort(order.begin(), order.end(), [](const Locks::value_type* a, const Locks::value_type* b) {
    const bool a_owned = !a->second.owners.empty();
    const bool b_owned = !b->second.owners.empty();
    return a_owned != b_owned ? a_owned : a->second.blocked_ns > b->second.blocked_ns;
  });
  for (const Locks::value_type* lock : order) LockToProto(lock->first, lock->second, core.names, response->add_locks());

  const bool before_attach = request.window_ns() > 0 && begin_ns < selection.last_attached_mono_ns();
  if (search.overwritten) begin_ns = std::max(begin_ns, search.oldest_detected_ns);
  v1::Window* window = response->mutable_window();
  window->set_begin_monotonic_ns(begin_ns);
  window->set_end_monotonic_ns(end_ns);
  window->set_requested_ns(request.window_ns());
  window->set_truncated(search.overwritten || before_attach);
  window->set_late(arrival.late);
  window->set_off_ns(core.status->OffWithin(begin_ns, end_ns));
  TimePairToProto(core.status->Now(), response->mutable_time());
  response->set_lost_records(core.status->LostBetween(begin_ns, end_ns));
  const BlockedFloor floor = FloorOfLocks(*core.targets, selection, begin_ns, end_ns);
  if (floor.ns != kNoFloor) response->set_blocked_floor_ns(floor.ns);
  response->set_floor_of_part(floor.part_only);
  response->set_unlocated_wait_count(search.unlocated_count);
  response->set_incomplete(search.overwritten || floor.part_only);
  response->set_unslotted_thread_count(selection.UnslottedSince(begin_ns));
  return grpc::Status::OK;
}

}  // namespace hftmon
