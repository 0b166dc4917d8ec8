// MarkerReaderTest: a reader of a directory of its own, whose programs are this process and its children; the sinks and the kernel's word
// are fakes.
#ifndef HFTMON_TESTS_DAEMON_MARKERS_MARKER_READER_FIXTURE_H_
#define HFTMON_TESTS_DAEMON_MARKERS_MARKER_READER_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <memory>
#include <set>

#include "daemon/markers/marker_reader.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {

class FakeMarkerSinks : public MarkerSinks {
 public:
  bool Wants(uint32_t pid) override { return wanted.contains(pid); }
  absl::Status WhyNotBelieved() override { return not_believed; }
  MarkerSink* Begin(const MarkerRingName& name, const hft_marker_header& header) override {
    EXPECT_EQ(header.pid, name.pid);
    EXPECT_FALSE(is_read[name]) << "begun twice";
    is_read[name] = true;
    ++begin_count;
    return &(sinks[name] = RecordingMarkerSink());
  }
  void End(const MarkerRingName& name, MarkerSink* sink, const MarkerRingFile::Counts& counts, const absl::Status& why) override {
    EXPECT_EQ(sink, &sinks[name]);
    EXPECT_EQ(counts.delivered_count, sinks[name].records.size());
    is_read[name] = false;
    ended[name] = why;
    ended_counts[name] = counts;
  }
  std::set<uint32_t> wanted{static_cast<uint32_t>(getpid())};
  absl::Status not_believed;
  int begin_count = 0;
  std::map<MarkerRingName, bool> is_read;
  std::map<MarkerRingName, RecordingMarkerSink> sinks;
  std::map<MarkerRingName, absl::Status> ended;
  std::map<MarkerRingName, MarkerRingFile::Counts> ended_counts;
};

// The kernel's word, or a failure to have it.
class FakeMarkerProcesses : public MarkerProcesses {
 public:
  absl::StatusOr<MarkerProcess> Find(uint32_t pid) const override {
    ++find_count;
    if (!error.ok()) return error;
    return processes.Find(pid);
  }
  absl::Status error;
  mutable uint64_t find_count = 0;
  const ProcMarkerProcesses processes{FileRoot("/")};
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
    return {.poll_interval_ns = 1'000'000,
            .look_interval_ns = 0,
            .life_interval_ns = 0,
            .rescan_interval_ns = int64_t{1} << 60,
            .removes_left_behind = true};
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
  FakeMarkerProcesses processes_;
  const SystemRawClocks clocks_;
  FakeMarkerSinks sinks_;
  std::unique_ptr<MarkerRingFinder> finder_;
  std::unique_ptr<MarkerReader> reader_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_MARKERS_MARKER_READER_FIXTURE_H_
