#include "tests/rig/arm_pmu/result_lines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_replace.h"

namespace hftmon {
namespace {

// In one write: the kernel's own lines do not fall into it.
void Say(std::string line) {
  line.push_back('\n');
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
    if (written <= 0) return;  // no console: the rig misses the sum
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

std::string Words(const testing::TestResult& result) {
  std::string words;
  for (int i = 0; i < result.total_part_count(); ++i) {
    const testing::TestPartResult& part = result.GetTestPartResult(i);
    if (part.passed()) continue;
    words += part.skipped() ? part.message()
                            : fmt::format("{}:{}: {}; ", part.file_name() ? part.file_name() : "", part.line_number(), part.message());
  }
  return absl::StrReplaceAll(words, {{"\n", " | "}});
}

}  // namespace

void ResultLines::OnTestEnd(const testing::TestInfo& info) {
  const testing::TestResult& result = *info.result();
  const char* outcome = result.Failed() ? "FAIL" : result.Skipped() ? "SKIP" : "PASS";
  Say(fmt::format("{} {}.{} {}", outcome, info.test_suite_name(), info.name(), Words(result)));
}

void ResultLines::OnTestProgramEnd(const testing::UnitTest& program) {
  Say(fmt::format("{} passed, {} failed, {} skipped", program.successful_test_count(), program.failed_test_count(),
                  program.skipped_test_count()));
}

}  // namespace hftmon
