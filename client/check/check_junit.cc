#include "client/check/check_junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "absl/strings/str_replace.h"
#include "client/check/judgement.h"
#include "common/markup_text.h"

namespace hftmon {
namespace {

std::string Escaped(const std::string& raw) {
  // U+FFFE and U+FFFF are no characters of XML though they are well-formed UTF-8; a line feed in an attribute would be read as a space.
  return absl::StrReplaceAll(EscapeMarkup(raw), {{"\xEF\xBF\xBE", "?"}, {"\xEF\xBF\xBF", "?"}, {"\n", "&#10;"}});
}

// What people look for first when a case has failed.
std::string OutputOf(const ModuleResult& result) {
  std::string text;
  for (const CheckFinding& finding : result.findings) {
    text += fmt::format("{}: {}\n", NameOf(finding.severity), finding.text);
    if (!finding.advice.has_value()) continue;
    text += fmt::format("  {}\n", finding.advice->text);
    if (!finding.advice->command.empty()) text += fmt::format("  $ {}\n", finding.advice->command);
  }
  for (const CheckFigure& figure : result.figures) {
    const std::string bound = figure.certainty == CheckCertainty::kMeasured ? "" : "at most ";
    text += figure.value.has_value()
                ? fmt::format("{} = {}{} ({})\n", figure.key, bound, *figure.value, FigureText(figure.key, *figure.value))
                : fmt::format("{} unavailable: {}\n", figure.key, figure.reason);
  }
  return text;
}

std::string FailureOf(const ModuleResult& result) {
  std::string message;
  for (const CheckFinding& finding : result.findings) {
    if (finding.severity != CheckVerdict::kFail) continue;
    if (!message.empty()) message += "; ";
    message += finding.text;
  }
  return message;
}

std::string CaseOf(const ModuleResult& result) {
  const double seconds = static_cast<double>(result.end_ns - result.begin_ns) / 1e9;
  std::string xml = fmt::format("    <testcase classname=\"hftmon.check\" name=\"{}\" time=\"{:.3f}\">\n", NameOf(result.module), seconds);
  if (result.verdict == CheckVerdict::kFail) {
    xml += fmt::format("      <failure type=\"limit\" message=\"{}\"/>\n", Escaped(FailureOf(result)));
  }
  xml += fmt::format("      <system-out>{}</system-out>\n", Escaped(OutputOf(result)));
  return xml + "    </testcase>\n";
}

}  // namespace

std::string CheckJunit(const CheckReport& report) {
  const auto failures = std::count_if(report.modules.begin(), report.modules.end(),
                                      [](const ModuleResult& result) { return result.verdict == CheckVerdict::kFail; });
  const double seconds = static_cast<double>(report.end_ns - report.begin_ns) / 1e9;
  const std::string counts = fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\"", report.modules.size(), failures);
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  xml += fmt::format("<testsuites {} time=\"{:.3f}\">\n", counts, seconds);
  xml += fmt::format("  <testsuite name=\"hftmon check\" {} skipped=\"0\" time=\"{:.3f}\">\n", counts, seconds);
  xml += fmt::format("    <properties><property name=\"verdict\" value=\"{}\"/><property name=\"exit_code\" value=\"{}\"/></properties>\n",
                     NameOf(report.verdict()), report.exit_code());
  for (const ModuleResult& result : report.modules) xml += CaseOf(result);
  return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace hftmon
