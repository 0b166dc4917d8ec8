#include "client/cli/render/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "client/check/judgement.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/cpu_list.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kWidth = 100;  // of the text within the box

const char* ColourOf(CheckVerdict verdict) {
  switch (verdict) {
    case CheckVerdict::kPass:
      return "\033[32m";
    case CheckVerdict::kWarn:
      return "\033[33m";
    case CheckVerdict::kFail:
      return "\033[31m";
  }
  return "";
}

// Characters of UTF-8.
size_t Columns(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

std::string Rule(size_t columns) {
  std::string rule;
  for (size_t i = 0; i < columns; ++i) rule += "─";
  return rule;
}

class Box {
 public:
  explicit Box(const TextStyle& style) : style_(style) {}

  void Open(const std::string& title, CheckVerdict verdict) { Edge("┌", "┐", title, verdict); }
  void Divide(const std::string& title, CheckVerdict verdict) { Edge("├", "┤", title, verdict); }
  std::string Close() { return text_ + "└" + Rule(kWidth + 2) + "┘\n"; }

  // At spaces; what has none is longer than the box. Lines after the first are indented by `hang`.
  void Write(const std::string& paragraph, size_t hang = 0) {
    std::string line;
    std::string_view rest = paragraph;
    while (!rest.empty()) {
      const size_t space = std::min(rest.find(' ', rest.find_first_not_of(' ')), rest.size());
      const std::string_view word = rest.substr(0, space);
      if (!line.empty() && Columns(line) + Columns(word) > kWidth) {
        Line(line);
        line = std::string(hang, ' ') + std::string(word.substr(std::min(word.find_first_not_of(' '), word.size())));
      } else {
        line += word;
      }
      rest.remove_prefix(space);
    }
    Line(line);
  }
  // Whole, to be copied.
  void WriteCommand(const std::string& command) { Line("      $ " + command); }

 private:
  void Line(const std::string& line) {
    const size_t columns = Columns(line);
    text_ += columns > kWidth ? fmt::format("│ {}\n", line) : fmt::format("│ {}{} │\n", line, std::string(kWidth - columns, ' '));
  }
  void Edge(const char* left, const char* right, const std::string& title, CheckVerdict verdict) {
    const std::string word = style_.colour ? fmt::format("{}{}\033[0m", ColourOf(verdict), NameOf(verdict)) : NameOf(verdict);
    text_ += fmt::format("{}─ {} ─ {} {}{}\n", left, title, word, Rule(kWidth - 8 - Columns(title)), right);
  }

  const TextStyle style_;
  std::string text_;
};

std::string ValueText(const CheckFigure& figure) {
  if (!figure.value.has_value()) return "unavailable";
  return (figure.certainty == CheckCertainty::kMeasured ? "" : "<=") + FigureText(figure.key, *figure.value);
}

// "longest_delivery_ns" → "longest delivery".
std::string WordsOf(std::string key) {
  for (const std::string_view unit : {"_ns", "_ppm"}) {
    if (key.ends_with(unit)) key.erase(key.size() - unit.size());
  }
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

// The three percentiles of one subject stand together; all others one after the other.
void WriteFigures(const ModuleResult& result, Box* box) {
  std::string others;
  for (const CheckFigure& figure : result.figures) {
    if (figure.key.starts_with("p99_")) continue;
    if (!figure.key.starts_with("p50_")) {
      others += fmt::format("{}{} {}", others.empty() ? "" : ", ", WordsOf(figure.key), ValueText(figure));
      continue;
    }
    const std::string subject = figure.key.substr(4);
    const CheckFigure* p99 = result.Find("p99_" + subject);
    const CheckFigure* tail = result.Find("p99_999_" + subject);
    if (p99 == nullptr || tail == nullptr) continue;
    box->Write(fmt::format("{:10} p50 {}, p99 {}, p99.999 {}", WordsOf(subject), ValueText(figure), ValueText(*p99), ValueText(*tail)));
  }
  if (!others.empty()) box->Write(others, 2);
}

void WriteWorst(const ModuleResult& result, Box* box) {
  if (!result.worst.has_value()) {
    if (!result.worst_reason.empty()) box->Write("worst: " + Printable(result.worst_reason), 2);
    return;
  }
  const CheckEvent& event = *result.worst;
  std::string text = fmt::format("worst: {} of {}", FormatDuration(event.duration_ns), Printable(event.cause));
  if (!event.actor.empty()) text += fmt::format(" by {}", Printable(event.actor));
  if (event.tid > 0) text += fmt::format(", {} ({})", Printable(event.comm), event.tid);
  if (event.cpu.has_value()) text += fmt::format(", CPU {}", *event.cpu);
  if (event.start_ns.has_value()) text += fmt::format(", at {} ns", *event.start_ns);
  if (event.spike_id > 0) text += fmt::format(", spike {}", event.spike_id);
  box->Write(text, 2);
}

void WriteFinding(const CheckFinding& finding, Box* box) {
  box->Write(fmt::format("{}  {}", NameOf(finding.severity), Printable(finding.text)), 6);
  if (!finding.advice.has_value()) return;
  const std::string rule = finding.advice->rule.empty() ? "" : fmt::format(" [{}]", finding.advice->rule);
  box->Write(fmt::format("      {}{}", Printable(finding.advice->text), rule), 6);
  if (!finding.advice->command.empty()) box->WriteCommand(Printable(finding.advice->command));
}

std::string SubjectOf(const CheckReport& report) {
  std::string text;
  for (const int32_t pid : report.pids) text += fmt::format("{}{}", text.empty() ? "process " : ", ", pid);
  if (!report.cpus.empty()) text += fmt::format("{}CPU {}", text.empty() ? "" : "; ", FormatCpuList(report.cpus));
  if (!report.interface.empty()) text += fmt::format("{}interface {}", text.empty() ? "" : "; ", Printable(report.interface));
  return text;
}

std::string JudgedText(const CheckScope& scope) {
  const std::vector<int> cpus(scope.cpus.begin(), scope.cpus.end());
  const std::string where = cpus.empty() ? "bound to no CPU" : "CPU " + FormatCpuList(cpus);
  std::string text = fmt::format("judged: {}, {}", Counted(scope.threads.size(), "thread"), where);
  if (scope.left_out_thread_count > 0)
    text += fmt::format("; {} that may run anywhere not", Counted(static_cast<uint64_t>(scope.left_out_thread_count), "thread"));
  return text;
}

}  // namespace

std::string CheckText(const CheckReport& report, const TextStyle& style) {
  Box box(style);
  box.Open("hftmon check", report.verdict());
  box.Write(fmt::format("{} for {}{}", SubjectOf(report), FormatDuration(report.end_ns - report.begin_ns),
                        report.private_daemon ? ", by a private hftmond" : ""));
  box.Write(JudgedText(report.scope), 2);
  if (report.interrupted) box.Write("interrupted: this is of a part of the time alone");
  for (const ModuleResult& result : report.modules) {
    box.Divide(NameOf(result.module), result.verdict);
    WriteFigures(result, &box);
    WriteWorst(result, &box);
    for (const CheckFinding& finding : result.findings) WriteFinding(finding, &box);
  }
  const auto regressed =
      std::count_if(report.comparisons.begin(), report.comparisons.end(), [](const auto& each) { return each.regressed; });
  if (!report.comparisons.empty()) {
    box.Divide("baseline", regressed > 0 ? CheckVerdict::kFail : CheckVerdict::kPass);
    box.Write(fmt::format("{} compared, {} regressed", Counted(report.comparisons.size(), "figure"), regressed));
  }
  return box.Close();
}

}  // namespace hftmon
