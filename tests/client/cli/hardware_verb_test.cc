// `hardware`: what hardware and hypervisor do to CPUs, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/cli/render/hardware.h"
#include "client/cli/render/warnings.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using HardwareVerbTest = CliFixture;

// A CPU of which all is known, and one that never ticked.
v1::QueryHardwareResponse SomeHardware() {
  v1::QueryHardwareResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    time { monotonic_ns: 11000000000 }
    collecting: true attach_cross_calls: 8
    sources { name: "smi" available: true reason: "msr PMU: smi" }
    sources { name: "machine_checks" available: true reason: "mce_record" }
    cpus { cpu: 0 reading_count: 640 reading_age_ns: 3000000 readings_span_ns: 500000000 smi_count: 17 tsc_hz: 2.4e9
      frequency_ratio: 0.987 frequency_ratio_lowest: 0.5 frequency_drop_count: 2
      idle_states { index: 1 name: "C1" target_latency_ns: 2000 count: 90 duration_ns: 5000000 longest_ns: 800000 }
      frequency_change_count: 4 machine_check_count: 1 last_machine_check { bank: 5 status: 255 monotonic_ns: 7 }
      core_throttle_count: 3 core_throttle_ns: 20000000 steal_ns: 1500000 steal_age_ns: 10 smt_siblings: 4 smt_siblings: 5 }
    cpus { cpu: 3 })",
                                                            &response));
  return response;
}

TEST_F(HardwareVerbTest, EachCpuHasARowAndWhatIsNotKnownIsADash) {
  v1::QueryHardwareRequest seen;
  monitor_.query_hardware = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeHardware();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"hardware", "--cpus", "0,3"}, console), 0) << console.err();
  EXPECT_THAT(seen.cpus(), ElementsAre(0, 3));
  EXPECT_FALSE(seen.read_registers());
  for (const char* part : {"3ms ago", "17", "98.7 %", "50.0 %", "3 (20ms)", "1.5ms", "4-5", "bank 5, status 0xff", "1 C1",
                           "since the programs were attached"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  EXPECT_THAT(console.out(), HasSubstr("  3         0        -     -          -"));
  EXPECT_THAT(console.out(), Not(HasSubstr("unavailable")));
}

TEST_F(HardwareVerbTest, JsonLeavesOutWhatIsNotKnown) {
  const json answer = json::parse(JsonLine(HardwareJson(SomeHardware())));
  EXPECT_EQ(answer["cpus"][0]["smi_count"], 17);
  EXPECT_EQ(answer["cpus"][0]["idle_states"][0]["longest_ns"], 800'000);
  EXPECT_EQ(answer["cpus"][0]["last_machine_check"]["status"], 255);
  for (const char* key :
       {"smi_count", "reading_age_ns", "frequency_ratio", "machine_check_count", "core_throttle_count", "steal_ns", "registers"}) {
    EXPECT_FALSE(answer["cpus"][1].contains(key)) << key;
  }
  EXPECT_FALSE(answer["sources"][0].contains("mend"));
}

TEST_F(HardwareVerbTest, WhatIsUnavailableIsNamedWithItsMendAndIsAWarning) {
  monitor_.query_hardware = [](const auto&, auto* response) {
    v1::HardwareSource* source = response->add_sources();
    source->set_name("smi");
    source->set_reason("no event smi");
    source->set_mend("another processor");
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"hardware"}, console), 1);
  EXPECT_THAT(console.out(), HasSubstr("smi unavailable: no event smi: another processor"));
  EXPECT_THAT(console.err(), HasSubstr("attach a process with --probes hardware"));
  EXPECT_THAT(console.err(), HasSubstr("can be mended: smi"));
}

TEST_F(HardwareVerbTest, WhatTheMachineCannotHaveIsSaidAndIsNoWarning) {
  monitor_.query_hardware = [](const auto&, auto* response) {
    *response = SomeHardware();
    v1::HardwareSource* steal = response->add_sources();
    steal->set_name("steal");
    steal->set_reason("no hypervisor is seen");
    v1::HardwareSource* registers = response->add_sources();
    registers->set_name("registers");
    registers->set_reason("/dev/cpu/0/msr: not there");
    registers->set_mend("modprobe msr");
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"hardware"}, console), 0) << console.err();
  EXPECT_THAT(console.out(), HasSubstr("steal unavailable: no hypervisor is seen\n"));
  EXPECT_THAT(console.out(), HasSubstr("registers unavailable: /dev/cpu/0/msr: not there: modprobe msr"));
}

TEST_F(HardwareVerbTest, RegistersAreReadOfNamedCpusOnlyAndTheirPriceIsSaid) {
  StringConsole refused;
  EXPECT_EQ(Run({"hardware", "--read-registers"}, refused), 3);
  EXPECT_THAT(refused.err(), HasSubstr("name them with --cpus"));
  v1::QueryHardwareRequest seen;
  monitor_.query_hardware = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeHardware();
    response->set_register_cross_calls(2);
    v1::ModelRegister* reading = response->mutable_cpus(0)->add_registers();
    reading->set_name("MSR_SMI_COUNT");
    reading->set_address(0x34);
    reading->set_value(17);
    response->mutable_cpus(1)->set_registers_reason("/dev/cpu/3/msr: no: modprobe msr");
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"hardware", "--cpus", "0,3", "--read-registers"}, console), 1);
  EXPECT_TRUE(seen.read_registers());
  EXPECT_THAT(console.out(), HasSubstr("MSR_SMI_COUNT"));
  EXPECT_THAT(console.out(), HasSubstr("reading them sent 2 interrupts"));
  EXPECT_THAT(console.out(), HasSubstr("registers unavailable: /dev/cpu/3/msr: no: modprobe msr"));
}

TEST(HardwareEvidenceTextTest, BoundsAndBusySiblingsAreLinesAndNothingIsNone) {
  v1::HardwareEvidence evidence;
  EXPECT_THAT(HardwareEvidenceText(evidence), IsEmpty());
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    reading_span_ns: 4000000 smi_count_max: 1 steal_ns_max: 250000 frequency_ratio_lowest: 0.8
    siblings { cpu: 5 busy_ns: 30000 truncated: true tid: 13 pid: 12 comm: "feed" actor_ns: 25000 }
    siblings { cpu: 6 })",
                                                            &evidence));
  EXPECT_EQ(
      HardwareEvidenceText(evidence),
      "    CPU within 4ms around it: at most 1 SMI, at most 250us stolen by the hypervisor, its frequency at 80.0 % of the base or more\n"
      "    SMT sibling CPU 5 was busy for 30us of it or more, most of it with feed[12/13]: 25us\n");
  const json answer = HardwareEvidenceJson(evidence);
  EXPECT_EQ(answer["smi_count_max"], 1);
  EXPECT_FALSE(answer["siblings"][1].contains("busy_ns"));
}

}  // namespace
}  // namespace hftmon
