#include "client/cli/option_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(OptionValuesTest, EventsMayHaveCommasBetweenTheirSlashes) {
  EXPECT_EQ(SplitEventLists({"page-faults,cpu/event=0xcd,umask=1/,r01cd", "cycles"}),
            (std::vector<std::string>{"page-faults", "cpu/event=0xcd,umask=1/", "r01cd", "cycles"}));
  EXPECT_EQ(SplitEventLists({"a,"}), (std::vector<std::string>{"a", ""})) << "refused by the daemon";
}

TEST(OptionValuesTest, DurationsCarryTheirUnit) {
  EXPECT_EQ(*ParseDurationOption("--threshold", "50us"), 50'000);
  EXPECT_EQ(*ParseDurationOption("--threshold", "1.5ms"), 1'500'000);
}

TEST(OptionValuesTest, BadDurationNamesTheOptionTheTextAndWhatToWrite) {
  for (const char* text : {"50", "fast", "-1ms", "0", "0ms", "", "1parsec", "99999999999h"}) {
    const absl::Status status = ParseDurationOption("--threshold", text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("--threshold"), HasSubstr(std::string("'") + text + "'"))) << text;
  }
  EXPECT_THAT(std::string(ParseDurationOption("--threshold", "50").status().message()), HasSubstr("50us"));
}

TEST(OptionValuesTest, IdsComeAsListsAndOnce) {
  EXPECT_EQ(*ParseIds("--pid", {"3,1", "3", "2"}), (std::vector<int32_t>{3, 1, 2}));
  EXPECT_TRUE(ParseIds("--pid", {})->empty());
}

TEST(OptionValuesTest, BadIdNamesTheOptionTheTextAndTheMend) {
  for (const char* text : {"0", "-1", "4194305", "99999999999", "bash", "", "1,,2", "1.5"}) {
    const absl::Status status = ParseIds("--pid", {text}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("--pid"), HasSubstr("pgrep"))) << text;
  }
}

TEST(OptionValuesTest, PercentilesAreSortedAndOnce) {
  EXPECT_EQ(*ParsePercentiles("--percentiles", {"99.9,50,50"}), (std::vector<double>{50, 99.9}));
}

TEST(OptionValuesTest, PercentileOutsideZeroToHundredIsRefused) {
  for (const char* text : {"0", "100", "-1", "101", "nan", "p99", "", "50,"}) {
    const absl::Status status = ParsePercentiles("--percentiles", {text}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("--percentiles"), HasSubstr("50,95,99,99.9"))) << text;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParsePercentiles("--percentiles", {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"}).status()));
}

TEST(OptionValuesTest, CountsHaveTheirRange) {
  EXPECT_EQ(*ParseCount("--limit", "5", 1, 10), 5);
  for (const char* text : {"0", "11", "x", ""}) {
    EXPECT_THAT(std::string(ParseCount("--limit", text, 1, 10).status().message()), HasSubstr("from 1 to 10")) << text;
  }
}

}  // namespace
}  // namespace hftmon
