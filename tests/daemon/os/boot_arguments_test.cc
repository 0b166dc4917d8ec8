#include "daemon/os/boot_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ValueOf(const BootArguments& arguments, std::string_view name) {
  const BootArgument* argument = arguments.Last(name);
  if (argument == nullptr) return "(none)";
  return argument->value.value_or("(no value)");
}

std::vector<int> ListOf(std::string_view text, int cpu_count) {
  const auto cpus = ParseBootCpuList(text, cpu_count);
  EXPECT_TRUE(cpus.ok()) << cpus.status();
  return cpus.ok() ? *cpus : std::vector<int>{-1};
}

TEST(BootArguments, WordsAreNamesAndValues) {
  const BootArguments parsed =
      ParseBootArguments("BOOT_IMAGE=/vmlinuz-5.11.0-22-generic root=UUID=456a0345-450d ro quiet isolcpus= vt.handoff=7\n");
  EXPECT_THAT(parsed.arguments, SizeIs(6));
  EXPECT_EQ(ValueOf(parsed, "root"), "UUID=456a0345-450d");
  EXPECT_EQ(ValueOf(parsed, "quiet"), "(no value)");
  EXPECT_EQ(ValueOf(parsed, "isolcpus"), "");
  EXPECT_EQ(ValueOf(parsed, "nohz_full"), "(none)");
}

TEST(BootArguments, TheLastOfANameWinsAndBehindTwoDashesIsInits) {
  const BootArguments parsed = ParseBootArguments("mitigations=auto idle=poll mitigations=off -- mitigations=on idle=halt");
  EXPECT_EQ(ValueOf(parsed, "mitigations"), "off");
  EXPECT_EQ(ValueOf(parsed, "idle"), "poll");
  EXPECT_THAT(parsed.arguments, SizeIs(3));
  EXPECT_EQ(ValueOf(ParseBootArguments("a --x b"), "b"), "(no value)") << "only the two dashes alone end them";
}

TEST(BootArguments, DashesAndUnderlinesOfNamesAreTheSame) {
  const BootArguments parsed = ParseBootArguments("intel-idle.max_cstate=1 skew_tick=1");
  EXPECT_EQ(ValueOf(parsed, "intel_idle.max-cstate"), "1");
  EXPECT_EQ(ValueOf(parsed, "skew-tick"), "1");
  EXPECT_EQ(ValueOf(parsed, "skew"), "(none)");
}

TEST(BootArguments, QuotesKeepBlanks) {
  const BootArguments parsed = ParseBootArguments("a=\"x y\" \"b=1 2\" c=\"--\" d=e\"f g\"h \"open i=1");
  EXPECT_EQ(ValueOf(parsed, "a"), "x y");
  EXPECT_EQ(ValueOf(parsed, "b"), "1 2");
  EXPECT_EQ(ValueOf(parsed, "c"), "--");
  EXPECT_EQ(ValueOf(parsed, "d"), "e\"f g\"h");
  EXPECT_EQ(ValueOf(parsed, "open i"), "1");
}

TEST(BootArguments, AnyTextIsALine) {
  EXPECT_THAT(ParseBootArguments("").arguments, IsEmpty());
  EXPECT_THAT(ParseBootArguments(" \t\n").arguments, IsEmpty());
  EXPECT_THAT(ParseBootArguments("=x").arguments, SizeIs(1));
  EXPECT_THAT(ParseBootArguments("a \"--\" b").arguments, SizeIs(1)) << "quotes hide no end";
  EXPECT_THAT(ParseBootArguments("\" \" \"").arguments, SizeIs(2));
  const FixtureTree tree;
  EXPECT_EQ(ReadBootArguments(tree.root()).status().code(), absl::StatusCode::kNotFound);
  tree.Write("/proc/cmdline", "quiet nohz_full=2-3\n");
  EXPECT_EQ(ValueOf(*ReadBootArguments(tree.root()), "nohz_full"), "2-3");
}

TEST(BootArguments, ListsOfCpusHaveTheKernelsShortForms) {
  EXPECT_THAT(ListOf("2-3,8", 16), ElementsAre(2, 3, 8));
  EXPECT_THAT(ListOf("8,2", 16), ElementsAre(2, 8));
  EXPECT_THAT(ListOf("N", 16), ElementsAre(15));
  EXPECT_THAT(ListOf("14-N", 16), ElementsAre(14, 15));
  EXPECT_THAT(ListOf("all", 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(ListOf("0-9:2/4", 16), ElementsAre(0, 1, 4, 5, 8, 9));
  EXPECT_THAT(ListOf("all:1/3", 8), ElementsAre(0, 3, 6));
  EXPECT_THAT(ListOf("1-7:0/2", 8), IsEmpty());
  EXPECT_THAT(ListOf("", 8), IsEmpty());
}

TEST(BootArguments, WhatIsNoListOfThisHostsCpusSaysWhy) {
  for (const char* text :
       {"8", "0-8", "3-2", "-1", "x", "1-", "0-3:1", "0-3:2/1", "0-3:1/0", "0-3:-1/2", "99999999999", "N-0", "0 1", "al"}) {
    const auto cpus = ParseBootCpuList(text, 8);
    EXPECT_EQ(cpus.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_THAT(std::string(ParseBootCpuList("0,9", 8).status().message()), HasSubstr("'9' is not a range of the 8 CPUs"));
  EXPECT_FALSE(ParseBootCpuList("all", 0).ok());
  EXPECT_THAT(ListOf("all", 1 << 30), SizeIs(8192)) << "no kernel has more";
}

TEST(BootArguments, IsolatedCpusHaveFlagsBeforeTheirList) {
  const auto plain = ParseIsolatedCpus("2-3", 4);
  ASSERT_TRUE(plain.ok());
  EXPECT_TRUE(plain->domain) << "no flag means this one";
  EXPECT_FALSE(plain->managed_irq);
  EXPECT_THAT(plain->cpus, ElementsAre(2, 3));
  const auto flags = ParseIsolatedCpus("managed_irq,nohz,2-N", 4);
  ASSERT_TRUE(flags.ok());
  EXPECT_FALSE(flags->domain);
  EXPECT_TRUE(flags->managed_irq);
  EXPECT_TRUE(flags->nohz);
  EXPECT_THAT(flags->cpus, ElementsAre(2, 3));
  const auto unknown = ParseIsolatedCpus("domain,frobnicate,all", 4);
  ASSERT_TRUE(unknown.ok());
  EXPECT_TRUE(unknown->domain);
  EXPECT_THAT(unknown->unknown_flags, ElementsAre("frobnicate", "all")) << "the kernel takes 'all' for a flag here, too";
  EXPECT_THAT(unknown->cpus, IsEmpty());
  EXPECT_FALSE(ParseIsolatedCpus("domain,2-9", 4).ok());
}

}  // namespace
}  // namespace hftmon
