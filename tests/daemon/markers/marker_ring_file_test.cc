#include "daemon/markers/marker_ring_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

class MarkerRingFileTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(thread_, nullptr);
    OpenReader();
  }
  ~MarkerRingFileTest() override { hftmon_marker_close(marker_); }

  void OpenReader(const std::vector<MarkerRingPosition>& positions = {}) {
    const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), OwnMarkerProcess());
    ASSERT_TRUE(opened.ok()) << opened.status();
    file_ = std::make_unique<MarkerRingFile>(*opened, OwnRingName(), &clocks_, &sink_, positions);
  }
  // Records taken.
  uint64_t Drain(uint64_t records_max = 1'000'000) {
    const auto drained = file_->Drain(records_max, &buffers_);
    EXPECT_TRUE(drained.ok()) << drained.status();
    return drained.ok() ? drained->record_count : 0;
  }
  void Mark(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) ASSERT_TRUE(hftmon_marker_instant(thread_, 0, next_value_++));
  }
  hft_marker_record& Cell(uint64_t index) { return thread_->records[index & thread_->mask]; }
  uint64_t Faults(MarkerFault fault) const { return file_->counts().faults[fault]; }
  // One sound record, spoilt by `spoil`, then one that is sound.
  template <typename Spoil>
  void MarkSpoilt(Spoil spoil) {
    Mark(1);
    spoil(Cell(thread_->index - 1));
    Mark(1);
  }

  const MarkerDirectory directory_;
  const SystemRawClocks clocks_;
  RecordingMarkerSink sink_;
  MarkerBuffers buffers_;
  hftmon_marker* marker_ = directory_.Create();
  hftmon_marker_thread* thread_ = hftmon_marker_thread_open(marker_);
  std::unique_ptr<MarkerRingFile> file_;
  uint64_t next_value_ = 0;
};

TEST_F(MarkerRingFileTest, RecordsComeOnceAndInTheirOrderRoundAfterRound) {
  for (int round = 0; round < 50; ++round) {
    Mark(97);
    Drain();
  }
  ASSERT_EQ(sink_.records.size(), 50 * 97 + 1u);
  for (uint64_t i = 0; i < 50 * 97; ++i) ASSERT_EQ(sink_.records[i + 1].value, i);
  EXPECT_EQ(file_->counts().delivered_count, 50 * 97 + 1u);
  EXPECT_EQ(file_->counts().overwritten_count, 0u);
  EXPECT_EQ(file_->counts().faults.record_count(), 0u);
  EXPECT_EQ(Drain(), 0u);
}

TEST_F(MarkerRingFileTest, ADrainTakesNoMoreThanItIsToldAndSaysThatMoreIsThere) {
  Mark(100);
  const auto drained = file_->Drain(40, &buffers_);
  ASSERT_TRUE(drained.ok());
  EXPECT_EQ(drained->record_count, 40u);
  EXPECT_TRUE(drained->more);
  EXPECT_EQ(Drain(), 61u);
}

TEST_F(MarkerRingFileTest, ABusyRingDoesNotKeepTheOthersWaiting) {
  hftmon_marker_thread* const other = hftmon_marker_thread_open(marker_);
  bool other_was_told = false;
  for (int round = 0; round < 8 && !other_was_told; ++round) {
    Mark(200);
    hftmon_marker_instant(other, 0, 4711);
    Drain(64);  // less than the busy ring has
    for (const MarkerRecord& record : sink_.records) other_was_told |= record.value == 4711;
  }
  EXPECT_TRUE(other_was_told);
}

TEST_F(MarkerRingFileTest, ARingThatFillsIsSaidToBeBusy) {
  Drain();
  Mark(256 / MarkerRingFile::kBusyShare - 1);
  EXPECT_FALSE(file_->Drain(1'000, &buffers_)->busy);
  Mark(256 / MarkerRingFile::kBusyShare);
  EXPECT_TRUE(file_->Drain(1'000, &buffers_)->busy);
}

TEST_F(MarkerRingFileTest, AReaderThatComesFirstTakesWhatStandsAndOneThatComesBackGoesOn) {
  Mark(10);
  Drain();
  const std::vector<MarkerRingPosition> positions = file_->positions();
  Mark(10);
  sink_.records.clear();
  OpenReader(positions);
  Drain();
  ASSERT_EQ(sink_.records.size(), 10u);
  EXPECT_EQ(sink_.records[0].value, 10u);
  EXPECT_EQ(sink_.records[0].gap_count, 0u);
  EXPECT_EQ(sink_.records.back().tid, static_cast<uint32_t>(gettid())) << "the thread's own record went to the last reader";
  sink_.records.clear();
  OpenReader();
  Drain();
  EXPECT_EQ(sink_.records.size(), 21u);
}

TEST_F(MarkerRingFileTest, WhatPassedWhileNobodyReadIsNoLoss) {
  Mark(10);
  Drain();
  const std::vector<MarkerRingPosition> positions = file_->positions();
  Mark(1'000);
  sink_.records.clear();
  OpenReader(positions);
  Drain();
  ASSERT_EQ(sink_.records.size(), 255u);
  EXPECT_EQ(sink_.records[0].value, 755u);
  EXPECT_EQ(sink_.records[0].gap_count, 0u);
  EXPECT_EQ(file_->counts().overwritten_count, 0u);
}

TEST_F(MarkerRingFileTest, APositionThatTheRingIsNotAtYetIsNoPosition) {
  Mark(10);
  std::vector<MarkerRingPosition> positions = file_->positions();
  positions[0].taken = 1'000;
  OpenReader(positions);
  EXPECT_EQ(Drain(), 0u);
  EXPECT_EQ(Faults(MarkerFault::kIndex), 1u);
}

TEST_F(MarkerRingFileTest, OfAFullRingAllButOneStandAndTheOneMayBeBeingOverwritten) {
  Drain();  // the thread's own: one record taken
  Mark(255);
  EXPECT_EQ(Drain(), 255u);
  EXPECT_EQ(file_->counts().overwritten_count, 0u);
  Mark(256);
  EXPECT_EQ(Drain(), 255u);
  EXPECT_EQ(file_->counts().overwritten_count, 1u);
  Mark(10'000);
  EXPECT_EQ(Drain(), 255u);
  EXPECT_EQ(file_->counts().overwritten_count, 1u + 10'000 - 255);
  EXPECT_EQ(file_->counts().delivered_count + file_->counts().overwritten_count, hftmon_marker_published_count(thread_));
}

// The index moves on between the copy of the records and the second look at it: a clock that marks when it is read, in between.
TEST_F(MarkerRingFileTest, WhatIsOverwrittenWhileItIsCopiedIsNotDelivered) {
  class MarkingClocks : public RawClocks {
   public:
    uint64_t Ticks() const override {
      for (uint64_t i = 0; i < marks; ++i) hftmon_marker_instant(thread, 0, next++);
      return clocks.Ticks();
    }
    int64_t MonotonicNs() const override { return clocks.MonotonicNs(); }
    int64_t RealtimeNs() const override { return clocks.RealtimeNs(); }
    int64_t BoottimeNs() const override { return clocks.BoottimeNs(); }
    int64_t TaiNs() const override { return clocks.TaiNs(); }
    SystemRawClocks clocks;
    hftmon_marker_thread* thread = nullptr;
    mutable uint64_t next = 0;
    uint64_t marks = 0;
  } clocks;
  clocks.thread = thread_;
  auto file = MarkerRingFile::Open(directory_.path(), OwnRingName(), OwnMarkerProcess(), &clocks, &sink_);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Drain(1'000, &buffers_).ok());
  sink_.records.clear();
  uint64_t lost = 0;
  for (const uint64_t meanwhile : {uint64_t{0}, uint64_t{55}, uint64_t{56}, uint64_t{57}, uint64_t{200}, uint64_t{5'000}}) {
    for (int i = 0; i < 200; ++i) hftmon_marker_instant(thread_, 0, clocks.next++);
    clocks.marks = meanwhile;
    ASSERT_TRUE((*file)->Drain(1'000, &buffers_).ok());
    clocks.marks = 0;
    // Of 200 those that the marks meanwhile left alone: the ring holds 255.
    const uint64_t expected = meanwhile <= 55 ? 0 : std::min<uint64_t>(meanwhile - 55, 200);
    EXPECT_EQ((*file)->counts().overwritten_count - lost, expected) << meanwhile;
    ASSERT_TRUE((*file)->Drain(1'000, &buffers_).ok());
    lost = (*file)->counts().overwritten_count;
  }
  // What was delivered is as it was marked, and each gap is what is missing.
  uint64_t next = 0;
  for (const MarkerRecord& record : sink_.records) {
    ASSERT_EQ(record.value, next + record.gap_count);
    next = record.value + 1;
  }
  EXPECT_EQ(next, clocks.next);
  EXPECT_EQ((*file)->counts().faults.record_count(), 0u);
}

TEST_F(MarkerRingFileTest, ARecordBehindAGapBelongsToTheThreadThatHasTheRingNow) {
  Drain();
  uint32_t tid = 0;
  hftmon_marker_thread_close(thread_);
  std::thread([&] {
    tid = static_cast<uint32_t>(gettid());
    thread_ = hftmon_marker_thread_open(marker_);
    Mark(1'000);
  }).join();
  Drain();
  ASSERT_EQ(sink_.records.size(), 256u);
  EXPECT_EQ(sink_.records.back().tid, tid);
  EXPECT_EQ(sink_.records[1].tid, tid) << "the record that announced it is overwritten";
  // The next thread takes the ring over: what stands before is not its.
  sink_.records.clear();
  std::thread([&] {
    Mark(1'000);
    hftmon_marker_thread_close(thread_);
    thread_ = hftmon_marker_thread_open(marker_);
    Mark(1);
  }).join();
  Drain();
  ASSERT_EQ(sink_.records.size(), 255u);
  EXPECT_EQ(sink_.records[0].tid, 0u) << "nobody knows any more";
  EXPECT_NE(sink_.records.back().tid, 0u);
}

TEST_F(MarkerRingFileTest, ANameComesBeforeItsFirstRecordAlsoWhenItIsNewerThanTheDrain) {
  const uint32_t first = hftmon_marker_operation(marker_, "first\n\x7f\xff");
  hftmon_marker_instant(thread_, first, 0);
  Drain();
  ASSERT_EQ(sink_.names.size(), 2u);
  EXPECT_EQ(sink_.names[first], "first???");
  EXPECT_EQ(sink_.records.back().operation, first);
  EXPECT_EQ(file_->operation_count(), 2u);
}

TEST_F(MarkerRingFileTest, EachThingThatCannotBeIsRefusedByItsReason) {
  Drain();
  const uint64_t future = clocks_.Ticks() + (uint64_t{1} << 50);
  using Record = hft_marker_record;
  const struct {
    MarkerFault fault;
    void (*spoil)(Record&, uint64_t future);
  } cases[] = {
      {MarkerFault::kKind, [](Record& record, uint64_t) { record.kind = 0; }},
      {MarkerFault::kKind, [](Record& record, uint64_t) { record.kind = 6; }},
      {MarkerFault::kStatus, [](Record& record, uint64_t) { record.status = 2; }},
      {MarkerFault::kStatus, [](Record& record, uint64_t) { record.status = HFT_MARKER_ERROR; }},  // an instant cannot fail
      {MarkerFault::kOperation, [](Record& record, uint64_t) { record.operation = 1; }},
      {MarkerFault::kOperation, [](Record& record, uint64_t) { record.operation = 0xffffffff; }},
      {MarkerFault::kTimeBackwards, [](Record& record, uint64_t) { record.tsc = 0; }},
      {MarkerFault::kTimeFuture, [](Record& record, uint64_t at) { record.tsc = at; }},
      {MarkerFault::kThread, [](Record& record, uint64_t) { record.kind = HFT_MARKER_THREAD, record.value = 0; }},
      {MarkerFault::kThread, [](Record& record, uint64_t) { record.kind = HFT_MARKER_THREAD, record.value = uint64_t{1} << 40; }},
  };
  MarkerFaultCounts expected;
  for (const auto& one : cases) {
    sink_.records.clear();
    MarkSpoilt([&](Record& record) { one.spoil(record, future); });
    EXPECT_EQ(Drain(), 2u);
    expected.Add(one.fault);
    EXPECT_EQ(file_->counts().faults.counts, expected.counts) << MarkerFaultName(one.fault);
    ASSERT_EQ(sink_.records.size(), 1u);
    EXPECT_EQ(sink_.records[0].gap_count, 1u) << "the next record says that one is missing";
  }
}

TEST_F(MarkerRingFileTest, ASequenceThatDoesNotFitIsGivenOneMoreDrain) {
  Drain();
  MarkSpoilt([](hft_marker_record& record) { record.sequence -= 256; });
  const uint64_t sequence = thread_->index - 1;
  EXPECT_EQ(Drain(), 0u);
  Cell(thread_->index - 2).sequence = sequence;  // it was only not there yet
  EXPECT_EQ(Drain(), 2u);
  EXPECT_EQ(Faults(MarkerFault::kSequence), 0u);
  MarkSpoilt([](hft_marker_record& record) { record.sequence = 0; });
  EXPECT_EQ(Drain(), 0u);
  EXPECT_EQ(Drain(), 2u);
  EXPECT_EQ(Faults(MarkerFault::kSequence), 1u);
  EXPECT_EQ(sink_.records.back().gap_count, 1u);
}

TEST_F(MarkerRingFileTest, AnIndexThatCannotBeIsCountedOnceAndNothingIsReadByIt) {
  Mark(5);
  Drain();
  const uint64_t sound = thread_->producer->published;
  // Those that fell, and those that no thread can have come to since the machine was started.
  const uint64_t far = sound + MarkerRingFile::kRecordsPerNsMax * static_cast<uint64_t>(clocks_.MonotonicNs() + 1'000'000'000'000);
  for (const uint64_t index : {uint64_t{0}, sound - 1, far, uint64_t{1} << 63, ~uint64_t{0}}) {
    const uint64_t before = Faults(MarkerFault::kIndex);
    thread_->producer->published = index;
    EXPECT_EQ(Drain(), 0u);
    EXPECT_EQ(Drain(), 0u);
    EXPECT_EQ(Faults(MarkerFault::kIndex), before + 1) << index;
    EXPECT_EQ(file_->counts().overwritten_count, 0u);
  }
  // A ring that is sound again goes on.
  thread_->producer->published = sound;
  Mark(1);
  EXPECT_EQ(Drain(), 1u);
}

TEST_F(MarkerRingFileTest, AnIndexBeyondWhatWasWrittenDeliversNothingThatWasNot) {
  Mark(5);
  Drain();
  sink_.records.clear();
  thread_->producer->published += 200;
  EXPECT_EQ(Drain(), 0u);
  EXPECT_EQ(Drain(), 200u);
  EXPECT_EQ(Faults(MarkerFault::kSequence), 200u);
  EXPECT_TRUE(sink_.records.empty());
}

TEST_F(MarkerRingFileTest, AFileThatBecomesShorterIsGivenUp) {
  Mark(5);
  for (const off_t size : {off_t{0}, off_t{4096}, static_cast<off_t>(file_->header().file_bytes - 1)}) {
    ASSERT_EQ(truncate(hftmon_marker_path(marker_), size), 0);
    EXPECT_EQ(file_->Drain(100, &buffers_).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_TRUE(sink_.records.empty());
}

TEST_F(MarkerRingFileTest, AFileThatBecomesLongerIsGivenUp) {
  ASSERT_EQ(truncate(hftmon_marker_path(marker_), static_cast<off_t>(file_->header().file_bytes + 1)), 0);
  EXPECT_EQ(file_->Drain(100, &buffers_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(MarkerRingFileTest, AHeaderThatChangesLaterIsNotLookedAtAgain) {
  auto* const header = reinterpret_cast<hft_marker_header*>(reinterpret_cast<char*>(thread_->records) - hft_marker_ring_at(16, 4, 256, 0));
  ASSERT_EQ(header->magic, HFT_MARKER_MAGIC);
  header->record_max = 1u << 30;
  header->thread_max = 0xffffffff;
  header->operation_max = 0xffffffff;
  header->operation_count = 0xffffffff;
  Mark(5);
  EXPECT_EQ(Drain(), 6u);
  EXPECT_EQ(sink_.names.size(), 16u) << "all that the file can have, and no more";
  EXPECT_EQ(Faults(MarkerFault::kName), 15u) << "none of them was written";
  EXPECT_EQ(sink_.names[3], "operation 3");
  header->record_max = 256;
  header->thread_max = 4;
  header->operation_max = 16;
  header->operation_count = 1;
}

TEST_F(MarkerRingFileTest, WhatWasPublishedBeforeTheFileWasRemovedIsStillRead) {
  Mark(5);
  hftmon_marker_close(std::exchange(marker_, nullptr));
  EXPECT_FALSE(file_->HasOwner());
  EXPECT_FALSE(file_->IsNamed());
  EXPECT_EQ(Drain(), 6u);
}

}  // namespace
}  // namespace hftmon
