// Which files are read, from when until when, and by whom they are told.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/daemon/markers/marker_reader_fixture.h"

namespace hftmon {
namespace {

TEST_F(MarkerReaderTest, AMarkerIsReadFromItsFirstTurnOnUntilItIsClosed) {
  Reader().RunOnce();
  hftmon_marker* const marker = directory_.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  hftmon_marker_instant(thread, 0, 1);
  Reader().RunOnce();
  ASSERT_EQ(sinks_.sinks[OwnRingName()].records.size(), 2u);
  ASSERT_EQ(Reader().status().files.size(), 1u);
  EXPECT_EQ(Reader().status().files[0].counts.delivered_count, 2u);
  hftmon_marker_instant(thread, 0, 2);
  hftmon_marker_close(marker);
  Reader().RunOnce();
  EXPECT_EQ(sinks_.sinks[OwnRingName()].records.size(), 3u);
  EXPECT_TRUE(sinks_.ended.at(OwnRingName()).ok());
  EXPECT_TRUE(Reader().status().files.empty());
  EXPECT_EQ(Reader().status().ended.delivered_count, 3u);
}

TEST_F(MarkerReaderTest, AMarkerThatWasThereBeforeIsFound) {
  hftmon_marker* const marker = directory_.Create();
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.sinks.contains(OwnRingName()));
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, OnlyTheWantedAreOpenedAndLaterOnRequest) {
  sinks_.wanted.clear();
  hftmon_marker* const marker = directory_.Create();
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.sinks.empty());
  sinks_.wanted.insert(static_cast<uint32_t>(getpid()));
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.sinks.empty());
  Reader().Rescan();
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.sinks.contains(OwnRingName()));
  sinks_.wanted.clear();
  Reader().RunOnce();
  EXPECT_TRUE(absl::IsCancelled(sinks_.ended.at(OwnRingName())));
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, AWaitThatWouldLastForEverIsEndedByARescan) {
  MarkerReader::Options options = Eager();
  options.idle_interval_ns = int64_t{1} << 60;
  sinks_.wanted.clear();
  hftmon_marker* const marker = directory_.Create();
  MarkerReader& reader = Reader(options);
  std::atomic<bool> stop{false};
  std::thread thread([&] { reader.Run(stop); });
  reader.Rescan();
  stop.store(true, std::memory_order_seq_cst);
  reader.Rescan();
  thread.join();
  EXPECT_TRUE(sinks_.sinks.empty());
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, WhatAKilledProgramLeftIsReadToItsEndAndRemoved) {
  const pid_t child = StartChild(100);
  const MarkerRingName name = {.pid = static_cast<uint32_t>(child), .number = 0};
  sinks_.wanted.insert(name.pid);
  Reader().RunOnce();
  EXPECT_EQ(sinks_.sinks[name].records.size(), 101u);
  Kill(child);
  EXPECT_FALSE(std::filesystem::is_empty(directory_.path()));
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.ended.at(name).ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(MarkerReaderTest, AKilledProgramIsNoLongerWantedAndIsReadToItsEndAllTheSame) {
  const pid_t child = StartChild(100);
  const MarkerRingName name = {.pid = static_cast<uint32_t>(child), .number = 0};
  sinks_.wanted.insert(name.pid);
  Reader().RunOnce();
  Kill(child);
  sinks_.wanted.erase(name.pid);
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.ended.at(name).ok()) << sinks_.ended.at(name);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(MarkerReaderTest, WhatWasLeftBehindBeforeItIsCountedAndNotOpened) {
  const pid_t child = StartChild(1);
  Kill(child);
  sinks_.wanted.insert(static_cast<uint32_t>(child));
  Reader().RunOnce();
  EXPECT_EQ(Reader().status().left_behind_count, 1u);
  EXPECT_TRUE(sinks_.sinks.empty());
  EXPECT_FALSE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(MarkerReaderTest, AFileThatIsChangedIsLeftAndTheReasonIsKept) {
  hftmon_marker* const marker = directory_.Create();
  Reader().RunOnce();
  ASSERT_EQ(truncate(hftmon_marker_path(marker), 0), 0);
  Reader().RunOnce();
  EXPECT_TRUE(absl::IsDataLoss(sinks_.ended.at(OwnRingName())));
  ASSERT_EQ(Reader().status().refusals.size(), 1u);
  EXPECT_EQ(Reader().status().refusals[0].name, OwnRingName());
  Reader().Rescan();
  Reader().RunOnce();
  EXPECT_TRUE(absl::IsInvalidArgument(Reader().status().refusals[0].why)) << Reader().status().refusals[0].why;
  hftmon_marker_close(marker);  // it looks at nothing that is gone
}

TEST_F(MarkerReaderTest, AReadingThatPausesGoesOnWhereItStopped) {
  hftmon_marker* const marker = directory_.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  for (uint64_t i = 0; i < 100; ++i) hftmon_marker_instant(thread, 0, i);
  Reader().RunOnce();
  EXPECT_EQ(sinks_.sinks[OwnRingName()].records.size(), 101u);
  sinks_.wanted.clear();
  Reader().RunOnce();
  ASSERT_TRUE(absl::IsCancelled(sinks_.ended.at(OwnRingName())));
  for (uint64_t i = 100; i < 150; ++i) hftmon_marker_instant(thread, 0, i);
  sinks_.wanted.insert(static_cast<uint32_t>(getpid()));
  Reader().Rescan();
  Reader().RunOnce();
  ASSERT_EQ(sinks_.begin_count, 2);
  const RecordingMarkerSink& again = sinks_.sinks[OwnRingName()];
  ASSERT_EQ(again.records.size(), 50u) << "nothing twice";
  EXPECT_EQ(again.records[0].value, 100u);
  EXPECT_EQ(again.records[0].tid, static_cast<uint32_t>(gettid()));
  EXPECT_EQ(Reader().status().files.at(0).counts.overwritten_count, 0u);
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, AnotherFileOfTheSameNameIsNotGoneOnWith) {
  hftmon_marker* marker = directory_.Create();
  hftmon_marker_thread* thread = hftmon_marker_thread_open(marker);
  for (uint64_t i = 0; i < 100; ++i) hftmon_marker_instant(thread, 0, i);
  Reader().RunOnce();
  sinks_.wanted.clear();
  Reader().RunOnce();
  hftmon_marker_close(marker);
  marker = directory_.Create();
  thread = hftmon_marker_thread_open(marker);
  for (uint64_t i = 0; i < 10; ++i) hftmon_marker_instant(thread, 0, i);
  sinks_.wanted.insert(static_cast<uint32_t>(getpid()));
  Reader().Rescan();
  Reader().RunOnce();
  EXPECT_EQ(sinks_.sinks[OwnRingName()].records.size(), 11u);
  hftmon_marker_close(marker);
}

// A child that did not exec holds the descriptor, and so the lock, of a marker that its parent has closed.
TEST_F(MarkerReaderTest, AMarkerThatIsMadeAgainWhileAChildHoldsTheOldOneIsRead) {
  hftmon_marker* marker = directory_.Create();
  hftmon_marker_instant(hftmon_marker_thread_open(marker), 0, 1);
  Reader().RunOnce();
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  hftmon_marker_close(marker);
  marker = directory_.Create();
  hftmon_marker_instant(hftmon_marker_thread_open(marker), 0, 2);
  for (int turn = 0; turn < 3; ++turn) Reader().RunOnce();
  EXPECT_EQ(sinks_.begin_count, 2);
  ASSERT_EQ(sinks_.sinks[OwnRingName()].records.size(), 2u);
  EXPECT_EQ(sinks_.sinks[OwnRingName()].records[1].value, 2u);
  EXPECT_TRUE(sinks_.ended.at(OwnRingName()).ok());
  Kill(child);
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, AMarkerThatWasClosedIsToldToHaveEndedThoughAChildHoldsIt) {
  hftmon_marker* const marker = directory_.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  Reader().RunOnce();
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  hftmon_marker_instant(thread, 0, 1);
  hftmon_marker_close(marker);
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.ended.at(OwnRingName()).ok());
  EXPECT_EQ(sinks_.sinks[OwnRingName()].records.size(), 2u);
  Kill(child);
}

// A hostile owner keeps the kernel's lock of its file for as long as it likes.
TEST_F(MarkerReaderTest, AReaderThatWaitsIsWokenByANewMarker) {
  MarkerReader::Options options = Eager();
  options.idle_interval_ns = 3'600'000'000'000;  // nothing but the kernel's word ends that wait
  MarkerReader& reader = Reader(options);
  std::atomic<bool> stop{false};
  std::thread running([&] { reader.Run(stop); });
  hftmon_marker* const marker = directory_.Create();
  EXPECT_NE(marker, nullptr);
  // Relaxed is not enough for what a sink saw, so the reader's own status is asked.
  while (marker != nullptr && reader.status().files.empty()) std::this_thread::yield();
  stop.store(true, std::memory_order_relaxed);
  running.join();
  EXPECT_TRUE(sinks_.sinks.contains(OwnRingName()));
  hftmon_marker_close(marker);
}

}  // namespace
}  // namespace hftmon
