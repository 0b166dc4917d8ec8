#include "daemon/pmu/processor_model.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kIntel =
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Platinum 8480+\n"
    "stepping\t: 8\n\nprocessor\t: 1\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nstepping\t: 7\n";
constexpr std::string_view kArm =
    "processor\t: 0\nBogoMIPS\t: 125.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd07\n"
    "CPU revision\t: 0\n\nprocessor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";

TEST(ProcessorModelTest, EachCpuHasItsOwnBlock) {
  EXPECT_EQ(ParseCpuinfo(kIntel, 0), (ProcessorModel{.vendor = ProcessorVendor::kIntel, .family = 6, .model = 143, .stepping = 8}));
  EXPECT_EQ(ParseCpuinfo(kIntel, 1), (ProcessorModel{.vendor = ProcessorVendor::kIntel, .family = 6, .model = 85, .stepping = 7}));
  EXPECT_EQ(ParseCpuinfo(kIntel, 2), std::nullopt);
  EXPECT_EQ(ParseCpuinfo(kArm, 1), (ProcessorModel{.vendor = ProcessorVendor::kArm, .implementer = 0x41, .part = 0xd0c}));
}

TEST(ProcessorModelTest, OfABlockThatStandsTwiceTheFirstHolds) {
  const auto model = ParseCpuinfo(std::string(kIntel) + "processor\t: 0\nmodel\t\t: 1\n", 0);
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->model, 143u);
}

TEST(ProcessorModelTest, AModelThatIsNotToldWholeIsNone) {
  for (const char* text : {"", "processor\t: 0\n", "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n",
                           "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t: 85\n",
                           "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 99999999999\nmodel\t: 85\n",
                           "processor\t: 0\nCPU part\t: 0xd07\n", "processor\t: 0\nCPU implementer : 0x141"}) {
    EXPECT_EQ(ParseCpuinfo(text, 0), std::nullopt) << text;
  }
}

TEST(ProcessorModelTest, AnotherVendorIsNotTakenForOneOfThese) {
  const auto hygon = ParseCpuinfo("processor\t: 0\nvendor_id\t: HygonGenuine\ncpu family\t: 24\nmodel\t: 1\n", 0);
  ASSERT_TRUE(hygon.has_value());
  EXPECT_EQ(hygon->vendor, ProcessorVendor::kOther);
}

TEST(ProcessorModelTest, ArmsRegisterTellsMakerAndPart) {
  EXPECT_EQ(ParseMidr("0x00000000413fd0c1\n"), (ProcessorModel{.vendor = ProcessorVendor::kArm, .implementer = 0x41, .part = 0xd0c}));
  EXPECT_EQ(ParseMidr("none"), std::nullopt);
  const FixtureTree host;
  host.Write("/proc/cpuinfo", kArm);
  host.Write("/sys/devices/system/cpu/cpu1/regs/identification/midr_el1", "0x00000000c00fac30\n");
  const auto model = ReadProcessorModel(host.root(), 1);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ProcessorName(*model), "Arm implementer 0xc0 part 0xac3");
}

TEST(ProcessorModelTest, WithoutTheRegisterCpuinfoIsRead) {
  const FixtureTree host;
  EXPECT_TRUE(absl::IsNotFound(ReadProcessorModel(host.root(), 0).status()));
  host.Write("/proc/cpuinfo", kIntel);
  const auto model = ReadProcessorModel(host.root(), 1);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ProcessorName(*model), "Intel family 6 model 85");
  EXPECT_THAT(ReadProcessorModel(host.root(), 7).status().message(), HasSubstr("CPU 7"));
}

}  // namespace
}  // namespace hftmon
