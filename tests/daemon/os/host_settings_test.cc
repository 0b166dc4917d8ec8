#include "daemon/os/host_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr SettingRow kSwappiness{.name = "swappiness", .path = "/proc/sys/vm/swappiness", .form = SettingForm::kNumber};
constexpr SettingRow kHugePages{
    .name = "huge_pages", .path = "/sys/kernel/mm/transparent_hugepage/enabled", .form = SettingForm::kBracketedWord};
constexpr SettingRow kDefaultAffinity{.name = "default_affinity", .path = "/proc/irq/default_smp_affinity", .form = SettingForm::kCpuMask};
constexpr SettingRow kIrq{
    .name = "irq", .path = "/proc/irq/#/smp_affinity_list", .form = SettingForm::kCpuList, .scope = SettingScope::kIrq};
constexpr SettingRow kGovernor{.name = "governor",
                               .path = "/sys/devices/system/cpu/cpu#/cpufreq/scaling_governor",
                               .form = SettingForm::kText,
                               .scope = SettingScope::kCpu};
constexpr SettingRow kIdleState{.name = "idle_state",
                                .path = "/sys/devices/system/cpu/cpu#/cpuidle/state#/disable",
                                .form = SettingForm::kNumber,
                                .scope = SettingScope::kCpu};
constexpr SettingRow kSteering{
    .name = "rps", .path = "/sys/class/net/*/queues/rx-#/rps_cpus", .form = SettingForm::kCpuMask, .scope = SettingScope::kInterface};

SettingValue ValueOf(SettingForm form, std::string_view text) {
  const auto value = ParseSetting(form, text);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *value : SettingValue();
}

std::vector<std::string> PathsOf(const HostSettings& read) {
  std::vector<std::string> paths;
  for (const HostSetting& setting : read.settings) paths.push_back(setting.path);
  return paths;
}

TEST(HostSettings, EachFormHasItsValue) {
  EXPECT_EQ(std::get<int64_t>(ValueOf(SettingForm::kNumber, "-1\n")), -1);
  EXPECT_EQ(std::get<std::string>(ValueOf(SettingForm::kText, "tsc kvm-clock \n")), "tsc kvm-clock");
  EXPECT_EQ(std::get<std::string>(ValueOf(SettingForm::kBracketedWord, "always defer defer+madvise [madvise] never\n")), "madvise");
  EXPECT_THAT(std::get<std::vector<int>>(ValueOf(SettingForm::kCpuList, "0,2-3\n")), ElementsAre(0, 2, 3));
  EXPECT_THAT(std::get<std::vector<int>>(ValueOf(SettingForm::kCpuList, "\n")), IsEmpty());
  EXPECT_THAT(std::get<std::vector<int>>(ValueOf(SettingForm::kCpuList, " (null)\n")), IsEmpty());
  EXPECT_THAT(std::get<std::vector<int>>(ValueOf(SettingForm::kCpuMask, "00000001,00000003\n")), ElementsAre(0, 1, 32));
}

TEST(HostSettings, WhatIsNotOfTheFormHasNoValue) {
  for (const char* text : {"", "x", "1 2", "99999999999999999999", "0x10"})
    EXPECT_FALSE(ParseSetting(SettingForm::kNumber, text).ok()) << text;
  for (const char* text : {"", "always", "always [madvise", "madvise]", "[]", "[a] [b]", "]a["}) {
    EXPECT_FALSE(ParseSetting(SettingForm::kBracketedWord, text).ok()) << text;
  }
  EXPECT_FALSE(ParseSetting(SettingForm::kText, " \n").ok());
  EXPECT_FALSE(ParseSetting(SettingForm::kText, std::string(kSettingTextMax + 1, 'x')).ok());
  EXPECT_FALSE(ParseSetting(SettingForm::kCpuList, "0-99999999").ok());
  EXPECT_FALSE(ParseSetting(SettingForm::kCpuMask, "0-3").ok());
}

TEST(HostSettings, RowsOfTheHostAreOneFileEach) {
  const FixtureTree tree;
  tree.Write("/proc/sys/vm/swappiness", "60\n");
  tree.Write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  tree.Write("/proc/irq/default_smp_affinity", "3\n");
  const std::vector<SettingRow> rows = {kSwappiness, kHugePages, kDefaultAffinity};
  const HostSettings read = ReadHostSettings(tree.root(), rows);
  ASSERT_THAT(read.settings, SizeIs(3));
  EXPECT_EQ(read.settings[0].row, &rows[0]);
  EXPECT_EQ(read.settings[0].value, SettingValue(int64_t{60}));
  EXPECT_EQ(read.settings[1].value, SettingValue(std::string("madvise")));
  EXPECT_EQ(read.settings[1].path, "/sys/kernel/mm/transparent_hugepage/enabled");
  EXPECT_THAT(read.settings[1].matched, IsEmpty());
  EXPECT_EQ(read.settings[2].value, SettingValue(std::vector<int>{0, 1}));
  EXPECT_THAT(read.unread, IsEmpty());
}

TEST(HostSettings, NumbersInPathsAreNumbersInTheirOrder) {
  const FixtureTree tree;
  for (const char* cpu : {"cpu10", "cpu2", "cpu0"}) {
    tree.Write(std::string("/sys/devices/system/cpu/") + cpu + "/cpufreq/scaling_governor", "performance\n");
  }
  tree.MakeDirectory("/sys/devices/system/cpu/cpu3");
  tree.Write("/sys/devices/system/cpu/cpufreq/cpufreq/scaling_governor", "no CPU's\n");
  tree.Write("/sys/devices/system/cpu/cpu/cpufreq/scaling_governor", "no CPU's\n");
  const std::vector<SettingRow> rows = {kGovernor};
  const HostSettings read = ReadHostSettings(tree.root(), rows);
  ASSERT_THAT(read.settings, SizeIs(3));
  EXPECT_THAT(read.settings[0].matched, ElementsAre("0"));
  EXPECT_THAT(read.settings[1].matched, ElementsAre("2"));
  EXPECT_THAT(read.settings[2].matched, ElementsAre("10"));
  EXPECT_THAT(read.unread, IsEmpty()) << "CPU 3 has none, which is no failure";
}

TEST(HostSettings, PathsMayHaveSeveralPartsThatVary) {
  const FixtureTree tree;
  for (const char* file : {"cpu1/cpuidle/state1", "cpu1/cpuidle/state0", "cpu0/cpuidle/state0"}) {
    tree.Write(std::string("/sys/devices/system/cpu/") + file + "/disable", "0\n");
  }
  for (const char* queue : {"lo/queues/rx-0", "eth0/queues/rx-1", "eth0/queues/rx-0"}) {
    tree.Write(std::string("/sys/class/net/") + queue + "/rps_cpus", "c\n");
  }
  tree.Write("/sys/class/net/bonding_masters", "\n");
  const std::vector<SettingRow> rows = {kIdleState, kSteering};
  const HostSettings read = ReadHostSettings(tree.root(), rows);
  EXPECT_THAT(PathsOf(read),
              ElementsAre("/sys/devices/system/cpu/cpu0/cpuidle/state0/disable", "/sys/devices/system/cpu/cpu1/cpuidle/state0/disable",
                          "/sys/devices/system/cpu/cpu1/cpuidle/state1/disable", "/sys/class/net/eth0/queues/rx-0/rps_cpus",
                          "/sys/class/net/eth0/queues/rx-1/rps_cpus", "/sys/class/net/lo/queues/rx-0/rps_cpus"));
  EXPECT_THAT(read.settings[4].matched, ElementsAre("eth0", "1"));
  EXPECT_EQ(read.settings[4].value, SettingValue(std::vector<int>{2, 3}));
}

TEST(HostSettings, WhatIsNotReadSaysWhy) {
  const FixtureTree tree;
  tree.Write("/proc/sys/vm/swappiness", "sixty\n");
  tree.MakeDirectory("/proc/irq/7/smp_affinity_list");
  tree.Write("/proc/irq/8/smp_affinity_list", "0-1\n");
  const std::vector<SettingRow> rows = {kSwappiness, kGovernor, kIrq};
  const HostSettings read = ReadHostSettings(tree.root(), rows);
  EXPECT_THAT(PathsOf(read), ElementsAre("/proc/irq/8/smp_affinity_list"));
  ASSERT_THAT(read.unread, SizeIs(3));
  EXPECT_THAT(read.unread[0].reason, HasSubstr("'sixty' is no number"));
  EXPECT_EQ(read.unread[1].row, &rows[1]);
  EXPECT_EQ(read.unread[1].path, kGovernor.path);
  EXPECT_THAT(read.unread[1].reason, HasSubstr("no such file"));
  EXPECT_THAT(read.unread[2].reason, HasSubstr("cannot read"));
  EXPECT_TRUE(read.unread[1].absent);
  EXPECT_FALSE(read.unread[0].absent || read.unread[2].absent) << "these are there";
  EXPECT_EQ(read.unread[2].path, "/proc/irq/7/smp_affinity_list");
}

TEST(HostSettings, FilesBeyondTheBoundAreCounted) {
  const FixtureTree tree;
  for (int irq = 0; irq < 5; ++irq) tree.Write("/proc/irq/" + std::to_string(irq) + "/smp_affinity_list", "0\n");
  tree.Write("/proc/sys/vm/swappiness", "0\n");
  const std::vector<SettingRow> rows = {kIrq, kSwappiness};
  const HostSettings read = ReadHostSettings(tree.root(), rows, 2);
  EXPECT_THAT(read.settings, SizeIs(3)) << "the bound is each row's";
  EXPECT_EQ(read.left_out_count, 3u);
}

TEST(HostSettings, ThisHostsInterruptsAreReadOrTheirRefusalIsTold) {
  const std::vector<SettingRow> rows = {kIrq, kSwappiness};
  const HostSettings read = ReadHostSettings(FileRoot(), rows);
  EXPECT_GE(read.settings.size() + read.unread.size(), 2u);
  for (const UnreadSetting& unread : read.unread) EXPECT_THAT(unread.reason, ::testing::Not(IsEmpty())) << unread.path;
}

}  // namespace
}  // namespace hftmon
