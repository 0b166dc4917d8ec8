#include <gmock/gmock.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HardwareRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    hardware_.online = {0, 2};
    hardware_.sources = {{.name = "smi", .available = true, .reason = "msr PMU"},
                         {.name = "registers", .reason = "not there", .mend = "modprobe msr"}};
  }
  grpc::Status Query(const v1::QueryHardwareRequest& request) { return stub_->QueryHardware(Context().get(), request, &response_); }

  v1::QueryHardwareResponse response_;
};

TEST_F(HardwareRpcTest, WhatIsKnownOfEachOnlineCpuIsToldAndTheRestIsAbsent) {
  CpuHardwareTotal total{.cpu = 2, .reading_count = 9, .reading_mono_ns = kNowNs - 5'000, .smi_count = 0};
  total.frequency_ratio_lowest = 0.75;
  total.idle_states.push_back({.index = 1, .name = "C1", .target_latency_ns = 2'000, .count = 4, .duration_ns = 50, .longest_ns = 30});
  total.last_machine_check = {.bank = 3, .status = 1ull << 63, .mono_ns = 12};
  total.throttle.core_count = 6;
  total.steal_ns = 100;
  total.steal_mono_ns = kNowNs - 7'000;
  total.smt_siblings = {0};
  hardware_.totals[2] = total;
  hardware_.is_collecting = true;
  ASSERT_TRUE(Query({}).ok());
  EXPECT_TRUE(response_.collecting());
  EXPECT_EQ(response_.attach_cross_calls(), 8u);
  EXPECT_EQ(response_.register_cross_calls(), 0u);
  ASSERT_EQ(response_.sources_size(), 2);
  EXPECT_EQ(response_.sources(1).mend(), "modprobe msr");
  ASSERT_EQ(response_.cpus_size(), 2);
  EXPECT_EQ(response_.cpus(0).cpu(), 0);
  EXPECT_FALSE(response_.cpus(0).has_reading_age_ns());
  EXPECT_FALSE(response_.cpus(0).has_smi_count());
  const v1::CpuHardware& cpu = response_.cpus(1);
  EXPECT_EQ(cpu.reading_age_ns(), 5'000);
  EXPECT_TRUE(cpu.has_smi_count());
  EXPECT_EQ(cpu.smi_count(), 0u);
  EXPECT_FALSE(cpu.has_frequency_ratio());
  EXPECT_DOUBLE_EQ(cpu.frequency_ratio_lowest(), 0.75);
  EXPECT_EQ(cpu.idle_states(0).longest_ns(), 30);
  EXPECT_EQ(cpu.last_machine_check().status(), 1ull << 63);
  EXPECT_EQ(cpu.core_throttle_count(), 6u);
  EXPECT_FALSE(cpu.has_package_throttle_count());
  EXPECT_EQ(cpu.steal_age_ns(), 7'000);
  EXPECT_THAT(cpu.smt_siblings(), ElementsAre(0));
  EXPECT_TRUE(hardware_.registers_read.empty()) << "nobody asked for it";
}

TEST_F(HardwareRpcTest, RegistersAreReadOfTheCpusNamedAndOfNoOther) {
  v1::QueryHardwareRequest request;
  request.set_read_registers(true);
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(hardware_.registers_read.empty());
  request.add_cpus(2);
  hardware_.registers = {.values = {{"MSR_SMI_COUNT", 0x34, 5}}, .reason = "IA32_APERF: no", .mend = "none", .cross_call_count = 3};
  ASSERT_TRUE(Query(request).ok());
  EXPECT_THAT(hardware_.registers_read, ElementsAre(2));
  EXPECT_EQ(response_.register_cross_calls(), 3u);
  ASSERT_EQ(response_.cpus_size(), 1);
  EXPECT_EQ(response_.cpus(0).registers(0).value(), 5u);
  EXPECT_EQ(response_.cpus(0).registers_reason(), "IA32_APERF: no: none");
}

TEST_F(HardwareRpcTest, ACpuThatIsNotThereIsNamed) {
  v1::QueryHardwareRequest request;
  request.add_cpus(4);
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("give CPUs of 0-3"));
  request.set_cpus(0, -1);
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(HardwareRpcTest, ItIsAQueryAsOthersAreAndItsAnswerIsBounded) {
  server_->SetLimits({.queries_max = 0});
  v1::QueryHardwareRequest request;
  request.set_read_registers(true);
  request.add_cpus(2);
  const grpc::Status refused = Query(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(refused).reason(), "QUERY_LIMIT");
  EXPECT_TRUE(hardware_.registers_read.empty());
  server_->SetLimits({.answer_rows_max = 1});
  const grpc::Status large = Query({});
  EXPECT_EQ(large.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(large).reason(), "ANSWER_LIMIT");
  server_->SetLimits({});
  EXPECT_TRUE(Query({}).ok());
}

TEST_F(HardwareRpcTest, ASpikesEvidenceComesWithItAndStaysOutOfItsBudget) {
  CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
  AppendSpike(kNowNs - 1'000, 400'000);
  HardwareEvidence evidence;
  evidence.reading_span_ns = 4'000'000;
  evidence.smi_count_max = 1;
  evidence.siblings.push_back({.cpu = 3, .busy_ns = 90, .truncated = true, .error_ns = 40, .tid = 77, .tgid = 70, .actor_ns = 80});
  hardware_.evidence = evidence;
  v1::DetectSpikesResponse spikes;
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), {}, &spikes).ok());
  ASSERT_EQ(spikes.spikes_size(), 1);
  const v1::HardwareEvidence& hardware = spikes.spikes(0).hardware();
  EXPECT_EQ(hardware.smi_count_max(), 1u);
  EXPECT_FALSE(hardware.has_steal_ns_max());
  EXPECT_EQ(hardware.siblings(0).busy_ns(), 90);
  EXPECT_TRUE(hardware.siblings(0).truncated());
  EXPECT_EQ(hardware.siblings(0).comm(), "thread77");
  int64_t sum_ns = spikes.spikes(0).unexplained_ns();
  for (const v1::Cause& cause : spikes.spikes(0).causes()) sum_ns += cause.duration_ns();
  EXPECT_EQ(sum_ns, spikes.spikes(0).duration_ns());
  hardware_.evidence.reset();
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), {}, &spikes).ok());
  EXPECT_FALSE(spikes.spikes(0).has_hardware());
}

}  // namespace
}  // namespace hftmon
