// From the bytes of a recording file to what happened: answers are joined, and what is missing is said.
#include "client/recording/recording_reader.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "client/recording/recording_format.h"

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kHeader[] = R"(header { format_version: 1 recorder_version: "0.1" host: "trader" begin_monotonic_ns: 1000
    time { monotonic_ns: 1000 realtime_ns: 1700000000000000000 } nodes { node: 1 cpus: [2, 3] } })";
constexpr char kEnd[] = R"(end { end_monotonic_ns: 3000 reason: "duration" })";
constexpr char kFirstSlice[] = R"(timeline { window { begin_monotonic_ns: 1000 end_monotonic_ns: 2000 } run_queue_floor_ns: 50000
    off_cpu_floor_ns: 20000 threads { thread { tid: 12 pid: 11 start_boottime_ns: 5 comm: "matcher" }
      pieces { start_monotonic_ns: 1000 duration_ns: 600 state: "running" cpu: 3 }
      pieces { start_monotonic_ns: 1600 duration_ns: 400 state: "blocked" detail: "futex" } } })";
constexpr char kSecondSlice[] = R"(timeline { window { begin_monotonic_ns: 2000 end_monotonic_ns: 3000 } run_queue_floor_ns: 60000
    off_cpu_floor_ns: 20000 threads { thread { tid: 12 pid: 11 start_boottime_ns: 5 comm: "matcher" }
      pieces { start_monotonic_ns: 2000 duration_ns: 300 state: "blocked" detail: "futex" }
      pieces { start_monotonic_ns: 2300 duration_ns: 700 state: "running" cpu: 2 } } })";

std::string FileOf(const std::vector<std::string>& parts) {
  std::string bytes(kRecordingMagic);
  for (const std::string& text : parts) {
    v1::RecordingPart part;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &part)) << text;
    AppendRecordingPart(part, &bytes);
  }
  return bytes;
}

Recording Read(const std::vector<std::string>& parts) {
  const auto recording = ReadRecording(FileOf(parts));
  EXPECT_TRUE(recording.ok()) << recording.status();
  return recording.ok() ? *recording : Recording();
}

TEST(RecordingReaderTest, APieceThatGoesOnAcrossTheEdgeOfAnswersIsOne) {
  const Recording recording = Read({kHeader, kFirstSlice, kSecondSlice, kEnd});
  ASSERT_EQ(recording.threads.size(), 1u);
  const std::vector<RecordedPiece>& pieces = recording.threads[0].pieces;
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[1].start_ns, 1'600);
  EXPECT_EQ(pieces[1].duration_ns, 700);
  EXPECT_EQ(pieces[1].state, PieceState::kBlocked);
  EXPECT_EQ(pieces[1].detail, "futex");
  EXPECT_EQ(pieces[2].cpu, 2);
  EXPECT_TRUE(recording.whole);
  EXPECT_FALSE(recording.incomplete);
  EXPECT_EQ(recording.begin_ns, 1'000);
  EXPECT_EQ(recording.end_ns, 3'000);
  EXPECT_EQ(recording.ToRealtime(1'500), 1'700'000'000'000'000'500);
  // The highest of the answers; what lies below it is said, and no loss.
  EXPECT_EQ(recording.run_queue_floor_ns, 60'000);
  EXPECT_THAT(recording.notes, Contains(HasSubstr("60us")));
  ASSERT_EQ(recording.nodes.size(), 1u);
  EXPECT_THAT(recording.nodes[0].cpus, ::testing::ElementsAre(2, 3));
}

TEST(RecordingReaderTest, ATidThatIsGivenAnewIsAnotherThread) {
  std::string second = kSecondSlice;
  second.replace(second.find("start_boottime_ns: 5"), 20, "start_boottime_ns: 6");
  EXPECT_EQ(Read({kHeader, kFirstSlice, second, kEnd}).threads.size(), 2u);
}

TEST(RecordingReaderTest, OverlappingAnswersTellNoMomentTwice) {
  const Recording recording = Read({kHeader, kFirstSlice, kFirstSlice, kSecondSlice, kEnd});
  ASSERT_EQ(recording.threads.size(), 1u);
  int64_t sum_ns = 0;
  for (const RecordedPiece& piece : recording.threads[0].pieces) sum_ns += piece.duration_ns;
  EXPECT_EQ(sum_ns, 2'000);
}

TEST(RecordingReaderTest, OfASpikeTheLastTellingCounts) {
  const Recording recording =
      Read({kHeader, kFirstSlice, R"(spikes { spikes { id: 7 start_monotonic_ns: 1600 duration_ns: 100 in_progress: true } })",
            R"(spikes { spikes { id: 7 start_monotonic_ns: 1600 duration_ns: 700 kind: "blocked" unexplained_ns: 700 }
                                                spikes { id: 8 start_monotonic_ns: 9000 duration_ns: 700 } })",
            kSecondSlice, kEnd});
  ASSERT_EQ(recording.spikes.size(), 1u) << "8 began after the recording's end";
  EXPECT_EQ(recording.spikes[0].duration_ns, 700);
  EXPECT_FALSE(recording.spikes[0].in_progress);
}

TEST(RecordingReaderTest, ASwitchThatComesTwiceIsOne) {
  constexpr char kSwitch[] =
      R"(switches { events { thread { tid: 12 } start_monotonic_ns: 1600 duration_ns: 700 run_queue_ns: 100 kind: "blocked_syscall"
      waker { known: true context: "thread" tid: 99 comm: "feed" cpu: 1 woken_monotonic_ns: 2190 } } })";
  const Recording recording = Read({kHeader, kFirstSlice, kSwitch, kSecondSlice, kSwitch, kEnd});
  ASSERT_EQ(recording.switches.size(), 1u);
  EXPECT_EQ(recording.switches[0].wait_start_ns(), 2'200);
  ASSERT_TRUE(recording.switches[0].waker.has_value());
  EXPECT_EQ(recording.switches[0].waker->tid, 99);
}

TEST(RecordingReaderTest, InterruptsAreWhatCameBetweenTheTwoAnswers) {
  const auto answer = [](int count, int self_ns) {
    return "interrupts { cpus { cpu: 3 sources { kind: \"hard_irq\" name: \"local_timer\" count: " + std::to_string(count) +
           " self_ns: " + std::to_string(self_ns) + " } } }";
  };
  const Recording recording = Read({kHeader, answer(10, 1000), answer(14, 1900), kEnd});
  ASSERT_EQ(recording.interrupts.size(), 1u);
  EXPECT_EQ(recording.interrupts[0].count, 4u);
  EXPECT_EQ(recording.interrupts[0].self_ns, 900);
  EXPECT_THAT(Read({kHeader, answer(10, 1000), kEnd}).interrupts, IsEmpty()) << "sums since the daemon's start are not the recording's";
}

TEST(RecordingReaderTest, CountersAreOneSeriesAMetric) {
  const Recording recording = Read(
      {kHeader, R"(metric_list { metrics { name: "off_cpu_sum_ns" unit: "ns" } })",
       R"(metrics { window { end_monotonic_ns: 1100 } samples { metric: "off_cpu_sum_ns" pid: 11 value: 5 } })",
       R"(metrics { window { end_monotonic_ns: 1200 } samples { metric: "off_cpu_sum_ns" pid: 11 value: 6 estimated: true } })", kEnd});
  ASSERT_EQ(recording.counters.size(), 1u);
  EXPECT_EQ(recording.counters[0].unit, "ns");
  EXPECT_TRUE(recording.counters[0].estimated);
  ASSERT_EQ(recording.counters[0].samples.size(), 2u);
  EXPECT_EQ(recording.counters[0].samples[1].time_ns, 1'200);
}

TEST(RecordingReaderTest, WhatWasRecordedBeforeACutIsAllThere) {
  const std::string whole = FileOf({kHeader, kFirstSlice, kSecondSlice, kEnd});
  const size_t header_end = FileOf({kHeader}).size();
  const size_t second_end = FileOf({kHeader, kFirstSlice, kSecondSlice}).size();
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto recording = ReadRecording(std::string_view(whole).substr(0, length));
    ASSERT_EQ(recording.ok(), length >= header_end) << length;
    if (!recording.ok()) continue;
    EXPECT_FALSE(recording->whole);
    EXPECT_TRUE(recording->incomplete);
    EXPECT_THAT(recording->notes, Contains(HasSubstr("has no end")));
    if (length >= second_end) {
      EXPECT_EQ(recording->end_ns, 3'000);
    }
  }
}

TEST(RecordingReaderTest, DamageAndLossesAreSaid) {
  std::string damaged = FileOf({kHeader, kFirstSlice});
  damaged += "\x03\xff\xff\xff";
  const auto recording = ReadRecording(damaged);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording->threads.size(), 1u);
  EXPECT_THAT(recording->notes, Contains(HasSubstr("damaged from byte")));

  std::string lossy = kFirstSlice;
  lossy.insert(lossy.rfind('}'), " lost_records: 3 ");
  const Recording with_loss =
      Read({kHeader, lossy, R"(warning { text: "3 records were lost" })", R"(warning { text: "3 records were lost" })", kEnd});
  EXPECT_EQ(with_loss.lost_records, 3u);
  EXPECT_TRUE(with_loss.incomplete);
  EXPECT_EQ(std::count(with_loss.notes.begin(), with_loss.notes.end(), "3 records were lost"), 1);
}

TEST(RecordingReaderTest, WhatIsNoRecordingIsRefused) {
  EXPECT_THAT(ReadRecording("PERFILE2").status().message(), HasSubstr("no recording"));
  EXPECT_THAT(ReadRecording("").status().message(), HasSubstr("no recording"));
  EXPECT_THAT(ReadRecording(FileOf({kFirstSlice})).status().message(), HasSubstr("without a header"));
  EXPECT_THAT(ReadRecording(FileOf({R"(header { format_version: 9 recorder_version: "3.0" })"})).status().message(), HasSubstr("format 9"));
}

}  // namespace
}  // namespace hftmon
