#include "daemon/pmu/process_accesses.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "tests/common/perf/perf_data_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr pid_t kProcess = 500;
constexpr uint64_t kLine = 0x7f0000001000;
constexpr uint64_t kFields =
    PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC;
// Words of PERF_SAMPLE_DATA_SRC.
constexpr uint64_t kLoadOfL1 = 0x68100142, kStoreToL1 = 0x144;
constexpr uint64_t kHitmOfL3 = 0x68800842;     // a load that hit L3 and was snooped as modified
constexpr uint64_t kStoreNotTold = 0x5080024;  // a store, and of all else "not available"

SampledEvent Event(const std::string& name) {
  SampledEvent event{.name = name};
  event.attributes.type = PERF_TYPE_RAW;
  event.attributes.sample_period = 100;
  event.attributes.sample_type = kFields;
  return event;
}

class ProcessAccessesTest : public ::testing::Test {
 protected:
  ProcessAccessesTest() { kernel_.threads = {500, 501}; }
  absl::StatusOr<ProcessAccesses> Open(std::vector<SampledEvent> events = {Event("loads")}, const ProcessAccesses::Options& options = {}) {
    return ProcessAccesses::Open(
        kernel_, kernel_, [this](pid_t) { return kernel_.List(); }, kProcess, std::move(events), options);
  }
  ProcessAccesses MustBegin(const ProcessAccesses::Options& options = {}) {
    auto accesses = Open({Event("loads")}, options);
    EXPECT_TRUE(accesses.ok()) << accesses.status();
    EXPECT_TRUE(accesses->Begin().ok());
    return *std::move(accesses);
  }
  bool Write(pid_t tid, uint64_t address, uint64_t data_source, uint64_t latency_cycles = 0) {
    const WrittenSample sample{.ip = 0x401000 + static_cast<uint64_t>(tid),
                               .address = address,
                               .pid = kProcess,
                               .tid = static_cast<uint32_t>(tid),
                               .cpu = static_cast<uint32_t>(tid % 2),
                               .weight = latency_cycles,
                               .data_source = data_source};
    return kernel_.Write(tid, 0, RecordBytes(PerfRecordType::kSample, 2, SampleBody(PlainAttr(kFields), sample)));
  }

  FakeSamplingEvents kernel_;
};

TEST_F(ProcessAccessesTest, FalseSharingOfTwoThreadsIsFoundWithLineOffsetsAndCycles) {
  ProcessAccesses accesses = MustBegin();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Write(500, kLine, kStoreToL1));
    ASSERT_TRUE(Write(501, kLine + 8, kStoreToL1));
    ASSERT_TRUE(Write(501, kLine + 8, kHitmOfL3, 200));
    accesses.Drain();
  }
  ASSERT_TRUE(Write(501, 0x5000, kLoadOfL1, 4));
  ASSERT_TRUE(accesses.End().ok());
  const ContendedLineTable table = accesses.lines().Build(LineOrder::kCycles);
  ASSERT_EQ(table.lines.size(), 1u);
  const ContendedLine& line = table.lines[0];
  EXPECT_EQ(line.address, kLine);
  EXPECT_EQ(line.sharing.verdict, SharingVerdict::kFalse);
  EXPECT_EQ(line.counts.hitm_local, 10u);
  EXPECT_EQ(line.counts.stores, 20u);
  EXPECT_EQ(line.estimated_cycles, 10u * 200 * 100) << "each stands for its period";
  ASSERT_EQ(line.offsets.size(), 2u);
  EXPECT_THAT(line.offsets[0].tids, ::testing::ElementsAre(500u));
  EXPECT_THAT(line.offsets[1].tids, ::testing::ElementsAre(501u));
  EXPECT_EQ(accesses.loads().loads(), 11u);
  EXPECT_EQ(accesses.loads().hitm(), 10u);
  const ProcessAccessCounts counts = accesses.counts();
  EXPECT_EQ(counts.samples.access_count, 31u);
  EXPECT_EQ(counts.told_count, 31u);
  EXPECT_EQ(counts.thread_count, 2u);
  EXPECT_EQ(counts.event_count, 2u);
  EXPECT_TRUE(counts.samples.complete());
}

TEST_F(ProcessAccessesTest, APaddedVariantHasNoContendedLine) {
  ProcessAccesses accesses = MustBegin();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Write(500, kLine, kStoreToL1));
    ASSERT_TRUE(Write(501, kLine + 64, kStoreToL1));
    ASSERT_TRUE(Write(501, kLine + 64, kLoadOfL1, 4));
  }
  ASSERT_TRUE(accesses.End().ok());
  const ContendedLineTable table = accesses.lines().Build(LineOrder::kCycles);
  EXPECT_THAT(table.lines, IsEmpty());
  EXPECT_THAT(table.shared_lines, IsEmpty());
  EXPECT_EQ(table.total.accesses, 30u);
}

TEST_F(ProcessAccessesTest, HardwareThatTellsNotWhoHadALineIsKnownByIt) {
  ProcessAccesses accesses = MustBegin();
  ASSERT_TRUE(Write(500, kLine, kStoreNotTold));
  ASSERT_TRUE(Write(501, kLine + 8, kStoreNotTold));
  ASSERT_TRUE(accesses.End().ok());
  EXPECT_EQ(accesses.counts().told_count, 0u);
  const ContendedLineTable table = accesses.lines().Build(LineOrder::kCycles);
  EXPECT_THAT(table.lines, IsEmpty());
  EXPECT_EQ(table.shared_lines.size(), 1u);
}

TEST_F(ProcessAccessesTest, ThreadsThatAreMadeMeanwhileAreSampledFromTheNextLookOn) {
  ProcessAccesses accesses = MustBegin();
  kernel_.threads.insert(502);
  kernel_.threads.insert(503);
  ASSERT_TRUE(accesses.Look().ok());
  ASSERT_TRUE(Write(502, kLine, kLoadOfL1));
  kernel_.threads.erase(503);
  ASSERT_TRUE(accesses.Look().ok());
  kernel_.threads.insert(503);  // another one of that number
  ASSERT_TRUE(accesses.Look().ok());
  ASSERT_TRUE(accesses.End().ok());
  const ProcessAccessCounts counts = accesses.counts();
  EXPECT_EQ(counts.thread_count, 5u);
  EXPECT_EQ(counts.born_thread_count, 3u);
  EXPECT_EQ(counts.unsampled_thread_count, 0u);
  EXPECT_EQ(counts.samples.access_count, 1u);
}

TEST_F(ProcessAccessesTest, ThreadsThatCannotBeSampledAreCountedOnceWithTheReason) {
  ProcessAccesses accesses = MustBegin({.threads_max = 3, .lines = {}, .facts = {}});
  kernel_.threads.insert({502, 503});
  ASSERT_TRUE(accesses.Look().ok());
  ASSERT_TRUE(accesses.Look().ok());
  ProcessAccessCounts counts = accesses.counts();
  EXPECT_EQ(counts.thread_count, 2u);
  EXPECT_EQ(counts.unsampled_thread_count, 2u);
  EXPECT_THAT(counts.unsampled_reason, HasSubstr("2 threads are sampled, and 3 may be"));
  kernel_.threads.insert(504);
  kernel_.open_errors = {EMFILE};
  ASSERT_TRUE(accesses.Look().ok());
  counts = accesses.counts();
  EXPECT_EQ(counts.unsampled_thread_count, 3u);
  EXPECT_EQ(counts.born_thread_count, 0u);
}

TEST_F(ProcessAccessesTest, AProcessThatEndedIsToldByTheLookAndItsSamplesStay) {
  ProcessAccesses accesses = MustBegin();
  ASSERT_TRUE(Write(500, kLine, kLoadOfL1));
  kernel_.threads.clear();
  EXPECT_TRUE(absl::IsNotFound(accesses.Look()));
  ASSERT_TRUE(accesses.End().ok());
  EXPECT_EQ(accesses.loads().loads(), 1u);
  EXPECT_TRUE(absl::IsNotFound(Open().status()));
}

TEST_F(ProcessAccessesTest, WhatFoundNoRoomIsCounted) {
  ProcessAccesses accesses = MustBegin();
  uint64_t written = 0;
  while (Write(500, kLine, kLoadOfL1)) ++written;
  ASSERT_FALSE(Write(500, kLine, kLoadOfL1));
  accesses.Drain();
  ASSERT_TRUE(Write(500, kLine, kLoadOfL1));
  ASSERT_TRUE(accesses.End().ok());
  const ProcessAccessCounts counts = accesses.counts();
  EXPECT_EQ(counts.samples.access_count, written + 1);
  EXPECT_EQ(counts.samples.ring.lost_count, 2u);
  EXPECT_FALSE(counts.samples.complete());
}

TEST_F(ProcessAccessesTest, ManyThreadsShareTheRoomForTheirRings) {
  const size_t of_two = MustBegin().counts().ring_bytes;
  EXPECT_EQ(of_two, 2u * (1 + ProcessAccesses::kRingPagesMax) * PerfRingWriter::kPageBytes);
  for (pid_t tid = 600; tid < 600 + 1'000; ++tid) kernel_.threads.insert(tid);
  const ProcessAccessCounts counts = MustBegin().counts();
  EXPECT_EQ(counts.thread_count, 1'002u);
  EXPECT_EQ(counts.ring_bytes, 1'002u * (1 + 16) * PerfRingWriter::kPageBytes);
}

}  // namespace
}  // namespace hftmon
