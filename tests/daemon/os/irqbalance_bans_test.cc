#include "daemon/os/irqbalance_bans.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(IrqbalanceBans, AListOrAMaskOfItsEnvironmentIsLeftAlone) {
  const auto list = ParseIrqbalanceBans("PATH=/bin\0IRQBALANCE_BANNED_CPULIST=2-3,8\0"s);
  ASSERT_TRUE(list.ok() && list->has_value()) << list.status();
  EXPECT_THAT(**list, ElementsAre(2, 3, 8));
  const auto mask = ParseIrqbalanceBans("IRQBALANCE_BANNED_CPULIST=1\0IRQBALANCE_BANNED_CPUS=0000000c"s);
  ASSERT_TRUE(mask.ok() && mask->has_value()) << mask.status();
  EXPECT_THAT(**mask, ElementsAre(2, 3)) << "the mask goes before the list";
}

TEST(IrqbalanceBans, WithoutAVariableOrWithAnEmptyOneNothingIsTold) {
  for (const std::string& text : {""s, "\0\0"s, "IRQBALANCE_BANNED_CPULIST=\0"s, "XIRQBALANCE_BANNED_CPULIST=2\0"s,
                                  "IRQBALANCE_BANNED_CPULISTS=2\0"s, "IRQBALANCE_BANNED_CPULIST"s}) {
    const auto bans = ParseIrqbalanceBans(text);
    ASSERT_TRUE(bans.ok()) << bans.status();
    EXPECT_FALSE(bans->has_value());
  }
  const auto zero = ParseIrqbalanceBans("IRQBALANCE_BANNED_CPUS=00000000"s);
  ASSERT_TRUE(zero.ok() && zero->has_value());
  EXPECT_THAT(**zero, IsEmpty()) << "told, and no CPU";
}

TEST(IrqbalanceBans, WhatIsNoListNamesTheVariableAndTheFile) {
  const FixtureTree tree;
  tree.Write("/proc/5/environ", "IRQBALANCE_BANNED_CPULIST=two"s);
  const auto bans = ReadIrqbalanceBans(tree.root(), 5);
  EXPECT_TRUE(absl::IsInvalidArgument(bans.status()));
  EXPECT_THAT(std::string(bans.status().message()), HasSubstr("/proc/5/environ: IRQBALANCE_BANNED_CPULIST: "));
  EXPECT_TRUE(absl::IsNotFound(ReadIrqbalanceBans(tree.root(), 6).status()));
}

}  // namespace
}  // namespace hftmon
