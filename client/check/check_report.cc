#include "client/check/check_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "client/check/check_advice.h"
#include "client/check/judgement.h"
#include "client/check/modules.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int kExitInterrupted = 130;

// What holds for every module.
void AddGeneralFindings(const CheckInputs& inputs, ModuleResult* result) {
  const auto warn = [result](std::string text) {
    AddFinding({.severity = CheckVerdict::kWarn, .figure = "", .text = std::move(text), .advice = {}}, result);
  };
  if (inputs.interrupted) warn("interrupted: of a part of the time alone");
  if (inputs.off_ns > 0) {
    warn(fmt::format("the programs were off for {} (`hftmon off`): nothing of that time is in a figure: `hftmon on`, and check again",
                     FormatDuration(inputs.off_ns)));
  }
  const bool told = std::any_of(result->findings.begin(), result->findings.end(),
                                [](const CheckFinding& finding) { return finding.text.find("records were lost") != std::string::npos; });
  if (inputs.lost_record_count > 0 && !told) {
    warn(
        fmt::format("{} records were lost: counts are exact, single events may be missing: see `hftmon status`", inputs.lost_record_count));
  }
  if (inputs.spikes.ok() && inputs.spikes->older_left_out()) {
    warn("there were more single events than one answer holds: the worst one may be among those left out: check for a shorter time");
  } else if (inputs.spikes.ok() && inputs.spikes->incomplete()) {
    warn("older single events of that time are no longer kept, or shorter ones were not recorded: the worst one may be missing");
  }
}

}  // namespace

CheckVerdict CheckReport::verdict() const {
  CheckVerdict worst = CheckVerdict::kPass;
  for (const ModuleResult& module : modules) worst = std::max(worst, module.verdict);
  return worst;
}

int CheckReport::exit_code() const {
  return interrupted ? kExitInterrupted : static_cast<int>(verdict());
}

CheckReport MakeReport(const CheckInputs& inputs, const std::vector<CheckInputs>& segments, const CheckLimits& limits) {
  CheckReport report;
  report.pids = inputs.pids;
  report.cpus = inputs.cpus;
  report.interface = inputs.interface;
  report.scope = ScopeOf(inputs);
  report.begin_ns = inputs.begin_ns;
  report.end_ns = inputs.end_ns;
  report.interrupted = inputs.interrupted;
  report.limits = limits;
  for (const CheckModule module : kCheckModules) {
    if (!inputs.modules.contains(module)) continue;
    ModuleResult result = RunModule(module, inputs, report.scope, limits);
    AddGeneralFindings(inputs, &result);
    AddAdvice(inputs, report.scope, &result);
    for (const CheckInputs& segment : segments) {
      report.series.Add(RunModule(module, segment, report.scope, limits), segment.end_ns - segment.begin_ns);
    }
    report.modules.push_back(std::move(result));
  }
  if (!segments.empty()) report.series.segment_ns = (inputs.end_ns - inputs.begin_ns) / static_cast<int64_t>(segments.size());
  return report;
}

void CompareWithBaseline(const CheckSeries& baseline, CheckReport* report) {
  report->comparisons = Compare(baseline, report->series);
  for (ModuleResult& module : report->modules) {
    const std::string prefix = std::string(NameOf(module.module)) + ".";
    size_t compared = 0;
    for (const CheckComparison& comparison : report->comparisons) {
      if (!comparison.key.starts_with(prefix)) continue;
      compared += comparison.too_few ? 0 : 1;
      if (!comparison.regressed) continue;
      const std::string figure = comparison.key.substr(prefix.size());
      AddFinding({.severity = CheckVerdict::kFail,
                  .figure = figure,
                  .text = fmt::format("{} regressed: {}", figure, ComparisonText(comparison)),
                  .advice = CheckAdvice{.rule = "",
                                        .text = "it was better in the baseline's run: see what changed since",
                                        .command = "hftmon recommend --audit --window 60s",
                                        .undo = ""}},
                 &module);
      ++module.violations;
    }
    if (compared == 0) {
      AddFinding(
          {.severity = CheckVerdict::kWarn,
           .figure = "",
           .text = fmt::format("nothing of it can be compared with the baseline: fewer than {} segments in one of the two", kSegmentsMin),
           .advice = {}},
          &module);
    }
    std::stable_sort(module.findings.begin(), module.findings.end(),
                     [](const CheckFinding& a, const CheckFinding& b) { return a.severity > b.severity; });
  }
}

}  // namespace hftmon
