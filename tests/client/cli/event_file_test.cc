#include "client/cli/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hftmon {
namespace {

using Clock = v1::CorrelateEventsRequest;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::vector<std::pair<int64_t, std::string>> Parse(const std::string& text, EventClock clock = Clock::MONOTONIC) {
  const auto events = ParseEventFile("log", text, clock);
  EXPECT_TRUE(events.ok()) << events.status();
  std::vector<std::pair<int64_t, std::string>> pairs;
  if (!events.ok()) return pairs;
  for (const v1::TimedEvent& event : *events) pairs.emplace_back(event.time(), event.id());
  return pairs;
}

std::string WhyNot(const std::string& text, EventClock clock = Clock::MONOTONIC) {
  const auto events = ParseEventFile("log", text, clock);
  EXPECT_FALSE(events.ok()) << text;
  return std::string(events.status().message());
}

TEST(EventFileTest, BlanksTabsCommasAndSemicolonsSeparate) {
  EXPECT_THAT(Parse("1 a\n2\tb\n3,c\n4 , d\n5;e\n  6   f  \r\n"),
              ElementsAre(Pair(1, "a"), Pair(2, "b"), Pair(3, "c"), Pair(4, "d"), Pair(5, "e"), Pair(6, "f")));
}

TEST(EventFileTest, CommentsEmptyLinesAndFurtherColumnsAreLeftAlone) {
  EXPECT_THAT(Parse("# one\n\n1,a,buy,100\n   # two\n2 b and more"), ElementsAre(Pair(1, "a"), Pair(2, "b")));
  EXPECT_THAT(Parse("\"1\",\"an order\",x\n"), ElementsAre(Pair(1, "an order")));
}

TEST(EventFileTest, AFirstLineThatBeginsWithNoDigitIsAHeader) {
  EXPECT_THAT(Parse("# exported\ntime,id\n1,a\n"), ElementsAre(Pair(1, "a")));
  EXPECT_THAT(Parse("\xef\xbb\xbf\"time\",\"id\"\n1,a\n"), ElementsAre(Pair(1, "a")));
  EXPECT_THAT(WhyNot("1,a\ntime,id\n"), HasSubstr("log:2: "));
}

TEST(EventFileTest, APointMakesSeconds) {
  EXPECT_THAT(Parse("1.5 a\n1700000000.123456789 b\n0.000000001 c\n"),
              ElementsAre(Pair(1'500'000'000, "a"), Pair(1'700'000'000'123'456'789, "b"), Pair(1, "c")));
}

TEST(EventFileTest, WallTimeMayBeADate) {
  EXPECT_THAT(
      Parse("2023-11-14T22:13:20Z a\n2023-11-14T23:13:20.000000007+01:00 b\n1700000000000000009 c\n", Clock::REALTIME),
      ElementsAre(Pair(1'700'000'000'000'000'000, "a"), Pair(1'700'000'000'000'000'007, "b"), Pair(1'700'000'000'000'000'009, "c")));
  EXPECT_THAT(WhyNot("2023-11-14T22:13:20Z a\n"), AllOf(HasSubstr("log:1: "), HasSubstr("--clock realtime")));
  EXPECT_THAT(WhyNot("2023-11-14T22:13 a\n", Clock::REALTIME), HasSubstr("RFC 3339"));
}

TEST(EventFileTest, TicksAreWhole) {
  EXPECT_THAT(Parse("123456789012345 a\n", Clock::TSC), ElementsAre(Pair(123'456'789'012'345, "a")));
  EXPECT_THAT(WhyNot("1.5 a\n", Clock::TSC), HasSubstr("ticks"));
}

TEST(EventFileTest, WhatCannotBeReadNamesItsLineItsCauseAndItsMend) {
  EXPECT_THAT(WhyNot("1 a\n\nx b\n"), AllOf(HasSubstr("log:3: the time 'x' is no number"), HasSubstr("write nanoseconds")));
  EXPECT_THAT(WhyNot("1\n"), AllOf(HasSubstr("log:1: there is no ID"), HasSubstr("write `TIME ID`")));
  EXPECT_THAT(WhyNot("-5 a\n"), HasSubstr("no number"));
  EXPECT_THAT(WhyNot("1.0000000001 a\n"), HasSubstr("finer than a nanosecond"));
  EXPECT_THAT(WhyNot("1. a\n"), HasSubstr("no number"));
  EXPECT_THAT(WhyNot("99999999999999999999 a\n"), HasSubstr("no number"));
  EXPECT_THAT(WhyNot("9000000000.5 a\n9999999999999.5 b\n"), AllOf(HasSubstr("log:2: "), HasSubstr("292 years")));
  EXPECT_THAT(WhyNot("1 " + std::string(65, 'i') + "\n"), HasSubstr("65 bytes"));
  EXPECT_THAT(WhyNot("1 a\xff\n"), HasSubstr("not UTF-8"));
  EXPECT_THAT(WhyNot("1700000000 a\n", Clock::REALTIME), AllOf(HasSubstr("1970-01-01"), HasSubstr("1700000000.0")));
  EXPECT_THAT(WhyNot("# nothing\n"), HasSubstr("there is no event in it"));
}

TEST(EventFileTest, ClocksHaveNames) {
  EXPECT_EQ(*ParseEventClock("--clock", "tsc"), Clock::TSC);
  EXPECT_EQ(*ParseEventClock("--clock", "tai"), Clock::TAI);
  EXPECT_THAT(std::string(ParseEventClock("--clock", "utc").status().message()), HasSubstr("give monotonic, realtime, tai or tsc"));
}

}  // namespace
}  // namespace hftmon
