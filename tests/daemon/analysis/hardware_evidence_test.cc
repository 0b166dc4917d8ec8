#include "daemon/analysis/hardware_evidence.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr uint32_t kAll = HFT_STEAL_KNOWN | (HFT_STEAL_KNOWN - 1);

hft_hardware_reading Reading(uint64_t mono_ns, uint64_t smi_count, uint64_t aperf, uint64_t steal_ns = 0, uint32_t known = kAll) {
  hft_hardware_reading reading = {};
  reading.known = known;
  reading.mono_ns = mono_ns;
  reading.begin_ns = mono_ns - 1;
  reading.values[HFT_COUNTER_TSC] = mono_ns * 3;
  reading.values[HFT_COUNTER_APERF] = aperf;
  reading.values[HFT_COUNTER_MPERF] = mono_ns;
  reading.values[HFT_COUNTER_SMI] = smi_count;
  reading.steal_ns = steal_ns;
  return reading;
}

// A millisecond apart, at half the base frequency between the second and the third.
const std::vector<hft_hardware_reading> kReadings = {Reading(1'000, 5, 1'000, 10), Reading(2'000, 5, 2'000, 10),
                                                     Reading(3'000, 7, 2'500, 40), Reading(4'000, 7, 3'500, 40)};

TEST(HardwareEvidenceTest, BoundsAreWhatHappenedBetweenTheReadingsAroundTheSpike) {
  const HardwareEvidence evidence = EvidenceOf(kReadings, 2'100, 2'900);
  EXPECT_EQ(evidence.reading_span_ns, 1'000);
  EXPECT_EQ(evidence.smi_count_max, 2u);
  EXPECT_EQ(evidence.steal_ns_max, 30);
  EXPECT_DOUBLE_EQ(*evidence.frequency_ratio_lowest, 0.5);
  const HardwareEvidence long_one = EvidenceOf(kReadings, 1'500, 3'500);
  EXPECT_EQ(long_one.reading_span_ns, 3'000);
  EXPECT_EQ(long_one.smi_count_max, 2u);
  EXPECT_DOUBLE_EQ(*long_one.frequency_ratio_lowest, 0.5);
}

TEST(HardwareEvidenceTest, WithoutAReadingOnBothSidesNothingIsBounded) {
  for (const auto& [start_ns, end_ns] : {std::pair<int64_t, int64_t>{500, 1'500}, {3'500, 4'500}, {4'500, 5'000}}) {
    const HardwareEvidence evidence = EvidenceOf(kReadings, start_ns, end_ns);
    EXPECT_FALSE(evidence.reading_span_ns.has_value()) << start_ns;
    EXPECT_FALSE(evidence.smi_count_max.has_value());
  }
  EXPECT_FALSE(EvidenceOf({}, 1, 2).reading_span_ns.has_value());
}

TEST(HardwareEvidenceTest, AReadingThatBeganBeforeTheEndIsNotAfterIt) {
  EXPECT_EQ(EvidenceOf(kReadings, 2'100, 2'999).reading_span_ns, 1'000);
  EXPECT_EQ(EvidenceOf(kReadings, 2'100, 3'000).reading_span_ns, 2'000);
}

TEST(HardwareEvidenceTest, WhatAReadingLacksIsAbsentAndACounterThatBeganAnewSaysNothing) {
  const hft_hardware_reading from = Reading(1'000, 5, 1'000);
  EXPECT_FALSE(CounterRise(from, Reading(2'000, 6, 2'000, 0, kAll & ~(1u << HFT_COUNTER_SMI)), HFT_COUNTER_SMI).has_value());
  EXPECT_FALSE(StealRise(from, Reading(2'000, 6, 2'000, 0, HFT_STEAL_KNOWN - 1)).has_value());
  EXPECT_FALSE(CounterRise(from, Reading(2'000, 3, 2'000), HFT_COUNTER_SMI).has_value());
  hft_hardware_reading anew = Reading(2'000, 9, 2'000);
  anew.values[HFT_COUNTER_TSC] = 10;
  EXPECT_FALSE(CounterRise(from, anew, HFT_COUNTER_SMI).has_value()) << "the time stamp counter never falls";
  EXPECT_EQ(CounterRise(from, Reading(2'000, 9, 2'000), HFT_COUNTER_SMI), 4u);
}

TEST(HardwareEvidenceTest, ACpuThatWasIdleAllTheTimeHadNoFrequency) {
  hft_hardware_reading to = Reading(2'000, 5, 1'000);
  to.values[HFT_COUNTER_MPERF] = 1'000;
  EXPECT_FALSE(FrequencyRatio(Reading(1'000, 5, 1'000), to).has_value());
}

TEST(HardwareEvidenceTest, ASiblingIsBusyWithAllButIdleAndTheLastRunnerGoesOn) {
  const std::vector<hft_runner> log = {{100, 0, 0}, {200, 7, 5}, {300, 8, 5}, {350, 0, 0}, {400, 7, 5}};
  const SiblingBusy busy = BusyWithin(log, 150, 450);
  EXPECT_EQ(busy.busy_ns, 200);
  EXPECT_FALSE(busy.truncated);
  EXPECT_EQ(busy.tid, 7u);
  EXPECT_EQ(busy.tgid, 5u);
  EXPECT_EQ(busy.actor_ns, 150);
  const SiblingBusy idle = BusyWithin(log, 110, 190);
  EXPECT_EQ(idle.busy_ns, 0);
  EXPECT_EQ(idle.tid, 0u);
}

TEST(HardwareEvidenceTest, ALogThatBeganWithinTheSpikeIsALowerBoundAndOneThatBeganAfterItSaysNothing) {
  const std::vector<hft_runner> log = {{200, 7, 5}, {300, 0, 0}};
  const SiblingBusy part = BusyWithin(log, 150, 450);
  EXPECT_TRUE(part.truncated);
  EXPECT_EQ(part.busy_ns, 100);
  const SiblingBusy after = BusyWithin(log, 50, 150);
  EXPECT_TRUE(after.truncated);
  EXPECT_FALSE(after.busy_ns.has_value());
  EXPECT_TRUE(BusyWithin({}, 50, 150).truncated);
}

}  // namespace
}  // namespace hftmon
