#include "client/cli/table.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(TableTest, NumbersAreAlignedRightWordsLeftAndNothingTrails) {
  Table table({{"pid"}, {"name", Table::Align::kLeft}});
  table.AddRow({"7", "a"});
  table.AddRow({"4711", "matcher"});
  EXPECT_EQ(table.Print(), " pid  name\n   7  a\n4711  matcher\n");
}

TEST(TableTest, CellWithoutAValueIsADash) {
  Table table({{"x"}, {"y"}});
  table.AddRow({"1"});
  EXPECT_EQ(table.Print(), "x  y\n1  -\n");
}

TEST(TableTest, WidthCountsCharactersNotBytes) {
  Table table({{"name", Table::Align::kLeft}, {"n"}});
  table.AddRow({"µµ", "1"});
  table.AddRow({"abcd", "2"});
  EXPECT_EQ(table.Print(), "name  n\nµµ    1\nabcd  2\n");
}

TEST(PrintableTest, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(Printable("a\033[31m\n\x7f"), "a?[31m??");
  EXPECT_EQ(Printable("a\x9b"
                      "2Jb"),
            "a?"
            "2Jb")
      << "a control sequence of 8-bit terminals";
}

TEST(PrintableTest, CharactersThatTurnALineAroundStandAsTheirNumbers) {
  EXPECT_EQ(Printable("a\xE2\x80\xAE"
                      "dcb"),
            "a\\u202edcb")
      << "an override shows what follows backwards";
  EXPECT_EQ(Printable("\xE2\x81\xA6x\xE2\x81\xA9"), "\\u2066x\\u2069");
  EXPECT_EQ(Printable("\xD8\x9C\xE2\x80\x8E\xE2\x80\xA8"), "\\u061c\\u200e\\u2028");
  EXPECT_EQ(Printable(Printable("\xE2\x80\xAE")), "\\u202e") << "a table cleans what was cleaned";
  EXPECT_EQ(Printable("\xD8\xA8 \xE2\x82\xAC \xE2\x80\x93 \xE2\x80\xAF"), "\xD8\xA8 \xE2\x82\xAC \xE2\x80\x93 \xE2\x80\xAF")
      << "letters of right-to-left scripts, signs and dashes stay";
}

}  // namespace
}  // namespace hftmon
