#include "daemon/config_manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/config_flags.h"
#include "daemon/config_settings.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

// As the page has it: dashes escaped.
std::string OnThePage(std::string text) {
  for (size_t at = text.find('-'); at != std::string::npos; at = text.find('-', at + 2)) text.insert(at, "\\");
  return text;
}

TEST(ConfigManual, HasEverySettingWithRangeAndDefault) {
  const std::string page = ConfigManual();
  for (const Setting& setting : Settings()) {
    EXPECT_THAT(page, HasSubstr("\\fB" + OnThePage(FlagOf(setting)) + " "));
    EXPECT_THAT(page, HasSubstr("(" + std::string(setting.name) + ")\\fR\n"));
    EXPECT_THAT(page, HasSubstr(OnThePage(Describe(setting)) + ".\n"));
  }
}

TEST(ConfigManual, HasTheFlagsThatAreNoSettings) {
  const std::string page = ConfigManual();
  for (const OwnFlag& flag : OwnFlags()) EXPECT_THAT(page, HasSubstr("\\fB" + OnThePage(std::string(flag.name))));
}

}  // namespace
}  // namespace hftmon
