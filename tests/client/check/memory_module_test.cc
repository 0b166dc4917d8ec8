#include <gtest/gtest.h>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

ModuleResult Memory(const CheckInputs& inputs, const CheckLimits& limits = CheckLimits()) {
  return ResultOf(CheckModule::kMemory, inputs, limits);
}

void SetSum(v1::FaultSum* sum, uint64_t count, int64_t duration_ns, int64_t longest_ns) {
  sum->set_count(count);
  sum->set_duration_ns(duration_ns);
  sum->set_longest_ns(longest_ns);
}

TEST(MemoryModuleTest, AThreadWithoutFaultsPassesAndIsKnownToHaveNone) {
  const ModuleResult result = Memory(QuietInputs());
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(ValueOf(result, "p99_999_fault_ns"), 0);
  EXPECT_EQ(ValueOf(result, "remote_access_ppm"), 0) << "there is one node";
}

TEST(MemoryModuleTest, MajorFaultsFailAndMinorOnesBeyondTheLimit) {
  CheckInputs inputs = QuietInputs();
  SetSum(inputs.memory->mutable_threads(0)->mutable_user_minor(), 60, 60'000, 2'000);
  EXPECT_EQ(Memory(inputs).verdict, CheckVerdict::kPass);
  SetSum(inputs.memory->mutable_threads(0)->mutable_kernel_minor(), 60, 60'000, 2'000);
  ModuleResult result = Memory(inputs);
  EXPECT_EQ(ValueOf(result, "minor_fault_count"), 120);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  inputs = QuietInputs();
  SetSum(inputs.memory->mutable_threads(0)->mutable_user_major(), 1, 2'000, 2'000);
  result = Memory(inputs);
  EXPECT_EQ(ValueOf(result, "major_fault_count"), 1);
  EXPECT_NE(FindingOf(result, "major_fault_count"), nullptr);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
}

TEST(MemoryModuleTest, ASlowFaultFailsByItsOwnLength) {
  CheckInputs inputs = QuietInputs();
  SetSum(inputs.memory->mutable_threads(0)->mutable_user_minor(), 50, 400'000, 80'000'000);  // the longest was before
  AddSpike("fault", 300'000, "fault", "", &inputs);
  const ModuleResult result = Memory(inputs);
  EXPECT_EQ(ValueOf(result, "p99_999_fault_ns"), 300'000);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(result.worst->duration_ns, 300'000);
}

TEST(MemoryModuleTest, FaultsOfWhichNoneIsASpikeAreAtMostTheFloor) {
  CheckInputs inputs = QuietInputs();
  SetSum(inputs.memory->mutable_threads(0)->mutable_user_minor(), 50, 100'000, 80'000'000);
  EXPECT_EQ(ValueOf(Memory(inputs), "p99_999_fault_ns"), kFloorNs);
  inputs.memory->clear_fault_floor_ns();
  const ModuleResult result = Memory(inputs);
  EXPECT_EQ(ValueOf(result, "p99_999_fault_ns"), 80'000'000);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn) << "not known closer is no failure";
}

TEST(MemoryModuleTest, ShootdownsFail) {
  CheckInputs inputs = QuietInputs();
  inputs.memory->mutable_threads(0)->mutable_tlb()->set_remote_shootdown_count(11);
  const ModuleResult result = Memory(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_NE(FindingOf(result, "shootdown_count"), nullptr);
}

TEST(MemoryModuleTest, RemoteAccessesNeedCountersWhereThereAreSeveralNodes) {
  CheckInputs inputs = QuietInputs();
  inputs.numa->add_nodes();
  ModuleResult result = Memory(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_FALSE(result.Find("remote_access_ppm")->value.has_value());
  v1::NumaAccesses* accesses = inputs.numa->add_processes()->mutable_accesses();
  accesses->set_local_count(970);
  accesses->set_remote_count(30);
  result = Memory(inputs);
  EXPECT_EQ(ValueOf(result, "remote_access_ppm"), 30'000);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
}

TEST(MemoryModuleTest, ARefusedGroupIsUnavailableAndAWarning) {
  CheckInputs inputs = QuietInputs();
  inputs.memory->mutable_threads(0)->set_available(false);
  inputs.memory->mutable_threads(0)->set_reason("its target does not ask");
  EXPECT_EQ(Memory(inputs).Find("minor_fault_count")->reason, "its target does not ask");
  inputs.refused_groups["memory"] = "quiet hours";
  const ModuleResult result = Memory(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_EQ(result.Find("minor_fault_count")->reason, "quiet hours");
}

}  // namespace
}  // namespace hftmon
