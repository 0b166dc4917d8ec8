#include "daemon/control/threshold_arbiter.h"

#include <gtest/gtest.h>

#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

class ThresholdArbiterTest : public ::testing::Test {
 protected:
  std::unique_ptr<ThresholdLease> Lease(int64_t spike_ns, int64_t blocked_ns) { return *arbiter->Lease(spike_ns, blocked_ns); }

  hft_controls controls{};
  std::array<hft_cpu, 3> cpus{};
  FakeMonotonicClock clock;
  ThresholdSettings observed;
  std::shared_ptr<ThresholdArbiter> arbiter = ThresholdArbiter::Create({.controls = &controls, .cpus = cpus}, &clock, TargetDefaults{},
                                                                       [this](const ThresholdSettings& settings) { observed = settings; });
};

TEST_F(ThresholdArbiterTest, DefaultsAreInForceFromTheStart) {
  EXPECT_EQ(controls.run_queue_threshold_ns, 50'000u);
  EXPECT_EQ(controls.off_cpu_threshold_ns, HFT_NO_THRESHOLD);
  for (const hft_cpu& cpu : cpus) {
    EXPECT_EQ(cpu.run_queue_threshold_ns, 50'000u) << "a switch reads its CPU's copy";
    EXPECT_EQ(cpu.off_cpu_threshold_ns, HFT_NO_THRESHOLD);
  }
  EXPECT_EQ(observed, arbiter->settings());
  EXPECT_EQ(arbiter->FloorsSince(0).off_cpu_ns, INT64_MAX);
}

TEST_F(ThresholdArbiterTest, LeaseLowersTheFloorWhileItLives) {
  std::unique_ptr<ThresholdLease> lease = Lease(5'000, 100'000);
  EXPECT_EQ(controls.run_queue_threshold_ns, 5'000u);
  EXPECT_EQ(cpus[2].run_queue_threshold_ns, 5'000u);
  EXPECT_EQ(cpus[2].off_cpu_threshold_ns, 100'000u);
  EXPECT_EQ(controls.off_cpu_threshold_ns, 100'000u);
  EXPECT_EQ(observed.run_queue_threshold_ns, 5'000);
  std::unique_ptr<ThresholdLease> lower = Lease(2'000, 0);
  EXPECT_EQ(controls.run_queue_threshold_ns, 2'000u);
  lease.reset();
  EXPECT_EQ(controls.run_queue_threshold_ns, 2'000u);
  EXPECT_EQ(controls.off_cpu_threshold_ns, HFT_NO_THRESHOLD);
  lower.reset();
  EXPECT_EQ(controls.run_queue_threshold_ns, 50'000u);
  EXPECT_EQ(arbiter->lease_count(), 0u);
}

TEST_F(ThresholdArbiterTest, LeaseAboveTheDefaultLeavesTheKernelAloneAndIsALevel) {
  std::unique_ptr<ThresholdLease> lease = Lease(1'000'000, 0);
  EXPECT_EQ(controls.run_queue_threshold_ns, 50'000u);
  std::unique_ptr<ThresholdLease> same = Lease(1'000'000, 0);
  std::unique_ptr<ThresholdLease> lower = Lease(5'000, 0);
  EXPECT_EQ(observed.run_queue_levels_ns, (std::vector<int64_t>{5'000, 50'000, 1'000'000}));
  lease.reset();
  lower.reset();
  EXPECT_EQ(observed.run_queue_levels_ns, (std::vector<int64_t>{50'000, 1'000'000}));
  same.reset();
  EXPECT_EQ(observed.run_queue_levels_ns, std::vector<int64_t>{50'000});
}

TEST_F(ThresholdArbiterTest, EachThresholdForBlockedOnesIsALevelAndALeasesIsOfAllThreads) {
  EXPECT_TRUE(observed.blocked_levels_ns.empty());
  std::unique_ptr<ThresholdLease> lease = Lease(0, 1'000'000);
  std::unique_ptr<ThresholdLease> other = Lease(0, 20'000);
  EXPECT_EQ(observed.blocked_levels_ns, (std::vector<int64_t>{20'000, 1'000'000}));
  EXPECT_TRUE(observed.held_up.sleeps_of_all);
  lease.reset();
  other.reset();
  EXPECT_TRUE(observed.blocked_levels_ns.empty());
  EXPECT_FALSE(observed.held_up.sleeps_of_all);
}

TEST_F(ThresholdArbiterTest, LeaseOutsideTheBoundsIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(arbiter->Lease(-1, 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(arbiter->Lease(0, 1).status()));
  EXPECT_EQ(arbiter->lease_count(), 0u);
}

TEST_F(ThresholdArbiterTest, FloorsSinceIsTheHighestThatWasInForce) {
  std::unique_ptr<ThresholdLease> lease = Lease(5'000, 70'000);
  const int64_t lowered_ns = clock.NowNs();
  EXPECT_EQ(arbiter->FloorsSince(lowered_ns - 1).run_queue_ns, 50'000);
  EXPECT_EQ(arbiter->FloorsSince(lowered_ns).run_queue_ns, 5'000);
  EXPECT_EQ(arbiter->FloorsSince(lowered_ns).off_cpu_ns, 70'000);
  clock.AdvanceNs(1000);
  lease.reset();  // the floor is high again from here on
  EXPECT_EQ(arbiter->FloorsSince(lowered_ns).run_queue_ns, 50'000);
  EXPECT_EQ(arbiter->FloorsSince(clock.NowNs()).off_cpu_ns, INT64_MAX);
}

TEST_F(ThresholdArbiterTest, HistoryBeyondItsBoundIsKeptAsTheHighest) {
  const int64_t start_ns = clock.NowNs();
  std::unique_ptr<ThresholdLease> base = Lease(4'000, 0);  // ends the time of the default, 50 us
  for (size_t i = 0; i < 2 * ThresholdArbiter::kHistoryMax; ++i) {
    clock.AdvanceNs(1000);
    std::unique_ptr<ThresholdLease> lease = Lease(2'000, 0);
  }
  EXPECT_EQ(arbiter->FloorsSince(start_ns - 1).run_queue_ns, 50'000);
  EXPECT_EQ(arbiter->FloorsSince(clock.NowNs() + 1).run_queue_ns, 4'000);
}

TEST_F(ThresholdArbiterTest, TooManyLeasesAreRefused) {
  std::vector<std::unique_ptr<ThresholdLease>> leases;
  for (size_t i = 0; i < ThresholdArbiter::kLeasesMax; ++i) leases.push_back(Lease(10'000, 0));
  EXPECT_TRUE(absl::IsResourceExhausted(arbiter->Lease(10'000, 0).status()));
  leases.pop_back();
  EXPECT_TRUE(arbiter->Lease(10'000, 0).ok());
}

TEST_F(ThresholdArbiterTest, LeaseMayOutliveTheArbiter) {
  std::unique_ptr<ThresholdLease> lease = Lease(5'000, 0);
  arbiter->Close();
  arbiter.reset();
  lease.reset();
  EXPECT_EQ(controls.run_queue_threshold_ns, 5'000u);  // nobody wrote after the end
}

TEST_F(ThresholdArbiterTest, StallsLowerWhatMakesARecordAndNothingElse) {
  arbiter->SetStallThreshold(3'000);
  EXPECT_EQ(cpus[2].run_queue_threshold_ns, 3'000u);
  EXPECT_EQ(cpus[1].off_cpu_threshold_ns, 3'000u);
  EXPECT_EQ(controls.run_queue_threshold_ns, 50'000u) << "the loop's watches tell by these";
  EXPECT_EQ(controls.off_cpu_threshold_ns, HFT_NO_THRESHOLD);
  EXPECT_EQ(observed.run_queue_threshold_ns, 50'000) << "spikes are those above their own threshold";
  EXPECT_EQ(arbiter->FloorsSince(0).run_queue_ns, 50'000);
  std::unique_ptr<ThresholdLease> lease = Lease(2'000, 100'000);
  EXPECT_EQ(cpus[0].run_queue_threshold_ns, 2'000u);
  EXPECT_EQ(cpus[0].off_cpu_threshold_ns, 3'000u);
  EXPECT_EQ(controls.off_cpu_threshold_ns, 100'000u);
  lease.reset();
  arbiter->SetStallThreshold(kNoThresholdNs);
  EXPECT_EQ(cpus[0].run_queue_threshold_ns, 50'000u);
  EXPECT_EQ(cpus[0].off_cpu_threshold_ns, HFT_NO_THRESHOLD);
}

TEST_F(ThresholdArbiterTest, TheStallFloorOfATimeIsTheHighestInIt) {
  EXPECT_EQ(arbiter->StallFloorSince(0), kNoThresholdNs);
  const int64_t first_ns = clock.NowNs();
  clock.AdvanceNs(1'000);
  arbiter->SetStallThreshold(3'000);
  clock.AdvanceNs(1'000);
  const int64_t second_ns = clock.NowNs();
  arbiter->SetStallThreshold(9'000);
  clock.AdvanceNs(1'000);
  arbiter->SetStallThreshold(4'000);
  EXPECT_EQ(arbiter->StallFloorSince(clock.NowNs()), 4'000);
  EXPECT_EQ(arbiter->StallFloorSince(second_ns), 9'000);
  EXPECT_EQ(arbiter->StallFloorSince(first_ns), kNoThresholdNs) << "at that time there was none";
}

}  // namespace
}  // namespace hftmon
