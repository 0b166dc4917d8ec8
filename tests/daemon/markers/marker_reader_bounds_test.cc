// What a reader does not do: more than its bounds, believe what it cannot know, wait for whoever is out to harm.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <fstream>

#include "tests/daemon/markers/marker_reader_fixture.h"
#include "tests/fakes/stuck_writer.h"

namespace hftmon {
namespace {

TEST_F(MarkerReaderTest, FilesAndRefusalsAreBounded) {
  std::vector<hftmon_marker*> markers;
  for (int i = 0; i < 5; ++i) markers.push_back(directory_.Create());
  MarkerReader::Options options = Eager();
  options.files_max = 2;
  options.refusals_max = 2;
  Reader(options).RunOnce();
  const MarkerReader::Status status = Reader().status();
  EXPECT_EQ(status.files.size(), 2u);
  ASSERT_EQ(status.refusals.size(), 2u);
  EXPECT_TRUE(absl::IsResourceExhausted(status.refusals[0].why));
  EXPECT_EQ(status.unlisted_refusal_count, 1u);
  for (hftmon_marker* marker : markers) hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, ADirectoryFullOfForeignFilesHidesNoMarkerForLong) {
  // All pretend to be wanted and come before ours.
  const auto own = static_cast<uint32_t>(getpid());
  if (own < 8) GTEST_SKIP() << "pid " << own << " leaves no room for names before it";
  for (uint32_t pid = own - 6; pid < own; ++pid) {
    sinks_.wanted.insert(pid);
    for (uint32_t number = 0; number < 256; ++number) {
      std::ofstream(directory_.path() + "/" + MarkerRingName{pid, number}.FileName()) << "x";
    }
  }
  hftmon_marker* const marker = directory_.Create();
  finder_->Poll();  // the kernel's word is lost
  for (int list = 0; list < 25; ++list) {
    Reader().Rescan();
    Reader().RunOnce();
  }
  EXPECT_TRUE(sinks_.sinks.contains(OwnRingName()));
  EXPECT_EQ(sinks_.sinks.size(), 1u);
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, AFileThatItsProcessLetGoOfIsLeftAndRefusedWithTheReason) {
  const MarkerRingName copy = OwnRingName(1);
  hftmon_marker* const marker = directory_.Create();
  std::filesystem::copy_file(hftmon_marker_path(marker), directory_.path() + "/" + copy.FileName());
  const int fd = open((directory_.path() + "/" + copy.FileName()).c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(pwrite(fd, &copy.number, sizeof(copy.number), offsetof(hft_marker_header, number)), 4);
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_len = 1;
  ASSERT_EQ(fcntl(fd, F_OFD_SETLK, &range), 0);
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.is_read[copy]);
  close(fd);
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.ended.at(copy).ok());
  Reader().Rescan();
  Reader().RunOnce();
  ASSERT_EQ(Reader().status().refusals.size(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(Reader().status().refusals[0].why)) << Reader().status().refusals[0].why;
  EXPECT_TRUE(std::filesystem::exists(directory_.path() + "/" + copy.FileName())) << "it is its living process's to remove";
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, WhereTheKernelsWordCannotBeHadNobodyIsTakenForDead) {
  hftmon_marker* const first = directory_.Create();
  Reader().RunOnce();
  processes_.error = absl::UnavailableError("no descriptor is left");
  hftmon_marker* const second = directory_.Create();
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.is_read[OwnRingName(0)]) << "one that is read is read on";
  EXPECT_FALSE(sinks_.is_read[OwnRingName(1)]);
  MarkerReader::Status status = Reader().status();
  ASSERT_EQ(status.refusals.size(), 1u);
  EXPECT_EQ(status.refusals[0].why.message(), "no descriptor is left");
  EXPECT_EQ(status.left_behind_count, 0u);
  processes_.error = absl::OkStatus();
  Reader().Rescan();
  Reader().RunOnce();
  EXPECT_TRUE(sinks_.is_read[OwnRingName(1)]);
  EXPECT_TRUE(Reader().status().refusals.empty());
  hftmon_marker_close(first);
  hftmon_marker_close(second);
}

TEST_F(MarkerReaderTest, WhatIsNotBelievedAnyMoreIsLeftAndRefusedWithTheReason) {
  hftmon_marker* const marker = directory_.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  Reader().RunOnce();
  hftmon_marker_instant(thread, 0, 1);
  sinks_.not_believed = absl::FailedPreconditionError("the counter is no clock");
  Reader().RunOnce();
  EXPECT_EQ(sinks_.ended.at(OwnRingName()).message(), "the counter is no clock");
  EXPECT_EQ(sinks_.sinks[OwnRingName()].records.size(), 1u) << "what was marked from then on is in no figure";
  Reader().Rescan();
  Reader().RunOnce();
  EXPECT_EQ(sinks_.begin_count, 1);
  ASSERT_EQ(Reader().status().refusals.size(), 1u);
  EXPECT_EQ(Reader().status().refusals[0].why.message(), "the counter is no clock");
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, OneProgramsMarksDoNotKeepTheOthersWaiting) {
  hftmon_marker* const busy = directory_.Create(4, 1u << 12);
  hftmon_marker* const quiet = directory_.Create();
  MarkerReader::Options options = Eager();
  options.turn_records_max = 64;
  Reader(options).RunOnce();
  hftmon_marker_thread* const busy_thread = hftmon_marker_thread_open(busy);
  for (int i = 0; i < 4'000; ++i) hftmon_marker_instant(busy_thread, 0, 0);
  hftmon_marker_instant(hftmon_marker_thread_open(quiet), 0, 4711);
  EXPECT_TRUE(Reader().RunOnce());
  EXPECT_EQ(sinks_.sinks[OwnRingName(0)].records.size(), 64u);
  EXPECT_EQ(sinks_.sinks[OwnRingName(1)].records.size(), 2u);
  while (Reader().RunOnce()) {
  }
  EXPECT_EQ(sinks_.sinks[OwnRingName(0)].records.size(), 4'001u);
  hftmon_marker_close(busy);
  hftmon_marker_close(quiet);
}

TEST_F(MarkerReaderTest, WhatADeadProgramLeftIsReadInTurnsToo) {
  const pid_t child = StartChild(200);
  const MarkerRingName name = {.pid = static_cast<uint32_t>(child), .number = 0};
  sinks_.wanted.insert(name.pid);
  MarkerReader::Options options = Eager();
  options.turn_records_max = 50;
  Reader(options).RunOnce();
  Kill(child);
  EXPECT_TRUE(Reader().RunOnce());
  EXPECT_EQ(sinks_.sinks[name].records.size(), 100u);
  EXPECT_TRUE(sinks_.is_read[name]);
  while (Reader().RunOnce()) {
  }
  EXPECT_EQ(sinks_.sinks[name].records.size(), 201u);
  EXPECT_TRUE(sinks_.ended.at(name).ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(MarkerReaderTest, WhoIsToldToStopDrainsNothingMore) {
  hftmon_marker* const marker = directory_.Create();
  hftmon_marker_instant(hftmon_marker_thread_open(marker), 0, 1);
  const std::atomic<bool> stop{true};
  Reader().RunOnce(&stop);
  EXPECT_TRUE(sinks_.is_read[OwnRingName()]);
  EXPECT_TRUE(sinks_.sinks[OwnRingName()].records.empty());
  hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, WhetherProgramsLiveIsAskedOfAFewInATurn) {
  std::vector<hftmon_marker*> markers;
  for (int i = 0; i < 10; ++i) markers.push_back(directory_.Create());
  MarkerReader::Options options = Eager();
  options.lives_max = 3;
  Reader(options).RunOnce();
  EXPECT_EQ(sinks_.begin_count, 10);
  for (int turn = 0; turn < 8; ++turn) {
    const uint64_t before = processes_.find_count;
    Reader().RunOnce();
    EXPECT_LE(processes_.find_count - before, 3u);
  }
  sinks_.wanted.clear();
  for (int turn = 0; turn < 8; ++turn) Reader().RunOnce();
  EXPECT_EQ(sinks_.ended.size(), 10u) << "all have their turn";
  for (hftmon_marker* marker : markers) hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, NamesThatComeAndGoAreLookedAtNoOftenerThanTheInterval) {
  MarkerReader::Options options = Eager();
  options.look_interval_ns = int64_t{1} << 60;
  Reader(options).RunOnce();
  hftmon_marker* const first = directory_.Create();
  Reader().RunOnce();
  EXPECT_EQ(sinks_.begin_count, 1) << "the first is looked at when it comes";
  hftmon_marker* const second = directory_.Create();
  for (int turn = 0; turn < 5; ++turn) Reader().RunOnce();
  EXPECT_EQ(sinks_.begin_count, 1);
  Reader().Rescan();  // an order, not a name
  Reader().RunOnce();
  EXPECT_EQ(sinks_.begin_count, 2);
  hftmon_marker_close(first);
  hftmon_marker_close(second);
}

TEST_F(MarkerReaderTest, NamesBeyondATurnsBoundHaveALaterTurn) {
  MarkerReader::Options options = Eager();
  options.looks_max = 2;
  Reader(options).RunOnce();
  std::vector<hftmon_marker*> markers;
  for (int i = 0; i < 5; ++i) markers.push_back(directory_.Create());
  Reader().RunOnce();
  EXPECT_EQ(sinks_.begin_count, 2);
  Reader().RunOnce();
  Reader().RunOnce();
  EXPECT_EQ(sinks_.begin_count, 5);
  for (hftmon_marker* marker : markers) hftmon_marker_close(marker);
}

TEST_F(MarkerReaderTest, FilesThatNobodyWantsAreCountedAsLeftBehindAFewAtATime) {
  // Above what the kernel gives out by default, and one that lives.
  const uint32_t nobody = (1u << 22) - 1;
  for (uint32_t number = 0; number < 5; ++number) {
    std::ofstream(directory_.path() + "/" + MarkerRingName{nobody, number}.FileName()) << "x";
  }
  std::ofstream(directory_.path() + "/" + MarkerRingName{1, 0}.FileName()) << "x";
  MarkerReader::Options options = Eager();
  options.looks_max = 2;
  for (int list = 0; list < 6; ++list) {
    Reader(options).Rescan();
    Reader().RunOnce();
  }
  EXPECT_EQ(Reader().status().left_behind_count, 5u);
  std::filesystem::remove(directory_.path() + "/" + MarkerRingName{nobody, 3}.FileName());
  Reader().RunOnce();
  EXPECT_EQ(Reader().status().left_behind_count, 4u);
}

TEST_F(MarkerReaderTest, WhoHoldsTheLockOfItsFileKeepsNoReaderFromItsWork) {
  hftmon_marker* const marker = directory_.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  const StuckWriter writer(hftmon_marker_path(marker));
  if (!writer.why_not().empty()) GTEST_SKIP() << writer.why_not();
  for (int turn = 0; turn < 3; ++turn) {
    hftmon_marker_instant(thread, 0, 1);
    Reader().Rescan();
    Reader().RunOnce();
  }
  EXPECT_EQ(sinks_.sinks[OwnRingName()].records.size(), 4u);
  reader_.reset();
  EXPECT_TRUE(absl::IsCancelled(sinks_.ended.at(OwnRingName())));
}

}  // namespace
}  // namespace hftmon
