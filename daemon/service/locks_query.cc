#include "daemon/service/locks_query.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/utf8.h"
#include "daemon/analysis/call_names.h"
#include "daemon/control/target_options.h"
#include "daemon/os/syscall_names.h"
#include "daemon/service/blocked_files.h"
#include "daemon/service/blocked_floor.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_call.h"
#include "daemon/service/floors.h"
#include "daemon/service/history_window.h"
#include "daemon/service/kernel_locks_query.h"

namespace hftmon {
namespace {

void SumToProto(const CallTotal& total, v1::CallSum* out) {
  out->set_count(total.count);
  out->set_blocked_ns(total.blocked_ns);
  out->set_wait_ns(total.wait_ns);
  out->set_longest_ns(total.longest_ns);
}

void CallToProto(const CallTotal& total, const ThreadKey& thread, FileLookup* files, v1::CallSum* out) {
  const std::string name = SyscallName(total.syscall);
  out->set_name(name);
  out->set_number(total.syscall);
  SumToProto(total, out);
  if (total.longest_descriptor < 0 || !TakesFileDescriptor(name)) return;
  out->set_longest_file_descriptor(total.longest_descriptor);
  out->set_longest_file(ValidUtf8(files->Find(thread, total.longest_descriptor)));
}

void ThreadToProto(ThreadCallTotal total, FileLookup* files, ThreadNames* names, v1::ThreadCalls* out) {
  ThreadToProto(total.thread, names, out->mutable_thread());
  out->set_available(total.unavailable.empty());
  out->set_reason(total.unavailable);
  std::stable_sort(total.calls.begin(), total.calls.end(),
                   [](const CallTotal& a, const CallTotal& b) { return a.blocked_ns > b.blocked_ns; });
  for (const CallTotal& call : total.calls) CallToProto(call, total.thread, files, out->add_calls());
  if (total.others) SumToProto(*total.others, out->mutable_others());
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
  out->set_namespace_pid(names->NumbersOf(key.first, key.first).pid);
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

// The waits for locks and for files that ended in the window.
class WaitSearch {
 public:
  explicit WaitSearch(const TargetSelection& selection) : futex_(SyscallNumber("futex")) {
    for (const TargetInfo& target : selection.targets()) {
      if (HasProbeGroup(target.options, kLocksGroup)) asking_.insert(target.pid);
    }
  }

  void Add(const Spike& spike) {
    if (spike.kind != SpikeKind::kBlocked) return;
    files_.Add(spike, BlockedNs(spike));
    if (spike.call.state == HFT_CALL_KNOWN && spike.call.futex_command != HFT_NO_FUTEX) {
      AddWait(spike, &locks_);
    } else if (spike.out_syscall == futex_ && asking_.contains(spike.thread.tgid)) {
      ++unlocated_count_;
    }
  }

  const Locks& locks() const { return locks_; }
  const BlockedFiles& files() const { return files_; }
  uint64_t unlocated_count() const { return unlocated_count_; }  // in a futex, and which is not known

 private:
  const int32_t futex_;
  std::unordered_set<uint32_t> asking_;
  Locks locks_;
  BlockedFiles files_;
  uint64_t unlocated_count_ = 0;
};

bool AnyAsksForKernelLocks(const TargetSelection& selection) {
  return std::any_of(selection.targets().begin(), selection.targets().end(),
                     [](const TargetInfo& target) { return HasProbeGroup(target.options, kKernelLocksGroup); });
}

}  // namespace

grpc::Status AnswerLocks(const ServiceCore& core, const TargetSelection& selection, const v1::QueryLocksRequest& request,
                         const Arrival& arrival, v1::QueryLocksResponse* response) {
  FileLookup files(&core.files, &selection);
  const grpc::Status threads = AddThreadsOf(*core.calls, selection, request.tids(), "locks", [&](ThreadCallTotal total) {
    ThreadToProto(std::move(total), &files, core.names, response->add_threads());
  });
  if (!threads.ok()) return threads;

  AddKernelLockSums(*core.kernel_locks, selection, response);

  HistoryWindow window(selection, request.window_ns(), arrival);
  const int64_t kernel_floor_ns = FloorOfGroup(*core.targets, selection.targets(), kKernelLocksGroup, window.begin_ns());
  WaitSearch search(selection);
  KernelLockSearch kernel_search(kernel_floor_ns == kNoFloor ? 0 : kernel_floor_ns);
  window.Walk(core.spikes->ended(), [&](const Spike& spike) {
    search.Add(spike);
    kernel_search.Add(spike);
  });
  kernel_search.ToProto(core.names, response);
  if (kernel_floor_ns != kNoFloor) response->set_kernel_lock_floor_ns(kernel_floor_ns);
  std::vector<const Locks::value_type*> order;
  for (const Locks::value_type& lock : search.locks()) order.push_back(&lock);
  // A wait whose owner is known was for a lock; one without may be for anything, the sleep of an idle thread above all.
  std::stable_sort(order.begin(), order.end(), [](const Locks::value_type* a, const Locks::value_type* b) {
    const bool a_owned = !a->second.owners.empty();
    const bool b_owned = !b->second.owners.empty();
    return a_owned != b_owned ? a_owned : a->second.blocked_ns > b->second.blocked_ns;
  });
  for (const Locks::value_type* lock : order) LockToProto(lock->first, lock->second, core.names, response->add_locks());

  search.files().ToProto(&files, core.names, response);
  window.Describe(core, response);
  const BlockedFloor floor = FloorOfBlocked(*core.targets, selection, window.begin_ns(), window.end_ns());
  if (floor.ns != kNoFloor) response->set_blocked_floor_ns(floor.ns);
  response->set_floor_of_part(floor.part_only);
  response->set_unlocated_wait_count(search.unlocated_count());
  response->set_incomplete(window.overwritten() || floor.part_only || (kernel_floor_ns == kNoFloor && AnyAsksForKernelLocks(selection)));
  return grpc::Status::OK;
}

}  // namespace hftmon
