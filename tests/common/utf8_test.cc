#include "common/utf8.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(ValidUtf8Test, WhatIsWellFormedStays) {
  for (const char* text : {"", "plain", "Zürich", "注文", "\xf0\x9f\x9a\x80", "\x7f\n", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    EXPECT_EQ(ValidUtf8(text), text);
  }
}

TEST(ValidUtf8Test, EachBadByteBecomesAQuestionMark) {
  EXPECT_EQ(ValidUtf8("evil\xff\xc3"), "evil??");
  EXPECT_EQ(ValidUtf8("cut\xe6\xb3"), "cut??");         // a name cut in the middle of a character
  EXPECT_EQ(ValidUtf8("\xc0\xaf"), "??");               // overlong
  EXPECT_EQ(ValidUtf8("\xe0\x80\xaf"), "???");          // overlong
  EXPECT_EQ(ValidUtf8("\xed\xa0\x80"), "???");          // surrogate
  EXPECT_EQ(ValidUtf8("\xf4\x90\x80\x80"), "????");     // above U+10FFFF
  EXPECT_EQ(ValidUtf8("\x80z\xc3\xa9"), "?z\xc3\xa9");  // goes on behind it
}

}  // namespace
}  // namespace hftmon
