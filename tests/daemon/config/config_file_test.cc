#include "daemon/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/duration.h"
#include "daemon/config_settings.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

std::vector<std::string> FaultsOf(const std::string& text) {
  Config config;
  std::vector<std::string> faults;
  for (const ConfigFault& fault : ParseConfigText(text, &config)) faults.push_back(fault.Print("f"));
  return faults;
}

std::string Written(const Setting& setting, int64_t value) {
  const std::string text = std::to_string(value);
  return std::string(setting.name) + ": " + (setting.kind == Setting::Kind::kDuration ? "\"" + text + "ns\"" : text) + "\n";
}

TEST(ConfigFileTest, WhatIsLeftOutHasItsDefault) {
  Config config;
  EXPECT_TRUE(ParseConfigText("# nothing\n", &config).empty());
  for (const Setting& setting : Settings()) EXPECT_EQ(ValueText(setting, config), ValueText(setting, Config{})) << setting.name;
}

TEST(ConfigFileTest, EveryNumberIsTakenWithinItsRangeAndRefusedBeyondWithItsPlace) {
  for (const Setting& setting : Settings()) {
    if (setting.number == nullptr) continue;
    SCOPED_TRACE(setting.name);
    for (const int64_t value : {setting.min - 1, setting.max + 1}) {
      if (value < 0 && setting.kind == Setting::Kind::kDuration) continue;
      const std::vector<std::string> faults = FaultsOf("\n  " + Written(setting, value));
      ASSERT_EQ(faults.size(), 1u);
      EXPECT_THAT(faults[0], testing::StartsWith("f:2:3: " + std::string(setting.name) + " is "));
    }
    if (setting.name == "cpu") continue;  // its range is the host's
    for (const int64_t value : {setting.min, setting.max}) {
      Config config;
      // Those that may not contradict each other are tried alone.
      const std::vector<ConfigFault> faults = ParseConfigText(Written(setting, value), &config);
      for (const ConfigFault& fault : faults) EXPECT_THAT(fault.text, HasSubstr("spike_streams_max")) << value;
      EXPECT_EQ(setting.number(config), value);
    }
  }
}

TEST(ConfigFileTest, AllFaultsAreSaidEachWithItsPlaceInOrder) {
  const std::vector<std::string> faults = FaultsOf(
      "targets_max: 0\n"             // 1
      "spike_treshold: \"50us\"\n"   // 2
      "spike_threshold: \"fast\"\n"  // 3
      "mode: WARP\n"                 // 4
      "nice: \"x\"\n"                // 5
      "threads_max: 99999999999999999999\n"
      "listen: \"10.0.0.1:5\"\n"  // 7
      "listen: \"unix:relative\"\n"
      "targets_max: 3\n"  // 9
      "mode: \"warp\"\n"
      "  btf_path: \"/nonexistent/vmlinux\"\n");
  const std::vector<std::string> begins = {"f:1:1: targets_max is 0: give 1 to 65536 targets",
                                           "f:2:1: there is no setting 'spike_treshold': is spike_threshold meant?",
                                           "f:3:1: spike_threshold is 'fast'",
                                           "f:4:7: Expected string",
                                           "f:5:7: Expected integer",
                                           "f:6:14: Integer out of range",
                                           "f:7:1: listen is '10.0.0.1:5'",
                                           "f:8:1: listen is 'unix:relative'",
                                           "f:9:12: Non-repeated field \"targets_max\"",
                                           "f:10:1: mode is 'warp': give one of auto, latency, balanced, economy",
                                           "f:11:3: btf_path is '/nonexistent/vmlinux'"};
  ASSERT_EQ(faults.size(), begins.size()) << testing::PrintToString(faults);
  for (size_t i = 0; i < begins.size(); ++i) EXPECT_THAT(faults[i], testing::StartsWith(begins[i]));
}

TEST(ConfigFileTest, AfterABrokenListNothingIsGuessed) {
  const std::vector<std::string> faults = FaultsOf("listen: [ \"unix:/a\"\nspike_history: 100\nnice: 2\n");
  ASSERT_EQ(faults.size(), 1u) << testing::PrintToString(faults);
  EXPECT_THAT(faults[0], testing::StartsWith("f:2:1: "));
}

TEST(ConfigFileTest, SettingsThatContradictEachOtherAreRefusedWhereOneStands) {
  EXPECT_THAT(FaultsOf("scheduling: \"fifo\"\nnice: 2\n"), testing::ElementsAre(HasSubstr("f:2:1: nice is 2, and scheduling is fifo")));
  EXPECT_THAT(FaultsOf("\nspike_streams_max: 5000\n"), testing::ElementsAre(HasSubstr("f:2:1: threshold_leases_max is 4096")));
  EXPECT_THAT(FaultsOf("spike_streams_max: 5000\nthreshold_leases_max: 5000\n"), testing::IsEmpty());
}

TEST(ConfigFileTest, AddressesAreTakenInOrderAndOnceEach) {
  Config config;
  EXPECT_TRUE(ParseConfigText("listen: \"unix:/a\"\nlisten: \"127.0.0.1:0\"\n", &config).empty());
  EXPECT_THAT(config.listen, testing::ElementsAre("unix:/a", "127.0.0.1:0"));
  EXPECT_THAT(FaultsOf("listen: \"unix:/a\"\nlisten: \"unix:/a\"\n"),
              testing::ElementsAre(HasSubstr("f:2:1: listen names 'unix:/a' twice")));
}

TEST(ConfigFileTest, AFileThatCannotBeReadIsNamed) {
  Config config;
  const std::vector<ConfigFault> faults = ReadConfigFile("/nonexistent/hftmond.conf", &config);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_THAT(faults[0].Print("/nonexistent/hftmond.conf"), HasSubstr("/nonexistent/hftmond.conf: cannot be read (No such file"));
}

TEST(ConfigFileTest, APipeIsRefusedRatherThanWaitedFor) {
  const std::string path = testing::TempDir() + "hftmon_config_pipe_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Config config;
  const std::vector<ConfigFault> faults = ReadConfigFile(path, &config);
  unlink(path.c_str());
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_THAT(faults[0].Print("f"), HasSubstr("it is a pipe or a socket"));
}

}  // namespace
}  // namespace hftmon
