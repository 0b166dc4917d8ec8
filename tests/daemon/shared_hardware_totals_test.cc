#include "daemon/shared_hardware_totals.h"

#include <gmock/gmock.h>

#include <map>

#include "tests/daemon/os/fixture_tree.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kAllCounters = HFT_STEAL_KNOWN - 1;
constexpr uint64_t kMs = 1'000'000;

class SharedHardwareTotalsTest : public ::testing::Test {
 protected:
  SharedHardwareTotalsTest() { host_.Write("/sys/devices/system/cpu/online", "0-1\n"); }
  SharedHardwareTotals Totals() {
    SharedHardwareTotals::Parts parts;
    parts.view.hardware = hardware_;
    parts.view.interrupts = interrupts_;
    parts.files = host_.root();
    parts.vendor = vendor_;
    parts.is_virtual = is_virtual_;
    parts.why_not = [this](std::string_view name) {
      const auto found = missing_.find(std::string(name));
      return found == missing_.end() ? "" : found->second;
    };
    parts.has_interrupt_program = [](std::string_view program) { return program != "on_deferred_error_apic_enter"; };
    parts.collecting = [this] { return collecting_; };
    parts.cross_calls = [] { return uint64_t{6}; };
    return SharedHardwareTotals(std::move(parts));
  }
  std::map<std::string, HardwareSource> Sources() {
    std::map<std::string, HardwareSource> sources;
    for (const HardwareSource& source : Totals().Sources()) {
      if (source.available) {
        EXPECT_EQ(source.mend, "") << source.name;
      }
      EXPECT_NE(source.reason, "") << source.name;
      sources[source.name] = source;
    }
    return sources;
  }
  void TakeReading(uint64_t mono_ns, uint64_t aperf, uint64_t mperf, uint64_t smi_count) {
    hft_hardware_reading& reading = hardware_[1].readings[hardware_[1].position++ % HFT_HARDWARE_READINGS];
    reading = {.sequence = static_cast<uint32_t>(hardware_[1].position), .known = kAllCounters, .mono_ns = mono_ns};
    reading.values[HFT_COUNTER_TSC] = mono_ns * 2;
    reading.values[HFT_COUNTER_APERF] = aperf;
    reading.values[HFT_COUNTER_MPERF] = mperf;
    reading.values[HFT_COUNTER_SMI] = smi_count;
  }

  FixtureTree host_;
  std::string vendor_ = "GenuineIntel";
  bool is_virtual_ = false;
  std::map<std::string, std::string> missing_;
  bool collecting_ = true;
  std::vector<hft_cpu_hardware> hardware_{2};
  std::vector<hft_cpu_interrupts> interrupts_{2};
};

TEST_F(SharedHardwareTotalsTest, ReadingsAreTheNewestCountsAndTheRatesOfTheirSpan) {
  TakeReading(10 * kMs, 0, 0, 1);
  TakeReading(11 * kMs, 1'000, 1'000, 1);
  TakeReading(12 * kMs, 1'500, 2'000, 4);
  TakeReading(13 * kMs, 2'500, 3'000, 4);
  const CpuHardwareTotal total = Totals().Read(1);
  EXPECT_EQ(total.reading_count, 4u);
  EXPECT_EQ(total.reading_mono_ns, int64_t{13 * kMs});
  EXPECT_EQ(total.readings_span_ns, int64_t{3 * kMs});
  EXPECT_EQ(total.smi_count, 4u);
  EXPECT_DOUBLE_EQ(*total.tsc_hz, 2e9);
  EXPECT_DOUBLE_EQ(*total.frequency_ratio, 2'500.0 / 3'000);
  EXPECT_DOUBLE_EQ(*total.frequency_ratio_lowest, 0.5);
  EXPECT_EQ(total.frequency_drop_count, 1u);
  collecting_ = false;
  EXPECT_FALSE(Totals().Read(1).smi_count.has_value()) << "what was read before is not what is";
  EXPECT_EQ(Totals().Read(1).reading_count, 0u) << "none since the programs were attached: they are not";
}

TEST_F(SharedHardwareTotalsTest, WithoutAReadingNothingIsKnown) {
  const CpuHardwareTotal total = Totals().Read(0);
  EXPECT_FALSE(total.reading_mono_ns.has_value());
  EXPECT_FALSE(total.smi_count.has_value());
  EXPECT_FALSE(total.tsc_hz.has_value());
  EXPECT_FALSE(total.frequency_ratio.has_value());
  EXPECT_FALSE(total.frequency_drop_count.has_value());
  EXPECT_FALSE(total.steal_ns.has_value());
  EXPECT_FALSE(total.throttle.core_count.has_value());
  EXPECT_FALSE(total.frequency_change_count.has_value()) << "no driver";
}

TEST_F(SharedHardwareTotalsTest, IdleStatesAreTheProgramsWithTheDriversNamesAndElseTheDriversOwn) {
  host_.Write("/sys/devices/system/cpu/cpu0/cpuidle/state1/name", "C1\n");
  host_.Write("/sys/devices/system/cpu/cpu0/cpuidle/state1/latency", "2\n");
  host_.Write("/sys/devices/system/cpu/cpu0/cpuidle/state1/usage", "1000\n");
  host_.Write("/sys/devices/system/cpu/cpu0/cpuidle/state1/time", "50\n");
  hardware_[0].idle[1] = {.count = 7, .duration_ns = 700, .longest_ns = 200};
  hardware_[0].idle[3] = {.count = 1, .duration_ns = 9, .longest_ns = 9};
  hardware_[0].idle_unpaired_count = 2;
  const CpuHardwareTotal told = Totals().Read(0);
  EXPECT_FALSE(told.idle_states_since_boot);
  EXPECT_EQ(told.idle_unpaired_count, 2u);
  ASSERT_EQ(told.idle_states.size(), 2u);
  EXPECT_EQ(told.idle_states[0].name, "C1");
  EXPECT_EQ(told.idle_states[0].target_latency_ns, 2'000);
  EXPECT_EQ(told.idle_states[0].count, 7u);
  EXPECT_EQ(told.idle_states[0].longest_ns, 200);
  EXPECT_EQ(told.idle_states[1].name, "");
  missing_["on_idle"] = "this kernel has no tp_btf/cpu_idle";
  const CpuHardwareTotal read = Totals().Read(0);
  EXPECT_TRUE(read.idle_states_since_boot);
  ASSERT_EQ(read.idle_states.size(), 1u);
  EXPECT_EQ(read.idle_states[0].count, 1'000u);
  EXPECT_EQ(read.idle_states[0].duration_ns, 50'000);
  EXPECT_FALSE(read.idle_states[0].longest_ns.has_value());
  EXPECT_THAT(Sources()["c_states"].reason, HasSubstr("sysfs"));
  host_.Write("/sys/devices/system/cpu/cpu0/cpuidle/state1/time", "x\n");
  EXPECT_THAT(Totals().Read(0).idle_states, IsEmpty()) << "a time that cannot be read is not 0";
}

TEST_F(SharedHardwareTotalsTest, SumsAreOfTheProgramsWhileTheyAreAttached) {
  TakeReading(10 * kMs, 0, 0, 1);
  TakeReading(11 * kMs, 0, 0, 4);
  hardware_[1].idle[2].count = 9;
  interrupts_[1].steal_mono_ns = 5;
  interrupts_[1].steal_ns = 700;
  const std::vector<CpuHardwareSums> sums = Totals().Sums();
  ASSERT_EQ(sums.size(), 2u);
  EXPECT_EQ(sums[1].cpu, 1);
  EXPECT_EQ(sums[1].smi_count, 4u);
  EXPECT_EQ(sums[1].steal_ns, 700);
  ASSERT_EQ(sums[1].idle_counts.size(), size_t{HFT_IDLE_STATES});
  EXPECT_EQ(sums[1].idle_counts[2], 9u);
  EXPECT_FALSE(sums[0].smi_count.has_value());
  EXPECT_FALSE(sums[0].steal_ns.has_value()) << "it has not ticked";
  missing_["on_idle"] = "no tracepoint";
  EXPECT_THAT(Totals().Sums()[1].idle_counts, IsEmpty());
  collecting_ = false;
  EXPECT_THAT(Totals().Sums(), IsEmpty());
}

TEST_F(SharedHardwareTotalsTest, MachineChecksFrequencyAndTheProcessorsOwnInterruptsAreTold) {
  host_.MakeDirectory("/sys/devices/system/cpu/cpufreq/policy0");
  hardware_[0].frequency_change_count = 3;
  hardware_[0].frequency_khz = 2'000'000;
  hardware_[0].frequency_lowest_khz = 1'200'000;
  hardware_[0].check_count = 1;
  hardware_[0].check_bank = 4;
  hardware_[0].check_status = 0x9c00'0000'0000'0001;
  interrupts_[0].run_count[HFT_PROGRAM_THERMAL] = 8;
  interrupts_[0].steal_ns = 77;
  interrupts_[0].steal_mono_ns = 9;
  const CpuHardwareTotal total = Totals().Read(0);
  EXPECT_EQ(total.frequency_change_count, 3u);
  EXPECT_EQ(total.frequency_khz, 2'000'000);
  EXPECT_EQ(total.frequency_lowest_khz, 1'200'000);
  EXPECT_EQ(total.machine_check_count, 1u);
  ASSERT_TRUE(total.last_machine_check.has_value());
  EXPECT_EQ(total.last_machine_check->bank, 4u);
  EXPECT_EQ(total.thermal_interrupt_count, 8u);
  EXPECT_EQ(total.threshold_interrupt_count, 0u);
  EXPECT_FALSE(total.deferred_error_interrupt_count.has_value()) << "this kernel does not tell";
  EXPECT_EQ(total.steal_ns, 77);
}

TEST_F(SharedHardwareTotalsTest, WhatAMachineOfThisKindCannotHaveHasNoMend) {
  missing_ = {{"smi", "no event smi"}, {"aperf", "no event aperf"}};
  for (const char* name : {"smi", "frequency", "frequency_changes", "thermal_throttling"}) EXPECT_NE(Sources().at(name).mend, "") << name;
  EXPECT_EQ(Sources().at("steal").mend, "") << "bare metal";
  vendor_ = "AuthenticAMD";
  for (const char* name : {"smi", "thermal_throttling"}) EXPECT_EQ(Sources().at(name).mend, "") << name;
  EXPECT_NE(Sources().at("frequency").mend, "");
  vendor_ = "GenuineIntel";
  is_virtual_ = true;
  for (const char* name : {"smi", "frequency", "frequency_changes", "thermal_throttling"}) EXPECT_EQ(Sources().at(name).mend, "") << name;
  EXPECT_NE(Sources().at("steal").mend, "");
  host_.Write("/sys/bus/event_source/devices/msr/events/smi", "event=0x04\n");
  EXPECT_NE(Sources().at("smi").mend, "") << "it is there and cannot be opened";
}

TEST_F(SharedHardwareTotalsTest, WhatIsThereIsAvailableAndTheRestHasAReason) {
  const std::map<std::string, HardwareSource> bare = Sources();
  EXPECT_EQ(bare.size(), 9u);
  EXPECT_TRUE(bare.at("smi").available);
  EXPECT_FALSE(bare.at("steal").available);
  EXPECT_FALSE(bare.at("thermal_throttling").available);
  EXPECT_FALSE(bare.at("registers").available);
  EXPECT_THAT(bare.at("frequency_changes").reason, HasSubstr("no cpufreq driver"));
  missing_ = {{"mperf", "no event mperf"}, {"on_machine_check", "no mce_record"}, {"on_idle", "no cpu_idle"}};
  interrupts_[1].steal_mono_ns = 5;
  host_.MakeDirectory("/sys/devices/system/cpu/cpu0/thermal_throttle");
  host_.Write("/dev/cpu/0/msr", "");
  host_.Write("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-1\n");
  host_.Write("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0-1\n");
  const std::map<std::string, HardwareSource> other = Sources();
  EXPECT_EQ(other.at("frequency").reason, "no event mperf");
  EXPECT_FALSE(other.at("machine_checks").available);
  EXPECT_FALSE(other.at("c_states").available);
  EXPECT_TRUE(other.at("steal").available);
  EXPECT_TRUE(other.at("thermal_throttling").available);
  EXPECT_TRUE(other.at("registers").available);
  EXPECT_EQ(other.at("smt_siblings").reason, "2 CPUs share their cores");
  EXPECT_THAT(Totals().Read(0).smt_siblings, ElementsAre(1));
  missing_["on_hardware_tick"] = "no tick";
  EXPECT_EQ(Sources().at("smi").reason, "no tick");
}

}  // namespace
}  // namespace hftmon
