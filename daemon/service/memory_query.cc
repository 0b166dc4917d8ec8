#include "daemon/service/memory_query.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/utf8.h"
#include "daemon/analysis/kernel_stall_names.h"
#include "daemon/control/target_options.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_fault.h"
#include "daemon/service/convert_stack.h"
#include "daemon/service/floors.h"
#include "daemon/service/history_window.h"
#include "daemon/service/mapping_lookup.h"

namespace hftmon {
namespace {

void SumToProto(const FaultTotal& total, v1::FaultSum* out) {
  out->set_count(total.count);
  out->set_duration_ns(total.duration_ns);
  out->set_off_cpu_ns(total.off_cpu_ns);
  out->set_longest_ns(total.longest_ns);
}

void FlushesToProto(const ThreadFaultTotal& total, v1::TlbFlushes* out) {
  const auto& counts = total.tlb_flush_count;
  out->set_remote_shootdown_count(counts[HFT_TLB_REMOTE_SHOOTDOWN]);
  out->set_remote_full_count(total.tlb_full_count);
  out->set_sent_count(counts[HFT_TLB_REMOTE_SEND_IPI]);
  out->set_local_count(counts[HFT_TLB_LOCAL_SHOOTDOWN] + counts[HFT_TLB_LOCAL_MM_SHOOTDOWN]);
  out->set_switch_count(counts[HFT_TLB_TASK_SWITCH]);
  uint64_t other_count = 0;
  for (size_t reason = HFT_TLB_REMOTE_WRONG_CPU; reason < counts.size(); ++reason) other_count += counts[reason];
  out->set_other_count(other_count);
}

void MigrationsToProto(const ThreadFaultTotal& total, v1::ThreadMemory* out) {
  SumToProto(total.migration, out->mutable_migration());
  v1::PageMigrations* migrations = out->mutable_migrations();
  migrations->set_moved_page_count(total.moved_page_count);
  migrations->set_failed_page_count(total.unmoved_page_count);
  for (size_t reason = 0; reason < total.migration_reason_count.size(); ++reason) {
    if (total.migration_reason_count[reason] == 0) continue;
    (*migrations->mutable_reasons())[std::string(MigrationReasonName(static_cast<uint32_t>(reason)))] +=
        total.migration_reason_count[reason];
  }
}

void SendersToProto(const ServiceCore& core, std::vector<SenderTotal> senders, v1::ThreadMemory* out) {
  std::stable_sort(senders.begin(), senders.end(), [](const SenderTotal& a, const SenderTotal& b) { return a.count > b.count; });
  for (const SenderTotal& sender : senders) {
    v1::ShootdownSender* entry = out->add_senders();
    entry->set_tid(static_cast<int32_t>(sender.tid));
    entry->set_pid(static_cast<int32_t>(sender.tgid));
    entry->set_comm(ValidUtf8(sender.comm));
    const ThreadNumbers inner = core.names->NumbersOf(sender.tgid, sender.tid);
    entry->set_namespace_tid(inner.tid);
    entry->set_namespace_pid(inner.pid);
    entry->set_count(sender.count);
    entry->set_full_count(sender.full_count);
    if (core.sender_stacks != nullptr) StackPartToProto(core.sender_stacks->Find(sender.stack), entry->mutable_stack());
  }
}

void ThreadToProto(const ServiceCore& core, const ThreadFaultTotal& total, bool balanced, v1::ThreadMemory* out) {
  ThreadToProto(total.thread, core.names, out->mutable_thread());
  out->set_available(total.unavailable.empty());
  out->set_reason(total.unavailable);
  if (!total.unavailable.empty()) return;
  SumToProto(total.faults[HFT_FAULT_USER_MINOR], out->mutable_user_minor());
  SumToProto(total.faults[HFT_FAULT_USER_MAJOR], out->mutable_user_major());
  SumToProto(total.faults[HFT_FAULT_KERNEL_MINOR], out->mutable_kernel_minor());
  SumToProto(total.faults[HFT_FAULT_KERNEL_MAJOR], out->mutable_kernel_major());
  out->set_unended_count(total.unended_count);
  FlushesToProto(total, out->mutable_tlb());
  SumToProto(total.reclaim, out->mutable_reclaim());
  SumToProto(total.compaction, out->mutable_compaction());
  MigrationsToProto(total, out);
  SendersToProto(core, total.senders, out);
  out->set_other_sender_count(total.other_sender_count);
  out->set_unknown_sender_count(total.unknown_sender_count);
  out->set_collapse_count(total.collapse_count);
  out->set_failed_collapse_count(total.failed_collapse_count);
  if (!balanced) return;
  const absl::StatusOr<NumaOfThread> numa = core.numa_of_thread(total.thread.tgid, total.thread.tid);
  if (!numa.ok()) return;
  out->mutable_numa()->set_fault_count(numa->fault_count);
  out->mutable_numa()->set_moved_page_count(numa->moved_page_count);
}

void NoteUnavailable(const std::string& part, const std::string& reason, v1::QueryMemoryResponse* response) {
  v1::UnavailablePart* entry = response->add_unavailable();
  entry->set_part(part);
  entry->set_reason(reason);
}

// Whether the kernel balances memory between nodes.
bool NumaToProto(const ServiceCore& core, v1::QueryMemoryResponse* response) {
  if (!core.numa) return false;
  const absl::StatusOr<NumaBalancing> numa = core.numa();
  if (!numa.ok()) {
    NoteUnavailable("numa", std::string(numa.status().message()), response);
    return false;
  }
  v1::NumaBalancing* out = response->mutable_numa();
  out->set_unmapped_page_count(numa->unmapped_page_count);
  out->set_hint_fault_count(numa->hint_fault_count);
  out->set_local_hint_fault_count(numa->local_hint_fault_count);
  out->set_moved_page_count(numa->moved_page_count);
  return true;
}

void CollapsesToProto(const ServiceCore& core, const TargetSelection& selection, v1::QueryMemoryResponse* response) {
  for (const TargetInfo& target : selection.targets()) {
    const std::optional<CollapseTotal> total = core.faults->CollapsesOf(target.pid);
    if (!total) continue;
    v1::ProcessCollapses* out = response->add_collapses();
    out->set_pid(static_cast<int32_t>(target.pid));
    out->set_namespace_pid(core.names->NumbersOf(target.pid, target.pid).pid);
    out->set_count(total->count);
    out->set_failed_count(total->failed_count);
    out->set_last_monotonic_ns(total->last_mono_ns);
  }
}

// The mappings' faults above the threshold that ended in the window.
struct FaultSearch {
  struct Sum {
    const ProcMapping* mapping = nullptr;
    uint64_t count = 0;
    uint64_t major_count = 0;
    int64_t duration_ns = 0;
    int64_t longest_ns = -1;
    uint64_t longest_spike_id = 0;
    std::set<uint32_t> tids;
  };
  using Sums = std::map<std::pair<uint32_t, uint64_t>, Sum>;  // by process and start

  MappingLookup lookup;
  int64_t floor_ns = 0;  // shorter ones are in no sum: the kernel told them of some targets only
  Sums sums;

  void Add(const Spike& spike) {
    if (spike.kind != SpikeKind::kFault || spike.duration_ns <= floor_ns) return;
    const ProcMapping* mapping = lookup.Find(spike.thread, spike.stall.address);
    Sum& sum = sums[{spike.thread.tgid, mapping != nullptr ? mapping->start : 0}];
    sum.mapping = mapping;
    ++sum.count;
    sum.major_count += IsMajor(spike.stall.fault_kind) ? 1 : 0;
    sum.duration_ns += spike.duration_ns;
    sum.tids.insert(spike.thread.tid);
    if (spike.duration_ns <= sum.longest_ns) return;
    sum.longest_ns = spike.duration_ns;
    sum.longest_spike_id = spike.id;
  }
};

void MappingToProto(uint32_t pid, const FaultSearch::Sum& sum, ThreadNames* names, v1::FaultedMapping* out) {
  out->set_pid(static_cast<int32_t>(pid));
  out->set_namespace_pid(names->NumbersOf(pid, pid).pid);
  const std::string kind = MappingKind(sum.mapping);
  out->set_mapping(kind);
  if (kind == "file") out->set_file(ValidUtf8(sum.mapping->name));
  if (sum.mapping != nullptr) out->set_mapping_start(sum.mapping->start);
  out->set_count(sum.count);
  out->set_major_count(sum.major_count);
  out->set_duration_ns(sum.duration_ns);
  out->set_longest_ns(sum.longest_ns);
  out->set_longest_spike_id(sum.longest_spike_id);
  for (const uint32_t tid : sum.tids) out->add_tids(static_cast<int32_t>(tid));
}

bool AnyAsks(const TargetSelection& selection) {
  return std::any_of(selection.targets().begin(), selection.targets().end(),
                     [](const TargetInfo& target) { return HasProbeGroup(target.options, kMemoryGroup); });
}

}  // namespace

grpc::Status AnswerMemory(const ServiceCore& core, const TargetSelection& selection, const v1::QueryMemoryRequest& request,
                          const Arrival& arrival, v1::QueryMemoryResponse* response) {
  for (const auto& [part, reason] : core.faults->Missing()) NoteUnavailable(part, reason, response);
  const bool balanced = NumaToProto(core, response);
  const grpc::Status threads = AddThreadsOf(*core.faults, selection, request.tids(), "memory", [&](const ThreadFaultTotal& total) {
    ThreadToProto(core, total, balanced, response->add_threads());
  });
  if (!threads.ok()) return threads;
  CollapsesToProto(core, selection, response);

  HistoryWindow window(selection, request.window_ns(), arrival);
  const int64_t floor_ns = FloorOfGroup(*core.targets, selection.targets(), kMemoryGroup, window.begin_ns());
  FaultSearch search{.lookup = MappingLookup(&core.mappings, &selection), .floor_ns = floor_ns == kNoFloor ? 0 : floor_ns, .sums = {}};
  window.Walk(core.spikes->ended(), [&](const Spike& spike) { search.Add(spike); });
  std::vector<const FaultSearch::Sums::value_type*> order;
  for (const auto& sum : search.sums) order.push_back(&sum);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->second.duration_ns > b->second.duration_ns; });
  for (const auto* sum : order) MappingToProto(sum->first.first, sum->second, core.names, response->add_mappings());

  window.Describe(core, response);
  if (floor_ns != kNoFloor) response->set_fault_floor_ns(floor_ns);
  response->set_incomplete(window.overwritten() || (floor_ns == kNoFloor && AnyAsks(selection)));
  return grpc::Status::OK;
}

}  // namespace hftmon
