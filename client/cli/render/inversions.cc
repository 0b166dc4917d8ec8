#include "client/cli/render/inversions.h"

#include <fmt/format.h>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "client/cli/time_scale.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

// The kernel's priorities: real time is 99 less the number that programs set, ordinary 120 more than the nice value.
constexpr int32_t kRealTimeTop = 99;
constexpr int32_t kNiceZero = 120;

// "fifo 80", "other", "other, nice -5", "deadline"; empty where it is not known.
std::string ClassText(const std::string& policy, int32_t priority) {
  if (policy.empty() || priority < 0) return policy;
  if (priority <= kRealTimeTop) return fmt::format("{} {}", policy == "real_time" ? "real time" : policy, kRealTimeTop - priority);
  return priority == kNiceZero ? policy : fmt::format("{}, nice {}", policy, priority - kNiceZero);
}

std::string WhoText(const v1::ThreadId& thread) {
  return fmt::format("{}[{}]", thread.comm().empty() ? "?" : Printable(thread.comm()), ThreadNumbersText(thread));
}

std::string WhoText(const v1::ThreadId& thread, const std::string& policy, int32_t priority) {
  const std::string text = ClassText(policy, priority);
  return WhoText(thread) + (text.empty() ? "" : fmt::format(" ({})", text));
}

std::string LinkText(const v1::InversionLink& link, bool first) {
  std::string text = fmt::format("    {}lock {:#x}, held by {}", first ? "" : "who waits for ", link.lock_address(),
                                 WhoText(link.owner(), link.owner_policy(), link.owner_priority()));
  text += link.owner_state().empty() ? ", of whom no more is known" : ", " + link.owner_state() + " as the wait began";
  return text + (link.priority_inheritance() ? ", with priority inheritance\n" : "\n");
}

std::string OwnerTimeText(const v1::PriorityInversion& inversion) {
  if (!inversion.has_owner_off_cpu_ns() || inversion.chain().empty()) return "";
  const v1::ThreadId& owner = inversion.chain(inversion.chain_size() - 1).owner();
  if (inversion.owner_off_cpu_ns() == 0) return fmt::format("    {} was not seen off its CPU meanwhile\n", WhoText(owner));
  std::string text = fmt::format("    {} was off its CPU for {} of it", WhoText(owner), FormatDuration(inversion.owner_off_cpu_ns()));
  if (inversion.has_preemptor()) {
    const v1::InversionActor& actor = inversion.preemptor();
    text += fmt::format(", which {}[{}] had for {}", actor.comm().empty() ? "?" : Printable(actor.comm()), actor.tid(),
                        FormatDuration(actor.duration_ns()));
  }
  return text + "\n";
}

std::string InversionText(const v1::PriorityInversion& inversion, const v1::TimePair& time, const absl::TimeZone& zone) {
  std::string text =
      fmt::format("{}  {}  waits for a lock{}: {}  #{}\n", FormatTime(inversion.start_monotonic_ns(), time, zone, TimeScale::kLocal),
                  WhoText(inversion.waiter(), inversion.waiter_policy(), inversion.waiter_priority()),
                  inversion.in_progress() ? ", in progress" : "", FormatDuration(inversion.duration_ns()), inversion.spike_id());
  for (int i = 0; i < inversion.chain_size(); ++i) text += LinkText(inversion.chain(i), i == 0);
  if (inversion.chain_truncated()) text += "    and so on, or round and round (a deadlock)\n";
  text += OwnerTimeText(inversion);
  if (inversion.inherited()) text += "    the owner ran with the waiter's priority\n";
  return text;
}

std::string PriorityText(int32_t priority) {
  if (priority < 0) return "deadline";
  return priority <= kRealTimeTop ? fmt::format("real time {}", kRealTimeTop - priority) : fmt::format("nice {}", priority - kNiceZero);
}

std::string BoostsPart(const v1::QueryInversionsResponse& response, const absl::TimeZone& zone) {
  if (!response.boosts_unavailable().empty())
    return fmt::format("priority boosts: unavailable: {}\n", Printable(response.boosts_unavailable()));
  if (response.boosts().empty()) return "no priority boosts\n";
  Table table({{"boosted", Table::Align::kLeft},
               {"since", Table::Align::kLeft},
               {"for"},
               {"from", Table::Align::kLeft},
               {"to", Table::Align::kLeft},
               {"waiter", Table::Align::kLeft},
               {"changes"}});
  for (const v1::PriorityBoost& boost : response.boosts()) {
    table.AddRow({WhoText(boost.thread()), FormatTime(boost.start_monotonic_ns(), response.time(), zone, TimeScale::kLocal),
                  boost.has_duration_ns() ? FormatDuration(boost.duration_ns()) : "goes on", PriorityText(boost.own_priority()),
                  PriorityText(boost.boosted_priority()), WhoText(boost.donor()), std::to_string(boost.step_count())});
  }
  return "priority boosts\n" + table.Print();
}

Json ThreadJson(const v1::ThreadId& thread) {
  Json json{{"tid", thread.tid()}, {"comm", thread.comm()}};
  if (thread.pid() > 0) json["pid"] = thread.pid();
  AddInnerNumbers(thread, &json);
  return json;
}

Json LinkJson(const v1::InversionLink& link) {
  Json json{
      {"lock_address", link.lock_address()}, {"priority_inheritance", link.priority_inheritance()}, {"owner", ThreadJson(link.owner())}};
  if (link.owner_state().empty()) return json;
  json["owner_priority"] = link.owner_priority();
  json["owner_policy"] = link.owner_policy();
  json["owner_state"] = link.owner_state();
  return json;
}

Json InversionJson(const v1::PriorityInversion& inversion) {
  Json json{{"waiter", ThreadJson(inversion.waiter())},
            {"start_ns", inversion.start_monotonic_ns()},
            {"duration_ns", inversion.duration_ns()},
            {"in_progress", inversion.in_progress()}};
  if (!inversion.waiter_policy().empty()) {
    json["waiter_priority"] = inversion.waiter_priority();
    json["waiter_policy"] = inversion.waiter_policy();
  }
  json["chain"] = Json::array();
  for (const v1::InversionLink& link : inversion.chain()) json["chain"].push_back(LinkJson(link));
  json["chain_truncated"] = inversion.chain_truncated();
  if (inversion.has_owner_off_cpu_ns()) json["owner_off_cpu_ns"] = inversion.owner_off_cpu_ns();
  if (inversion.has_preemptor()) {
    const v1::InversionActor& actor = inversion.preemptor();
    json["preemptor"] = {{"tid", actor.tid()}, {"pid", actor.pid()}, {"comm", actor.comm()}, {"duration_ns", actor.duration_ns()}};
  }
  json["inherited"] = inversion.inherited();
  json["spike_id"] = inversion.spike_id();
  return json;
}

Json BoostJson(const v1::PriorityBoost& boost) {
  Json json{{"thread", ThreadJson(boost.thread())}, {"start_ns", boost.start_monotonic_ns()}};
  if (boost.has_duration_ns()) json["duration_ns"] = boost.duration_ns();
  json["own_priority"] = boost.own_priority();
  json["boosted_priority"] = boost.boosted_priority();
  json["donor"] = ThreadJson(boost.donor());
  json["step_count"] = boost.step_count();
  return json;
}

}  // namespace

std::string InversionsText(const v1::QueryInversionsResponse& response, const absl::TimeZone& zone) {
  const v1::Window& window = response.window();
  const std::string when = fmt::format("the last {}{}", FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
                                       WindowNote(window, response.time()));
  const std::string above =
      response.has_blocked_floor_ns() ? " in off-CPU intervals above " + FormatDuration(response.blocked_floor_ns()) : "";
  std::string text;
  if (!response.has_blocked_floor_ns() && response.inversions().empty()) {
    text = "inversions: unavailable: no target asks for its waits for locks: attach with --probes locks --blocked 50us (say)\n";
  } else {
    text = response.inversions().empty() ? fmt::format("no priority inversion{} in {}\n", above, when)
                                         : fmt::format("priority inversions{} in {}\n", above, when);
  }
  for (const v1::PriorityInversion& inversion : response.inversions()) text += InversionText(inversion, response.time(), zone);
  if (response.unknown_owner_count() > 0) {
    text += fmt::format("and {} whose owner or its priority is not known: they may be inversions too\n",
                        Counted(response.unknown_owner_count(), "wait"));
  }
  return text + BoostsPart(response, zone);
}

Json InversionsJson(const v1::QueryInversionsResponse& response) {
  Json json = NewHistoryAnswer(response);
  json["older_left_out"] = response.older_left_out();
  json["unknown_owner_count"] = response.unknown_owner_count();
  if (response.has_blocked_floor_ns()) json["blocked_floor_ns"] = response.blocked_floor_ns();
  json["inversions"] = Json::array();
  for (const v1::PriorityInversion& inversion : response.inversions()) json["inversions"].push_back(InversionJson(inversion));
  if (!response.boosts_unavailable().empty()) json["boosts_unavailable"] = response.boosts_unavailable();
  json["boosts"] = Json::array();
  for (const v1::PriorityBoost& boost : response.boosts()) json["boosts"].push_back(BoostJson(boost));
  return json;
}

}  // namespace hftmon
