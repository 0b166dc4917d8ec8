#include "daemon/numa/probe_report.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr int64_t kBytes = 8'192;
constexpr ProbeReport kReport{
    .load_ns = 92.5, .read_mb_s = 14'000.5, .bytes_moved = 77, .page_count = 2, .page_on_node_count = 2, .huge_pages = true};

TEST(ProbeReportTest, WhatIsWrittenIsRead) {
  const auto report = ParseProbeReport(FormatProbeReport(kReport), kBytes);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->load_ns, 92.5);
  EXPECT_EQ(report->read_mb_s, 14'000.5);
  EXPECT_EQ(report->bytes_moved, 77u);
  EXPECT_EQ(report->page_count, 2u);
  EXPECT_EQ(report->page_on_node_count, 2u);
  EXPECT_TRUE(report->huge_pages);
  const auto elsewhere = ParseProbeReport(
      FormatProbeReport({.bytes_moved = 5, .page_count = 2, .page_on_node_count = 1, .small_pages = SmallPages::kWouldCompact}), kBytes);
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_EQ(elsewhere->small_pages, SmallPages::kWouldCompact);
  EXPECT_EQ(elsewhere->load_ns, 0);
}

TEST(ProbeReportTest, EveryPrefixAndAnyMoreIsRefused) {
  const std::string text = FormatProbeReport(kReport);
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(ParseProbeReport(text.substr(0, length), kBytes).ok()) << length;
  }
  EXPECT_FALSE(ParseProbeReport(text + text, kBytes).ok());
  EXPECT_FALSE(ParseProbeReport(text + std::string(600, ' '), kBytes).ok());
}

TEST(ProbeReportTest, WhatCannotBeIsRefused) {
  const auto refuses = [](const auto& change) {
    ProbeReport report = kReport;
    change(report);
    return absl::IsInternal(ParseProbeReport(FormatProbeReport(report), kBytes).status());
  };
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.load_ns = 0; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.load_ns = -5; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.load_ns = 1e5; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.read_mb_s = 1e9; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.page_count = 3; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.page_on_node_count = 3; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.page_on_node_count = 1; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.bytes_moved = UINT64_MAX; }));
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.huge_pages = false; })) << "why they are small is not said";
  EXPECT_TRUE(refuses([](ProbeReport& report) { report.small_pages = SmallPages::kNotGiven; })) << "they are not";
  EXPECT_TRUE(refuses([](ProbeReport& report) {
    report.huge_pages = false;
    report.small_pages = static_cast<SmallPages>(kSmallPagesLast + 1);
  }));
  EXPECT_FALSE(
      ParseProbeReport("load_ns=nan read_mb_s=inf bytes_moved=1 page_count=1 page_on_node_count=1 huge_pages=1 small_pages=0\n", kBytes)
          .ok());
  EXPECT_FALSE(
      ParseProbeReport("load_ns=9.0 read_mb_s=9.0 bytes_moved=1 page_count=1 page_on_node_count=1 huge_pages=2 small_pages=0\n", kBytes)
          .ok());
}

}  // namespace
}  // namespace hftmon
