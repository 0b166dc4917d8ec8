// RuleExample: a fact on which a rule gives advice, and that advice: what each rule is tested by. A new rule has a row here.
#ifndef HFTMON_TESTS_DAEMON_ADVICE_RULE_EXAMPLE_H_
#define HFTMON_TESTS_DAEMON_ADVICE_RULE_EXAMPLE_H_

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/advice/fact.h"
#include "daemon/advice/recommend.h"

namespace hftmon {

inline constexpr int64_t kExampleBeginNs = 1'000'000'000'000;
inline constexpr int64_t kExampleWindowNs = 10'000'000'000;

inline constexpr std::string_view kSwapOnExample =
    "tail -n +2 /run/hftmon.swaps | while read -r area type size used priority; do swapon -p \"$priority\" \"$(printf %b \"$area\")\"; "
    "done && rm /run/hftmon.swaps";

struct RuleExample {
  std::string_view rule;
  std::string_view variant;  // where a rule has several; CamelCase
  FactKind kind;
  FactValues values;
  FactValues below;             // with these the rule is silent: figures below its threshold, or a setting as it should be
  std::string_view cause_part;  // of the cause, with injected numbers
  std::string_view command;     // empty: there is none
  std::string_view undo;
  std::string_view hint_part;  // of the code hint
};

inline void PrintTo(const RuleExample& example, std::ostream* out) {
  *out << example.rule << " " << example.variant;
}

inline Fact FactOf(FactKind kind, FactValues values, uint32_t tid = 4712) {
  Fact fact{.kind = kind, .values = std::move(values)};
  const bool has_thread = !fact.values.contains(FactField::kProcessId);
  if (has_thread) fact.thread = FactThread{.tid = tid, .pid = 4711, .start_ns = 7, .comm = "matcher"};
  fact.evidence = {
      .sentence = "seen", .begin_mono_ns = kExampleBeginNs, .end_mono_ns = kExampleBeginNs + kExampleWindowNs, .spike_ids = {tid}};
  return fact;
}

inline Fact FactOf(const RuleExample& example) {
  return FactOf(example.kind, example.values);
}

inline Fact With(Fact fact, const FactValues& values) {
  for (const auto& [field, value] : values) fact.values[field] = value;
  return fact;
}

inline Fact Without(Fact fact, FactField field) {
  fact.values.erase(field);
  return fact;
}

inline JudgeWindow ExampleWindow() {
  return {.begin_mono_ns = kExampleBeginNs, .end_mono_ns = kExampleBeginNs + kExampleWindowNs};
}

std::vector<RuleExample> InterruptExamples();
std::vector<RuleExample> SchedulingExamples();
std::vector<RuleExample> LockExamples();
std::vector<RuleExample> MemoryExamples();
std::vector<RuleExample> NumaExamples();
std::vector<RuleExample> NetworkExamples();
std::vector<RuleExample> HardwareExamples();
std::vector<RuleExample> HostExamples();
std::vector<RuleExample> CpuExamples();
// Of all subjects.
const std::vector<RuleExample>& RuleExamples();

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_ADVICE_RULE_EXAMPLE_H_
