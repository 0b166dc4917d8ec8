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

}  // namespace
}  // namespace hftmon
