#include "daemon/pmu/core_kind.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

CoreKind Intel(uint32_t model, std::string_view pmu = "cpu") {
  return CoreKindOf({.vendor = ProcessorVendor::kIntel, .family = 6, .model = model}, pmu);
}
CoreKind Amd(uint32_t family, uint32_t model) {
  return CoreKindOf({.vendor = ProcessorVendor::kAmd, .family = family, .model = model}, "cpu");
}

TEST(CoreKindTest, ServersAndClientsOfOneDesignDiffer) {
  EXPECT_EQ(Intel(85), CoreKind::kIntelSkylakeServer);
  EXPECT_EQ(Intel(94), CoreKind::kIntelSkylake);
  EXPECT_EQ(Intel(106), CoreKind::kIntelIceLakeServer);
  EXPECT_EQ(Intel(143), CoreKind::kIntelSapphireRapids);
}

TEST(CoreKindTest, AHybridProcessorsKindIsToldByItsUnit) {
  EXPECT_EQ(Intel(0x97, "cpu_core"), CoreKind::kIntelGoldenCove);
  EXPECT_EQ(Intel(0x97, "cpu_atom"), CoreKind::kIntelGracemont);
  EXPECT_EQ(Intel(0x97, "cpu"), CoreKind::kUnknown) << "which of the two a guest was given is not told";
  EXPECT_EQ(Intel(0xbe, "cpu"), CoreKind::kIntelGracemont);
}

TEST(CoreKindTest, ZensAreToldByFamilyAndModel) {
  EXPECT_EQ(Amd(0x17, 0x01), CoreKind::kAmdZen1);
  EXPECT_EQ(Amd(0x17, 0x31), CoreKind::kAmdZen2);
  EXPECT_EQ(Amd(0x19, 0x01), CoreKind::kAmdZen3);
  EXPECT_EQ(Amd(0x19, 0x11), CoreKind::kAmdZen4);
  EXPECT_EQ(Amd(0x1a, 0x02), CoreKind::kAmdZen5);
}

TEST(CoreKindTest, WhatIsNotKnownForSureIsUnknown) {
  EXPECT_EQ(Intel(0x2d), CoreKind::kUnknown);
  EXPECT_EQ(CoreKindOf({.vendor = ProcessorVendor::kIntel, .family = 19, .model = 1}, "cpu"), CoreKind::kUnknown);
  EXPECT_EQ(Amd(0x17, 0x80), CoreKind::kUnknown);
  EXPECT_EQ(Amd(0x10, 0x02), CoreKind::kUnknown);
  EXPECT_EQ(CoreKindOf({.vendor = ProcessorVendor::kOther, .family = 6, .model = 85}, "cpu"), CoreKind::kUnknown);
  EXPECT_EQ(CoreKindOf({.vendor = ProcessorVendor::kArm, .implementer = 0x61}, "apple_icestorm_pmu"), CoreKind::kUnknown);
  EXPECT_EQ(CoreKindOf({.vendor = ProcessorVendor::kArm, .implementer = 0x41}, "armv8_pmuv3_0"), CoreKind::kArmPmuV3);
}

}  // namespace
}  // namespace hftmon
