#include "common/duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

TEST(Duration, EveryUnitIsRead) {
  EXPECT_EQ(*ParseDuration("100ns"), 100);
  EXPECT_EQ(*ParseDuration("50us"), 50'000);
  EXPECT_EQ(*ParseDuration("50µs"), 50'000);
  EXPECT_EQ(*ParseDuration("50μs"), 50'000);
  EXPECT_EQ(*ParseDuration("1ms"), 1'000'000);
  EXPECT_EQ(*ParseDuration("10s"), 10'000'000'000);
  EXPECT_EQ(*ParseDuration("2m"), 120'000'000'000);
  EXPECT_EQ(*ParseDuration("1h"), 3'600'000'000'000);
  EXPECT_EQ(*ParseDuration("7d"), 7 * 86'400'000'000'000);
}

TEST(Duration, FractionsAreExact) {
  EXPECT_EQ(*ParseDuration("1.5ms"), 1'500'000);
  EXPECT_EQ(*ParseDuration("0.001us"), 1);
  EXPECT_EQ(*ParseDuration("0.1s"), 100'000'000);
  EXPECT_EQ(*ParseDuration("4.35us"), 4'350);  // 4350.0000000000004 in doubles
  EXPECT_EQ(*ParseDuration("1.50000000000000000000s"), 1'500'000'000);
  EXPECT_EQ(*ParseDuration("0.000000001s"), 1);
  EXPECT_EQ(*ParseDuration("1.5000001d"), 129'600'008'640'000);
}

TEST(Duration, ZeroNeedsNoUnit) {
  EXPECT_EQ(*ParseDuration("0"), 0);
  EXPECT_EQ(*ParseDuration("0s"), 0);
}

TEST(Duration, TheLongestDurationIsReadAndOneMoreIsRefused) {
  EXPECT_EQ(*ParseDuration("9223372036854775807ns"), INT64_MAX);
  for (const char* text : {"9223372036854775808ns", "9223372036854775.808us", "106752d", "99999999999999999999s"}) {
    EXPECT_THAT(std::string(ParseDuration(text).status().message()), HasSubstr("too long")) << text;
  }
}

struct BadDuration {
  const char* text;
  const char* cause;
};

TEST(Duration, BadOnesNameTheCauseAndTheMend) {
  for (const BadDuration& bad : {BadDuration{"", "is empty"},
                                 {"5", "has no unit"},
                                 {"-5us", "is negative"},
                                 {"us", "begin with a number"},
                                 {".5us", "begin with a number"},
                                 {"1.us", "no digit after"},
                                 {"5 us", "unknown unit"},
                                 {"5sec", "unknown unit"},
                                 {"1.2.3s", "unknown unit"},
                                 {"+5us", "begin with a number"},
                                 {"1e3us", "unknown unit"},
                                 {"5US", "unknown unit"},
                                 {"0.5ns", "finer than 1 ns"},
                                 {"1.0001us", "finer than 1 ns"},
                                 {"0.0000000000000000000001d", "finer than 1 ns"},
                                 {"nan", "begin with a number"}}) {
    const auto duration = ParseDuration(bad.text);
    ASSERT_FALSE(duration.ok()) << bad.text;
    EXPECT_EQ(duration.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(duration.status().message()), HasSubstr(bad.cause)) << bad.text;
    EXPECT_THAT(std::string(duration.status().message()), HasSubstr("write it like")) << bad.text;
  }
}

TEST(Duration, AHugeTextIsQuotedShort) {
  EXPECT_LT(ParseDuration(std::string(100'000, 'x')).status().message().size(), 200u);
}

TEST(Duration, FormattingHasThreeDigitsAndNoTrailingZeros) {
  EXPECT_EQ(FormatDuration(0), "0ns");
  EXPECT_EQ(FormatDuration(999), "999ns");
  EXPECT_EQ(FormatDuration(1'000), "1us");
  EXPECT_EQ(FormatDuration(1'234), "1.23us");
  EXPECT_EQ(FormatDuration(12'345), "12.3us");
  EXPECT_EQ(FormatDuration(123'456), "123us");
  EXPECT_EQ(FormatDuration(1'050'000), "1.05ms");
  EXPECT_EQ(FormatDuration(50'000), "50us");
  EXPECT_EQ(FormatDuration(2'500'000'000), "2.5s");
}

TEST(Duration, RoundingCarriesIntoTheNextUnit) {
  EXPECT_EQ(FormatDuration(9'996), "10us");
  EXPECT_EQ(FormatDuration(999'499), "999us");
  EXPECT_EQ(FormatDuration(999'500), "1ms");
  EXPECT_EQ(FormatDuration(999'999'999), "1s");
}

TEST(Duration, MinutesHoursAndDaysHaveTwoParts) {
  EXPECT_EQ(FormatDuration(125'000'000'000), "2m5s");
  EXPECT_EQ(FormatDuration(3'600'000'000'000), "1h0m");
  EXPECT_EQ(FormatDuration(273'600'000'000'000), "3d4h");
}

TEST(Duration, NegativeDurationsKeepTheirSign) {
  EXPECT_EQ(FormatDuration(-1'500), "-1.5us");
  EXPECT_EQ(FormatDuration(INT64_MIN), FormatDuration(INT64_MIN + 1));
}

}  // namespace
}  // namespace hftmon
