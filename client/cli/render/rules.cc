#include "client/cli/render/rules.h"

#include <fmt/format.h>

#include <set>

#include "client/cli/render/target_options.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int kVisitsShown = 20;

struct NamedText {
  std::string kind;  // as the command line and JSON name it
  std::string text;
};

NamedText PartsOf(const v1::TargetSelector& selector) {
  switch (selector.by_case()) {
    case v1::TargetSelector::kName:
      return {"name", selector.name()};
    case v1::TargetSelector::kCgroup:
      return {"cgroup", selector.cgroup()};
    case v1::TargetSelector::kUnit:
      return {"unit", selector.unit()};
    case v1::TargetSelector::kCpus:
      return {"cpus", selector.cpus()};
    case v1::TargetSelector::BY_NOT_SET:
      break;
  }
  return {"unknown", ""};
}

Json SelectorJson(const v1::TargetSelector& selector) {
  const NamedText parts = PartsOf(selector);
  Json json = Json::object();
  json[parts.kind] = parts.text;
  return json;
}

Json RuleJson(const v1::TargetRule& rule) {
  Json json{{"id", rule.id()}, {"selector", SelectorJson(rule.selector())}};
  json["pids"] = Json::array();
  for (const int32_t pid : rule.pids()) json["pids"].push_back(pid);
  json["found_count"] = rule.found_count();
  json["refused_count"] = rule.refused_count();
  json["holders"] = HoldersJson(rule.holders());
  json["options"] = TargetOptionsJson(rule.options());
  if (rule.selector().has_cpus()) {
    json["visits"] = Json::array();
    for (const v1::CpuVisit& visit : rule.visits()) {
      json["visits"].push_back({{"cpu", visit.cpu()},
                                {"comm", visit.comm()},
                                {"count", visit.count()},
                                {"last_tid", visit.last_tid()},
                                {"last_pid", visit.last_pid()}});
    }
    json["unnamed_visit_count"] = rule.unnamed_visit_count();
  }
  return json;
}

std::string VisitsText(const v1::TargetRule& rule) {
  if (!rule.selector().has_cpus()) return "";
  if (rule.visits().empty()) return fmt::format("\nnobody was on CPUs {} unwatched\n", rule.selector().cpus());
  Table table({{"CPU"}, {"unwatched visitor", Table::Align::kLeft}, {"visits"}, {"last tid"}});
  int shown = 0;
  for (const v1::CpuVisit& visit : rule.visits()) {
    if (++shown > kVisitsShown) break;
    table.AddRow({std::to_string(visit.cpu()), visit.comm(), std::to_string(visit.count()), std::to_string(visit.last_tid())});
  }
  std::string text = "\n" + table.Print();
  if (rule.visits_size() > kVisitsShown)
    text += fmt::format("and {} (--json has all)\n", Counted(static_cast<uint64_t>(rule.visits_size() - kVisitsShown), "more name"));
  if (rule.unnamed_visit_count() > 0) text += fmt::format("and {} of further names\n", Counted(rule.unnamed_visit_count(), "visit"));
  return text;
}

}  // namespace

std::string SelectorText(const v1::TargetSelector& selector) {
  const NamedText parts = PartsOf(selector);
  return parts.kind + " " + parts.text;
}

std::string HoldersText(const HolderList& holders) {
  std::set<std::string> names;
  for (const v1::TargetHolder& holder : holders) {
    if (holder.rule_id() != 0) {
      names.insert(fmt::format("rule {}", holder.rule_id()));
    } else if (holder.session_id() == 0) {
      names.insert("kept");
    } else {
      names.insert(holder.client().empty() ? fmt::format("session {}", holder.session_id()) : holder.client());
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Json HoldersJson(const HolderList& holders) {
  Json json = Json::array();
  for (const v1::TargetHolder& holder : holders) {
    Json entry{{"persist", holder.session_id() == 0}};
    if (holder.session_id() != 0) entry["session_id"] = holder.session_id();
    if (!holder.client().empty()) entry["client"] = holder.client();
    if (holder.rule_id() != 0) entry["rule_id"] = holder.rule_id();
    entry["inherited"] = holder.inherited();
    entry["options"] = TargetOptionsJson(holder.options());
    json.push_back(std::move(entry));
  }
  return json;
}

std::string RulesText(const RuleList& rules) {
  if (rules.empty()) return "";
  Table table({{"rule"},
               {"looks for", Table::Align::kLeft},
               {"processes"},
               {"found"},
               {"refused"},
               {"spikes above"},
               {"and", Table::Align::kLeft},
               {"held by", Table::Align::kLeft}});
  for (const v1::TargetRule& rule : rules) {
    HolderList by_client = rule.holders();
    for (v1::TargetHolder& holder : by_client) holder.set_rule_id(0);
    table.AddRow({std::to_string(rule.id()), SelectorText(rule.selector()), std::to_string(rule.pids_size()),
                  std::to_string(rule.found_count()), std::to_string(rule.refused_count()),
                  FormatDuration(rule.options().spike_threshold_ns()), ExtrasText(rule.options()), HoldersText(by_client)});
  }
  std::string text = table.Print();
  for (const v1::TargetRule& rule : rules) text += VisitsText(rule);
  return text;
}

Json RulesJson(const RuleList& rules) {
  Json json = Json::array();
  for (const v1::TargetRule& rule : rules) json.push_back(RuleJson(rule));
  return json;
}

}  // namespace hftmon
