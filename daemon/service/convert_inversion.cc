#include "daemon/service/convert_inversion.h"

#include <algorithm>
#include <string>

#include "common/utf8.h"
#include "daemon/analysis/call_names.h"
#include "daemon/analysis/kernel_priority.h"
#include "daemon/analysis/preemption_reason.h"
#include "daemon/os/thread_scheduling.h"
#include "daemon/service/convert.h"

namespace hftmon {
namespace {

std::string NameIn(const char (&comm)[HFT_COMM_LENGTH]) {
  return {comm, std::find(comm, comm + HFT_COMM_LENGTH, '\0')};
}

std::string PolicyOfWaiter(const OffCpuTime& wait, const TaskPriorities& priorities) {
  if (!wait.priority) return "";
  if (priorities) {
    const absl::StatusOr<ThreadStat> now = priorities(wait.thread.tgid, wait.thread.tid);
    if (now.ok() && now->priority == KernelPriority(*wait.priority)) return PolicyName(now->policy);
  }
  return SchedulingClassName(0, *wait.priority);
}

void LinkToProto(const InversionLink& link, ThreadNames* names, v1::InversionLink* out) {
  out->set_lock_address(link.call.arguments[0]);
  out->set_priority_inheritance(InheritsPriority(link.call));
  ThreadToProto(link.owner, names, out->mutable_owner());
  if (link.call.owner_state == HFT_OWNER_STATE_UNKNOWN) return;
  out->set_owner_priority(KernelPriority(link.call.owner_priority));
  out->set_owner_policy(PolicyName(link.call.owner_policy));
  out->set_owner_state(OwnerStateName(link.call.owner_state));
}

}  // namespace

void InversionToProto(const Inversion& inversion, const TaskPriorities& priorities, ThreadNames* names, v1::PriorityInversion* out) {
  const OffCpuTime& wait = *inversion.wait;
  ThreadToProto(wait.thread, names, out->mutable_waiter());
  out->set_start_monotonic_ns(wait.start_mono_ns);
  out->set_duration_ns(wait.blocked_until_ns - wait.start_mono_ns);
  out->set_in_progress(wait.in_progress);
  if (wait.priority) out->set_waiter_priority(KernelPriority(*wait.priority));
  out->set_waiter_policy(PolicyOfWaiter(wait, priorities));
  for (const InversionLink& link : inversion.chain) LinkToProto(link, names, out->add_chain());
  out->set_chain_truncated(inversion.chain_truncated);
  if (inversion.owner_off_cpu_ns) out->set_owner_off_cpu_ns(*inversion.owner_off_cpu_ns);
  if (inversion.preemptor) {
    const RunnerShare& runner = *inversion.preemptor;
    v1::InversionActor* actor = out->mutable_preemptor();
    actor->set_tid(static_cast<int32_t>(runner.tid));
    actor->set_pid(static_cast<int32_t>(runner.tgid));
    const std::string comm = NameIn(runner.comm);
    actor->set_comm(ValidUtf8(comm.empty() ? names->NameOf(runner.tid) : comm));
    actor->set_duration_ns(runner.duration_ns);
  }
  out->set_inherited(inversion.inherited);
  out->set_spike_id(wait.spike_id);
}

void BoostToProto(const PriorityBoost& boost, ThreadNames* names, v1::PriorityBoost* out) {
  ThreadToProto(boost.thread, names, out->mutable_thread());
  out->set_start_monotonic_ns(boost.start_mono_ns);
  if (boost.duration_ns >= 0) out->set_duration_ns(boost.duration_ns);
  out->set_own_priority(KernelPriority(boost.own_priority));
  out->set_boosted_priority(KernelPriority(boost.boosted_priority));
  ThreadToProto({.tid = boost.donor_tid, .tgid = boost.donor_tgid}, names, out->mutable_donor());
  const std::string comm = NameIn(boost.donor_comm);
  if (!comm.empty()) out->mutable_donor()->set_comm(ValidUtf8(comm));
  out->set_step_count(boost.step_count);
}

}  // namespace hftmon
