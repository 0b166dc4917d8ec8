// `export`: each format of a recording file and of what a scripted daemon keeps; what cannot be made is refused before anybody is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli/record_fixture.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ExportVerbTest : public RecordFixture {
 protected:
  void RecordSome() {
    StringConsole console;
    spike_start_ns_ = NowNs() - 1'000'000'000;
    ASSERT_EQ(Run({"record", "--window", "20s", "-o", Output()}, console), 0) << console.err();
  }
};

TEST_F(ExportVerbTest, EachFormatOfAFileNeedsNoDaemon) {
  RecordSome();
  const auto run = [this](std::vector<std::string> words, StringConsole& console) {
    words.insert(words.begin(), {"--server", "unix:" + folder_.File("nobody"), "export", "--from", Output(), "--format"});
    return RunCli(words, console, absl::UTCTimeZone());
  };
  StringConsole perfetto;
  EXPECT_EQ(run({"perfetto"}, perfetto), 0) << perfetto.err();
  EXPECT_THAT(perfetto.out(), StartsWith("\x0a")) << "a packet";
  StringConsole html;
  EXPECT_EQ(run({"html"}, html), 0);
  EXPECT_THAT(html.out(), StartsWith("<!DOCTYPE html>"));
  StringConsole folded;
  // 30 us at 1 a microsecond.
  EXPECT_EQ(run({"folded", "--notional", "1000000", "--bps-per-us", "0.01"}, folded), 0) << folded.err();
  EXPECT_EQ(folded.out(), "money lost (1 = 0.0001);process 11;matcher[12];preempted;unexplained 300000\n");
  StringConsole alpha;
  EXPECT_EQ(run({"alpha", "--notional", "1000000", "--bps-per-us", "0.01", "-o", folder_.File("alpha")}, alpha), 0);
  EXPECT_GT(FileText(folder_.File("alpha")).size(), 100u);
  StringConsole table;
  EXPECT_EQ(run({"csv", "--table", "spikes"}, table), 0);
  EXPECT_THAT(table.out(), HasSubstr("\r\n7,0,11,12,matcher,preempted,"));
  StringConsole tables;
  EXPECT_EQ(run({"csv", "-o", folder_.File("tables")}, tables), 0) << tables.err();
  EXPECT_THAT(FileText(folder_.File("tables/threads.csv")), HasSubstr("11,12,matcher"));
  EXPECT_THAT(FileText(folder_.File("tables/counters.csv")), StartsWith("metric,unit"));
}

TEST_F(ExportVerbTest, WithoutAFileWhatIsKeptIsRecordedFirst) {
  spike_start_ns_ = NowNs() - 5'000'000;
  StringConsole console;
  EXPECT_EQ(Run({"export", "--format", "csv", "--table", "pieces", "--window", "10ms", "-p", "11"}, console), 0) << console.err();
  ASSERT_EQ(timelines_asked_.size(), 1u);
  EXPECT_EQ(timelines_asked_[0].window_ns(), 10'000'000);
  EXPECT_EQ(timelines_asked_[0].pids(0), 11);
  EXPECT_THAT(console.out(), HasSubstr(",10000000,running,3,"));
}

TEST_F(ExportVerbTest, WhatTheRecordingLacksIsSaidAndMakesAnExitCode) {
  RecordSome();
  std::string bytes = FileText(Output());
  bytes.pop_back();
  std::ofstream(Output(), std::ios::binary) << bytes;
  StringConsole console;
  EXPECT_EQ(Run({"export", "--format", "csv", "--table", "about", "--from", Output()}, console), 1);
  EXPECT_THAT(console.err(), HasSubstr("the recording has no end"));
  EXPECT_THAT(console.out(), HasSubstr("the recording has no end"));
}

TEST_F(ExportVerbTest, WhatCannotBeMadeIsRefusedBeforeAnybodyIsAsked) {
  const std::vector<std::vector<std::string>> refused = {
      {"--format", "svg"},
      {"--format", "alpha"},
      {"--format", "alpha", "--notional", "5"},
      {"--format", "folded", "--notional", "-5", "--bps-per-us", "1"},
      {"--format", "folded", "--notional", "5", "--bps-per-us", "1", "--kinds", "stall"},
      {"--format", "html", "--notional", "5"},
      {"--format", "csv"},
      {"--format", "csv", "--table", "orders"},
      {"--format", "html", "--table", "spikes"},
      {"--format", "html", "--worst", "-1"},
      {"--format", "html", "--from", "x", "--window", "1s"},
  };
  for (std::vector<std::string> words : refused) {
    words.insert(words.begin(), "export");
    StringConsole console;
    EXPECT_EQ(Run(words, console), 3) << ::testing::PrintToString(words);
    EXPECT_EQ(console.out(), "");
  }
  EXPECT_TRUE(timelines_asked_.empty());
}

TEST_F(ExportVerbTest, AFileThatIsNoRecordingIsNamed) {
  std::ofstream(Output()) << "PERFILE2";
  StringConsole console;
  EXPECT_EQ(Run({"export", "--format", "html", "--from", Output()}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr(Output() + ": no recording"));
  EXPECT_EQ(Run({"export", "--format", "html", "--from", folder_.File("nothing")}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace hftmon
