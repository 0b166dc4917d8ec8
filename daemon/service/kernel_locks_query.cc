#include "daemon/service/kernel_locks_query.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/analysis/kernel_stall_names.h"
#include "daemon/service/convert_kernel_lock.h"

namespace hftmon {
namespace {

void ThreadToProto(const ThreadKernelLockTotal& total, v1::KernelLocksOfThread* out) {
  out->set_available(total.unavailable.empty());
  out->set_reason(total.unavailable);
  if (!total.unavailable.empty()) return;
  out->set_unended_count(total.unended_count);
  std::array<size_t, HFT_LOCK_TYPES> order;
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return total.types[a].duration_ns > total.types[b].duration_ns; });
  for (const size_t type : order) {
    const KernelLockTotal& sum = total.types[type];
    if (sum.count == 0) continue;
    v1::KernelLockSum* entry = out->add_sums();
    entry->set_type(std::string(LockTypeName(static_cast<hft_lock_type>(type))));
    entry->set_count(sum.count);
    entry->set_duration_ns(sum.duration_ns);
    entry->set_off_cpu_ns(sum.off_cpu_ns);
    entry->set_longest_ns(sum.longest_ns);
  }
}

}  // namespace

void KernelLockSearch::Add(const Spike& spike) {
  if (spike.kind != SpikeKind::kKernelLock || spike.duration_ns <= floor_ns_) return;
  Sum& sum = sums_[{spike.stall.address, spike.stall.lock_type}];
  ++sum.count;
  sum.duration_ns += spike.duration_ns;
  sum.tids.insert(spike.thread.tid);
  if (spike.duration_ns > sum.longest_ns) {
    sum.longest_ns = spike.duration_ns;
    sum.longest_spike_id = spike.id;
  }
  if (spike.stall.owner_tid == 0) {
    ++sum.unknown_holder_count;
    return;
  }
  Share& share = sum.holders[spike.stall.owner_tid];
  share.stall = spike.stall;
  ++share.count;
  share.duration_ns += spike.duration_ns;
}

void KernelLockSearch::SumToProto(const Key& key, const Sum& sum, ThreadNames* names, v1::ContendedKernelLock* out) {
  out->set_address(key.first);
  out->set_type(std::string(LockTypeName(key.second)));
  out->set_count(sum.count);
  out->set_duration_ns(sum.duration_ns);
  out->set_longest_ns(sum.longest_ns);
  out->set_longest_spike_id(sum.longest_spike_id);
  out->set_unknown_holder_count(sum.unknown_holder_count);
  for (const uint32_t tid : sum.tids) out->add_waiter_tids(static_cast<int32_t>(tid));
  std::vector<const Share*> shares;
  for (const auto& [tid, share] : sum.holders) shares.push_back(&share);
  std::stable_sort(shares.begin(), shares.end(), [](const Share* a, const Share* b) { return a->duration_ns > b->duration_ns; });
  for (const Share* share : shares) {
    v1::KernelLockHolderShare* entry = out->add_holders();
    HolderToProto(share->stall, names, entry->mutable_holder());
    entry->set_count(share->count);
    entry->set_duration_ns(share->duration_ns);
  }
}

void KernelLockSearch::ToProto(ThreadNames* names, v1::QueryLocksResponse* response) const {
  std::vector<const std::pair<const Key, Sum>*> order;
  for (const auto& sum : sums_) order.push_back(&sum);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->second.duration_ns > b->second.duration_ns; });
  for (const auto* sum : order) SumToProto(sum->first, sum->second, names, response->add_kernel_locks());
}

void AddKernelLockSums(const KernelLockTotals& totals, const TargetSelection& selection, v1::QueryLocksResponse* response) {
  std::unordered_map<int32_t, v1::ThreadCalls*> threads;
  for (v1::ThreadCalls& thread : *response->mutable_threads()) threads[thread.thread().tid()] = &thread;
  for (const TargetInfo& target : selection.targets()) {
    for (const ThreadKernelLockTotal& total : totals.ThreadsOf(target.pid)) {
      const auto thread = threads.find(static_cast<int32_t>(total.thread.tid));
      if (thread != threads.end() && selection.Keeps(total.thread)) ThreadToProto(total, thread->second->mutable_kernel_locks());
    }
  }
}

}  // namespace hftmon
