#include "client/cli/render/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "client/cli/render/numa.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

// As Recommendation.confidence is told in words.
constexpr double kHigh = 0.75;
constexpr double kMedium = 0.4;
constexpr int kSentencesMax = 3;  // of one advice's evidence, the heaviest; --json has more

const char* ConfidenceWord(double confidence) {
  return confidence >= kHigh ? "high" : confidence >= kMedium ? "medium" : "low";
}

std::string Line(const char* what, const std::string& text) {
  return text.empty() ? "" : fmt::format("  {:<9} {}\n", what, Printable(text));
}

// As a proof's metric is named, so is its unit.
std::string ProofText(const v1::Proof& proof) {
  const std::string& metric = proof.metric();
  const double value = proof.value_now();
  if (metric.ends_with("_ns_per_s")) return FormatDuration(std::llround(value)) + " a second";
  if (metric.ends_with("_ns")) return FormatDuration(std::llround(value));
  if (metric.ends_with("_per_s")) return fmt::format("{:.3g} a second", value);
  if (metric.ends_with("_share")) return fmt::format("{:.1f} %", 100 * value);
  return fmt::format("{:.6g}", value);
}

// What is estimated is no bound.
std::string GainText(const v1::Gain& gain) {
  const char* how = gain.estimated() ? "about" : "up to";
  std::string amount;
  if (gain.has_ns_per_second()) {
    amount = FormatDuration(gain.ns_per_second()) + " a second";
  } else if (gain.has_longest_ns()) {
    amount = FormatDuration(gain.longest_ns()) + " at once";
  } else if (gain.has_share()) {
    amount = fmt::format("{:.1f} %", gain.share() * 100);
  }
  if (amount.empty()) return "";
  return fmt::format("{} {}{}", how, amount, gain.estimated() ? ", estimated: " + gain.basis() : "");
}

std::string ActionText(const v1::Action& action) {
  std::string text = Line("do:", action.command().empty() ? action.code_hint() : action.command());
  if (!action.command().empty()) text += Line("hint:", action.code_hint());
  text += Line("withheld:", action.withheld());
  text += Line("undo:", action.undo());
  text += Line("lasting:", action.persist());
  const std::string reach = action.reach() + (action.survives_reboot() ? ", survives a reboot" : "");
  return text + Line("risk:", action.risk() + (action.risk_text().empty() ? "" : ": " + action.risk_text()) + " (acts: " + reach + ")");
}

std::string RecommendationText(const v1::Recommendation& one) {
  std::string text = fmt::format("{} [{}, confidence {}]\n", Printable(one.title()), one.rule(), ConfidenceWord(one.confidence()));
  text += Line("cause:", one.cause());
  const int told = std::min(one.evidence().sentences_size(), kSentencesMax);
  for (int i = 0; i < told; ++i) text += Line("evidence:", one.evidence().sentences(i));
  const auto others = static_cast<uint64_t>(one.evidence().sentences_size() - told) + one.evidence().sentences_left_out();
  if (others > 0) text += Line("", fmt::format("and {} more of less weight", others));
  std::string spikes;
  for (const uint64_t id : one.evidence().spike_ids()) spikes += fmt::format("{}#{}", spikes.empty() ? "" : " ", id);
  text += Line("spikes:", spikes);
  text += ActionText(one.action());
  text += Line("gain:", GainText(one.gain()));
  const v1::Proof& proof = one.proof();
  const std::string now = proof.has_value_now() ? fmt::format(" now {},", ProofText(proof)) : "";
  return text + Line("proof:", fmt::format("{}:{} then {}: {}", proof.metric(), now, proof.expected(), proof.query()));
}

// For a shell of root: nothing else stands on their lines.
std::string CommandsText(const v1::RecommendResponse& response) {
  std::string commands, undos;
  for (const v1::Recommendation& one : response.recommendations()) {
    if (one.action().command().empty()) continue;
    commands += Printable(one.action().command()) + "\n";
    undos = Printable(one.action().undo()) + "\n" + undos;
  }
  return commands.empty() ? "" : fmt::format("\n# all commands, for a shell of root\n{}# and what undoes them\n{}", commands, undos);
}

// Of many the first, and how many more there are: --json names them all.
std::string RulesText(const std::vector<std::string>& rules) {
  constexpr size_t kRulesMax = 8;
  constexpr size_t kRulesOfMany = 3;
  const size_t told = rules.size() > kRulesMax ? kRulesOfMany : rules.size();
  std::string text;
  for (size_t i = 0; i < told; ++i) text += (i == 0 ? "" : ", ") + rules[i];
  return told == rules.size() ? text : fmt::format("{} and {} more rules", text, rules.size() - told);
}

// Rules with one reason stand on one line.
std::string NotJudgedText(const v1::RecommendResponse& response) {
  std::vector<std::pair<std::pair<std::string, std::string>, std::vector<std::string>>> groups;
  for (const v1::NotJudged& one : response.not_judged()) {
    const std::pair<std::string, std::string> why(one.reason(), one.mend());
    auto group = groups.begin();
    while (group != groups.end() && group->first != why) ++group;
    if (group == groups.end()) {
      groups.push_back({why, {one.rule()}});
    } else {
      group->second.push_back(one.rule());
    }
  }
  std::string text = groups.empty() ? "" : "not judged:\n";
  for (const auto& [why, rules] : groups) {
    text += fmt::format("  {}: {}{}\n", Printable(RulesText(rules)), Printable(why.first),
                        why.second.empty() ? "" : ": " + Printable(why.second));
  }
  return text;
}

Json ActionJson(const v1::Action& action) {
  Json json;
  const auto set = [&json](const char* key, const std::string& text) {
    if (!text.empty()) json[key] = text;
  };
  set("command", action.command());
  set("undo", action.undo());
  set("code_hint", action.code_hint());
  set("withheld", action.withheld());
  json["reach"] = action.reach();
  json["survives_reboot"] = action.survives_reboot();
  set("persist", action.persist());
  json["risk"] = action.risk();
  set("risk_text", action.risk_text());
  return json;
}

Json EvidenceJson(const v1::Evidence& evidence) {
  Json json{{"sentences", evidence.sentences()},
            {"sentences_left_out", evidence.sentences_left_out()},
            {"begin_ns", evidence.begin_monotonic_ns()},
            {"end_ns", evidence.end_monotonic_ns()},
            {"spike_ids", evidence.spike_ids()}};
  if (evidence.has_count()) json["count"] = evidence.count();
  if (evidence.has_sum_ns()) json["sum_ns"] = evidence.sum_ns();
  if (evidence.has_longest_ns()) json["longest_ns"] = evidence.longest_ns();
  json["values"] = Json::object();
  for (const auto& [name, value] : std::map<std::string, std::string>(evidence.values().begin(), evidence.values().end())) {
    json["values"][name] = value;
  }
  return json;
}

Json GainJson(const v1::Gain& gain) {
  Json json = Json::object();
  if (gain.has_ns_per_second()) json["ns_per_second"] = gain.ns_per_second();
  if (gain.has_longest_ns()) json["longest_ns"] = gain.longest_ns();
  if (gain.has_share()) json["share"] = gain.share();
  json["estimated"] = gain.estimated();
  json["basis"] = gain.basis();
  return json;
}

Json RecommendationJson(const v1::Recommendation& one) {
  Json json{{"rule", one.rule()}, {"id", one.id()}, {"title", one.title()}, {"cause", one.cause()}, {"basis", one.basis()}};
  json["confidence"] = one.confidence();
  json["confidence_reasons"] = one.confidence_reasons();
  json["evidence"] = EvidenceJson(one.evidence());
  json["action"] = ActionJson(one.action());
  json["alternatives"] = Json::array();
  for (const v1::Action& action : one.alternatives()) json["alternatives"].push_back(ActionJson(action));
  json["gain"] = GainJson(one.gain());
  json["proof"] = {{"metric", one.proof().metric()}, {"query", one.proof().query()}, {"path", one.proof().path()}};
  if (one.proof().has_value_now()) json["proof"]["value_now"] = one.proof().value_now();
  json["proof"]["expected"] = one.proof().expected();
  if (one.has_thread()) json["thread"] = {{"tid", one.thread().tid()}, {"pid", one.thread().pid()}, {"comm", one.thread().comm()}};
  json["cpus"] = one.cpus();
  json["corroborated_by"] = one.corroborated_by();
  return json;
}

}  // namespace

std::string RecommendText(const v1::RecommendResponse& response, bool audit) {
  const v1::Window& window = response.window();
  const std::string when =
      fmt::format("{}the last {}{}", audit ? "the host's settings and in " : "",
                  FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()), WindowNote(window, response.time()));
  std::string text = response.recommendations().empty() ? fmt::format("nothing to change by what was seen in {}\n", when)
                                                        : fmt::format("what to change, by what was seen in {}\n", when);
  for (const v1::Recommendation& one : response.recommendations()) text += "\n" + RecommendationText(one);
  if (response.recommendations_left_out() > 0) text += fmt::format("\nand {} more, of less gain\n", response.recommendations_left_out());
  if (response.has_look_cost()) text += fmt::format("\nlooked at memory: {}\n", LookCostText(response.look_cost()));
  if (audit) text += CommandsText(response);
  const std::string not_judged = NotJudgedText(response);
  return text + (not_judged.empty() ? "" : "\n" + not_judged);
}

Json RecommendJson(const v1::RecommendResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["window"] = WindowJson(response.window());
  json["lost_records"] = response.lost_records();
  json["recommendations"] = Json::array();
  for (const v1::Recommendation& one : response.recommendations()) json["recommendations"].push_back(RecommendationJson(one));
  json["recommendations_left_out"] = response.recommendations_left_out();
  json["not_judged"] = Json::array();
  for (const v1::NotJudged& one : response.not_judged()) {
    Json entry{{"rule", one.rule()}, {"reason", one.reason()}};
    if (!one.mend().empty()) entry["mend"] = one.mend();
    json["not_judged"].push_back(std::move(entry));
  }
  json["not_judged_left_out"] = response.not_judged_left_out();
  if (response.has_look_cost()) json["look_cost"] = LookCostJson(response.look_cost());
  json["facts_refused"] = response.facts_refused();
  if (!response.first_refusal().empty()) json["first_refusal"] = response.first_refusal();
  return json;
}

}  // namespace hftmon
