#include "daemon/os/model_registers.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A sparse file in the place of the device: a register's value stands at its address.
void WriteRegister(const FixtureTree& host, int cpu, uint32_t address, uint64_t value) {
  const std::string path = "/dev/cpu/" + std::to_string(cpu) + "/msr";
  if (!host.root().Exists(path)) host.Write(path, "");
  std::fstream file(host.path() + path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(address);
  file.write(reinterpret_cast<const char*>(&value), sizeof(value));
}

TEST(ModelRegistersTest, ThoseOfTheVendorAreReadAndEachReadIsCounted) {
  const FixtureTree host;
  uint64_t value = 100;
  for (const ModelRegister& allowed : AllowedModelRegisters()) WriteRegister(host, 5, allowed.address, value++);
  const ModelRegisterReadings intel = ReadModelRegisters(host.root(), "GenuineIntel", 5);
  EXPECT_THAT(intel.reason, IsEmpty());
  ASSERT_EQ(intel.values.size(), AllowedModelRegisters().size());
  EXPECT_EQ(intel.values[0].name, "MSR_SMI_COUNT");
  EXPECT_EQ(intel.values[0].address, 0x34u);
  EXPECT_EQ(intel.values[0].value, 100u);
  EXPECT_EQ(intel.cross_call_count, 5u);
  const ModelRegisterReadings amd = ReadModelRegisters(host.root(), "AuthenticAMD", 5);
  ASSERT_EQ(amd.values.size(), 2u);
  EXPECT_EQ(amd.values[0].name, "IA32_MPERF");
  EXPECT_EQ(amd.values[1].name, "IA32_APERF");
  EXPECT_EQ(amd.cross_call_count, 2u);
}

TEST(ModelRegistersTest, WhatCannotBeReadIsSaidWithItsMend) {
  const FixtureTree host;
  const ModelRegisterReadings none = ReadModelRegisters(host.root(), "GenuineIntel", 0);
  EXPECT_THAT(none.reason, HasSubstr("/dev/cpu/0/msr"));
  EXPECT_THAT(none.mend, HasSubstr("modprobe msr"));
  EXPECT_EQ(none.cross_call_count, 0u) << "nothing was sent";
  EXPECT_EQ(CheckModelRegisters(host.root(), 0).reason, none.reason);
  WriteRegister(host, 0, 0x34, 7);
  EXPECT_THAT(CheckModelRegisters(host.root(), 0).reason, IsEmpty());
  EXPECT_EQ(CheckModelRegisters(host.root(), 0).cross_call_count, 0u);
  const ModelRegisterReadings some = ReadModelRegisters(host.root(), "GenuineIntel", 0);
  ASSERT_EQ(some.values.size(), 1u);
  EXPECT_EQ(some.values[0].value, 7u);
  EXPECT_THAT(some.reason, HasSubstr("IA32_MPERF"));
  EXPECT_EQ(some.cross_call_count, 5u) << "those that failed were sent too";
}

// A hand that adds one that writes, or that means something else elsewhere, has to look here.
TEST(ModelRegistersTest, TheListIsShort) {
  for (const ModelRegister& allowed : AllowedModelRegisters()) {
    EXPECT_THAT((std::vector<uint32_t>{0x34, 0xe7, 0xe8, 0x19c, 0x1b1}), ::testing::Contains(allowed.address));
  }
}

}  // namespace
}  // namespace hftmon
