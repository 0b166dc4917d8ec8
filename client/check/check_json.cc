#include "client/check/check_json.h"

#include <nlohmann/json.hpp>

namespace hftmon {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kUnavailable[] = "unavailable";

Json AdviceJson(const CheckAdvice& advice) {
  Json json;
  if (!advice.rule.empty()) json["rule"] = advice.rule;
  json["text"] = advice.text;
  if (!advice.command.empty()) json["command"] = advice.command;
  if (!advice.undo.empty()) json["undo"] = advice.undo;
  return json;
}

Json FindingJson(const CheckFinding& finding) {
  Json json{{"severity", NameOf(finding.severity)}};
  if (!finding.figure.empty()) json["figure"] = finding.figure;
  json["text"] = finding.text;
  if (finding.advice.has_value()) json["advice"] = AdviceJson(*finding.advice);
  return json;
}

Json EventJson(const CheckEvent& event) {
  Json json;
  if (event.start_ns.has_value()) json["start_ns"] = *event.start_ns;
  json["duration_ns"] = event.duration_ns;
  json["cause"] = event.cause;
  if (!event.actor.empty()) json["actor"] = event.actor;
  if (event.tid > 0) json["tid"] = event.tid;
  if (!event.comm.empty()) json["comm"] = event.comm;
  if (event.cpu.has_value()) json["cpu"] = *event.cpu;
  if (event.spike_id > 0) json["spike_id"] = event.spike_id;
  return json;
}

void AddFigures(const ModuleResult& result, Json* json) {
  Json bounds = Json::array();
  Json reasons = Json::object();
  for (const CheckFigure& figure : result.figures) {
    if (!figure.value.has_value()) {
      (*json)[figure.key] = kUnavailable;
      reasons[figure.key] = figure.reason;
      continue;
    }
    (*json)[figure.key] = *figure.value;
    if (figure.certainty != CheckCertainty::kMeasured) bounds.push_back(figure.key);
  }
  (*json)["upper_bounds"] = std::move(bounds);
  (*json)["unavailable"] = std::move(reasons);
}

Json ModuleJson(const ModuleResult& result, const CheckLimits& limits) {
  Json json{{"verdict", NameOf(result.verdict)}, {"begin_ns", result.begin_ns}, {"end_ns", result.end_ns}};
  AddFigures(result, &json);
  json["violations"] = result.violations;
  if (result.worst.has_value()) json["worst"] = EventJson(*result.worst);
  if (!result.worst_reason.empty()) json["worst_unavailable"] = result.worst_reason;
  json["findings"] = Json::array();
  for (const CheckFinding& finding : result.findings) json["findings"].push_back(FindingJson(finding));
  json["limits"] = Json::object();
  for (const CheckLimit& limit : AllCheckLimits()) {
    if (limit.module == result.module) json["limits"][limit.name] = limits.Of(limit);
  }
  return json;
}

Json JudgedJson(const CheckScope& scope) {
  Json json{{"threads", Json::array()}, {"cpus", scope.cpus}, {"left_out_thread_count", scope.left_out_thread_count}};
  for (const JudgedThread& thread : scope.threads) {
    json["threads"].push_back(
        {{"tid", thread.tid}, {"pid", thread.pid}, {"comm", thread.comm}, {"cpus_allowed", thread.cpus_allowed}, {"bound", thread.bound}});
  }
  return json;
}

Json ComparisonsJson(const std::vector<CheckComparison>& comparisons) {
  Json json = Json::array();
  for (const CheckComparison& each : comparisons) {
    json.push_back({{"figure", each.key},
                    {"before", each.before},
                    {"now", each.now},
                    {"chance", each.chance},
                    {"regressed", each.regressed},
                    {"too_few_segments", each.too_few}});
  }
  return json;
}

}  // namespace

std::string CheckJson(const CheckReport& report) {
  Json json{{"schema_version", kCheckSchemaVersion},
            {"exit_code", report.exit_code()},
            {"verdict", NameOf(report.verdict())},
            {"interrupted", report.interrupted},
            {"private_daemon", report.private_daemon},
            {"begin_ns", report.begin_ns},
            {"end_ns", report.end_ns},
            {"duration_ns", report.end_ns - report.begin_ns}};
  json["time"] = {
      {"monotonic_ns", report.time.monotonic_ns()}, {"realtime_ns", report.time.realtime_ns()}, {"error_ns", report.time.error_ns()}};
  json["asked"] = {{"pids", report.pids}, {"cpus", report.cpus}};
  if (!report.interface.empty()) json["asked"]["interface"] = report.interface;
  json["judged"] = JudgedJson(report.scope);
  for (const ModuleResult& result : report.modules) json[NameOf(result.module)] = ModuleJson(result, report.limits);
  if (!report.series.values.empty()) json["segments"] = {{"segment_ns", report.series.segment_ns}, {"series", report.series.values}};
  if (!report.comparisons.empty()) json["baseline"] = ComparisonsJson(report.comparisons);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hftmon
