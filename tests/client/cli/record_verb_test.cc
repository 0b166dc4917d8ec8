// `record` against a scripted daemon: slices abut, nothing that is missing stays unsaid, and the file is whole however it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "client/cli/record/host_facts.h"
#include "tests/client/cli/record_fixture.h"

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using RecordVerbTest = RecordFixture;

TEST_F(RecordVerbTest, SlicesAbutFromTheBeginningToTheEnd) {
  StringConsole console;
  spike_start_ns_ = NowNs() + 100'000'000;  // before the first slice is asked
  EXPECT_EQ(Run({"record", "-p", "11", "--duration", "700ms", "-o", Output()}, console), 0) << console.err();
  ASSERT_GE(timelines_asked_.size(), 2u);
  const Recording recording = Read();
  int64_t at_ns = recording.begin_ns;
  for (const v1::QueryTimelineRequest& asked : timelines_asked_) {
    EXPECT_EQ(asked.end_monotonic_ns() - asked.window_ns(), at_ns);
    EXPECT_THAT(asked.pids(), ElementsAre(11));
    at_ns = asked.end_monotonic_ns();
  }
  EXPECT_EQ(at_ns, recording.begin_ns + 700'000'000);
  EXPECT_EQ(recording.end_ns, at_ns);
  EXPECT_TRUE(recording.whole);
  EXPECT_EQ(recording.end_reason, "duration");
  EXPECT_EQ(recording.daemon_version, "9.9");
  ASSERT_EQ(recording.threads.size(), 1u);
  ASSERT_EQ(recording.threads[0].pieces.size(), 1u) << "joined across the edges";
  EXPECT_EQ(recording.threads[0].pieces[0].duration_ns, 700'000'000);
  EXPECT_EQ(recording.spikes.size(), 1u) << "told again in each slice";
  ASSERT_EQ(recording.counters.size(), 1u);
  EXPECT_EQ(recording.counters[0].unit, "count");
  EXPECT_THAT(console.out(), HasSubstr("recorded 700ms to "));
}

TEST_F(RecordVerbTest, AStretchWithTooManyPiecesIsAskedInHalves) {
  monitor_.query_timeline = [this](const auto& request, auto* response) {
    const grpc::Status status = AnswerTimeline(request, response);
    if (request.window_ns() <= 3'000'000) return status;
    response->set_pieces_left_out(true);
    v1::ThreadTimeline* told = response->mutable_threads(0);
    const v1::TimelinePiece piece = told->pieces(0);
    while (told->pieces_size() < request.max_pieces()) *told->add_pieces() = piece;
    return status;
  };
  StringConsole console;
  EXPECT_EQ(Run({"record", "--window", "10ms", "-o", Output()}, console), 0) << console.err();
  const Recording recording = Read();
  EXPECT_EQ(recording.threads[0].pieces.size(), 1u);
  EXPECT_EQ(recording.threads[0].pieces[0].duration_ns, recording.duration_ns());
  EXPECT_EQ(timelines_asked_.size(), 1u + 2 + 4);
}

TEST_F(RecordVerbTest, WhatIsLostIsAWarningThatStandsInTheFile) {
  monitor_.query_timeline = [this](const auto& request, auto* response) {
    response->set_lost_records(3);
    return AnswerTimeline(request, response);
  };
  StringConsole console;
  EXPECT_EQ(Run({"record", "--window", "10ms", "-o", Output()}, console), 1);
  EXPECT_THAT(console.err(), HasSubstr("hftmon: record: 3 records were lost"));
  const Recording recording = Read();
  EXPECT_TRUE(recording.incomplete);
  EXPECT_EQ(recording.lost_records, 3u);
  EXPECT_THAT(recording.notes, Contains(HasSubstr("3 records were lost")));
}

TEST_F(RecordVerbTest, OverwrittenHistoryIsSaidAndNotAskedForAgain) {
  monitor_.query_timeline = [this](const auto& request, auto* response) {
    response->set_pieces_left_out(true);
    return AnswerTimeline(request, response);
  };
  StringConsole console;
  EXPECT_EQ(Run({"record", "--window", "10ms", "-o", Output()}, console), 1);
  EXPECT_EQ(timelines_asked_.size(), 1u);
}

TEST_F(RecordVerbTest, AroundASpikeIsItsTimeWithTheContext) {
  StringConsole console;
  spike_start_ns_ = NowNs() - 1'000'000'000;
  EXPECT_EQ(Run({"record", "--around", "7", "--context", "2ms", "-o", Output()}, console), 0) << console.err();
  const Recording recording = Read();
  EXPECT_EQ(recording.begin_ns, spike_start_ns_ - 2'000'000);
  EXPECT_EQ(recording.end_ns, spike_start_ns_ + kSpikeNs + 2'000'000);
  EXPECT_EQ(recording.end_reason, "window");
  EXPECT_EQ(Run({"record", "--around", "8", "-o", Output()}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("--around 8: no such spike is kept"));
}

TEST_F(RecordVerbTest, AnInterruptEndsItWithAWholeFile) {
  std::atomic<int> asked{0};
  monitor_.query_timeline = [this, &asked](const auto& request, auto* response) {
    if (asked.fetch_add(1, std::memory_order_relaxed) == 0) kill(getpid(), SIGINT);
    return AnswerTimeline(request, response);
  };
  StringConsole console;
  EXPECT_EQ(Run({"record", "-o", Output()}, console), 130) << console.err();
  const Recording recording = Read();
  EXPECT_TRUE(recording.whole);
  EXPECT_EQ(recording.end_reason, "signal");
  EXPECT_GT(recording.duration_ns(), 500'000'000) << "what happened since the last slice is in it";
}

TEST_F(RecordVerbTest, ADaemonThatGoesAwayLeavesWhatWasRecorded) {
  monitor_.query_timeline = [this](const auto& request, auto* response) {
    if (timelines_asked_.size() < 2) return AnswerTimeline(request, response);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "it ends");
  };
  StringConsole console;
  EXPECT_EQ(Run({"record", "--duration", "5s", "-o", Output()}, console), 3);
  const Recording recording = Read();
  EXPECT_FALSE(recording.whole);
  EXPECT_EQ(recording.duration_ns(), 1'000'000'000);
}

TEST_F(RecordVerbTest, WithoutADaemonTheFileStaysAsItIs) {
  std::ofstream(Output()) << "precious";
  StringConsole console;
  EXPECT_EQ(RunCli({"--server", "unix:" + folder_.File("nobody"), "record", "-o", Output()}, console, absl::UTCTimeZone()), 3);
  EXPECT_EQ(FileText(Output()), "precious");
}

TEST_F(RecordVerbTest, AProcessThatIsNoTargetIsRefusedWhileTheFileStaysAsItIs) {
  StringConsole console;
  ASSERT_EQ(Run({"record", "--window", "10ms", "-o", Output()}, console), 0) << console.err();
  monitor_.detect_spikes = [](const auto&, auto*) { return grpc::Status(grpc::StatusCode::NOT_FOUND, "process 12 is not a target"); };
  EXPECT_EQ(Run({"record", "-p", "12", "--duration", "1s", "-o", Output()}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("process 12 is not a target"));
  EXPECT_EQ(Read().end_reason, "window");
}

TEST_F(RecordVerbTest, OptionsThatContradictEachOtherAreRefused) {
  StringConsole console;
  EXPECT_EQ(Run({"record"}, console), 3) << "no file is named";
  EXPECT_EQ(Run({"record", "-o", Output(), "--window", "1s", "--duration", "1s"}, console), 3);
  EXPECT_EQ(Run({"record", "-o", Output(), "--context", "1ms"}, console), 3);
  EXPECT_EQ(Run({"record", "-o", Output(), "--around", "x"}, console), 3);
  EXPECT_EQ(Run({"record", "-o", folder_.File("no/folder"), "--window", "1s"}, console), 3);
  EXPECT_TRUE(timelines_asked_.empty());
}

TEST_F(RecordVerbTest, NodesAreThoseOfTheFolder) {
  ASSERT_EQ(mkdir(folder_.File("node2").c_str(), 0700), 0);
  std::ofstream(folder_.File("node2/cpulist")) << "2-3,8\n";
  v1::RecordingHeader header;
  AddHostFacts(&header, folder_.File("."));
  ASSERT_EQ(header.nodes_size(), 1);
  EXPECT_EQ(header.nodes(0).node(), 2);
  EXPECT_THAT(header.nodes(0).cpus(), ElementsAre(2, 3, 8));
  EXPECT_FALSE(header.kernel().empty());
}

}  // namespace
}  // namespace hftmon
