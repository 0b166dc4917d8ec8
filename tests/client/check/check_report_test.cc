#include "client/check/check_report.h"

#include <gtest/gtest.h>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

TEST(CheckReportTest, ExitCodesAreThoseOfTheWorstModule) {
  CheckInputs inputs = QuietInputs();
  EXPECT_EQ(MakeReport(inputs, {}, CheckLimits()).exit_code(), 0);
  inputs.network->mutable_threads(0)->clear_sockets();
  EXPECT_EQ(MakeReport(inputs, {}, CheckLimits()).exit_code(), 1);
  inputs.switches->mutable_threads(0)->set_involuntary_count(1);
  EXPECT_EQ(MakeReport(inputs, {}, CheckLimits()).exit_code(), 2);
  inputs.interrupted = true;
  EXPECT_EQ(MakeReport(inputs, {}, CheckLimits()).exit_code(), 130);
}

TEST(CheckReportTest, OnlyTheModulesThatWereAskedForAreThere) {
  CheckInputs inputs = QuietInputs();
  inputs.modules = {CheckModule::kMemory};
  const CheckReport report = MakeReport(inputs, {}, CheckLimits());
  ASSERT_EQ(report.modules.size(), 1u);
  EXPECT_EQ(report.modules[0].module, CheckModule::kMemory);
}

TEST(CheckReportTest, SegmentsMakeSeriesOfRates) {
  std::vector<CheckInputs> segments(4, QuietInputs());
  for (size_t i = 0; i < segments.size(); ++i) {
    segments[i].end_ns = segments[i].begin_ns + 500'000'000;
    segments[i].switches->mutable_threads(0)->set_involuntary_count(i);
  }
  const CheckReport report = MakeReport(QuietInputs(), segments, CheckLimits());
  EXPECT_EQ(report.series.values.at("isolation.involuntary_count"), (std::vector<double>{0, 2, 4, 6}));
  EXPECT_EQ(report.series.values.at("isolation.p50_runqueue_ns").size(), 4u);
  EXPECT_EQ(report.series.values.count("isolation.max_runqueue_ns"), 0u);
}

TEST(CheckReportTest, ARegressionIsAFailureOfItsModule) {
  CheckSeries before;
  before.values["isolation.involuntary_count"] = {1, 2, 1, 3, 2, 1, 2, 1, 2, 3};
  CheckReport report = MakeReport(QuietInputs(), {}, CheckLimits());
  report.series.values["isolation.involuntary_count"] = {9, 8, 9, 7, 8, 9, 8, 9, 9, 8};
  CompareWithBaseline(before, &report);
  EXPECT_EQ(report.modules[0].verdict, CheckVerdict::kFail);
  EXPECT_EQ(report.exit_code(), 2);
  const CheckFinding* finding = FindingOf(report.modules[0], "involuntary_count");
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->text.find("regressed"), std::string::npos);
  EXPECT_EQ(report.modules[2].verdict, CheckVerdict::kWarn) << "nothing of memory could be compared";
}

}  // namespace
}  // namespace hftmon
