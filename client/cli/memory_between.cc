#include "client/cli/memory_between.h"

#include <map>
#include <utility>

#include "client/cli/thread_key.h"

namespace hftmon {
namespace {

void Subtract(const v1::FaultSum& first, v1::FaultSum* row) {
  row->set_count(row->count() - first.count());
  row->set_duration_ns(row->duration_ns() - first.duration_ns());
  row->set_off_cpu_ns(row->off_cpu_ns() - first.off_cpu_ns());
}

void Subtract(const v1::TlbFlushes& first, v1::TlbFlushes* row) {
  row->set_remote_shootdown_count(row->remote_shootdown_count() - first.remote_shootdown_count());
  row->set_remote_full_count(row->remote_full_count() - first.remote_full_count());
  row->set_sent_count(row->sent_count() - first.sent_count());
  row->set_local_count(row->local_count() - first.local_count());
  row->set_switch_count(row->switch_count() - first.switch_count());
  row->set_other_count(row->other_count() - first.other_count());
}

// Sums never fall while a thread is watched: a pause begins them anew.
bool BeganAnew(const v1::ThreadMemory& first, const v1::ThreadMemory& second) {
  const auto fell = [](const v1::FaultSum& before, const v1::FaultSum& now) { return now.count() < before.count(); };
  return fell(first.user_minor(), second.user_minor()) || fell(first.user_major(), second.user_major()) ||
         fell(first.kernel_minor(), second.kernel_minor()) || fell(first.kernel_major(), second.kernel_major()) ||
         fell(first.reclaim(), second.reclaim()) || second.tlb().remote_shootdown_count() < first.tlb().remote_shootdown_count();
}

void Subtract(const v1::ThreadMemory& first, v1::ThreadMemory* row) {
  Subtract(first.user_minor(), row->mutable_user_minor());
  Subtract(first.user_major(), row->mutable_user_major());
  Subtract(first.kernel_minor(), row->mutable_kernel_minor());
  Subtract(first.kernel_major(), row->mutable_kernel_major());
  Subtract(first.reclaim(), row->mutable_reclaim());
  Subtract(first.compaction(), row->mutable_compaction());
  Subtract(first.migration(), row->mutable_migration());
  Subtract(first.tlb(), row->mutable_tlb());
  row->set_unended_count(row->unended_count() - first.unended_count());
}

}  // namespace

v1::QueryMemoryResponse MemoryBetween(const v1::QueryMemoryResponse& first, const v1::QueryMemoryResponse& second) {
  std::map<std::pair<int32_t, int64_t>, const v1::ThreadMemory*> known;
  for (const v1::ThreadMemory& thread : first.threads()) {
    if (thread.available()) known[KeyOfThread(thread.thread())] = &thread;
  }
  v1::QueryMemoryResponse between = second;
  for (v1::ThreadMemory& thread : *between.mutable_threads()) {
    const auto found = known.find(KeyOfThread(thread.thread()));
    if (found == known.end() || !thread.available() || BeganAnew(*found->second, thread)) continue;
    Subtract(*found->second, &thread);
  }
  return between;
}

}  // namespace hftmon
