#include "client/check/judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/duration.h"

namespace hftmon {
namespace {

std::optional<CheckFinding> Weigh(const CheckLimit& limit, int64_t limit_value, const CheckFigure& figure) {
  CheckFinding finding{.severity = CheckVerdict::kWarn, .figure = figure.key, .text = "", .advice = std::nullopt};
  if (!figure.value.has_value()) {
    finding.text = fmt::format("{} is unavailable: {}", limit.help, figure.reason);
    return finding;
  }
  const std::string value = FigureText(figure.key, *figure.value);
  const std::string most = FigureText(figure.key, limit_value);
  if (*figure.value > limit_value) {
    if (figure.certainty == CheckCertainty::kAtMost) {
      finding.text = fmt::format("{} is not known closer than at most {}, which exceeds {} {}", limit.help, value, FlagOf(limit), most);
      return finding;
    }
    finding.severity = CheckVerdict::kFail;
    finding.text = fmt::format("{}: {} exceeds {} {}{}", limit.help, value, FlagOf(limit), most,
                               figure.certainty == CheckCertainty::kLargestSeen ? " (the largest: too few samples)" : "");
    return finding;
  }
  // Divided, not multiplied: a limit may be as large as an int64.
  if (limit_value > 0 && *figure.value > limit_value / 100 * kNearPercent + limit_value % 100 * kNearPercent / 100) {
    finding.text = fmt::format("{}: {} is above {} % of {} {}", limit.help, value, kNearPercent, FlagOf(limit), most);
    return finding;
  }
  return std::nullopt;
}

}  // namespace

std::string FigureText(const std::string& key, int64_t value) {
  if (key.ends_with("_ns")) return FormatDuration(value);
  if (key.ends_with("_ppm")) return fmt::format("{:.4g} %", static_cast<double>(value) / 10'000);
  return std::to_string(value);
}

void AddFinding(CheckFinding finding, ModuleResult* result) {
  result->verdict = std::max(result->verdict, finding.severity);
  result->findings.push_back(std::move(finding));
}

void Judge(const CheckLimits& limits, ModuleResult* result) {
  for (const CheckLimit& limit : AllCheckLimits()) {
    const CheckFigure* figure = limit.module == result->module ? result->Find(limit.figure) : nullptr;
    // Some figures are of one kind of question only: visitors are of --cpus.
    if (figure == nullptr) continue;
    if (auto finding = Weigh(limit, limits.Of(limit), *figure)) {
      result->violations += finding->severity == CheckVerdict::kFail ? 1 : 0;
      AddFinding(*std::move(finding), result);
    }
  }
  // The failures first, in the order of the limits.
  std::stable_sort(result->findings.begin(), result->findings.end(),
                   [](const CheckFinding& a, const CheckFinding& b) { return a.severity > b.severity; });
}

}  // namespace hftmon
