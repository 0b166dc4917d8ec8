#include "daemon/service/convert_spike.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/duration.h"
#include "common/utf8.h"
#include "daemon/analysis/cause_evidence.h"
#include "daemon/analysis/interrupt_names.h"
#include "daemon/analysis/preemption_reason.h"
#include "daemon/analysis/spike_names.h"
#include "daemon/analysis/stall.h"
#include "daemon/os/syscall_names.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_call.h"
#include "daemon/service/convert_fault.h"
#include "daemon/service/convert_kernel_lock.h"
#include "daemon/service/convert_waker.h"

namespace hftmon {
namespace {

void NumbersToProto(uint32_t tgid, uint32_t tid, ThreadNames* names, v1::Actor* out) {
  out->set_tid(static_cast<int32_t>(tid));
  out->set_pid(static_cast<int32_t>(tgid));
  const ThreadNumbers inner = names->NumbersOf(tgid, tid);
  out->set_namespace_tid(inner.tid);
  out->set_namespace_pid(inner.pid);
}

void ActorToProto(const Cause& cause, ThreadNames* names, v1::Actor* out) {
  if (cause.others) {
    out->set_name(cause.kind == CauseKind::kThread ? "other threads" : "other handlers");
    return;
  }
  if (cause.kind != CauseKind::kThread) {
    if (cause.source == HFT_SOURCE_DEVICE) out->set_irq(cause.number);
    const std::string handler(cause.comm, std::find(cause.comm, cause.comm + HFT_HANDLER_NAME_LENGTH, '\0'));
    const bool sent = cause.source == HFT_SOURCE_CALL_FUNCTION && cause.tid != 0;
    out->set_name(ValidUtf8(InterruptName(cause.source, cause.number, sent ? "" : handler)));
    if (!sent) return;
    NumbersToProto(cause.tgid, cause.tid, names, out);
    out->set_comm(ValidUtf8(handler));
    return;
  }
  NumbersToProto(cause.tgid, cause.tid, names, out);
  const std::string comm(cause.comm, std::find(cause.comm, cause.comm + HFT_COMM_LENGTH, '\0'));
  out->set_comm(ValidUtf8(comm.empty() ? names->NameOf(cause.tid) : comm));
}

void PreemptionToProto(const Preemption& preemption, ThreadNames* names, v1::Preemption* out) {
  out->set_reason(PreemptionReason(preemption));
  out->set_victim_class(SchedulingClassName(preemption.victim_policy, preemption.victim_priority));
  out->set_victim_priority(preemption.victim_priority);
  v1::Actor* actor = out->mutable_preemptor();
  NumbersToProto(preemption.preemptor_tgid, preemption.preemptor_tid, names, actor);
  const std::string comm(preemption.preemptor_comm,
                         std::find(preemption.preemptor_comm, preemption.preemptor_comm + HFT_COMM_LENGTH, '\0'));
  actor->set_comm(ValidUtf8(comm.empty() ? names->NameOf(preemption.preemptor_tid) : comm));
  out->set_preemptor_class(preemption.preemptor_stopper ? "stop"
                                                        : SchedulingClassName(preemption.preemptor_policy, preemption.preemptor_priority));
  out->set_preemptor_priority(preemption.preemptor_priority);
  if (preemption.preemptor_queued_ns >= 0) out->set_preemptor_queued_ns(preemption.preemptor_queued_ns);
}

void MarkToProto(const SpikeMark& mark, v1::MarkedSpan* out) {
  out->set_name(ValidUtf8(std::string(mark.name, std::min<size_t>(mark.name_bytes, SpikeMark::kNameBytes))));
  out->set_value(mark.value);
  out->set_error(mark.error);
  out->set_file_number(static_cast<int32_t>(mark.file_number));
  out->set_threshold_ns(mark.threshold_ns);
  out->set_threshold_adaptive(mark.threshold_adaptive);
  if (mark.usual_ns >= 0) out->set_usual_ns(mark.usual_ns);
  if (mark.floor_ns >= 0) out->set_floor_ns(mark.floor_ns);
  out->set_stall_count(mark.stall_count);
}

std::string ReasonOf(const Spike& spike) {
  if (spike.record_missing) {
    if (spike.began_earlier && spike.lost_records == 0) {
      return "it began before watching did, so no record tells its end: it lasted until the last look that found it at least, then it was "
             "over, "
             "no longer watched, or the programs were off";
    }
    return spike.lost_records > 0
               ? "records lost, that of its end among them"
               : "its end was not seen: no longer watched, the programs were off, or the kernel hid the switch that ended it";
  }
  if (spike.lost_records == 0 && spike.mark.known && spike.mark.floor_ns < 0) {
    return "its thread's stalls were not recorded in all of its time, or no longer kept: causes may be missing";
  }
  if (spike.lost_records == 0 && spike.mark.known && spike.mark.looks_apart_ns > 0) {
    return fmt::format(
        "stalls shorter than {}, which have no record each, may have had what is unexplained: the daemon did not look at their "
        "sums for {}, too long to tell (its reader of marks had no CPU in time, or the thread was not followed yet or any more)",
        FormatDuration(spike.mark.floor_ns), FormatDuration(spike.mark.looks_apart_ns));
  }
  return spike.lost_records > 0 ? "records lost" : "the programs were off in its time";
}

}  // namespace

void SpikeToProto(const Spike& spike, ThreadNames* names, v1::Spike* out) {
  out->set_id(spike.id);
  ThreadToProto(spike.thread, names, out->mutable_thread());
  out->set_target_pid(static_cast<int32_t>(spike.thread.tgid));
  out->set_cpu(spike.cpu == kUnknownCpu ? -1 : spike.cpu);
  out->set_start_monotonic_ns(spike.start_mono_ns);
  out->set_duration_ns(spike.duration_ns);
  out->set_kind(std::string(SpikeKindName(spike.kind)));
  out->set_in_progress(spike.in_progress);
  out->set_began_before_watching(spike.began_earlier);
  out->set_inconclusive(spike.inconclusive);
  if (spike.inconclusive) out->set_inconclusive_reason(ReasonOf(spike));
  out->set_runners_truncated(spike.runners_truncated);
  out->set_lost_records(spike.lost_records);
  out->set_unexplained_ns(spike.unexplained_ns);
  out->set_run_queue_depth(spike.depth);
  out->set_priority(spike.priority);
  out->set_migrations(spike.wait_migrations);
  if (!spike.record_missing) out->set_detection_ns(spike.detected_mono_ns - spike.record_mono_ns);
  if (spike.preemption.known) PreemptionToProto(spike.preemption, names, out->mutable_preemption());
  AddWaker(spike.waker, names, out);
  if (spike.call.state != HFT_CALL_NONE) CallToProto(spike.call, spike.out_syscall, names, out->mutable_call());
  if (spike.kind == SpikeKind::kFault) FaultToProto(spike.stall, out->mutable_fault());
  if (spike.mark.known) MarkToProto(spike.mark, out->mutable_operation());
  if (spike.kind == SpikeKind::kKernelLock) KernelLockToProto(spike.stall, names, out->mutable_kernel_lock());
  out->set_loop_gap_ns(spike.loop_gap_ns);
  const auto name_of = [names](uint32_t tid) { return names->NameOf(tid); };
  const size_t cause_count = std::min<size_t>(spike.cause_count, spike.causes.size());
  for (size_t i = 0; i < cause_count; ++i) {
    const Cause& cause = spike.causes[i];
    v1::Cause* entry = out->add_causes();
    entry->set_kind(std::string(CauseKindName(cause.kind)));
    entry->set_duration_ns(cause.duration_ns);
    if (spike.duration_ns > 0) entry->set_share(static_cast<double>(cause.duration_ns) / static_cast<double>(spike.duration_ns));
    entry->set_estimated(cause.estimated);
    entry->set_evidence(ValidUtf8(CauseEvidence(spike, cause, name_of, SyscallName)));
    entry->set_cpu(cause.kind == CauseKind::kRunning ? -1 : cause.cpu);
    if (HasActor(cause.kind)) ActorToProto(cause, names, entry->mutable_actor());
  }
}

void SpikeTimeToProto(const Spike& spike, const std::vector<ClockEpoch>& epochs, const BeginError& error, v1::Spike* out) {
  if (spike.record_clock_ns != 0) {
    out->set_start_error_ns(error.bound_ns);
    out->set_start_error_estimated(error.estimated);
  }
  const ClockEpoch* crossed = EpochEdgeWithin(epochs, spike.start_mono_ns, spike.start_mono_ns + spike.duration_ns);
  if (crossed == nullptr) return;
  out->set_inconclusive(true);
  if (!out->inconclusive_reason().empty()) out->mutable_inconclusive_reason()->append("; ");
  out->mutable_inconclusive_reason()->append(DescribeEpoch(*crossed));
}

}  // namespace hftmon
