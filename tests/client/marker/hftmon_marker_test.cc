#include "client/marker/hftmon_marker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "daemon/markers/marker_ring_file.h"
#include "tests/client/marker/c_program.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

class HftmonMarkerTest : public testing::Test {
 protected:
  ~HftmonMarkerTest() override { hftmon_marker_close(marker_); }
  void OpenReader() {
    auto file = MarkerRingFile::Open(directory_.path(), OwnRingName(), OwnMarkerProcess(), &clocks_, &sink_);
    ASSERT_TRUE(file.ok()) << file.status();
    file_ = std::move(*file);
  }
  void Drain() {
    const auto drained = file_->Drain(1'000'000, &buffers_);
    ASSERT_TRUE(drained.ok()) << drained.status();
  }

  MarkerDirectory directory_;
  const SystemRawClocks clocks_;
  RecordingMarkerSink sink_;
  MarkerBuffers buffers_;
  hftmon_marker* marker_ = directory_.Create();
  std::unique_ptr<MarkerRingFile> file_;
};

TEST_F(HftmonMarkerTest, TheFileIsItsOwnersAloneAndBearsThePid) {
  ASSERT_NE(marker_, nullptr);
  const std::string path = directory_.path() + "/" + OwnRingName().FileName();
  EXPECT_EQ(path, hftmon_marker_path(marker_));
  struct stat status {};
  ASSERT_EQ(lstat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_EQ(status.st_uid, geteuid());
  EXPECT_EQ(static_cast<uint64_t>(status.st_size), hft_marker_file_bytes(16, 4, 256, HFT_MARKER_RANGES_MAX));
}

TEST_F(HftmonMarkerTest, AWideUmaskDoesNotWidenTheFile) {
  const mode_t before = umask(0);
  hftmon_marker* const second = directory_.Create();
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat(hftmon_marker_path(second), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  hftmon_marker_close(second);
}

TEST_F(HftmonMarkerTest, ClosingRemovesTheFileAndNothingElse) {
  const std::string path = hftmon_marker_path(marker_);
  hftmon_marker_close(std::exchange(marker_, nullptr));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(HftmonMarkerTest, ANameThatIsTakenIsPassedOverAndNotTouched) {
  const std::string taken = directory_.path() + "/" + OwnRingName(1).FileName();
  ASSERT_EQ(symlink("/nowhere", taken.c_str()), 0);
  hftmon_marker* const second = directory_.Create();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(directory_.path() + "/" + OwnRingName(2).FileName(), hftmon_marker_path(second));
  EXPECT_TRUE(std::filesystem::is_symlink(taken));
  hftmon_marker_close(second);
}

TEST_F(HftmonMarkerTest, OptionsOutOfTheirRangeAreRefused) {
  for (const auto& [threads, records, operations] :
       {std::tuple{257u, 256u, 16u}, {4u, 255u, 16u}, {4u, 300u, 16u}, {4u, 1u << 21, 16u}, {4u, 256u, 4097u}, {256u, 1u << 20, 16u}}) {
    errno = 0;
    EXPECT_EQ(directory_.Create(threads, records, operations), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
  const hftmon_marker_options nowhere = {.thread_max = 1, .record_max = 256, .operation_max = 1, .directory = "/nowhere"};
  EXPECT_EQ(hftmon_marker_create(&nowhere), nullptr);
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(HftmonMarkerTest, AProcessMayHaveSixteen) {
  std::vector<hftmon_marker*> markers;
  for (int i = 1; i < 16; ++i) markers.push_back(directory_.Create());
  for (const hftmon_marker* marker : markers) EXPECT_NE(marker, nullptr);
  EXPECT_EQ(directory_.Create(), nullptr);
  EXPECT_EQ(errno, EMFILE);
  for (hftmon_marker* marker : markers) hftmon_marker_close(marker);
}

TEST_F(HftmonMarkerTest, ACProgramsRecordsArriveAsItWroteThem) {
  const uint32_t operation = hftmon_marker_operation(marker_, "order");
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker_);
  ASSERT_EQ(mark_one_of_each(thread, operation), 6);
  OpenReader();
  Drain();
  ASSERT_EQ(sink_.names.size(), 2u);
  EXPECT_EQ(sink_.names[operation], "order");
  ASSERT_EQ(sink_.records.size(), 7u);
  EXPECT_EQ(sink_.records[0].kind, MarkerKind::kThread);
  EXPECT_EQ(sink_.records[0].value, static_cast<uint64_t>(gettid()));
  const MarkerKind kinds[] = {MarkerKind::kBegin, MarkerKind::kInstant, MarkerKind::kHeartbeat,
                              MarkerKind::kEnd,   MarkerKind::kBegin,   MarkerKind::kEnd};
  const uint64_t values[] = {1, 2, 3, 1, 4, 4};
  for (size_t i = 0; i < 6; ++i) {
    const MarkerRecord& record = sink_.records[i + 1];
    EXPECT_EQ(record.kind, kinds[i]);
    EXPECT_EQ(record.value, values[i]);
    EXPECT_EQ(record.operation, operation);
    EXPECT_EQ(record.tid, static_cast<uint32_t>(gettid()));
    EXPECT_EQ(record.error, i == 5);
    EXPECT_GE(record.tsc, sink_.records[i].tsc);
  }
}

TEST_F(HftmonMarkerTest, WithoutAReaderTheRingKeepsTheLatest) {
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker_);
  for (uint64_t i = 0; i < 1'000; ++i) ASSERT_TRUE(hftmon_marker_instant(thread, 0, i));
  EXPECT_EQ(hftmon_marker_published_count(thread), 1'001u);  // and the thread's own
  OpenReader();
  Drain();
  // All but the one that its thread could just be writing over. What was overwritten before anybody looked is no loss.
  ASSERT_EQ(sink_.records.size(), 255u);
  for (uint64_t i = 0; i < 255; ++i) EXPECT_EQ(sink_.records[i].value, 745 + i);
  EXPECT_EQ(sink_.records[0].gap_count, 0u);
  EXPECT_EQ(sink_.records[0].tid, static_cast<uint32_t>(gettid())) << "though the record that announced it is overwritten";
  EXPECT_EQ(file_->counts().overwritten_count, 0u);
}

TEST_F(HftmonMarkerTest, WhatAReaderMissesIsCountedAndTheNextRecordTellsOfIt) {
  OpenReader();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker_);
  for (uint64_t i = 0; i < 1'000; ++i) ASSERT_TRUE(hftmon_marker_instant(thread, 0, i));
  Drain();
  ASSERT_EQ(sink_.records.size(), 255u);
  EXPECT_EQ(sink_.records[0].value, 745u);
  EXPECT_EQ(sink_.records[0].gap_count, 746u);
  EXPECT_EQ(sink_.records[1].gap_count, 0u);
  EXPECT_EQ(file_->counts().overwritten_count, 746u);
  hftmon_marker_instant(thread, 0, 4711);
  Drain();
  ASSERT_EQ(sink_.records.size(), 256u);
  EXPECT_EQ(sink_.records[255].gap_count, 0u);
  EXPECT_EQ(file_->counts().overwritten_count, 746u);
}

TEST_F(HftmonMarkerTest, ARecordBearsTheReadingThatItWasGiven) {
  OpenReader();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker_);
  const uint64_t tsc = hftmon_marker_tsc();
  EXPECT_TRUE(hftmon_marker_put_at(thread, tsc, 0, 7, HFT_MARKER_BEGIN, HFT_MARKER_OK));
  EXPECT_TRUE(hftmon_marker_put_at(thread, tsc + 5, 0, 7, HFT_MARKER_END, HFT_MARKER_ERROR));
  Drain();
  ASSERT_EQ(sink_.records.size(), 3u);
  EXPECT_EQ(sink_.records[1].tsc, tsc);
  EXPECT_EQ(sink_.records[1].kind, MarkerKind::kBegin);
  EXPECT_EQ(sink_.records[2].tsc, tsc + 5);
  EXPECT_TRUE(sink_.records[2].error);
  EXPECT_EQ(hftmon_marker_published_count(thread), 3u);
  EXPECT_FALSE(hftmon_marker_put_at(nullptr, tsc, 0, 8, HFT_MARKER_INSTANT, HFT_MARKER_OK));
  EXPECT_EQ(hftmon_marker_published_count(nullptr), 0u);
}

TEST_F(HftmonMarkerTest, AHandleThatIsClosedRecordsNothing) {
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker_);
  hftmon_marker_thread_close(thread);
  EXPECT_EQ(mark_one_of_each(thread, 0), 0);
  EXPECT_FALSE(hftmon_marker_put_at(thread, hftmon_marker_tsc(), 0, 8, HFT_MARKER_INSTANT, HFT_MARKER_OK));
  EXPECT_EQ(hftmon_marker_published_count(thread), 0u);
}

TEST_F(HftmonMarkerTest, NobodyWhoMakesNamesThereIsInItsWay) {
  // The names that another user can foresee: all but the last are taken, and so is the one that a file had while it was made once.
  for (uint32_t number = 1; number < 255; ++number) {
    ASSERT_EQ(symlink("/nowhere", (directory_.path() + "/" + OwnRingName(number).FileName()).c_str()), 0);
    ASSERT_EQ(symlink("/nowhere", (directory_.path() + "/." + OwnRingName(number).FileName()).c_str()), 0);
  }
  ASSERT_EQ(symlink("/nowhere", (directory_.path() + "/." + OwnRingName(255).FileName()).c_str()), 0);
  hftmon_marker* const last = directory_.Create();
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(directory_.path() + "/" + OwnRingName(255).FileName(), hftmon_marker_path(last));
  errno = 0;
  EXPECT_EQ(directory_.Create(), nullptr);
  EXPECT_EQ(errno, EEXIST);
  hftmon_marker_close(last);
}

TEST_F(HftmonMarkerTest, ASignalInEachMillisecondDoesNotKeepAThreadFromItsRing) {
  struct sigaction before {};
  struct sigaction action {};
  action.sa_handler = [](int) {};  // and no SA_RESTART
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  hftmon_marker* const large = directory_.Create(1, 1u << 19);  // 16 MiB
  ASSERT_NE(large, nullptr);
  const itimerval often = {.it_interval = {.tv_sec = 0, .tv_usec = 1'000}, .it_value = {.tv_sec = 0, .tv_usec = 1'000}};
  setitimer(ITIMER_REAL, &often, nullptr);
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(large);
  const int error = errno;
  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  ASSERT_NE(thread, nullptr) << strerror(error);
  EXPECT_TRUE(hftmon_marker_instant(thread, 0, 1));
  hftmon_marker_close(large);
}

TEST_F(HftmonMarkerTest, AnOperationHasOneIdAndTheirNumberIsBounded) {
  const uint32_t first = hftmon_marker_operation(marker_, "order in");
  EXPECT_NE(first, 0u);
  EXPECT_EQ(hftmon_marker_operation(marker_, "order in"), first);
  for (int i = 2; i < 16; ++i) EXPECT_NE(hftmon_marker_operation(marker_, ("operation " + std::to_string(i)).c_str()), 0u);
  errno = 0;
  EXPECT_EQ(hftmon_marker_operation(marker_, "one more"), 0u);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(hftmon_marker_operation(marker_, "order in"), first);
  for (const std::string& name : {std::string(), std::string(61, 'x')}) {
    errno = 0;
    EXPECT_EQ(hftmon_marker_operation(marker_, name.c_str()), 0u);
    EXPECT_EQ(errno, EINVAL);
  }
  EXPECT_EQ(hftmon_marker_operation(marker_, nullptr), 0u);
}

TEST_F(HftmonMarkerTest, WhereThereIsNoMarkerNothingIsRecordedAndNothingCrashes) {
  EXPECT_EQ(hftmon_marker_thread_open(nullptr), nullptr);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(hftmon_marker_this_thread(nullptr), nullptr);
  EXPECT_EQ(hftmon_marker_operation(nullptr, "order"), 0u);
  EXPECT_EQ(mark_one_of_each(nullptr, 0), 0);
  EXPECT_EQ(hftmon_marker_published_count(nullptr), 0u);
  EXPECT_EQ(hftmon_marker_path(nullptr), nullptr);
  hftmon_marker_thread_close(nullptr);
  hftmon_marker_close(nullptr);
}

TEST_F(HftmonMarkerTest, AThreadsRingIsTakenOverByTheNextAndEachRecordKnowsItsThread) {
  uint32_t tids[6] = {};
  // More threads than rings, one after the other.
  for (uint32_t& tid : tids) {
    std::thread([&] {
      tid = static_cast<uint32_t>(gettid());
      ASSERT_TRUE(hftmon_marker_instant(hftmon_marker_this_thread(marker_), 0, tid));
      ASSERT_EQ(hftmon_marker_this_thread(marker_), hftmon_marker_this_thread(marker_));
    }).join();
  }
  OpenReader();
  Drain();
  ASSERT_EQ(sink_.records.size(), 12u);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(sink_.records[2 * i].kind, MarkerKind::kThread);
    EXPECT_EQ(sink_.records[2 * i + 1].value, tids[i]);
    EXPECT_EQ(sink_.records[2 * i + 1].tid, tids[i]);
    EXPECT_EQ(sink_.records[2 * i + 1].ring, 0);
  }
}

TEST_F(HftmonMarkerTest, NoMoreThreadsThanRingsAndAFullOneIsTakenOver) {
  hftmon_marker_thread* threads[4];
  for (hftmon_marker_thread*& thread : threads) ASSERT_NE(thread = hftmon_marker_thread_open(marker_), nullptr);
  errno = 0;
  EXPECT_EQ(hftmon_marker_thread_open(marker_), nullptr);
  EXPECT_EQ(errno, EAGAIN);
  for (int i = 0; i < 1'000; ++i) hftmon_marker_instant(threads[2], 0, 0);
  hftmon_marker_thread_close(threads[2]);
  EXPECT_EQ(hftmon_marker_thread_open(marker_), threads[2]);
  EXPECT_EQ(hftmon_marker_published_count(threads[2]), 1'002u);
}

TEST_F(HftmonMarkerTest, AThreadMayOutliveTheMarkerThatItMarkedIn) {
  std::thread thread([&] {
    EXPECT_NE(hftmon_marker_this_thread(marker_), nullptr);
    hftmon_marker_close(std::exchange(marker_, nullptr));
    marker_ = directory_.Create();
    EXPECT_NE(hftmon_marker_this_thread(marker_), nullptr);
  });
  thread.join();
  // Its ring was given back.
  for (int i = 0; i < 4; ++i) EXPECT_NE(hftmon_marker_thread_open(marker_), nullptr);
}

}  // namespace
}  // namespace hftmon
