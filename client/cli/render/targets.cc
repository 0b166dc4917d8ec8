#include "client/cli/render/targets.h"

#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

const char* StateName(v1::TargetState state) {
  switch (state) {
    case v1::TARGET_STATE_RUNNING:
      return "running";
    case v1::TARGET_STATE_PAUSED:
      return "paused";
    case v1::TARGET_STATE_ENDED:
      return "ended";
    default:
      return "unknown";
  }
}

bool FollowsChildren(const v1::TargetOptions& options) {
  return !options.has_follow_children() || options.follow_children();
}

Json TargetJson(const v1::Target& target) {
  Json json{{"pid", target.pid()},
            {"comm", target.comm()},
            {"state", StateName(target.state())},
            {"start_boottime_ns", target.start_boottime_ns()},
            {"attached_ns", target.attached_monotonic_ns()},
            {"thread_count", target.thread_count()},
            {"unslotted_thread_count", target.unslotted_thread_count()}};
  if (target.parent_pid() > 0) json["parent_pid"] = target.parent_pid();
  if (target.sampling_interval_ns() > 0) json["sampling_interval_ns"] = target.sampling_interval_ns();
  json["options"] = TargetOptionsJson(target.options());
  if (target.kernel_thread()) json["kernel_thread"] = true;
  if (!target.cpus().empty()) json["cpus"] = target.cpus();
  json["holders"] = HoldersJson(target.holders());
  return json;
}

}  // namespace

Json TargetOptionsJson(const v1::TargetOptions& options) {
  Json json{{"spike_threshold_ns", options.spike_threshold_ns()}};
  if (options.blocked_threshold_ns() > 0) json["blocked_threshold_ns"] = options.blocked_threshold_ns();
  if (options.sampling_interval_ns() > 0) json["sampling_interval_ns"] = options.sampling_interval_ns();
  json["probe_groups"] = Json::array();
  for (const std::string& group : options.probe_groups()) json["probe_groups"].push_back(group);
  json["cache"] = options.cache();
  json["numa"] = options.numa();
  json["follow_children"] = FollowsChildren(options);
  if (options.waker()) json["waker"] = true;
  return json;
}

std::string TargetsText(const TargetList& targets) {
  if (targets.empty()) return "no targets: watch a process with `hftmon attach PID` or `hftmon run -- CMD`\n";
  Table table({{"pid"},
               {"name", Table::Align::kLeft},
               {"state", Table::Align::kLeft},
               {"threads"},
               {"not watched"},
               {"spikes above"},
               {"blocked above"},
               {"sampled every"},
               {"children", Table::Align::kLeft},
               {"child of"},
               {"held by", Table::Align::kLeft}});
  for (const v1::Target& target : targets) {
    const v1::TargetOptions& options = target.options();
    table.AddRow({std::to_string(target.pid()), target.comm(), StateName(target.state()), std::to_string(target.thread_count()),
                  std::to_string(target.unslotted_thread_count()), FormatDuration(options.spike_threshold_ns()),
                  options.blocked_threshold_ns() > 0 ? FormatDuration(options.blocked_threshold_ns()) : "",
                  target.sampling_interval_ns() > 0 ? FormatDuration(target.sampling_interval_ns()) : "",
                  FollowsChildren(options) ? "followed" : "left", target.parent_pid() > 0 ? std::to_string(target.parent_pid()) : "",
                  HoldersText(target.holders())});
  }
  return table.Print();
}

std::string TargetsText(const TargetList& targets, const RuleList& rules) {
  if (rules.empty()) return TargetsText(targets);
  const std::string found = targets.empty() ? "no targets yet: the rules wait\n" : TargetsText(targets);
  return found + "\n" + RulesText(rules);
}

Json TargetsJson(const TargetList& targets, const RuleList& rules) {
  Json json = NewAnswer();
  json["targets"] = Json::array();
  for (const v1::Target& target : targets) json["targets"].push_back(TargetJson(target));
  json["rules"] = RulesJson(rules);
  return json;
}

}  // namespace hftmon
