// Tables of comma-separated values: quoted as RFC 4180 says, as many rows as the recording has, nothing where a value is not known.
#include "client/export/csv_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/client/export/sample_recording.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

using Rows = std::vector<std::vector<std::string>>;

// A reader that knows RFC 4180 and nothing of the writer.
Rows ReadCsv(const std::string& text) {
  Rows rows(1, std::vector<std::string>(1));
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        rows.back().back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        rows.back().back() += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      rows.emplace_back(1);
      ++i;
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();  // what stands behind the last line's end
  return rows;
}

Rows TableOf(const std::string& name, const Recording& recording) {
  for (const CsvTable& table : CsvTables()) {
    if (table.name == name) return ReadCsv(table.text(recording));
  }
  ADD_FAILURE() << name;
  return {};
}

TEST(CsvTablesTest, EveryRowHasAsManyFieldsAsItsHeader) {
  std::set<std::string_view> names;
  for (const CsvTable& table : CsvTables()) {
    EXPECT_TRUE(names.insert(table.name).second);
    const Rows rows = ReadCsv(table.text(SampleRecording()));
    EXPECT_GT(rows.size(), 1u) << table.name;
    for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size()) << table.name;
  }
}

TEST(CsvTablesTest, RowsAreAsManyAsTheRecordingHas) {
  const Recording recording = SampleRecording();
  EXPECT_EQ(TableOf("pieces", recording).size(), 1u + 8 + 5);
  EXPECT_EQ(TableOf("spikes", recording).size(), 1u + 4);
  EXPECT_EQ(TableOf("causes", recording).size(), 1u + 6);
  EXPECT_EQ(TableOf("switches", recording).size(), 1u + 2);
  EXPECT_EQ(TableOf("counters", recording).size(), 1u + 2);
  EXPECT_EQ(TableOf("operations", recording).size(), 1u + 1);
}

TEST(CsvTablesTest, NamesWithCommasAndQuotesComeBackAsTheyAre) {
  Recording recording = SampleRecording();
  recording.threads[1].id.comm = "a,\"b\"\r\nc";
  const Rows rows = TableOf("threads", recording);
  EXPECT_EQ(rows[2][2], "a,\"b\"\r\nc");
  EXPECT_THAT(rows[1], ElementsAre("100", "101", "engine", "77", "0", "1440000", "300000", "200000", "60000", "0", "8", "4"));
}

TEST(CsvTablesTest, WhatIsNotKnownIsEmpty) {
  const Recording recording = SampleRecording();
  const Rows pieces = TableOf("pieces", recording);
  EXPECT_EQ(pieces[4][6], "") << "a thread that sleeps has no CPU";
  const Rows operations = TableOf("operations", recording);
  EXPECT_EQ(operations[1][9], "") << "too few for p99.9";
  EXPECT_EQ(TableOf("switches", recording)[2][4], "") << "a migration has no duration";
}

TEST(CsvTablesTest, WhatTheRecordingLacksIsInATableOfItsOwn) {
  Recording recording = SampleRecording();
  recording.lost_records = 3;
  const Rows about = TableOf("about", recording);
  EXPECT_TRUE(std::find(about.begin(), about.end(), std::vector<std::string>{"lost_records_count", "3"}) != about.end());
  EXPECT_TRUE(std::find(about.begin(), about.end(), std::vector<std::string>{"note", recording.notes[0]}) != about.end());
}

}  // namespace
}  // namespace hftmon
