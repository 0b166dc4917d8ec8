#include "daemon/service/blocked_files.h"

#include <algorithm>
#include <vector>

#include "common/utf8.h"
#include "daemon/analysis/call_names.h"
#include "daemon/os/syscall_names.h"

namespace hftmon {

void BlockedFiles::Add(const Spike& spike, int64_t blocked_ns) {
  if (spike.call.state != HFT_CALL_KNOWN || !TakesFileDescriptor(SyscallName(spike.out_syscall))) return;
  Sum& sum = sums_[{spike.thread.tgid, spike.out_syscall, static_cast<int32_t>(spike.call.arguments[0])}];
  ++sum.count;
  sum.blocked_ns += blocked_ns;
  sum.tids.insert(spike.thread.tid);
  if (blocked_ns <= sum.longest_ns) return;
  sum.longest_ns = blocked_ns;
  sum.longest_spike_id = spike.id;
  sum.longest_thread = spike.thread;
}

void BlockedFiles::ToProto(FileLookup* files, ThreadNames* names, v1::QueryLocksResponse* response) const {
  std::vector<const decltype(sums_)::value_type*> order;
  for (const auto& sum : sums_) order.push_back(&sum);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->second.blocked_ns > b->second.blocked_ns; });
  for (const auto* entry : order) {
    const auto& [pid, syscall, descriptor] = entry->first;
    const Sum& sum = entry->second;
    v1::BlockedFile* out = response->add_files();
    out->set_pid(static_cast<int32_t>(pid));
    out->set_namespace_pid(names->NumbersOf(pid, pid).pid);
    out->set_call(SyscallName(syscall));
    out->set_file_descriptor(descriptor);
    out->set_file(ValidUtf8(files->Find(sum.longest_thread, descriptor)));
    out->set_count(sum.count);
    out->set_blocked_ns(sum.blocked_ns);
    out->set_longest_ns(sum.longest_ns);
    out->set_longest_spike_id(sum.longest_spike_id);
    for (const uint32_t tid : sum.tids) out->add_tids(static_cast<int32_t>(tid));
  }
}

}  // namespace hftmon
