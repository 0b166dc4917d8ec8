#include "common/manual_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ManualPage, BeginsWithItsNameSectionAndSummary) {
  const ManualPage page("hftmon-spikes", 1, "hftmon 1.0", "latency spikes");
  EXPECT_THAT(page.text(), StartsWith(".TH \"HFTMON\\-SPIKES\" \"1\" \"\" \"hftmon 1.0\""));
  EXPECT_THAT(page.text(), HasSubstr("\n.SH NAME\nhftmon\\-spikes \\- latency spikes\n"));
}

TEST(ManualPage, WhatTroffWouldTakeForACommandIsText) {
  ManualPage page("a", 1, "r", "s");
  page.Paragraph(".so /etc/passwd\nand \\fB 'x'");
  EXPECT_THAT(page.text(), HasSubstr(".PP\n\\&.so /etc/passwd and \\efB \\(aqx\\(aq\n"));
}

TEST(ManualPage, WordsInBackquotesAreBoldToTheirEnd) {
  ManualPage page("a", 1, "r", "s");
  page.Paragraph("ask `hftmon status` or `all");
  EXPECT_THAT(page.text(), HasSubstr("ask \\fBhftmon status\\fR or \\fBall\\fR\n"));
}

TEST(ManualPage, WhatIsNotAsciiBecomesAnEscape) {
  ManualPage page("a", 1, "r", "s");
  page.Item("--after", "… or 5 µs");
  EXPECT_THAT(page.text(), HasSubstr(".TP\n\\fB\\-\\-after\\fR\n\\[u2026] or 5 \\[u00B5]s\n"));
  ManualPage cut("a", 1, "r", "s");
  cut.Paragraph("\xe2\x80");  // no character: its bytes, not what lies behind them
  EXPECT_THAT(cut.text(), HasSubstr("\n\\[u00E2]\\[u0080]\n"));
}

TEST(ManualPage, AHeadingBeginsAParagraphAndEachFurtherOneIsMarked) {
  ManualPage page("a", 1, "r", "s");
  page.Section("DESCRIPTION");
  page.Paragraph("one");
  page.Paragraph("two");
  EXPECT_THAT(page.text(), HasSubstr("\n.SH DESCRIPTION\none\n.PP\ntwo\n"));
}

}  // namespace
}  // namespace hftmon
