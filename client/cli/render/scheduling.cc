#include "client/cli/render/scheduling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "client/cli/render/both_numbers.h"
#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

// The kernel's priority that follows from the policy; none where only the kernel knows.
std::optional<int32_t> OwnPriority(const v1::Scheduling& scheduling) {
  if (scheduling.realtime_priority() > 0) return 99 - scheduling.realtime_priority();
  if (scheduling.policy() == "other" || scheduling.policy() == "batch") return 120 + scheduling.nice();
  return std::nullopt;
}

// What of a state a change is about.
std::string StateText(const v1::SchedulingChange& change, const v1::Scheduling& state) {
  const auto concerns = [&change](const char* what) {
    return std::find(change.what().begin(), change.what().end(), what) != change.what().end();
  };
  std::string text;
  if (change.what_size() > 1 || !concerns("affinity")) text = PolicyText(state);
  if (concerns("affinity")) text += fmt::format("{}CPUs {}", text.empty() ? "" : ", ", state.cpus_allowed());
  if (concerns("reset_on_fork")) text += state.reset_on_fork() ? ", reset on fork" : ", no reset on fork";
  return text;
}

}  // namespace

std::string PolicyText(const v1::Scheduling& scheduling) {
  std::string text = scheduling.policy();
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) { return std::toupper(letter); });
  if (scheduling.realtime_priority() > 0) text += fmt::format(" {}", scheduling.realtime_priority());
  if (scheduling.nice() != 0) text += fmt::format(" nice {}", scheduling.nice());
  if (scheduling.has_deadline()) {
    text += fmt::format(" {}/{}", FormatDuration(scheduling.deadline().runtime_ns()), FormatDuration(scheduling.deadline().period_ns()));
  }
  if (const auto own = OwnPriority(scheduling); own && *own != scheduling.priority()) {
    text += fmt::format(" (priority {})", scheduling.priority());
  }
  return text;
}

void AddScheduling(const v1::Scheduling& scheduling, Json* json) {
  (*json)["policy"] = scheduling.policy();
  (*json)["priority"] = scheduling.priority();
  (*json)["nice"] = scheduling.nice();
  (*json)["realtime_priority"] = scheduling.realtime_priority();
  if (scheduling.has_deadline()) {
    (*json)["deadline"] = {{"runtime_ns", scheduling.deadline().runtime_ns()},
                           {"deadline_ns", scheduling.deadline().deadline_ns()},
                           {"period_ns", scheduling.deadline().period_ns()}};
  }
  (*json)["reset_on_fork"] = scheduling.reset_on_fork();
  (*json)["cpus_allowed"] = scheduling.cpus_allowed();
  (*json)["isolated_only"] = scheduling.isolated_only();
  (*json)["isolated_partly"] = scheduling.isolated_partly();
}

std::string ChangesText(const v1::QueryThreadsResponse& response) {
  if (response.changes_size() == 0) return "no change of scheduling was found in the window\n";
  Table table({{"before end"},
               {"thread", Table::Align::kLeft},
               {"tid"},
               {"what", Table::Align::kLeft},
               {"from", Table::Align::kLeft},
               {"to", Table::Align::kLeft}});
  for (const v1::SchedulingChange& change : response.changes()) {
    std::string what;
    for (const std::string& part : change.what()) what += (what.empty() ? "" : ", ") + part;
    table.AddRow({FormatDuration(std::max<int64_t>(response.window().end_monotonic_ns() - change.before_monotonic_ns(), 0)),
                  change.thread().comm(), BothNumbers(change.thread().tid(), change.thread().namespace_tid()), what,
                  StateText(change, change.from()), StateText(change, change.to())});
  }
  return "changes of scheduling, each within the second before it was found\n" + table.Print();
}

Json ChangeJson(const v1::SchedulingChange& change) {
  Json json{{"tid", change.thread().tid()},
            {"comm", change.thread().comm()},
            {"pid", change.thread().pid()},
            {"after_ns", change.after_monotonic_ns()},
            {"before_ns", change.before_monotonic_ns()}};
  AddInnerNumbers(change.thread(), &json);
  json["from"] = Json::object();
  AddScheduling(change.from(), &json["from"]);
  json["to"] = Json::object();
  AddScheduling(change.to(), &json["to"]);
  json["what"] = Json::array();
  for (const std::string& part : change.what()) json["what"].push_back(part);
  return json;
}

}  // namespace hftmon
