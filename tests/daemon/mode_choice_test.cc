#include "daemon/mode_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

TEST(ModeChoiceTest, AHostWithEnoughCpusSpinsAndASmallOneDoesNot) {
  HostFacts facts{.usable_cpus = HostFacts::kCpusForSpinning};
  EXPECT_EQ(ChooseMode(facts).mode, "latency");
  facts.usable_cpus = HostFacts::kCpusForSpinning - 1;
  EXPECT_EQ(ChooseMode(facts).mode, "balanced");
  EXPECT_THAT(ChooseMode(facts).reason, HasSubstr("3 usable CPUs"));
}

TEST(ModeChoiceTest, AVirtualHostNeedsMoreCpusToSpin) {
  HostFacts facts{.usable_cpus = HostFacts::kCpusForSpinning, .is_virtual = true};
  EXPECT_EQ(ChooseMode(facts).mode, "balanced");
  EXPECT_THAT(ChooseMode(facts).reason, HasSubstr("virtual machine"));
  facts.usable_cpus = HostFacts::kVirtualCpusForSpinning;
  EXPECT_EQ(ChooseMode(facts).mode, "latency");
}

TEST(ModeChoiceTest, AnIsolatedCpuGivenToTheLoopIsSpunOnHoweverFewTheOthersAre) {
  const ModeChoice choice = ChooseMode({.usable_cpus = 1, .loop_cpu = 3, .loop_cpu_reserved = true});
  EXPECT_EQ(choice.mode, "latency");
  EXPECT_THAT(choice.reason, HasSubstr("CPU 3 is isolated"));
}

TEST(ModeChoiceTest, ALoopThatSharesItsCoreWithAnIsolatedCpuDoesNotSpin) {
  EXPECT_EQ(ChooseMode({.usable_cpus = 32, .core_shared = true}).mode, "balanced");
}

TEST(ModeChoiceTest, AWatchedThreadPinnedToTheLoopsCpuKeepsItFromSpinning) {
  const ModeChoice choice = ChooseMode({.usable_cpus = 32, .loop_cpu = 5, .watched_pinned_here = true});
  EXPECT_EQ(choice.mode, "balanced");
  EXPECT_THAT(choice.reason, HasSubstr("pinned to the loop's CPU 5"));
}

}  // namespace
}  // namespace hftmon
