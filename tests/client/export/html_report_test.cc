// The HTML report as text: its parts are there, nothing of the recording is markup, it asks no network and runs no script, and its size is
// bounded.
#include "client/export/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "client/export/html_text.h"
#include "common/markup_text.h"
#include "tests/client/export/sample_recording.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ReportOf(const Recording& recording, size_t timelines_max = 5) {
  return HtmlReport(recording, {.timelines_max = timelines_max, .zone = absl::UTCTimeZone()});
}

TEST(HtmlReportTest, EveryPartIsThere) {
  const std::string html = ReportOf(SampleRecording());
  for (const char* id : {"summary", "notes", "heat-map", "worst", "timelines", "causes", "topology", "operations"}) {
    EXPECT_THAT(html, HasSubstr(" id=\"" + std::string(id) + "\""));
  }
  EXPECT_THAT(html, HasSubstr("operation: order"));
  EXPECT_THAT(html, HasSubstr("recorded nowhere"));
  EXPECT_THAT(html, HasSubstr("node 1"));
}

TEST(HtmlReportTest, NamesAreTextAndNeverMarkup) {
  Recording recording = SampleRecording();
  recording.notes.push_back("<script>alert(1)</script>");
  recording.spikes[1].causes[0].comm = "\"><img src=x>";
  const std::string html = ReportOf(recording);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(html, HasSubstr("trader&lt;1&gt;"));
}

TEST(HtmlReportTest, ItAsksNoNetworkAndRunsNoScript) {
  const std::string html = ReportOf(SampleRecording());
  EXPECT_FALSE(std::regex_search(html, std::regex("(src|href|action|data)\\s*=|url\\(|@import|://|javascript:|\\son[a-z]+=")));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
}

TEST(HtmlReportTest, ItsSizeDoesNotGrowWithTheRecording) {
  EXPECT_LT(ReportOf(LargeRecording(100'000)).size(), 2u << 20);
}

TEST(HtmlReportTest, ARecordingOfNothingSaysSo) {
  Recording recording;
  recording.end_ns = 1'000;
  EXPECT_THAT(ReportOf(recording), HasSubstr("There was no spike in this time."));
}

TEST(HtmlReportTest, AskedForNoTimelineItHasNone) {
  EXPECT_THAT(ReportOf(SampleRecording(), 0), Not(HasSubstr("id=\"timelines\"")));
}

TEST(HtmlTextTest, ControlCharactersAndBrokenUtf8AreNoText) {
  EXPECT_EQ(EscapeMarkup("a\x01<b>&'\"\xff"), "a?&lt;b&gt;&amp;&#39;&quot;?");
}

TEST(HtmlTextTest, ACutCountsCharactersAndNotBytes) {
  EXPECT_EQ(Shortened("äöü", 3), "äöü");
  EXPECT_EQ(Shortened("äöüß", 3), "äö…");
}

TEST(HtmlTextTest, AHeatStepIsAFactorOfFour) {
  EXPECT_EQ(HeatClass(0, 64), "h0");
  EXPECT_EQ(HeatClass(64, 64), "h6");
  EXPECT_EQ(HeatClass(17, 64), "h6");
  EXPECT_EQ(HeatClass(16, 64), "h5");
  EXPECT_EQ(HeatClass(1e-9, 64), "h1");
}

}  // namespace
}  // namespace hftmon
