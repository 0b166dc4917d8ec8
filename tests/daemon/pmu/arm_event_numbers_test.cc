#include "daemon/pmu/arm_event_numbers.h"

#include <gmock/gmock.h>

#include "tests/daemon/pmu/pmu_trees.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class ArmEventNumbersTest : public ::testing::Test {
 protected:
  ArmEventNumbersTest() {
    WriteArm(host_);
    WritePmu(host_, "armv8_pmuv3", {{"events/vendor_thing", "event=0x00c1"}});
    list_ = PmuList::Read(host_.root());
  }
  absl::Status Check(uint64_t config) {
    encoding_ = {.config = config, .number_unchecked = true};
    return CheckArmEventNumber(*list_.Find("armv8_pmuv3"), &encoding_);
  }

  const FixtureTree host_;
  PmuList list_;
  EventEncoding encoding_;
};

TEST_F(ArmEventNumbersTest, ACommonNumberThatIsListedIsChecked) {
  EXPECT_TRUE(Check(0x08).ok());
  EXPECT_FALSE(encoding_.number_unchecked);
}

TEST_F(ArmEventNumbersTest, ACommonNumberThatIsNotListedIsRefusedThoughTheKernelWouldOpenIt) {
  for (const uint64_t number : {0x00, 0x03, 0x3f, 0x4000, 0x403f}) {
    const absl::Status status = Check(number);
    EXPECT_TRUE(absl::IsNotFound(status)) << number;
    EXPECT_THAT(status.message(), HasSubstr("is not implemented by this CPU"));
  }
}

TEST_F(ArmEventNumbersTest, AMakersOwnNumberCannotBeChecked) {
  for (const uint64_t number : {0x40, 0x3fff, 0x4040, 0xffff}) {
    EXPECT_TRUE(Check(number).ok()) << number;
    EXPECT_TRUE(encoding_.number_unchecked) << number;
  }
  EXPECT_TRUE(Check(0xc1).ok());
  EXPECT_FALSE(encoding_.number_unchecked) << "the kernel names it";
}

TEST_F(ArmEventNumbersTest, OtherProcessorsNumbersAreLeftAsTheyAre) {
  FixtureTree intel;
  WriteIntelServer(intel);
  const PmuList list = PmuList::Read(intel.root());
  encoding_ = {.config = 0x03, .number_unchecked = true};
  EXPECT_TRUE(CheckArmEventNumber(*list.Find("cpu"), &encoding_).ok());
  EXPECT_TRUE(encoding_.number_unchecked);
}

}  // namespace
}  // namespace hftmon
