#include "client/cli/render/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/target_options.h"
#include "client/cli/table.h"
#include "common/counted.h"
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

Json TargetJson(const v1::Target& target) {
  Json json{{"pid", target.pid()},
            {"comm", target.comm()},
            {"state", StateName(target.state())},
            {"start_boottime_ns", target.start_boottime_ns()},
            {"attached_ns", target.attached_monotonic_ns()},
            {"thread_count", target.thread_count()},
            {"unslotted_thread_count", target.unslotted_thread_count()}};
  if (target.namespace_pid() > 0) json["namespace_pid"] = target.namespace_pid();
  if (target.pid_namespace() > 0) json["pid_namespace"] = target.pid_namespace();
  if (target.parent_pid() > 0) json["parent_pid"] = target.parent_pid();
  if (target.sampling_interval_ns() > 0) json["sampling_interval_ns"] = target.sampling_interval_ns();
  json["options"] = TargetOptionsJson(target.options());
  if (target.kernel_thread()) json["kernel_thread"] = true;
  if (!target.cpus().empty()) json["cpus"] = target.cpus();
  json["holders"] = HoldersJson(target.holders());
  return json;
}

// Columns of what few targets ask for are there where one does.
std::string TableOf(const std::vector<const v1::Target*>& targets) {
  const bool stacks = std::any_of(targets.begin(), targets.end(), [](const auto* target) { return target->options().stacks() != 0; });
  const bool wakers = std::any_of(targets.begin(), targets.end(), [](const auto* target) { return target->options().waker(); });
  const bool probes =
      std::any_of(targets.begin(), targets.end(), [](const auto* target) { return !ProbesText(target->options()).empty(); });
  const bool counted =
      std::any_of(targets.begin(), targets.end(), [](const auto* target) { return !CountedText(target->options()).empty(); });
  std::vector<Table::Column> columns = {{"pid"},
                                        {"name", Table::Align::kLeft},
                                        {"state", Table::Align::kLeft},
                                        {"threads"},
                                        {"not watched"},
                                        {"spikes above"},
                                        {"blocked above"},
                                        {"sampled every"}};
  if (probes) columns.push_back({"probes", Table::Align::kLeft});
  if (counted) columns.push_back({"counted", Table::Align::kLeft});
  if (stacks) columns.push_back({"stacks", Table::Align::kLeft});
  if (wakers) columns.push_back({"wakers", Table::Align::kLeft});
  columns.insert(columns.end(), {{"children", Table::Align::kLeft}, {"child of"}, {"held by", Table::Align::kLeft}});
  Table table(columns);
  for (const v1::Target* target : targets) {
    const v1::TargetOptions& options = target->options();
    std::vector<std::string> cells = {BothNumbers(target->pid(), target->namespace_pid()),
                                      target->comm(),
                                      StateName(target->state()),
                                      std::to_string(target->thread_count()),
                                      std::to_string(target->unslotted_thread_count()),
                                      FormatDuration(options.spike_threshold_ns()),
                                      options.blocked_threshold_ns() > 0 ? FormatDuration(options.blocked_threshold_ns()) : "",
                                      target->sampling_interval_ns() > 0 ? FormatDuration(target->sampling_interval_ns()) : ""};
    if (probes) cells.push_back(ProbesText(options));
    if (counted) cells.push_back(CountedText(options));
    if (stacks) cells.push_back(options.stacks() == 0 ? "" : StacksName(options));
    if (wakers) cells.push_back(options.waker() ? "told" : "");
    cells.push_back(FollowsChildren(options) ? "followed" : "left");
    cells.push_back(target->parent_pid() > 0 ? std::to_string(target->parent_pid()) : "");
    cells.push_back(HoldersText(target->holders()));
    table.AddRow(std::move(cells));
  }
  return table.Print();
}

}  // namespace

std::string TargetsText(const TargetList& targets, Ended ended) {
  if (targets.empty()) return "no targets: watch a process with `hftmon attach PID` or `hftmon run -- CMD`\n";
  std::vector<const v1::Target*> shown;
  for (const v1::Target& target : targets) shown.push_back(&target);
  const auto is_alive = [](const v1::Target* target) { return target->state() != v1::TARGET_STATE_ENDED; };
  const auto first_ended = std::stable_partition(shown.begin(), shown.end(), is_alive);
  const auto ended_count = static_cast<uint64_t>(shown.end() - first_ended);
  std::string summary;
  if (ended == Ended::kSummarised && ended_count > 0) {
    summary = fmt::format("{}{}, whose history is kept: `hftmon targets --all` lists them\n", first_ended == shown.begin() ? "" : "and ",
                          Counted(ended_count, "ended target"));
    shown.erase(first_ended, shown.end());
  }
  return (shown.empty() ? "" : TableOf(shown)) + summary;
}

std::string TargetsText(const TargetList& targets, const RuleList& rules, Ended ended) {
  if (rules.empty()) return TargetsText(targets, ended);
  const std::string found = targets.empty() ? "no targets yet: the rules wait\n" : TargetsText(targets, ended);
  return found + "\n" + RulesText(rules);
}

Json TargetsJson(const TargetList& targets, const RuleList& rules) {
  Json json = NewAnswer();
  json["targets"] = Json::array();
  for (const v1::Target& target : targets) json["targets"].push_back(TargetJson(target));
  json["rules"] = RulesJson(rules);
  return json;
}

std::string CountersBeganAnewText() {
  return "other events are counted from here on: what the threads of all targets have counted began anew\n";
}

}  // namespace hftmon
