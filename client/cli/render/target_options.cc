#include "client/cli/render/target_options.h"

#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

void Add(const std::string& what, std::string* text) {
  *text += (text->empty() ? "" : ", ") + what;
}

}  // namespace

bool FollowsChildren(const v1::TargetOptions& options) {
  return !options.has_follow_children() || options.follow_children();
}

const char* StacksName(const v1::TargetOptions& options) {
  switch (options.stacks()) {
    case v1::STACK_CHOICE_KERNEL:
      return "kernel";
    case v1::STACK_CHOICE_USER:
      return "user";
    case v1::STACK_CHOICE_BOTH:
      return "both";
    default:
      return "none";
  }
}

std::string ProbesText(const v1::TargetOptions& options) {
  std::string text;
  for (const std::string& group : options.probe_groups()) {
    if (group != "sched") Add(Printable(group), &text);
  }
  return text;
}

std::string CountedText(const v1::TargetOptions& options) {
  std::string text = options.cache() ? "cache" : "";
  for (const std::string& event : options.counter_events()) text += (text.empty() ? "" : ",") + Printable(event);
  if (!text.empty() && options.counter_interval_ns() > 0) text += " each " + FormatDuration(options.counter_interval_ns());
  return text;
}

std::string ExtrasText(const v1::TargetOptions& options) {
  std::string text;
  if (options.blocked_threshold_ns() > 0) Add("blocked above " + FormatDuration(options.blocked_threshold_ns()), &text);
  if (options.stacks() == v1::STACK_CHOICE_BOTH) {
    Add("kernel and user stacks", &text);
  } else if (options.stacks() != v1::STACK_CHOICE_UNSPECIFIED) {
    Add(StacksName(options) + std::string(" stacks"), &text);
  }
  if (options.waker()) Add("wakers", &text);
  if (options.operation_threshold_ns() > 0) Add("operations above " + FormatDuration(options.operation_threshold_ns()), &text);
  if (const std::string probes = ProbesText(options); !probes.empty()) Add(probes, &text);
  if (options.cache()) Add("cache", &text);
  for (const std::string& event : options.counter_events()) Add(Printable(event), &text);
  if (options.counter_interval_ns() > 0) Add("counts told apart each " + FormatDuration(options.counter_interval_ns()), &text);
  if (options.numa()) Add("NUMA", &text);
  return text;
}

std::string TargetOptionsText(const v1::TargetOptions& options) {
  std::string text = "spikes above " + FormatDuration(options.spike_threshold_ns());
  if (const std::string extras = ExtrasText(options); !extras.empty()) Add(extras, &text);
  if (options.sampling_interval_ns() > 0) Add("a bucket each " + FormatDuration(options.sampling_interval_ns()), &text);
  Add(FollowsChildren(options) ? "children followed" : "children left", &text);
  return text;
}

Json TargetOptionsJson(const v1::TargetOptions& options) {
  Json json{{"spike_threshold_ns", options.spike_threshold_ns()}};
  if (options.blocked_threshold_ns() > 0) json["blocked_threshold_ns"] = options.blocked_threshold_ns();
  if (options.sampling_interval_ns() > 0) json["sampling_interval_ns"] = options.sampling_interval_ns();
  json["probe_groups"] = Json::array();
  for (const std::string& group : options.probe_groups()) json["probe_groups"].push_back(group);
  json["cache"] = options.cache();
  if (options.counter_events_size() > 0) {
    json["counter_events"] = Json::array();
    for (const std::string& event : options.counter_events()) json["counter_events"].push_back(event);
  }
  if (options.counter_interval_ns() > 0) json["counter_interval_ns"] = options.counter_interval_ns();
  json["numa"] = options.numa();
  json["follow_children"] = FollowsChildren(options);
  json["stacks"] = StacksName(options);
  json["waker"] = options.waker();
  if (options.operation_threshold_ns() > 0) json["operation_threshold_ns"] = options.operation_threshold_ns();
  return json;
}

}  // namespace hftmon
