#include "client/top/screen_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using ::testing::ElementsAre;

TEST(ScreenTextTest, WhatDrivesATerminalIsAQuestionMark) {
  EXPECT_EQ(OneColumnEach("a\033[31m\n\t\x7f", true), "a?[31m???");
  EXPECT_EQ(OneColumnEach("\xC2\x9B"
                          "31m",
                          true),
            "?31m");
  EXPECT_EQ(OneColumnEach("a\xff", true), "a?");
}

TEST(ScreenTextTest, WideCombiningAndTurningCharactersAreQuestionMarks) {
  EXPECT_EQ(OneColumnEach("\u4e2d", true), "?");
  EXPECT_EQ(OneColumnEach("e\u0301", true), "e?");
  EXPECT_EQ(OneColumnEach("\u202eabc", true), "?abc");
  EXPECT_EQ(OneColumnEach("\U0001F600", true), "?");
}

TEST(ScreenTextTest, LettersStayWhereTheTerminalShowsThem) {
  EXPECT_EQ(OneColumnEach("größe µs \u2500", true), "größe µs \u2500");
  EXPECT_EQ(OneColumnEach("größe", false), "gr??e");
}

TEST(ScreenTextTest, ClippedTextHasTheWidthAndSaysThatSomethingIsMissing) {
  EXPECT_EQ(Clipped("größe", 5), "größe");
  EXPECT_EQ(Clipped("größe", 4), "grö~");
  EXPECT_EQ(Clipped("ab", 0), "");
}

TEST(ScreenTextTest, AlignedTextHasTheWidthWhateverItsBytes) {
  EXPECT_EQ(LeftAligned("ö", 3), "ö  ");
  EXPECT_EQ(RightAligned("ö", 3), "  ö");
  EXPECT_EQ(RightAligned("abcdef", 3), "ab~");
}

TEST(ScreenTextTest, WrappedAtSpacesWithAnIndent) {
  EXPECT_THAT(Wrapped("  one two three", 9, 4), ElementsAre("  one two", "    three"));
  EXPECT_THAT(Wrapped("short", 9, 4), ElementsAre("short"));
  EXPECT_THAT(Wrapped("", 9, 4), ElementsAre(""));
}

TEST(ScreenTextTest, AWordThatFitsNowhereIsBroken) {
  EXPECT_THAT(Wrapped("abcdefghijkl", 5, 2), ElementsAre("abcde", "  fgh", "  ijk", "  l"));
  EXPECT_THAT(Wrapped("ööööö", 3, 0), ElementsAre("ööö", "öö"));
}

TEST(ScreenTextTest, AnIndentWiderThanTheScreenStillEnds) {
  EXPECT_THAT(Wrapped("abc", 1, 8), ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace hftmon
