#include "common/perf/perf_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/perf/perf_data_format.h"
#include "common/perf/perf_event_table.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Bytes Nodes() {
  ByteWriter to;
  to.Put<uint32_t>(2);
  to.Put<uint32_t>(0).Put<uint64_t>(1'000).Put<uint64_t>(400).SizedText("0-7,16-23");
  to.Put<uint32_t>(3).Put<uint64_t>(2'000).Put<uint64_t>(500).SizedText("8-15");
  return to.bytes;
}

Bytes Descriptions() {
  PerfDataWriter writer;
  writer.AddEvent(PlainAttr(1, 72), {1, 2}, "cycles:pp");
  writer.AddEvent(PlainAttr(1, 136), {}, "cpu/mem-loads,ldlat=30/P");
  writer.AddEventDescriptions();
  writer.AddSample(0, {});
  const Bytes file = writer.File();
  // The one feature of that file: behind the records and its row.
  return {file.begin() + 104 + 16 + 2 * (136 + 16) + static_cast<ptrdiff_t>(writer.records().size()) + 16, file.end()};
}

TEST(PerfFeaturesTest, TheHostIsAsTold) {
  PerfFeatures features;
  const auto text = [&](uint32_t number, std::string_view value) {
    ASSERT_TRUE(ParsePerfFeature(number, ByteWriter().SizedText(value).bytes, &features).ok());
  };
  text(3, "host");
  text(4, "6.1.0");
  text(5, "6.1.192");
  text(6, "x86_64");
  text(8, "AMD EPYC");
  text(9, "AuthenticAMD,25,1,1");
  ASSERT_TRUE(ParsePerfFeature(7, ByteWriter().Put<uint32_t>(64).Put<uint32_t>(32).bytes, &features).ok());
  ASSERT_TRUE(ParsePerfFeature(10, WordsBody({12'345}), &features).ok());
  ASSERT_TRUE(ParsePerfFeature(11, ByteWriter().Put<uint32_t>(2).SizedText("perf").SizedText("record").bytes, &features).ok());
  ASSERT_TRUE(ParsePerfFeature(14, Nodes(), &features).ok());
  const PerfHost& host = features.host;
  EXPECT_EQ(host.hostname, "host");
  EXPECT_EQ(host.release, "6.1.0");
  EXPECT_EQ(host.perf_version, "6.1.192");
  EXPECT_EQ(host.arch, "x86_64");
  EXPECT_EQ(host.cpu, "AMD EPYC");
  EXPECT_EQ(host.cpu_id, "AuthenticAMD,25,1,1");
  EXPECT_EQ(host.cpus_available, std::optional<uint32_t>(64));
  EXPECT_EQ(host.cpus_online, std::optional<uint32_t>(32));
  EXPECT_EQ(host.memory_kb, std::optional<uint64_t>(12'345));
  EXPECT_THAT(host.command, ElementsAre("perf", "record"));
  ASSERT_THAT(host.nodes, SizeIs(2));
  EXPECT_EQ(host.nodes[1].node, 3u);
  EXPECT_EQ(host.nodes[1].total_kb, 2'000u);
  EXPECT_EQ(host.nodes[1].free_kb, 500u);
  EXPECT_EQ(host.nodes[0].cpus, "0-7,16-23");
}

TEST(PerfFeaturesTest, EventsHaveTheirNamesAndIds) {
  PerfFeatures features;
  ASSERT_TRUE(ParsePerfFeature(12, Descriptions(), &features).ok());
  ASSERT_THAT(features.descriptions, SizeIs(2));
  EXPECT_EQ(features.descriptions[0].name, "cycles:pp");
  EXPECT_THAT(features.descriptions[0].ids, ElementsAre(1, 2));
  EXPECT_EQ(features.descriptions[1].name, "cpu/mem-loads,ldlat=30/P");
  EXPECT_THAT(features.descriptions[1].ids, IsEmpty());
}

TEST(PerfFeaturesTest, WhatIsNotReadIsNotLookedAt) {
  PerfFeatures features;
  for (const uint32_t number : {1u, 13u, 16u, 32u, 255u, ~0u}) {
    EXPECT_FALSE(IsPerfFeatureRead(number));
    EXPECT_TRUE(ParsePerfFeature(number, Bytes(3, std::byte{0xff}), &features).ok()) << number;
  }
}

TEST(PerfFeaturesTest, NoBeginningOfAFeatureIsOne) {
  const std::pair<uint32_t, Bytes> kFeatures[] = {{3, ByteWriter().SizedText("host").bytes},
                                                  {7, ByteWriter().Put<uint32_t>(64).Put<uint32_t>(32).bytes},
                                                  {10, WordsBody({12})},
                                                  {11, ByteWriter().Put<uint32_t>(2).SizedText("perf").SizedText("record").bytes},
                                                  {12, Descriptions()},
                                                  {14, Nodes()}};
  for (const auto& [number, payload] : kFeatures) {
    for (size_t length = 0; length < payload.size(); ++length) {
      PerfFeatures features;
      const absl::Status status = ParsePerfFeature(number, std::span(payload).first(length), &features);
      EXPECT_TRUE(absl::IsDataLoss(status)) << number << " at " << length << ": " << status;
    }
  }
}

TEST(PerfFeaturesTest, NodesBeyondABoundAndHugeListsOfCpusAreNotKept) {
  const auto nodes = [](uint32_t count, const std::string& cpus) {
    ByteWriter to;
    to.Put(count);
    for (uint32_t node = 0; node < count; ++node) to.Put(node).Put<uint64_t>(1).Put<uint64_t>(1).SizedText(node == 1 ? cpus : "0-3");
    return to.bytes;
  };
  const std::string longest(PerfDataFormat::kNodeCpusBytesMax, '1');
  PerfFeatures features;
  ASSERT_TRUE(ParsePerfFeature(14, nodes(1'027, longest + "1"), &features).ok());
  ASSERT_THAT(features.host.nodes, SizeIs(1'024));
  EXPECT_EQ(features.dropped_nodes, 3u);
  EXPECT_EQ(features.nodes_without_cpus, 1u);
  EXPECT_EQ(features.host.nodes[1].cpus, "");
  EXPECT_EQ(features.host.nodes[1'023].cpus, "0-3");
  // Told again, and within the bounds.
  ASSERT_TRUE(ParsePerfFeature(14, nodes(1'024, longest), &features).ok());
  ASSERT_THAT(features.host.nodes, SizeIs(1'024));
  EXPECT_EQ(features.dropped_nodes, 0u);
  EXPECT_EQ(features.nodes_without_cpus, 0u);
  EXPECT_EQ(features.host.nodes[1].cpus, longest);
}

TEST(PerfFeaturesTest, CountsOfMoreThanThereCanBeAreErrors) {
  for (const uint32_t number : {11u, 12u, 14u}) {
    for (const uint32_t count : {70'000u, ~0u}) {
      PerfFeatures features;
      const absl::Status status = ParsePerfFeature(number, ByteWriter().Put(count).Fill(1 << 20).bytes, &features);
      EXPECT_TRUE(absl::IsDataLoss(status)) << number << ": " << status;
      EXPECT_LE(features.host.command.size() + features.host.nodes.size() + features.descriptions.size(), 65'536u);
    }
  }
  PerfFeatures features;
  EXPECT_THAT(std::string(ParsePerfFeature(3, ByteWriter().Put<uint32_t>(~0u).Fill(64).bytes, &features).message()), HasSubstr("HOSTNAME"));
}

TEST(PerfEventTableTest, NamesThatComeFirstAreKeptForTheEventsToCome) {
  PerfEventTable table;
  table.Describe({{.name = "first", .ids = {1}}, {.name = "second", .ids = {2}}});
  const uint64_t one = 1, two = 2;
  ASSERT_TRUE(table.Add(PlainAttr(1), std::span(&two, 1)).ok());
  ASSERT_TRUE(table.Add(PlainAttr(1), std::span(&one, 1)).ok());
  const std::vector<PerfEvent> events = table.Take();
  ASSERT_THAT(events, SizeIs(2));
  // As many of both are taken in order.
  EXPECT_EQ(events[0].name, "first");
  EXPECT_EQ(events[1].name, "second");
}

TEST(PerfEventTableTest, WhereTheNumbersDifferIdsSayWhichNameIsWhose) {
  PerfEventTable table;
  const uint64_t one = 1, two = 2;
  ASSERT_TRUE(table.Add(PlainAttr(1), std::span(&two, 1)).ok());
  ASSERT_TRUE(table.Add(PlainAttr(1), std::span(&one, 1)).ok());
  table.Describe({{.name = "second", .ids = {2}}, {.name = "of none", .ids = {3}}, {.name = "first", .ids = {1}}});
  EXPECT_EQ(table.Find(1)->name, "first");
  EXPECT_EQ(table.Find(2)->name, "second");
  EXPECT_EQ(table.Find(3), nullptr);
}

TEST(PerfEventTableTest, ThereIsABoundForEventsAndIds) {
  PerfEventTable table;
  const std::vector<uint64_t> none;
  for (int i = 0; i < 65'536; ++i) ASSERT_TRUE(table.Add(PlainAttr(1), none).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(table.Add(PlainAttr(1), none)));
  PerfEventTable ids;
  const std::vector<uint64_t> many((size_t{4} << 20) - 1, 5);  // of one descriptor, told over and over
  ASSERT_TRUE(ids.Add(PlainAttr(1), many).ok());
  ASSERT_TRUE(ids.Add(PlainAttr(1), std::vector<uint64_t>{6}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(ids.Add(PlainAttr(1), std::vector<uint64_t>{7})));
}

}  // namespace
}  // namespace hftmon
