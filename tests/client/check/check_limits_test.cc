#include "client/check/check_limits.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "client/check/check_advice.h"
#include "client/check/check_report.h"
#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

TEST(CheckLimitsTest, EachLimitIsOfAFigureThatItsModuleHas) {
  CheckInputs inputs = QuietInputs();
  inputs.cpus = {2};
  inputs.rule = v1::TargetRule();
  const CheckReport report = MakeReport(inputs, {}, CheckLimits());
  std::set<std::string> names;
  for (const CheckLimit& limit : AllCheckLimits()) {
    EXPECT_TRUE(names.insert(limit.name).second) << limit.name << " stands twice";
    EXPECT_EQ(limit.is_duration, std::string(limit.figure).ends_with("_ns")) << limit.name;
    bool found = false;
    for (const ModuleResult& result : report.modules)
      found = found || (result.module == limit.module && result.Find(limit.figure) != nullptr);
    EXPECT_TRUE(found) << limit.name << ": no module has " << limit.figure;
  }
}

TEST(CheckLimitsTest, AFailureOfAnyLimitHasAdviceWithACommand) {
  for (const CheckLimit& limit : AllCheckLimits()) {
    CheckInputs inputs = QuietInputs();
    ModuleResult result;
    result.module = limit.module;
    result.findings.push_back({.severity = CheckVerdict::kFail, .figure = limit.figure, .text = "", .advice = {}});
    AddAdvice(inputs, ScopeOf(inputs), &result);
    ASSERT_TRUE(result.findings[0].advice.has_value()) << limit.name;
    EXPECT_FALSE(result.findings[0].advice->text.empty()) << limit.name;
    // Where no line is known there is none to move.
    if (std::string(limit.name) != "max_affinity_violations") {
      EXPECT_FALSE(result.findings[0].advice->command.empty()) << limit.name;
    }
    EXPECT_EQ(result.findings[0].advice->command.find('{'), std::string::npos) << result.findings[0].advice->command;
    EXPECT_EQ(result.findings[0].advice->text.find('{'), std::string::npos) << result.findings[0].advice->text;
  }
}

TEST(CheckLimitsTest, AFileChangesWhatItNamesAndNothingElse) {
  CheckLimits limits;
  ASSERT_TRUE(limits.SetFromJson("{\"max_runqueue\": \"20us\", \"max_involuntary\": 3}").ok());
  EXPECT_EQ(limits.Of("max_runqueue"), 20'000);
  EXPECT_EQ(limits.Of("max_involuntary"), 3);
  EXPECT_EQ(limits.Of("max_migrations"), 0);
}

TEST(CheckLimitsTest, AFileThatIsWrongChangesNothingAndIsTold) {
  const std::pair<const char*, const char*> files[] = {
      {"", "JSON object"},
      {"[]", "JSON object"},
      {"{\"max_runqueue\": 20}", "a duration, as \"50us\""},
      {"{\"max_runqueue\": \"20\"}", "max_runqueue"},
      {"{\"max_involuntary\": -1}", "from 0 on"},
      {"{\"max_involuntary\": 1.5}", "a whole number"},
      {"{\"max_involuntary\": 99999999999999999999}", "whole number"},
      {"{\"max_involuntary\": 3, \"max_runqeue\": \"1us\"}", "'max_runqeue': no such limit"}};
  for (const auto& [text, told] : files) {
    CheckLimits limits;
    const absl::Status status = limits.SetFromJson(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(std::string(status.message()).find(told), std::string::npos) << status;
    EXPECT_EQ(limits.Of("max_involuntary"), 0) << text;
  }
}

TEST(CheckLimitsTest, TheLargestLimitsPassWithoutOverflow) {
  CheckLimits limits;
  ASSERT_TRUE(limits.SetFromJson("{\"max_involuntary\": 9223372036854775807, \"max_runqueue\": \"106751d\"}").ok());
  CheckInputs inputs = QuietInputs();
  inputs.switches->mutable_threads(0)->set_involuntary_count(1'000'000);
  EXPECT_EQ(ResultOf(CheckModule::kIsolation, inputs, limits).verdict, CheckVerdict::kPass);
}

}  // namespace
}  // namespace hftmon
