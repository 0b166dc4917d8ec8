#include "daemon/service/memory_query.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/utf8.h"
#include "daemon/control/target_options.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_fault.h"
#include "daemon/service/floors.h"
#include "daemon/service/mapping_lookup.h"
#include "daemon/service/rich_error.h"

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
}

// The mappings' faults above the threshold that ended in the window, newest first. The history is in the order of detection, which comes
// after a spike's end.
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
  bool overwritten = false;
  int64_t oldest_detected_ns = 0;

  void Add(const Spike& spike) {
    const ProcMapping* mapping = lookup.Find(spike.thread, spike.fault.address);
    Sum& sum = sums[{spike.thread.tgid, mapping != nullptr ? mapping->start : 0}];
    sum.mapping = mapping;
    ++sum.count;
    sum.major_count += IsMajor(spike.fault.kind) ? 1 : 0;
    sum.duration_ns += spike.duration_ns;
    sum.tids.insert(spike.thread.tid);
    if (spike.duration_ns <= sum.longest_ns) return;
    sum.longest_ns = spike.duration_ns;
    sum.longest_spike_id = spike.id;
  }

  void Run(const SeqRing<Spike>& ended, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns) {
    oldest_detected_ns = end_ns;
    Spike spike;
    for (uint64_t left = ended.end(); left > 0;) {
      if (ended.Read(--left, &spike) != SeqRead::kOk) {
        overwritten = true;
        return;
      }
      if (spike.detected_mono_ns < begin_ns) return;
      oldest_detected_ns = std::min(oldest_detected_ns, spike.detected_mono_ns);
      const int64_t spike_end_ns = spike.start_mono_ns + spike.duration_ns;
      if (spike.kind != SpikeKind::kFault || spike.duration_ns <= floor_ns) continue;
      if (spike_end_ns < begin_ns || spike_end_ns > end_ns || !selection.Keeps(spike.thread)) continue;
      Add(spike);
    }
  }
};

void MappingToProto(uint32_t pid, const FaultSearch::Sum& sum, v1::FaultedMapping* out) {
  out->set_pid(static_cast<int32_t>(pid));
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

// The highest of the floors of those that ask.
int64_t FloorOfFaults(const Targets& targets, const TargetSelection& selection, int64_t begin_ns) {
  int64_t highest_ns = -1;
  for (const TargetInfo& target : selection.targets()) {
    if (!HasProbeGroup(target.options, kMemoryGroup) || (target.ended_mono_ns > 0 && target.ended_mono_ns < begin_ns)) continue;
    const int64_t own_ns = target.options.spike_threshold_ns;
    highest_ns = std::max(highest_ns, FloorOf(targets, target, &Targets::Floors::run_queue_ns, begin_ns, own_ns, own_ns));
  }
  return highest_ns < 0 ? targets.FloorsSince(begin_ns).run_queue_ns : highest_ns;
}

}  // namespace

grpc::Status AnswerMemory(const ServiceCore& core, const TargetSelection& selection, const v1::QueryMemoryRequest& request,
                          const Arrival& arrival, v1::QueryMemoryResponse* response) {
  std::unordered_set<uint32_t> missing(request.tids().begin(), request.tids().end());
  const std::unordered_set<uint32_t> wanted = missing;
  for (const TargetInfo& target : selection.targets()) {
    for (const ThreadFaultTotal& total : core.faults->ThreadsOf(target.pid)) {
      if (!selection.Keeps(total.thread) || (!wanted.empty() && !wanted.contains(total.thread.tid))) continue;
      missing.erase(total.thread.tid);
      ThreadToProto(total, core.names, response->add_threads());
    }
  }
  if (!missing.empty()) {
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_THREAD",
                     absl::StrCat("thread ", *missing.begin(),
                                  " is not a watched thread of the targets asked for: `hftmon memory` without -t lists them"));
  }

  const int64_t end_ns = arrival.time.monotonic_ns;
  int64_t begin_ns =
      request.window_ns() > 0 ? std::max<int64_t>(0, end_ns - request.window_ns()) : std::min(end_ns, selection.first_attached_mono_ns());
  const int64_t floor_ns = FloorOfFaults(*core.targets, selection, begin_ns);
  FaultSearch search{.lookup = MappingLookup(&core.mappings, &selection), .floor_ns = floor_ns == kNoFloor ? 0 : floor_ns};
  search.Run(core.spikes->ended(), selection, begin_ns, end_ns);
  std::vector<const FaultSearch::Sums::value_type*> order;
  for (const auto& sum : search.sums) order.push_back(&sum);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->second.duration_ns > b->second.duration_ns; });
  for (const auto* sum : order) MappingToProto(sum->first.first, sum->second, response->add_mappings());

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
  if (floor_ns != kNoFloor) response->set_fault_floor_ns(floor_ns);
  response->set_incomplete(search.overwritten || (floor_ns == kNoFloor && AnyAsks(selection)));
  response->set_unslotted_thread_count(selection.UnslottedSince(begin_ns));
  return grpc::Status::OK;
}

}  // namespace hftmon
