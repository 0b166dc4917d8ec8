#include "common/perf/perf_task_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

const PerfAttr kAttr = PlainAttr(PerfSampleBit::kTid | PerfSampleBit::kTime | PerfSampleBit::kIdentifier);
const WrittenSample kWho = {.id = 41, .time_ns = 1'000, .pid = 7, .tid = 8};

// A record and the bytes that it views.
class TaskRecord {
 public:
  TaskRecord(PerfRecordType type, uint16_t misc, std::span<const std::byte> body)
      : bytes_(RecordBytes(type, misc, ByteWriter().Append(body).Append(TrailerBytes(kAttr, kWho)).bytes)) {}
  PerfRecord record() const { return *FirstPerfRecord(bytes_); }
  // With the last `cut` bytes of its own fields taken away.
  TaskRecord Cut(size_t cut) const {
    const PerfRecord whole = record();
    const size_t own = whole.body.size() - TrailerBytes(kAttr, kWho).size();
    return {static_cast<PerfRecordType>(whole.header.type), whole.header.misc, whole.body.first(own - cut)};
  }

 private:
  Bytes bytes_;
};

TEST(PerfTaskRecordsTest, MappingsOfBothKindsAreTakenApart) {
  const TaskRecord old(PerfRecordType::kMmap, 2 | PerfRecordHeader::kMappingIsData,
                       MmapBody(12, 0x4000, 0x2000, 0x1000, "/usr/lib/libc.so"));
  auto mapping = ParseMapping(kAttr, old.record());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(mapping->pid, 12u);
  EXPECT_EQ(mapping->start, 0x4000u);
  EXPECT_EQ(mapping->bytes, 0x2000u);
  EXPECT_EQ(mapping->file_offset, 0x1000u);
  EXPECT_EQ(mapping->name, "/usr/lib/libc.so");
  EXPECT_TRUE(mapping->data);
  EXPECT_FALSE(mapping->kernel || mapping->shared || mapping->inode.has_value() || mapping->protection.has_value());
  EXPECT_EQ(mapping->sample_id.time_ns, std::optional<int64_t>(1'000));
  EXPECT_EQ(mapping->sample_id.id, std::optional<uint64_t>(41));

  const TaskRecord newer(PerfRecordType::kMmap2, 2, Mmap2Body(12, 0x4000, 0x2000, 99, 1, "/dev/shm/book"));
  mapping = ParseMapping(kAttr, newer.record());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(mapping->inode, std::optional<uint64_t>(99));
  EXPECT_EQ(mapping->device_major, 8u);
  EXPECT_EQ(mapping->device_minor, 1u);
  EXPECT_EQ(mapping->protection, std::optional<uint32_t>(5));
  EXPECT_TRUE(mapping->shared);
  EXPECT_EQ(mapping->name, "/dev/shm/book");
}

TEST(PerfTaskRecordsTest, AMappingMayHaveABuildIdInPlaceOfItsFile) {
  ByteWriter body;
  body.Put<uint32_t>(12).Put<uint32_t>(12).Put<uint64_t>(0x4000).Put<uint64_t>(0x2000).Put<uint64_t>(0);
  body.Put<uint8_t>(20).Fill(3).Fill(20, 0xab).Put<uint32_t>(5).Put<uint32_t>(2).Text("/bin/order_book");
  TaskRecord record(PerfRecordType::kMmap2, 2 | PerfRecordHeader::kBuildId, body.bytes);
  auto mapping = ParseMapping(kAttr, record.record());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(mapping->build_id.size(), 20u);
  EXPECT_EQ(mapping->build_id[0], std::byte{0xab});
  EXPECT_FALSE(mapping->inode.has_value() || mapping->shared);
  EXPECT_EQ(mapping->name, "/bin/order_book");
  body.bytes[32] = std::byte{200};  // more than there is
  record = TaskRecord(PerfRecordType::kMmap2, 2 | PerfRecordHeader::kBuildId, body.bytes);
  EXPECT_EQ(ParseMapping(kAttr, record.record())->build_id.size(), 20u);
}

TEST(PerfTaskRecordsTest, TheKernelsLastMappingEndsWithTheAddresses) {
  const TaskRecord record(PerfRecordType::kMmap, 1, MmapBody(~0u, 0xffffffffa0000000, ~uint64_t{0}, 0, "[kernel.kallsyms]_text"));
  const auto mapping = ParseMapping(kAttr, record.record());
  ASSERT_TRUE(mapping.ok());
  EXPECT_TRUE(mapping->kernel);
  EXPECT_EQ(mapping->start + mapping->bytes, ~uint64_t{0});
}

TEST(PerfTaskRecordsTest, NamesBirthsAndEndsAreTakenApart) {
  const TaskRecord named(PerfRecordType::kComm, PerfRecordHeader::kExec, CommBody(7, 8, "engine"));
  const auto comm = ParseComm(kAttr, named.record());
  ASSERT_TRUE(comm.ok());
  EXPECT_EQ(comm->name, "engine");
  EXPECT_TRUE(comm->exec);
  EXPECT_EQ(comm->tid, 8u);
  EXPECT_FALSE(ParseComm(kAttr, TaskRecord(PerfRecordType::kComm, 0, CommBody(7, 8, "engine")).record())->exec);
  const TaskRecord born(PerfRecordType::kFork, 0, TaskBody(1, 2, 3, 4, 500));
  const auto task = ParseTask(kAttr, born.record());
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->pid, 1u);
  EXPECT_EQ(task->parent_pid, 2u);
  EXPECT_EQ(task->tid, 3u);
  EXPECT_EQ(task->parent_tid, 4u);
  EXPECT_EQ(task->time_ns, 500);
}

TEST(PerfTaskRecordsTest, SwitchesLossesAndThrottlesAreTakenApart) {
  const TaskRecord preempted(PerfRecordType::kSwitch, PerfRecordHeader::kSwitchOut | PerfRecordHeader::kPreempted, {});
  auto change = ParseSwitch(kAttr, preempted.record());
  ASSERT_TRUE(change.ok());
  EXPECT_TRUE(change->out && change->preempted);
  EXPECT_EQ(change->sample_id.tid, std::optional<uint32_t>(8));
  const TaskRecord wide(PerfRecordType::kSwitchCpuWide, 0, ByteWriter().Put<uint32_t>(31).Put<uint32_t>(32).bytes);
  change = ParseSwitch(kAttr, wide.record());
  ASSERT_TRUE(change.ok());
  EXPECT_FALSE(change->out || change->preempted);
  EXPECT_EQ(change->other_pid, std::optional<uint32_t>(31));
  EXPECT_EQ(change->other_tid, std::optional<uint32_t>(32));

  auto lost = ParseLost(kAttr, TaskRecord(PerfRecordType::kLost, 0, WordsBody({55, 3})).record());
  ASSERT_TRUE(lost.ok());
  EXPECT_EQ(lost->id, std::optional<uint64_t>(55));
  EXPECT_EQ(lost->count, 3u);
  EXPECT_FALSE(lost->samples);
  lost = ParseLost(kAttr, TaskRecord(PerfRecordType::kLostSamples, 0, WordsBody({4})).record());
  ASSERT_TRUE(lost.ok());
  EXPECT_EQ(lost->id, std::optional<uint64_t>(41)) << "the trailer's";
  EXPECT_EQ(lost->count, 4u);
  EXPECT_TRUE(lost->samples);

  const auto throttle = ParseThrottle(kAttr, TaskRecord(PerfRecordType::kThrottle, 0, WordsBody({900, 55, 56})).record());
  ASSERT_TRUE(throttle.ok());
  EXPECT_TRUE(throttle->throttled);
  EXPECT_EQ(throttle->time_ns, 900);
  EXPECT_EQ(throttle->id, 55u);
  EXPECT_FALSE(ParseThrottle(kAttr, TaskRecord(PerfRecordType::kUnthrottle, 0, WordsBody({900, 55, 56})).record())->throttled);
}

TEST(PerfTaskRecordsTest, WhatIsCutIsAnErrorThatNamesTheRecord) {
  const TaskRecord mmap(PerfRecordType::kMmap, 2, MmapBody(12, 0x4000, 0x2000, 0, "/a"));
  const TaskRecord mmap2(PerfRecordType::kMmap2, 2, Mmap2Body(12, 0x4000, 0x2000, 99, 1, "/dev/shm/book"));
  const TaskRecord comm(PerfRecordType::kComm, 0, CommBody(7, 8, "engine"));
  const TaskRecord fork(PerfRecordType::kFork, 0, TaskBody(1, 2, 3, 4, 500));
  const TaskRecord wide(PerfRecordType::kSwitchCpuWide, 0, WordsBody({1}));
  const TaskRecord lost(PerfRecordType::kLost, 0, WordsBody({55, 3}));
  const TaskRecord throttle(PerfRecordType::kThrottle, 0, WordsBody({900, 55, 56}));
  for (const size_t cut : {8, 16}) {
    for (const absl::Status& status :
         {ParseMapping(kAttr, mmap.Cut(cut).record()).status(), ParseMapping(kAttr, mmap2.Cut(cut + 8).record()).status(),
          ParseComm(kAttr, comm.Cut(cut).record()).status(), ParseTask(kAttr, fork.Cut(cut).record()).status(),
          ParseSwitch(kAttr, wide.Cut(8).record()).status(), ParseLost(kAttr, lost.Cut(cut).record()).status(),
          ParseThrottle(kAttr, throttle.Cut(cut).record()).status()}) {
      EXPECT_TRUE(absl::IsDataLoss(status)) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("at byte"));
    }
  }
  EXPECT_THAT(std::string(ParseComm(kAttr, comm.Cut(8).record()).status().message()), HasSubstr("COMM"));
  // Shorter than the trailer that every one must have.
  const Bytes bare = RecordBytes(PerfRecordType::kComm, 0, WordsBody({1}));
  EXPECT_TRUE(absl::IsDataLoss(ParseComm(kAttr, *FirstPerfRecord(bare)).status()));
}

TEST(PerfTaskRecordsTest, NamesLongerThanAnyPathAreRefused) {
  const TaskRecord longest(PerfRecordType::kComm, 0, CommBody(7, 8, std::string(kPerfNameBytesMax, 'x')));
  EXPECT_TRUE(ParseComm(kAttr, longest.record()).ok());
  const TaskRecord longer(PerfRecordType::kComm, 0, CommBody(7, 8, std::string(kPerfNameBytesMax + 1, 'x')));
  EXPECT_TRUE(absl::IsDataLoss(ParseComm(kAttr, longer.record()).status()));
}

TEST(PerfRecordTest, ARecordIsWholeOrNone) {
  Bytes bytes = RecordBytes(PerfRecordType::kSample, 2, WordsBody({1, 2}));
  bytes.resize(bytes.size() + 3);
  const auto record = FirstPerfRecord(bytes);
  ASSERT_TRUE(record.has_value());
  EXPECT_TRUE(record->header.Is(PerfRecordType::kSample));
  EXPECT_EQ(record->header.misc, 2);
  EXPECT_EQ(record->body.size(), 16u);
  for (size_t length = 0; length < 24; ++length) EXPECT_FALSE(FirstPerfRecord(std::span(bytes).first(length)).has_value()) << length;
  for (const uint8_t size : {0, 7}) {
    bytes[6] = std::byte{size};
    EXPECT_FALSE(FirstPerfRecord(bytes).has_value());
  }
}

TEST(PerfRecordTest, TypesHaveTheirNames) {
  EXPECT_EQ(PerfRecordTypeName(9), "SAMPLE");
  EXPECT_EQ(PerfRecordTypeName(21), "AUX_OUTPUT_HW_ID");
  EXPECT_EQ(PerfRecordTypeName(64), "HEADER_ATTR");
  EXPECT_EQ(PerfRecordTypeName(76), "STAT");
  EXPECT_EQ(PerfRecordTypeName(83), "COMPRESSED2");
  for (const uint32_t type : {0u, 22u, 63u, 84u, ~0u}) EXPECT_EQ(PerfRecordTypeName(type), "") << type;
}

}  // namespace
}  // namespace hftmon
