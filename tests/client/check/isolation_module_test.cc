#include <gtest/gtest.h>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

v1::DurationStatistics* Waits(CheckInputs* inputs, uint64_t count, int64_t max_ns) {
  v1::DurationStatistics* waits = inputs->switches->mutable_threads(0)->mutable_run_queue_latency();
  waits->set_count(count);
  waits->set_max_ns(max_ns);
  return waits;
}

void AddPercentile(v1::DurationStatistics* waits, double percent, int64_t value_ns) {
  v1::Percentile* percentile = waits->add_percentiles();
  percentile->set_percent(percent);
  percentile->set_value_ns(value_ns);
}

ModuleResult Isolation(const CheckInputs& inputs, const CheckLimits& limits = CheckLimits()) {
  return ResultOf(CheckModule::kIsolation, inputs, limits);
}

TEST(IsolationModuleTest, AThreadThatRanAndNeverWaitedPasses) {
  const ModuleResult result = Isolation(QuietInputs());
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(ValueOf(result, "p99_999_runqueue_ns"), 0);
  EXPECT_EQ(result.violations, 0);
  EXPECT_EQ(result.begin_ns, kBeginNs);
}

TEST(IsolationModuleTest, AWaitAboveTheLimitFailsAndNamesWhoRan) {
  CheckInputs inputs = QuietInputs();
  Waits(&inputs, 3, 90'000);
  AddSpike("preempted", 90'000, "thread", "rival", &inputs);
  AddSpike("preempted", 60'000, "thread", "other", &inputs);
  const ModuleResult result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(ValueOf(result, "p99_999_runqueue_ns"), 90'000);
  EXPECT_EQ(result.Find("p99_999_runqueue_ns")->certainty, CheckCertainty::kLargestSeen);
  EXPECT_EQ(result.violations, 1);
  ASSERT_TRUE(result.worst.has_value());
  EXPECT_EQ(result.worst->duration_ns, 90'000);
  EXPECT_EQ(result.worst->cause, "thread");
  EXPECT_EQ(result.worst->actor, "rival");
  EXPECT_EQ(result.worst->start_ns, kBeginNs + 1'000'000'000);
  const CheckFinding* finding = FindingOf(result, "p99_999_runqueue_ns");
  ASSERT_NE(finding, nullptr);
  ASSERT_TRUE(finding->advice.has_value());
  EXPECT_FALSE(finding->advice->command.empty());
}

TEST(IsolationModuleTest, APercentileWithEnoughSamplesIsJudgedInsteadOfTheLargest) {
  CheckInputs inputs = QuietInputs();
  v1::DurationStatistics* waits = Waits(&inputs, 2'000'000, 900'000);
  AddPercentile(waits, 50, 1'000);
  AddPercentile(waits, 99, 2'000);
  AddPercentile(waits, 99.999, 30'000);
  const ModuleResult result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(ValueOf(result, "p50_runqueue_ns"), 1'000);
  EXPECT_EQ(ValueOf(result, "p99_999_runqueue_ns"), 30'000);
  EXPECT_EQ(result.Find("p99_999_runqueue_ns")->certainty, CheckCertainty::kMeasured);
  EXPECT_EQ(ValueOf(result, "max_runqueue_ns"), 900'000);
}

TEST(IsolationModuleTest, PercentilesThatLackWaitsAreNotTaken) {
  CheckInputs inputs = QuietInputs();
  v1::DurationStatistics* waits = Waits(&inputs, 2'000'000, 900'000);
  AddPercentile(waits, 99.999, 30'000);
  waits->set_unbinned_count(5);
  EXPECT_EQ(ValueOf(Isolation(inputs), "p99_999_runqueue_ns"), 900'000);
}

TEST(IsolationModuleTest, NearTheLimitIsAWarning) {
  CheckInputs inputs = QuietInputs();
  Waits(&inputs, 3, 41'000);
  EXPECT_EQ(Isolation(inputs).verdict, CheckVerdict::kWarn);
  Waits(&inputs, 3, 40'000);
  EXPECT_EQ(Isolation(inputs).verdict, CheckVerdict::kPass);
  Waits(&inputs, 3, 50'000);
  EXPECT_EQ(Isolation(inputs).verdict, CheckVerdict::kWarn) << "at most is within";
}

TEST(IsolationModuleTest, AStarvedThreadFailsByTheWaitThatGoesOn) {
  CheckInputs inputs = QuietInputs();
  inputs.threads->mutable_threads(0)->set_cpu_time_ns(0);
  v1::Spike* spike = AddSpike("preempted", 9'000'000'000, "thread", "hog", &inputs);
  spike->set_in_progress(true);
  const ModuleResult result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(ValueOf(result, "p99_999_runqueue_ns"), 9'000'000'000);
}

TEST(IsolationModuleTest, AThreadThatNeverRanHasNoFigureAndAWarning) {
  CheckInputs inputs = QuietInputs();
  inputs.threads->mutable_threads(0)->set_cpu_time_ns(0);
  const ModuleResult result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_FALSE(result.Find("p99_999_runqueue_ns")->value.has_value());
  EXPECT_NE(result.Find("p99_999_runqueue_ns")->reason, "");
}

TEST(IsolationModuleTest, SwitchesAndMigrationsOfOthersAreNotItsOwn) {
  CheckInputs inputs = QuietInputs();
  inputs.switches->mutable_threads(1)->set_involuntary_count(70);
  EXPECT_EQ(Isolation(inputs).verdict, CheckVerdict::kPass);
  inputs.switches->mutable_threads(0)->set_involuntary_count(1);
  ModuleResult result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_NE(FindingOf(result, "involuntary_count"), nullptr);
  inputs.switches->mutable_threads(0)->set_involuntary_count(0);
  inputs.switches->mutable_threads(0)->set_migration_count(2);
  result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  ASSERT_NE(FindingOf(result, "migration_count"), nullptr);
  EXPECT_EQ(FindingOf(result, "migration_count")->advice->command, "taskset -pc 2 101");
}

TEST(IsolationModuleTest, WithoutABoundThreadAllAreJudged) {
  CheckInputs inputs = QuietInputs();
  inputs.threads->mutable_threads(0)->mutable_scheduling()->set_cpus_allowed("0-3");
  inputs.switches->mutable_threads(1)->set_involuntary_count(70);
  EXPECT_EQ(ValueOf(Isolation(inputs), "involuntary_count"), 70);
}

TEST(IsolationModuleTest, NamedThreadsAreJudgedThoughNotBound) {
  CheckInputs inputs = QuietInputs();
  inputs.tids_given = true;
  inputs.switches->mutable_threads(1)->set_involuntary_count(70);
  EXPECT_EQ(ValueOf(Isolation(inputs), "involuntary_count"), 70);
}

TEST(IsolationModuleTest, WithoutAnAnswerNothingPasses) {
  CheckInputs inputs = QuietInputs();
  inputs.switches = absl::UnavailableError("the loop is away");
  const ModuleResult result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_EQ(result.Find("p99_999_runqueue_ns")->reason, "the loop is away");
  EXPECT_EQ(result.Find("involuntary_count")->reason, "the loop is away");
}

TEST(IsolationModuleTest, LostRecordsALateAnswerAndThreadsWithoutAPlaceAreWarnings) {
  for (const auto& spoil :
       {+[](CheckInputs* inputs) { inputs->switches->set_lost_records(3); }, +[](CheckInputs* inputs) { inputs->lost_record_count = 3; },
        +[](CheckInputs* inputs) { inputs->switches->mutable_window()->set_late(true); },
        +[](CheckInputs* inputs) { inputs->switches->set_unslotted_thread_count(1); },
        +[](CheckInputs* inputs) { inputs->switches->mutable_window()->set_off_ns(1); }, +[](CheckInputs* inputs) { inputs->off_ns = 1; },
        +[](CheckInputs* inputs) { inputs->interrupted = true; }, +[](CheckInputs* inputs) { inputs->spikes->set_older_left_out(true); },
        +[](CheckInputs* inputs) { inputs->spikes->set_incomplete(true); }}) {
    CheckInputs inputs = QuietInputs();
    spoil(&inputs);
    const ModuleResult result = Isolation(inputs);
    EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
    EXPECT_EQ(result.findings.size(), 1u) << TextOf(result);
  }
}

TEST(IsolationModuleTest, AnEmptyCpuPassesByWhatIsKnownOfItsWaits) {
  const ModuleResult result = Isolation(QuietCpu());
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(ValueOf(result, "p99_999_runqueue_ns"), kFloorNs);
  EXPECT_EQ(result.Find("p99_999_runqueue_ns")->certainty, CheckCertainty::kAtMost);
  EXPECT_EQ(ValueOf(result, "visitor_count"), 0);
  EXPECT_EQ(result.Find("involuntary_count"), nullptr);
}

TEST(IsolationModuleTest, OnACpuWhoCameIsJudged) {
  CheckInputs inputs = QuietCpu();
  inputs.rule->add_pids(300);
  v1::CpuVisit* visit = inputs.rule->add_visits();
  visit->set_cpu(2);
  visit->set_last_pid(301);
  visit->set_count(4);
  const ModuleResult result = Isolation(inputs);
  EXPECT_EQ(ValueOf(result, "visitor_count"), 2);
  EXPECT_EQ(ValueOf(result, "visit_count"), 4);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
}

TEST(IsolationModuleTest, OnACpuAWaitOfAnybodyCountsAndOneElsewhereDoesNot) {
  CheckInputs inputs = QuietCpu();
  AddSpike("run_queue", 80'000, "thread", "rival", &inputs)->set_cpu(3);
  EXPECT_EQ(Isolation(inputs).verdict, CheckVerdict::kPass);
  AddSpike("run_queue", 70'000, "thread", "rival", &inputs);
  const ModuleResult result = Isolation(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(ValueOf(result, "p99_999_runqueue_ns"), 70'000);
}

}  // namespace
}  // namespace hftmon
