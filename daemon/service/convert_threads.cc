#include "daemon/service/convert_threads.h"

#include <algorithm>

#include "common/cpu_list.h"
#include "daemon/service/convert.h"

namespace hftmon {

void SchedulingToProto(const ThreadScheduling& scheduling, const std::vector<int>& isolated_cpus, v1::Scheduling* out) {
  out->set_policy(PolicyName(scheduling.policy));
  out->set_priority(scheduling.priority);
  out->set_nice(scheduling.nice);
  out->set_realtime_priority(scheduling.realtime_priority);
  if (!(scheduling.deadline == DeadlineParameters())) {
    v1::DeadlineParameters* deadline = out->mutable_deadline();
    deadline->set_runtime_ns(scheduling.deadline.runtime_ns);
    deadline->set_deadline_ns(scheduling.deadline.deadline_ns);
    deadline->set_period_ns(scheduling.deadline.period_ns);
  }
  out->set_reset_on_fork(scheduling.reset_on_fork);
  out->set_cpus_allowed(scheduling.cpus_allowed);
  const auto allowed = ParseCpuList(scheduling.cpus_allowed);
  if (!allowed.ok()) return;
  const auto isolated = std::count_if(allowed->begin(), allowed->end(), [&isolated_cpus](int cpu) {
    return std::binary_search(isolated_cpus.begin(), isolated_cpus.end(), cpu);
  });
  const auto all = static_cast<std::ptrdiff_t>(allowed->size());
  out->set_isolated_only(isolated > 0 && isolated == all);
  out->set_isolated_partly(isolated > 0 && isolated < all);
}

void SchedulingChangeToProto(const SchedulingChange& change, const std::vector<int>& isolated_cpus, ThreadNames* names,
                             v1::SchedulingChange* out) {
  ThreadToProto(change.thread, names, out->mutable_thread());
  out->set_after_monotonic_ns(change.after_mono_ns);
  out->set_before_monotonic_ns(change.before_mono_ns);
  SchedulingToProto(change.from, isolated_cpus, out->mutable_from());
  SchedulingToProto(change.to, isolated_cpus, out->mutable_to());
  if (change.from.policy != change.to.policy) out->add_what("policy");
  if (change.from.priority != change.to.priority) out->add_what("priority");
  if (change.from.nice != change.to.nice) out->add_what("nice");
  if (change.from.realtime_priority != change.to.realtime_priority) out->add_what("realtime_priority");
  if (!(change.from.deadline == change.to.deadline)) out->add_what("deadline");
  if (change.from.reset_on_fork != change.to.reset_on_fork) out->add_what("reset_on_fork");
  if (change.from.cpus_allowed != change.to.cpus_allowed) out->add_what("affinity");
}

void TimeSplitToProto(const TimeSplit& split, v1::ScheduledThread* out) {
  out->set_cpu_time_ns(split.running_ns);
  out->set_run_queue_wait_ns(split.run_queue_wait_ns);
  out->set_blocked_ns(split.blocked_ns);
  out->set_interrupted_ns(split.interrupted_ns);
}

}  // namespace hftmon
