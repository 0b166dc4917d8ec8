#include "daemon/service/memory_query.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/utf8.h"
#include "daemon/control/target_options.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_fault.h"
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

void ThreadToProto(const ThreadFaultTotal& total, ThreadNames* names, v1::ThreadMemory* out) {
  ThreadToProto(total.thread, names, out->mutable_thread());
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
  const grpc::Status threads = AddThreadsOf(*core.faults, selection, request.tids(), "memory", [&](const ThreadFaultTotal& total) {
    ThreadToProto(total, core.names, response->add_threads());
  });
  if (!threads.ok()) return threads;

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
