#include "daemon/service/convert_targets.h"

#include "common/cpu_list.h"
#include "common/utf8.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

v1::TargetState StateToProto(TargetState state) {
  switch (state) {
    case TargetState::kRunning:
      return v1::TARGET_STATE_RUNNING;
    case TargetState::kPaused:
      return v1::TARGET_STATE_PAUSED;
    case TargetState::kEnded:
      return v1::TARGET_STATE_ENDED;
  }
  return v1::TARGET_STATE_UNSPECIFIED;
}

v1::StackChoice ChoiceToProto(const TargetOptions& options) {
  if (options.kernel_stacks) return options.user_stacks ? v1::STACK_CHOICE_BOTH : v1::STACK_CHOICE_KERNEL;
  return options.user_stacks ? v1::STACK_CHOICE_USER : v1::STACK_CHOICE_UNSPECIFIED;
}

void OptionsToProto(const TargetOptions& options, v1::TargetOptions* out) {
  out->set_spike_threshold_ns(options.spike_threshold_ns);
  out->set_blocked_threshold_ns(options.blocked_threshold_ns);
  out->set_sampling_interval_ns(options.sampling_interval_ns);
  for (const std::string& group : options.probe_groups) out->add_probe_groups(group);
  out->set_cache(options.cache);
  out->set_numa(options.numa);
  out->set_follow_children(options.follow_children);
  out->set_stacks(ChoiceToProto(options));
  out->set_waker(options.waker);
  out->set_operation_threshold_ns(options.operation_threshold_ns);
  for (const std::string& event : options.counter_events) out->add_counter_events(ValidUtf8(event));
  out->set_counter_interval_ns(options.counter_interval_ns);
}

void HolderToProto(const HolderInfo& holder, v1::TargetHolder* out) {
  out->set_session_id(holder.session_id);
  out->set_client(ValidUtf8(holder.client));
  out->set_rule_id(holder.rule_id);
  out->set_inherited(holder.inherited);
  OptionsToProto(holder.options, out->mutable_options());
}

void SelectorToProto(const RuleSelector& selector, v1::TargetSelector* out) {
  const std::string text = ValidUtf8(selector.text);
  switch (selector.kind) {
    case RuleSelector::Kind::kName:
      return out->set_name(text);
    case RuleSelector::Kind::kCgroup:
      return out->set_cgroup(text);
    case RuleSelector::Kind::kUnit:
      return out->set_unit(text);
    case RuleSelector::Kind::kCpus:
      return out->set_cpus(text);
  }
}

absl::StatusOr<RuleSelector> SelectorFromProto(const v1::TargetSelector& selector) {
  switch (selector.by_case()) {
    case v1::TargetSelector::kName:
      return MakeRuleSelector(RuleSelector::Kind::kName, selector.name());
    case v1::TargetSelector::kCgroup:
      return MakeRuleSelector(RuleSelector::Kind::kCgroup, selector.cgroup());
    case v1::TargetSelector::kUnit:
      return MakeRuleSelector(RuleSelector::Kind::kUnit, selector.unit());
    case v1::TargetSelector::kCpus:
      return MakeRuleSelector(RuleSelector::Kind::kCpus, selector.cpus());
    case v1::TargetSelector::BY_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a selector says nothing: set name, cgroup, unit or cpus");
}

}  // namespace

void TargetToProto(const TargetInfo& target, v1::Target* out) {
  out->set_pid(static_cast<int32_t>(target.pid));
  out->set_start_boottime_ns(target.start_boottime_ns);
  out->set_comm(ValidUtf8(target.comm));
  out->set_state(StateToProto(target.state));
  OptionsToProto(target.options, out->mutable_options());
  out->set_thread_count(target.thread_count);
  out->set_parent_pid(static_cast<int32_t>(target.parent_pid));
  out->set_attached_monotonic_ns(target.attached_mono_ns);
  out->set_unslotted_thread_count(target.unslotted_thread_count);
  for (const HolderInfo& holder : target.holders) HolderToProto(holder, out->add_holders());
  out->set_cpus(FormatCpuList(target.spike_cpus));
  out->set_kernel_thread(target.kernel_thread);
  if (target.pid_levels.empty()) return;
  out->set_namespace_pid(target.pid_levels.back().number);
  out->set_pid_namespace(target.pid_levels.back().inode);
}

void RuleToProto(const RuleInfo& rule, v1::TargetRule* out) {
  out->set_id(rule.id);
  SelectorToProto(rule.selector, out->mutable_selector());
  OptionsToProto(rule.options, out->mutable_options());
  for (const HolderInfo& holder : rule.holders) HolderToProto(holder, out->add_holders());
  for (const uint32_t pid : rule.pids) out->add_pids(static_cast<int32_t>(pid));
  out->set_found_count(rule.found_count);
  out->set_refused_count(rule.refused_count);
  for (const CpuVisitInfo& visit : rule.visits) {
    v1::CpuVisit* entry = out->add_visits();
    entry->set_cpu(visit.cpu);
    entry->set_comm(ValidUtf8(visit.comm));
    entry->set_count(visit.count);
    entry->set_last_tid(static_cast<int32_t>(visit.last_tid));
    entry->set_last_pid(static_cast<int32_t>(visit.last_pid));
  }
  out->set_unnamed_visit_count(rule.unnamed_visit_count);
}

absl::StatusOr<std::vector<RuleSelector>> SelectorsFromProto(const google::protobuf::RepeatedPtrField<v1::TargetSelector>& selectors) {
  std::vector<RuleSelector> made;
  for (const v1::TargetSelector& selector : selectors) {
    absl::StatusOr<RuleSelector> one = SelectorFromProto(selector);
    if (!one.ok()) return one.status();
    made.push_back(*std::move(one));
  }
  return made;
}

TargetOptions OptionsFromProto(const v1::TargetOptions& options) {
  return {.spike_threshold_ns = options.spike_threshold_ns(),
          .blocked_threshold_ns = options.blocked_threshold_ns(),
          .sampling_interval_ns = options.sampling_interval_ns(),
          .probe_groups = {options.probe_groups().begin(), options.probe_groups().end()},
          .cache = options.cache(),
          .numa = options.numa(),
          .follow_children = options.has_follow_children() ? options.follow_children() : true,
          .kernel_stacks = options.stacks() == v1::STACK_CHOICE_KERNEL || options.stacks() == v1::STACK_CHOICE_BOTH,
          .user_stacks = options.stacks() == v1::STACK_CHOICE_USER || options.stacks() == v1::STACK_CHOICE_BOTH,
          .waker = options.waker(),
          .operation_threshold_ns = options.operation_threshold_ns(),
          .counter_events = {options.counter_events().begin(), options.counter_events().end()},
          .counter_interval_ns = options.counter_interval_ns()};
}

TargetUpdate UpdateFromProto(const v1::UpdateTargetRequest& request) {
  TargetUpdate update;
  const TargetOptions options = OptionsFromProto(request.options());
  for (const std::string& path : request.options_mask().paths()) {
    if (path == "spike_threshold_ns") update.spike_threshold_ns = options.spike_threshold_ns;
    if (path == "blocked_threshold_ns") update.blocked_threshold_ns = options.blocked_threshold_ns;
    if (path == "sampling_interval_ns") update.sampling_interval_ns = options.sampling_interval_ns;
    if (path == "follow_children") update.follow_children = options.follow_children;
    if (path == "stacks") update.kernel_stacks = options.kernel_stacks;
    if (path == "stacks") update.user_stacks = options.user_stacks;
    if (path == "waker") update.waker = options.waker;
    if (path == "operation_threshold_ns") update.operation_threshold_ns = options.operation_threshold_ns;
    if (path == "probe_groups") update.probe_groups = options.probe_groups;
    if (path == "cache") update.cache = options.cache;
    if (path == "counter_events") update.counter_events = options.counter_events;
    if (path == "counter_interval_ns") update.counter_interval_ns = options.counter_interval_ns;
  }
  if (request.state() == v1::TARGET_STATE_RUNNING) update.state = TargetState::kRunning;
  if (request.state() == v1::TARGET_STATE_PAUSED) update.state = TargetState::kPaused;
  return update;
}

}  // namespace hftmon
