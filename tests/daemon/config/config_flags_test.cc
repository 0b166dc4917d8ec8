#include "daemon/config_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "daemon/config_settings.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

class ConfigFlagsTest : public testing::Test {
 protected:
  void TearDown() override { unlink(path_.c_str()); }
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  static absl::StatusOr<ParsedArguments> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "hftmond");
    return ParseArguments(static_cast<int>(arguments.size()), arguments.data());
  }
  const std::string path_ = testing::TempDir() + "config_flags_test." + std::to_string(getpid());
};

TEST_F(ConfigFlagsTest, FlagsOverrideTheFileAndTheFileTheDefaults) {
  Write("targets_max: 5\nspike_history: 77\nlisten: \"unix:/a\"\n");
  const auto parsed = Parse({"--config", path_.c_str(), "--targets-max", "6", "--listen", "unix:/b", "--listen", "unix:/c"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->config.targets_max, 6);
  EXPECT_EQ(parsed->config.spike_history, 77);
  EXPECT_EQ(parsed->config.switch_history, Config{}.switch_history);
  EXPECT_THAT(parsed->config.listen, testing::ElementsAre("unix:/b", "unix:/c"));
}

TEST_F(ConfigFlagsTest, AReloadReadsTheFileAnewAndKeepsTheFlags) {
  Write("targets_max: 5\nspike_history: 77\n");
  const auto parsed = Parse({"--config", path_.c_str(), "--targets-max", "6"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  Write("targets_max: 9\nspike_history: 78\n");
  const ConfigSource::Loaded again = parsed->source.Load();
  EXPECT_THAT(again.faults, testing::IsEmpty());
  EXPECT_EQ(again.config.targets_max, 6);
  EXPECT_EQ(again.config.spike_history, 78);
}

TEST_F(ConfigFlagsTest, FaultsOfFileAndFlagsAreSaidTogether) {
  Write("targets_max: 0\n");
  const auto parsed = Parse({"--config", path_.c_str(), "--nice", "99", "--mode", "warp", "--check-config"});
  ASSERT_FALSE(parsed.ok());
  const std::string message(parsed.status().message());
  EXPECT_THAT(message, HasSubstr(path_ + ":1:1: targets_max is 0"));
  EXPECT_THAT(message, HasSubstr("\n--nice is 99: give -20 to 19"));
  EXPECT_THAT(message, HasSubstr("\n--mode is 'warp': give one of"));
}

TEST_F(ConfigFlagsTest, TheHelpNamesEverySettingWithItsRangeAndDefault) {
  const auto parsed = Parse({"--help"});
  ASSERT_TRUE(parsed.ok());
  // CLI11 breaks no lines.
  for (const Setting& setting : Settings()) {
    EXPECT_THAT(parsed->output, HasSubstr(FlagOf(setting)));
    EXPECT_THAT(parsed->output, HasSubstr(Describe(setting)));
  }
}

TEST_F(ConfigFlagsTest, AFlagThatIsGivenTwiceIsRefused) {
  EXPECT_THAT(std::string(Parse({"--nice", "1", "--nice", "2"}).status().message()), HasSubstr("--nice is given 2 times"));
}

}  // namespace
}  // namespace hftmon
