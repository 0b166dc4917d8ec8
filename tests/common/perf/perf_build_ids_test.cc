#include "common/perf/perf_build_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/perf/perf_data_reader.h"
#include "tests/common/perf/file_bytes.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

constexpr uint16_t kKernel = 1, kUser = 2, kGuestUser = 5;
constexpr uint16_t kLengthIsTold = 1u << 15;

Bytes Entry(uint16_t misc, std::string id, uint8_t length, std::string_view name) {
  id.resize(20);
  ByteWriter body;
  body.Put<int32_t>(-1).Append(std::as_bytes(std::span(id))).Put(length).Fill(3).Text(name);
  return ByteWriter().Put<uint32_t>(0).Put(misc).Put(static_cast<uint16_t>(8 + body.bytes.size())).Append(body.bytes).bytes;
}

Bytes Joined(std::initializer_list<Bytes> parts) {
  ByteWriter to;
  for (const Bytes& part : parts) to.Append(part);
  return to.bytes;
}

TEST(PerfBuildIdsTest, FilesHaveTheIdsThatAreTold) {
  PerfBuildIds ids;
  const std::string full(20, 'f');
  ASSERT_TRUE(ids.AddFeature(Joined({Entry(kUser, full, 0, "/opt/engine"), Entry(kKernel, full, 0, "[kernel.kallsyms]"),
                                     Entry(kUser | kLengthIsTold, "12345678", 8, "/opt/short"),
                                     Entry(kUser | kLengthIsTold, full, 200, "/opt/long"), Entry(kUser, "12345678", 0, "/opt/filled")}))
                  .ok());
  EXPECT_EQ(ids.Find("/opt/engine"), full);
  EXPECT_EQ(ids.Find("[kernel.kallsyms]"), full);
  EXPECT_EQ(ids.Find("/opt/short"), "12345678");
  EXPECT_EQ(ids.Find("/opt/long"), full);
  EXPECT_EQ(ids.Find("/opt/filled"), std::string("12345678") + std::string(12, '\0'));
  EXPECT_EQ(ids.Find("/opt"), std::nullopt);
}

TEST(PerfBuildIdsTest, OfANameWithSeveralBuildsNoneIsKnown) {
  PerfBuildIds ids;
  const Bytes one = Entry(kUser, std::string(20, 'a'), 0, "/lib/libc.so.6");
  const Bytes other = Entry(kUser, std::string(20, 'b'), 0, "/lib/libc.so.6");
  ASSERT_TRUE(ids.AddFeature(Joined({one, one})).ok());
  EXPECT_EQ(ids.Find("/lib/libc.so.6"), std::string(20, 'a')) << "told twice";
  ASSERT_TRUE(ids.AddFeature(Joined({other, one})).ok());
  EXPECT_EQ(ids.Find("/lib/libc.so.6"), "");
}

TEST(PerfBuildIdsTest, WhatTellsNothingIsPassedOver) {
  PerfBuildIds ids;
  ASSERT_TRUE(ids.AddFeature(Joined({Entry(kUser, "", 0, "/opt/none"), Entry(kUser, "id", 2, ""), Entry(kGuestUser, "id", 2, "/opt/guest"),
                                     Entry(kUser | kLengthIsTold, "id", 0, "/opt/of_no_length")}))
                  .ok());
  EXPECT_EQ(ids.size(), 0u);
}

TEST(PerfBuildIdsTest, AnEntryThatEndsTooEarlyIsDamage) {
  const Bytes entry = Entry(kUser, std::string(20, 'a'), 0, "/opt/engine");
  for (size_t length = 1; length < entry.size(); ++length) {
    PerfBuildIds ids;
    EXPECT_TRUE(absl::IsDataLoss(ids.AddFeature(std::span(entry).first(length)))) << length;
    EXPECT_EQ(ids.size(), 0u);
  }
  PerfBuildIds ids;
  EXPECT_TRUE(ids.AddFeature({}).ok());
  for (const uint16_t size : {0, 7, 8, 20, 35}) {
    Bytes damaged = entry;
    memcpy(damaged.data() + 6, &size, sizeof(size));
    EXPECT_TRUE(absl::IsDataLoss(ids.AddFeature(damaged))) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(ids.AddFeature(Entry(kUser, "id", 2, std::string(5'000, 'n')))));
}

TEST(PerfBuildIdsTest, ThereIsABoundForNames) {
  PerfBuildIds ids;
  absl::Status status;
  size_t added = 0;
  for (; status.ok() && added < 10'000; ++added) {
    status = ids.AddFeature(Entry(kUser, std::string(20, 'a'), 0, std::to_string(added) + std::string(4'000, 'n')));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_LE(added, 4'200u);
  PerfBuildIds many;
  status = absl::OkStatus();
  for (added = 0; status.ok() && added < 100'000; ++added) {
    status = many.AddFeature(Entry(kUser, std::string(20, 'a'), 0, std::to_string(added)));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(many.size(), PerfBuildIds::kNamesMax);
}

TEST(PerfBuildIdsTest, ARecordingOfARealHostHasThem) {
  const auto bytes = FileBytes("tests/fixtures/perf/celeron-6events-echo.perf.data");
  ASSERT_TRUE(bytes.has_value());
  MemoryByteSource source(*bytes);
  PerfDataVisitor visitor;
  const auto summary = ReadPerfData(source, visitor);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->build_ids.size(), 3u);
  const std::string libc("\xc0\x99\x91\x46\x66\x22\x3f\xf6\x40\x38\x82\x60\x4c\x96\x80\x3f\x18\x06\x88\xf5", 20);
  EXPECT_EQ(summary->build_ids.Find("/lib64/libc-2.15.so"), libc);
}

}  // namespace
}  // namespace hftmon
