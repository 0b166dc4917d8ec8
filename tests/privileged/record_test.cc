// A recording of the order book example, made by `hftmon record` against a real daemon: the Perfetto trace that is made of it, decoded, has
// on each track what the daemon's answers in the file have; a killed recorder and ^C leave what they should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/export/perfetto_sched.h"
#include "client/export/perfetto_slices.h"
#include "client/recording/recording_format.h"
#include "client/recording/recording_reader.h"
#include "tests/client/export/decoded_trace.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using ::testing::IsEmpty;

constexpr int64_t kThresholdNs = 50'000;

std::string FileBytes(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The answers of a recording file, by the file's own rules and nothing else of the reader.
std::vector<v1::RecordingPart> PartsOf(const std::string& bytes) {
  std::vector<v1::RecordingPart> parts;
  std::string_view left = std::string_view(bytes).substr(kRecordingMagic.size());
  v1::RecordingPart part;
  while (TakeRecordingPart(&left, &part) == PartRead::kPart) parts.push_back(part);
  EXPECT_TRUE(left.empty());
  return parts;
}

class RecordTest : public PrivilegedTest {
 protected:
  // The order book in one ordinary thread, which injects preemptions and sleeps into itself.
  void StartBook(const std::string& duration) {
    v1::AttachRequest request;
    request.add_selectors()->set_name("order_book");
    request.mutable_options()->set_spike_threshold_ns(kThresholdNs);
    request.mutable_options()->set_blocked_threshold_ns(kThresholdNs);
    ASSERT_TRUE(daemon_.client().Attach(request).ok());
    book_ = std::make_unique<Subprocess>(std::vector<std::string>{BinaryPath("order_book"), "--threads", "1", "--cpus", CpuArgument(),
                                                                  "--rate", "5000", "--duration", duration, "--inject", "preemptor,sleep",
                                                                  "--inject-every", "40ms", "--inject-length", "2ms", "--json"});
    ASSERT_TRUE(Eventually([&] { return daemon_.FindTarget(book_->pid()).has_value(); })) << book_->ErrorText();
  }
  std::string Output() const { return daemon_.folder() + "/recording"; }
  CommandResult Export(const std::string& format, const std::string& to) const {
    return daemon_.Hftmon({"export", "--format", format, "--from", Output(), "-o", to});
  }
  void ExpectTurnsAsInAnswers(const std::vector<v1::RecordingPart>& parts, const DecodedTrace& trace) const;
  void ExpectSlicesAsInAnswers(const std::vector<v1::RecordingPart>& parts, const Recording& recording, const DecodedTrace& trace) const;

  std::unique_ptr<Subprocess> book_;
};

// Every moment at which an answer says that a thread began to run on a CPU, other than at an answer's edge, is the beginning of a turn
// there.
void RecordTest::ExpectTurnsAsInAnswers(const std::vector<v1::RecordingPart>& parts, const DecodedTrace& trace) const {
  std::set<std::pair<int32_t, int64_t>> turns;
  for (const DecodedTurn& turn : trace.turns) turns.emplace(turn.tid, turn.start_ns);
  size_t begins = 0;
  for (const v1::RecordingPart& part : parts) {
    for (const v1::ThreadTimeline& thread : part.timeline().threads()) {
      for (int p = 1; p < thread.pieces_size(); ++p) {
        const v1::TimelinePiece& piece = thread.pieces(p);
        const std::string& before = thread.pieces(p - 1).state();
        const bool had_cpu = before == "running" || before == "interrupted";
        if (piece.state() != "running" || had_cpu) continue;
        ++begins;
        EXPECT_TRUE(turns.contains({thread.thread().tid(), piece.start_monotonic_ns()})) << piece.DebugString();
      }
    }
  }
  EXPECT_GT(begins, 10u) << "the injections made the thread leave its CPU";
}

void RecordTest::ExpectSlicesAsInAnswers(const std::vector<v1::RecordingPart>& parts, const Recording& recording,
                                         const DecodedTrace& trace) const {
  // The last telling of each spike that touches the recording's time, by thread and track.
  std::map<uint64_t, v1::Spike> spikes;
  std::map<std::pair<std::string, int32_t>, size_t> samples;
  for (const v1::RecordingPart& part : parts) {
    for (const v1::Spike& spike : part.spikes().spikes()) spikes[spike.id()] = spike;
    for (const v1::MetricSample& sample : part.metrics().samples()) ++samples[{sample.metric(), sample.pid()}];
  }
  std::map<std::pair<int32_t, bool>, size_t> stalls;
  std::map<std::pair<int32_t, bool>, size_t> budget_parts;
  for (const auto& [id, spike] : spikes) {
    if (spike.start_monotonic_ns() + spike.duration_ns() <= recording.begin_ns || spike.start_monotonic_ns() >= recording.end_ns) continue;
    const std::pair<int32_t, bool> track(spike.thread().tid(), spike.kind() == "operation" || spike.kind() == "gap");
    ++stalls[track];
    budget_parts[track] += static_cast<size_t>(spike.causes_size()) + (spike.unexplained_ns() > 0 ? 1 : 0);
  }
  EXPECT_FALSE(stalls.empty());
  for (const auto& [track, count] : stalls) {
    const char* const name = track.second ? kOperationsTrack : kStallsTrack;
    EXPECT_EQ(trace.CountSlices(name, track.first, 0), count);
    EXPECT_EQ(trace.CountSlices(name, track.first, 1), budget_parts[track]);
  }
  std::map<std::string, size_t> counted;
  for (const auto& [track, values] : trace.counters) counted[trace.tracks.at(track).name] += values.size();
  size_t all_samples = 0;
  size_t all_counted = 0;
  for (const auto& [series, count] : samples) all_samples += count;
  for (const auto& [name, count] : counted) all_counted += count;
  EXPECT_GT(all_samples, 0u);
  EXPECT_EQ(all_counted, all_samples);
  size_t interrupted = 0;
  for (const RecordedThread& thread : recording.threads) {
    interrupted += static_cast<size_t>(std::count_if(thread.pieces.begin(), thread.pieces.end(),
                                                     [](const RecordedPiece& piece) { return piece.state == PieceState::kInterrupted; }));
  }
  size_t drawn = 0;
  for (const auto& [track, described] : trace.tracks) {
    if (described.parent != 0 && trace.tracks.at(described.parent).name == kInterruptsTrack) {
      drawn += static_cast<size_t>(std::count_if(trace.slices.begin(), trace.slices.end(),
                                                 [track = track](const DecodedSlice& slice) { return slice.track == track; }));
    }
  }
  EXPECT_EQ(drawn, interrupted);
  std::printf("%zu spikes, %zu packets, %zu events, %zu turns, %zu counter samples, %zu interrupted pieces\n", recording.spikes.size(),
              trace.packet_count, trace.event_count, trace.turns.size(), all_counted, drawn);
}

TEST_F(RecordTest, TheTraceHasWhatTheAnswersHave) {
  const int64_t seconds = SizeFromEnvironment("HFTMON_RECORD_SECONDS", 3);
  ASSERT_NO_FATAL_FAILURE(StartBook(std::to_string(seconds + 4) + "s"));
  const CommandResult recorded = daemon_.Hftmon(
      {"record", "-p", std::to_string(book_->pid()), "--duration", std::to_string(seconds) + "s", "--blocked", "50us", "-o", Output()});
  ASSERT_TRUE(recorded.exit_code == 0 || recorded.exit_code == 1) << recorded.error;
  const std::string bytes = FileBytes(Output());
  const auto recording = ReadRecording(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_TRUE(recording->whole);
  EXPECT_EQ(recording->duration_ns(), seconds * 1'000'000'000);
  EXPECT_EQ(recording->incomplete, recorded.exit_code == 1) << recorded.error;

  const std::vector<v1::RecordingPart> parts = PartsOf(bytes);
  int64_t at_ns = recording->begin_ns;
  for (const v1::RecordingPart& part : parts) {
    if (!part.has_timeline()) continue;
    EXPECT_EQ(part.timeline().window().begin_monotonic_ns(), at_ns) << "slices abut";
    at_ns = part.timeline().window().end_monotonic_ns();
  }
  EXPECT_EQ(at_ns, recording->end_ns);
  for (const RecordedThread& thread : recording->threads) {
    for (size_t p = 1; p < thread.pieces.size(); ++p) EXPECT_EQ(thread.pieces[p].start_ns, thread.pieces[p - 1].end_ns()) << "without gaps";
  }

  const CommandResult exported = Export("perfetto", daemon_.folder() + "/trace");
  ASSERT_EQ(exported.exit_code, recorded.exit_code) << exported.error;
  const DecodedTrace trace = DecodeTrace(FileBytes(daemon_.folder() + "/trace"));
  EXPECT_THAT(trace.errors, IsEmpty());
  ExpectTurnsAsInAnswers(parts, trace);
  ExpectSlicesAsInAnswers(parts, *recording, trace);
  const CommandResult report = Export("html", daemon_.folder() + "/report.html");
  EXPECT_EQ(report.exit_code, recorded.exit_code);
  EXPECT_THAT(FileBytes(daemon_.folder() + "/report.html"), ::testing::HasSubstr("id=\"worst\""));
}

TEST_F(RecordTest, InterruptedItIsWholeAndKilledItTellsAllUntilThen) {
  ASSERT_NO_FATAL_FAILURE(StartBook("30s"));
  const std::vector<std::string> command = {BinaryPath("hftmon"), "--server", daemon_.address(), "record", "-o", Output()};
  const auto has_slices = [this] {
    const auto recording = ReadRecording(FileBytes(Output()));
    return recording.ok() && !recording->threads.empty();
  };
  for (const int signal : {SIGINT, SIGKILL}) {
    std::filesystem::remove(Output());  // what the one before wrote is not this one's
    Subprocess recorder(command);
    ASSERT_TRUE(Eventually(has_slices)) << recorder.ErrorText();
    recorder.Signal(signal);
    EXPECT_EQ(recorder.Wait(), 128 + signal) << recorder.ErrorText();
    const auto recording = ReadRecording(FileBytes(Output()));
    ASSERT_TRUE(recording.ok()) << recording.status();
    EXPECT_EQ(recording->whole, signal == SIGINT);
    EXPECT_GT(recording->duration_ns(), 0);
    EXPECT_FALSE(recording->threads.empty());
  }
}

TEST_F(RecordTest, TheMomentsAroundASpikeAreThoseOfTheSpike) {
  ASSERT_NO_FATAL_FAILURE(StartBook("10s"));
  v1::Spike spike;
  ASSERT_TRUE(Eventually([&] {
    const auto spikes = daemon_.Spikes(book_->pid(), kThresholdNs);
    if (!spikes.ok() || spikes->spikes().empty() || spikes->spikes(0).in_progress()) return false;
    spike = spikes->spikes(0);
    return true;
  }));
  const CommandResult recorded = daemon_.Hftmon({"record", "--around", std::to_string(spike.id()), "--context", "1ms", "-o", Output()});
  ASSERT_TRUE(recorded.exit_code == 0 || recorded.exit_code == 1) << recorded.error;
  const auto recording = ReadRecording(FileBytes(Output()));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->begin_ns, spike.start_monotonic_ns() - 1'000'000);
  EXPECT_TRUE(
      std::any_of(recording->spikes.begin(), recording->spikes.end(), [&](const RecordedSpike& each) { return each.id == spike.id(); }));
}

}  // namespace
}  // namespace hftmon::testing
