#include <gtest/gtest.h>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

ModuleResult Network(const CheckInputs& inputs, const CheckLimits& limits = CheckLimits()) {
  return ResultOf(CheckModule::kNetwork, inputs, limits);
}

void AddDrops(CheckInputs* inputs, const std::string& reason, uint64_t count) {
  v1::PacketDrops* drops = inputs->network->add_drops();
  drops->set_reason(reason);
  drops->set_count(count);
}

TEST(NetworkModuleTest, DeliveredPacketsWithoutLossPass) {
  const ModuleResult result = Network(QuietInputs());
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(ValueOf(result, "mean_delivery_ns"), 8'000);
  EXPECT_EQ(ValueOf(result, "p99_999_delivery_ns"), 10'000);
  EXPECT_EQ(result.Find("p99_999_delivery_ns")->certainty, CheckCertainty::kAtMost);
}

TEST(NetworkModuleTest, ALongDeliveryFailsUnlessItMayHaveBeenBefore) {
  CheckInputs inputs = QuietInputs();
  v1::PathTime* way = inputs.network->mutable_threads(0)->mutable_sockets(0)->mutable_arrival_to_copy();
  way->set_longest_ns(500'000);
  way->set_sum_ns(700'000);
  inputs.network_first = *inputs.network;
  EXPECT_EQ(Network(inputs).verdict, CheckVerdict::kWarn) << "one was as long before";
  way->set_sum_ns(90'000);
  EXPECT_EQ(ValueOf(Network(inputs), "longest_delivery_ns"), 90'000) << "all of this time together took no longer";
  way->set_sum_ns(700'000);
  way->set_longest_ns(500'001);
  EXPECT_EQ(Network(inputs).verdict, CheckVerdict::kFail);
}

TEST(NetworkModuleTest, DropsFailButNotOfPacketsThatNobodyWanted) {
  CheckInputs inputs = QuietInputs();
  AddDrops(&inputs, "NO_SOCKET", 9);
  EXPECT_EQ(Network(inputs).verdict, CheckVerdict::kPass);
  EXPECT_EQ(ValueOf(Network(inputs), "unwanted_drop_count"), 9);
  AddDrops(&inputs, "SOCKET_RCVBUFF", 4);
  const ModuleResult result = Network(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(ValueOf(result, "drop_count"), 4);
  EXPECT_NE(FindingOf(result, "drop_count")->advice->command.find("rmem_max"), std::string::npos);
}

TEST(NetworkModuleTest, DropsWithoutAPlaceInTheTableCount) {
  CheckInputs inputs = QuietInputs();
  inputs.network->set_unlisted_drop_count(3);
  EXPECT_EQ(ValueOf(Network(inputs), "drop_count"), 3);
}

TEST(NetworkModuleTest, WhatTheInterfaceDropsFails) {
  CheckInputs inputs = QuietInputs();
  inputs.interface = "eth0";
  inputs.network->add_interfaces()->mutable_counters()->set_rx_missed_errors(1);
  const ModuleResult result = Network(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(FindingOf(result, "device_drop_count")->advice->command, "ethtool -G eth0 rx 4096");
}

TEST(NetworkModuleTest, RetransmitsAndSqueezesFail) {
  CheckInputs inputs = QuietInputs();
  inputs.network->set_retransmit_count(1);
  inputs.network->mutable_cpus(0)->mutable_softnet()->set_time_squeeze_count(2);
  const ModuleResult result = Network(inputs);
  EXPECT_EQ(result.violations, 2);
  EXPECT_NE(FindingOf(result, "retransmit_count"), nullptr);
  EXPECT_NE(FindingOf(result, "squeeze_count"), nullptr);
}

TEST(NetworkModuleTest, ALongSoftirqFailsAndTheStallByItIsTheWorst) {
  CheckInputs inputs = QuietInputs();
  v1::CpuDeferred* cpu = inputs.interrupts->mutable_deferred()->add_cpus();
  cpu->set_cpu(2);
  v1::SoftirqDelay* softirq = cpu->add_softirqs();
  softirq->set_name("NET_RX");
  v1::DelayBucket* bucket = softirq->mutable_duration()->add_buckets();
  bucket->set_upper_ns(900'000);
  bucket->set_count(3);
  AddSpike("interrupted", 850'000, "softirq", "NET_RX (eth0)", &inputs);
  const ModuleResult result = Network(inputs);
  EXPECT_EQ(ValueOf(result, "p99_999_net_rx_ns"), 900'000);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(result.worst->actor, "NET_RX (eth0)");
  EXPECT_EQ(result.worst->duration_ns, 850'000);
}

// A gate on a delivery that nobody saw must not pass: the program may pass the kernel by.
TEST(NetworkModuleTest, WithoutAPacketTheDeliveryIsUnavailableAndAWarning) {
  CheckInputs inputs = QuietInputs();
  inputs.network->mutable_threads(0)->clear_sockets();
  const ModuleResult result = Network(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_FALSE(result.Find("longest_delivery_ns")->value.has_value());
  EXPECT_EQ(ValueOf(result, "delivered_count"), 0);
}

TEST(NetworkModuleTest, ACpuHasNoReaders) {
  const ModuleResult result = Network(QuietCpu());
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(result.Find("longest_delivery_ns"), nullptr);
}

TEST(NetworkModuleTest, ARefusedGroupIsUnavailableAndAWarning) {
  CheckInputs inputs = QuietInputs();
  inputs.network->set_collecting(false);
  inputs.refused_groups["network"] = "quiet hours";
  const ModuleResult result = Network(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_EQ(result.Find("drop_count")->reason, "quiet hours");
  EXPECT_EQ(result.Find("longest_delivery_ns")->reason, "quiet hours");
}

}  // namespace
}  // namespace hftmon
