#include "daemon/markers/marker_reader.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

class FakeMarkerSinks : public MarkerSinks {
 public:
  bool Wants(uint32_t pid) override { return wanted.contains(pid); }
  MarkerSink* Begin(const MarkerRingName& name, const hft_marker_header& header) override {
    EXPECT_EQ(header.pid, name.pid);
    EXPECT_FALSE(sinks.contains(name)) << "begun twice";
    return &sinks[name];
  }
  void End(const MarkerRingName& name, MarkerSink* sink, const MarkerRingFile::Counts& counts, const absl::Status& why) override {
    EXPECT_EQ(sink, &sinks[name]);
    EXPECT_EQ(counts.delivered_count, sinks[name].records.size());
    ended[name] = why;
  }
  std::set<uint32_t> wanted{static_cast<uint32_t>(getpid())};
  std::map<MarkerRingName, RecordingMarkerSink> sinks;
  std::map<MarkerRingName, absl::Status> ended;
};

class MarkerReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto finder = MarkerRingFinder::Create(directory_.path());
    ASSERT_TRUE(finder.ok()) << finder.status();
    finder_ = std::move(*finder);
  }
  // Looks for life and publishes in every turn; lists the directory when it is told to.
  static MarkerReader::Options Eager() {
    return {.poll_interval_ns = 1'000'000, .life_interval_ns = 0, .rescan_interval_ns = int64_t{1} << 60, .removes_left_behind = true};
  }
  MarkerReader& Reader(MarkerReader::Options options = Eager()) {
    if (reader_ == nullptr) {
      const MarkerReader::Wiring wiring = {.finder = finder_.get(), .processes = &processes_, .clocks = &clocks_, .sinks = &sinks_};
      reader_ = std::make_unique<MarkerReader>(wiring, options);
    }
    return *reader_;
  }
  // A child that makes a marker, marks `count` instants in it and waits to be killed. Its pid.
  pid_t StartChild(int count) {
    int ready[2];
    if (pipe(ready) != 0) std::abort();
    const pid_t child = fork();
    if (child == 0) {
      hftmon_marker_thread* const thread = hftmon_marker_thread_open(directory_.Create());
      for (int i = 0; i < count; ++i) hftmon_marker_instant(thread, 0, static_cast<uint64_t>(i));
      if (write(ready[1], "r", 1) != 1) _exit(1);
      while (true) pause();
    }
    char word = 0;
    EXPECT_EQ(read(ready[0], &word, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
  }
  static void Kill(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }

  const MarkerDirectory directory_;
  const ProcMarkerProcesses processes_{FileRoot("/")};
  const SystemRawClocks clocks_;
  FakeMarkerSinks sinks_;
  std::unique_ptr<MarkerRingFinder> finder_;
  std::unique_ptr<MarkerReader> reader_;
};

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
  for (int list = 0; list < 4; ++list) {
    Reader().Rescan();
    Reader().RunOnce();
  }
  EXPECT_TRUE(sinks_.sinks.contains(OwnRingName()));
  EXPECT_EQ(sinks_.sinks.size(), 1u);
  hftmon_marker_close(marker);
}

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
