#include <gtest/gtest.h>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

ModuleResult Irq(const CheckInputs& inputs, const CheckLimits& limits = CheckLimits()) {
  return ResultOf(CheckModule::kIrq, inputs, limits);
}

void AddSource(v1::CpuInterrupts* cpu, const std::string& name, uint64_t count, int64_t self_ns) {
  v1::InterruptSource* source = cpu->add_sources();
  source->set_kind("hard_irq");
  source->set_name(name);
  source->set_count(count);
  source->set_self_ns(self_ns);
}

v1::CpuDeferred* DeferredOf(CheckInputs* inputs, int cpu) {
  v1::CpuDeferred* row = inputs->interrupts->mutable_deferred()->add_cpus();
  row->set_cpu(cpu);
  return row;
}

void AddBucket(v1::DelaySums* sums, int64_t upper_ns, uint64_t count) {
  v1::DelayBucket* bucket = sums->add_buckets();
  bucket->set_upper_ns(upper_ns);
  bucket->set_count(count);
}

TEST(IrqModuleTest, AQuietThreadPasses) {
  const ModuleResult result = Irq(QuietInputs());
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(result.Find("longest_interruption_ns")->certainty, CheckCertainty::kAtMost);
  EXPECT_EQ(ValueOf(result, "longest_interruption_ns"), 4'000);
  EXPECT_EQ(result.end_ns - result.begin_ns, kDurationNs);
}

TEST(IrqModuleTest, ALongInterruptionFailsAndNamesItsSource) {
  CheckInputs inputs = QuietInputs();
  AddSpike("interrupted", 120'000, "hard_irq", "eth0-rx-0", &inputs);
  const ModuleResult result = Irq(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(ValueOf(result, "longest_interruption_ns"), 120'000);
  EXPECT_EQ(result.worst->actor, "eth0-rx-0");
  EXPECT_EQ(result.worst->cause, "hard_irq");
}

// The longest stretch is since watching began: it may have been before.
TEST(IrqModuleTest, AnOldStretchAboveTheLimitIsAWarningWhereSingleOnesAreNotKnown) {
  CheckInputs inputs = QuietInputs();
  inputs.interrupts->mutable_threads(0)->set_stretch_max_ns(900'000);
  EXPECT_EQ(ValueOf(Irq(inputs), "longest_interruption_ns"), kFloorNs) << "a longer one would be a spike";
  inputs.spikes->clear_floor_ns();
  const ModuleResult result = Irq(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  ASSERT_NE(FindingOf(result, "longest_interruption_ns"), nullptr);
  EXPECT_EQ(FindingOf(result, "longest_interruption_ns")->severity, CheckVerdict::kWarn);
}

TEST(IrqModuleTest, TimeTakenIsTheWorstThreadsShare) {
  CheckInputs inputs = QuietInputs();
  inputs.interrupts->mutable_threads(0)->set_count(1'000);
  inputs.interrupts->mutable_threads(0)->set_self_ns(kDurationNs / 50);
  const ModuleResult result = Irq(inputs);
  EXPECT_EQ(ValueOf(result, "interrupted_ppm"), 20'000);
  EXPECT_EQ(ValueOf(result, "interrupt_count"), 1'000);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
}

TEST(IrqModuleTest, OnlyTheCheckedCpusAreCounted) {
  CheckInputs inputs = QuietInputs();
  AddSource(inputs.interrupts->mutable_cpus(0), "device", 7, 7'000);
  AddSource(inputs.interrupts->mutable_cpus(0), "local_timer", 11, 1'000);
  AddSource(inputs.interrupts->mutable_cpus(0), "reschedule", 2, 1'000);
  AddSource(inputs.interrupts->mutable_cpus(0), "call_function", 3, 1'000);
  v1::CpuInterrupts* other = inputs.interrupts->add_cpus();
  other->set_cpu(0);
  AddSource(other, "device", 99, 99'000);
  const ModuleResult result = Irq(inputs);
  EXPECT_EQ(ValueOf(result, "device_count"), 7);
  EXPECT_EQ(ValueOf(result, "local_timer_count"), 11);
  EXPECT_EQ(ValueOf(result, "ipi_count"), 5);
}

TEST(IrqModuleTest, HandlersAndOverlapsOfTheCheckedCpusAreJudged) {
  CheckInputs inputs = QuietInputs();
  AddBucket(DeferredOf(&inputs, 0)->add_handlers()->mutable_duration(), 400'000, 5);
  EXPECT_EQ(ValueOf(Irq(inputs), "handler_count"), 0);
  AddBucket(DeferredOf(&inputs, 2)->add_handlers()->mutable_duration(), 80'000, 5);
  ModuleResult result = Irq(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(ValueOf(result, "p99_999_handler_ns"), 80'000);
  inputs = QuietInputs();
  v1::SoftirqDelay* softirq = DeferredOf(&inputs, 2)->add_softirqs();
  softirq->set_name("NET_RX");
  softirq->set_overlapped_count(101);
  result = Irq(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  ASSERT_NE(FindingOf(result, "softirq_overlap_count"), nullptr);
}

TEST(IrqModuleTest, ALineThatIsSentToTheThreadsCpuFailsWithTheCommandThatKeepsItOff) {
  CheckInputs inputs = QuietInputs();
  v1::InterruptLine* line = inputs.interrupts->add_lines();
  line->set_irq(39);
  line->add_handlers("eth0");
  for (const int cpu : {0, 1, 2, 3}) line->add_allowed_cpus(cpu);
  line->add_effective_cpus(1);
  EXPECT_EQ(Irq(inputs).verdict, CheckVerdict::kPass) << "it may be sent there, and is not";
  line->set_effective_cpus(0, 2);
  const ModuleResult result = Irq(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  ASSERT_NE(FindingOf(result, "affinity_violation_count"), nullptr);
  EXPECT_EQ(FindingOf(result, "affinity_violation_count")->advice->command, "echo 0-1,3 > /proc/irq/39/smp_affinity_list");
}

TEST(IrqModuleTest, TheDaemonsOwnAdviceGoesBeforeTheHint) {
  CheckInputs inputs = QuietInputs();
  AddSpike("interrupted", 120'000, "hard_irq", "eth0-rx-0", &inputs);
  v1::Recommendation* advice = inputs.advice->add_recommendations();
  advice->set_rule("irq-on-watched-core");
  advice->set_cause("irq 39 took 2 ms of hot");
  advice->mutable_action()->set_command("echo 0 > /proc/irq/39/smp_affinity_list");
  advice->mutable_action()->set_undo("echo 2 > /proc/irq/39/smp_affinity_list");
  const CheckFinding* finding = nullptr;
  const ModuleResult result = Irq(inputs);
  finding = FindingOf(result, "longest_interruption_ns");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->advice->rule, "irq-on-watched-core");
  EXPECT_EQ(finding->advice->command, "echo 0 > /proc/irq/39/smp_affinity_list");
  EXPECT_EQ(finding->advice->undo, "echo 2 > /proc/irq/39/smp_affinity_list");
}

TEST(IrqModuleTest, ARefusedGroupIsUnavailableAndAWarning) {
  CheckInputs inputs = QuietInputs();
  inputs.interrupts->mutable_deferred()->set_collecting(false);
  inputs.refused_groups["irq"] = "quiet hours: `hftmon quiet off`";
  const ModuleResult result = Irq(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_EQ(result.Find("p99_999_handler_ns")->reason, "quiet hours: `hftmon quiet off`");
  EXPECT_EQ(ValueOf(result, "interrupt_count"), 0);
}

TEST(IrqModuleTest, WithoutABoundThreadALineCannotBeWrong) {
  CheckInputs inputs = QuietInputs();
  inputs.threads->mutable_threads(0)->mutable_scheduling()->set_cpus_allowed("0-3");
  const ModuleResult result = Irq(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_FALSE(result.Find("affinity_violation_count")->value.has_value());
}

}  // namespace
}  // namespace hftmon
