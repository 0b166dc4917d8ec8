#include "daemon/service/floors.h"

#include <algorithm>

#include "daemon/control/target_options.h"

namespace hftmon {

int64_t FloorOf(const Targets& targets, const TargetInfo& target, int64_t Targets::Floors::*kind, int64_t begin_ns, int64_t asked_ns,
                int64_t own_ns) {
  const int64_t since_attach_ns = targets.FloorsSince(std::max(begin_ns, target.attached_mono_ns)).*kind;
  if (since_attach_ns <= asked_ns || asked_ns < own_ns) return since_attach_ns;
  const int64_t since_ns = targets.FloorsSince(std::max(begin_ns, target.attached_mono_ns + kAttachingNs)).*kind;
  if (since_ns <= asked_ns || target.ended_mono_ns == 0) return since_ns;
  // Its end may have raised the floor again: only a higher one was in force before.
  return since_ns > targets.FloorsSince(target.ended_mono_ns).*kind ? since_ns : own_ns;
}

int64_t FloorOfGroup(const Targets& targets, const std::vector<TargetInfo>& asked, std::string_view group, int64_t begin_ns) {
  int64_t highest_ns = -1;
  for (const TargetInfo& target : asked) {
    if (!HasProbeGroup(target.options, group) || (target.ended_mono_ns > 0 && target.ended_mono_ns < begin_ns)) continue;
    const auto since = target.probes_since_mono_ns.find(group);
    if (since != target.probes_since_mono_ns.end() && since->second > std::max(begin_ns, target.attached_mono_ns + kAttachingNs))
      return kNoFloor;
    const int64_t own_ns = target.options.spike_threshold_ns;
    highest_ns = std::max(highest_ns, FloorOf(targets, target, &Targets::Floors::run_queue_ns, begin_ns, own_ns, own_ns));
  }
  return highest_ns < 0 ? targets.FloorsSince(begin_ns).run_queue_ns : highest_ns;
}

AnswerFloor FloorOfAnswer(const Targets& targets, const std::vector<TargetInfo>& selected, int64_t asked_ns, int64_t asked_blocked_ns,
                          int64_t begin_ns) {
  AnswerFloor answer;
  bool any = false;
  for (const TargetInfo& target : selected) {
    if (target.ended_mono_ns > 0 && target.ended_mono_ns < begin_ns) continue;
    any = true;
    const int64_t own_ns = target.options.spike_threshold_ns > 0 ? target.options.spike_threshold_ns : targets.default_spike_threshold_ns();
    const int64_t wanted_ns = asked_ns > 0 ? asked_ns : own_ns;
    const int64_t floor_ns = FloorOf(targets, target, &Targets::Floors::run_queue_ns, begin_ns, wanted_ns, own_ns);
    answer.run_queue_ns = std::max(answer.run_queue_ns, floor_ns);
    answer.above_asked |= floor_ns > wanted_ns;
    if (asked_blocked_ns == 0) continue;
    const int64_t own_blocked_ns = target.options.blocked_threshold_ns > 0 ? target.options.blocked_threshold_ns : kNoFloor;
    answer.above_asked |=
        FloorOf(targets, target, &Targets::Floors::off_cpu_ns, begin_ns, asked_blocked_ns, own_blocked_ns) > asked_blocked_ns;
  }
  if (!any) answer.run_queue_ns = targets.FloorsSince(begin_ns).run_queue_ns;
  return answer;
}

}  // namespace hftmon
