// `spikes --follow` against a scripted daemon: order, duplicates, losses, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "client/cli/cli.h"
#include "client/cli/drop_notice.h"
#include "tests/client/cli/answers.h"
#include "tests/client/cli/string_console.h"
#include "tests/client/cpp/fake_monitor.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

using SpikeScript = StreamScript<v1::StreamSpikesResponse>;

v1::StreamSpikesResponse InForce() {
  v1::StreamSpikesResponse message;
  *message.mutable_time() = SomeTime();
  return message;
}

v1::StreamSpikesResponse Live(uint64_t id, uint64_t dropped = 0, uint64_t lost_records = 0) {
  v1::StreamSpikesResponse message = InForce();
  *message.mutable_spike() = SomeSpike(id);
  message.set_dropped(dropped);
  message.set_lost_records(lost_records);
  return message;
}

int FollowSpikes(const FakeMonitor& monitor, std::vector<std::string> words, StringConsole& console) {
  words.insert(words.begin(), {"--server", monitor.address(), "spikes", "--follow", "--json"});
  return RunCli(words, console, absl::UTCTimeZone());
}

std::vector<int> Ids(const std::string& text) {
  std::vector<int> ids;
  constexpr char kKey[] = "\"id\":";
  for (size_t at = text.find(kKey); at != std::string::npos; at = text.find(kKey, at + 1)) ids.push_back(atoi(text.c_str() + at + 5));
  return ids;
}

TEST(FollowTest, PrintsEachSpikeUntilTheDaemonEndsTheStream) {
  FakeMonitor monitor;
  v1::StreamSpikesRequest seen;
  monitor.stream_spikes = [&seen](const auto& request) {
    seen = request;
    return SpikeScript{{InForce(), Live(1), Live(2)}};
  };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"-p", "4711", "--threshold", "20us", "--blocked", "1ms"}, console), 0);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 2}));
  EXPECT_EQ(seen.pids(0), 4711);
  EXPECT_EQ(seen.threshold_ns(), 20'000);
  EXPECT_EQ(seen.blocked_threshold_ns(), 1'000'000);
}

TEST(FollowTest, WindowPrintsThePastFirstAndNothingTwice) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce(), Live(2), Live(3)}}; };
  monitor.detect_spikes = [](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike(1);
    *response->add_spikes() = SomeSpike(2);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--window", "1s"}, console), 0);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 2, 3}));
}

TEST(FollowTest, ASpikeWithALowerIdThatThePastDidNotTellIsPrintedWhenItComes) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce(), Live(9), Live(3), Live(10)}}; };
  monitor.detect_spikes = [](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike(1);
    *response->add_spikes() = SomeSpike(9);  // 3 was going on, and shorter than what was asked for
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--window", "1s"}, console), 0);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 9, 3, 10}));
}

TEST(FollowTest, WhatThePastToldInProgressComesOnceMoreAtItsEnd) {
  v1::StreamSpikesResponse going_on = Live(2);
  going_on.mutable_spike()->set_in_progress(true);
  FakeMonitor monitor;
  // The stream was in force before the question about the past: what was told in progress waits in it too.
  monitor.stream_spikes = [&going_on](const auto&) { return SpikeScript{{InForce(), going_on, Live(1), Live(2)}}; };
  monitor.detect_spikes = [&going_on](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike(1);
    *response->add_spikes() = going_on.spike();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--window", "1s"}, console), 0);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 2, 2}));
  EXPECT_THAT(console.out(), HasSubstr("\"in_progress\":true"));
  const std::string last_line = console.out().substr(console.out().rfind('\n', console.out().size() - 2) + 1);
  EXPECT_THAT(last_line, HasSubstr("\"in_progress\":false"));
}

TEST(FollowTest, APastThatHasMoreThanTheDefaultSaysSo) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce()}}; };
  monitor.detect_spikes = [](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike(1);
    response->set_older_left_out(true);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--window", "1s"}, console), 1);
  EXPECT_THAT(console.err(), HasSubstr("the newest 1 of more: ask for a shorter --window or give --limit N"));
}

TEST(FollowTest, LimitEndsIt) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce(), Live(1), Live(2), Live(3)}, true}; };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--limit", "2", "--fail-on-spike"}, console), 2);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 2}));
}

TEST(FollowTest, ASpikeThatGoesOnCountsOnceForTheLimitAndIsAwaited) {
  v1::StreamSpikesResponse going_on = Live(2);
  going_on.mutable_spike()->set_in_progress(true);
  v1::StreamSpikesResponse of_another_thread = Live(3);
  of_another_thread.mutable_spike()->mutable_thread()->set_tid(99);
  FakeMonitor monitor;
  std::vector<v1::StreamSpikesResponse> messages = {InForce(), Live(1), going_on, of_another_thread, Live(2), Live(4)};
  monitor.stream_spikes = [&messages](const auto&) { return SpikeScript{messages, true}; };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--limit", "2"}, console), 0);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 2, 2}));
}

TEST(FollowTest, AnEndThatWillNotComeIsNotAwaited) {
  v1::StreamSpikesResponse going_on = Live(2);
  going_on.mutable_spike()->set_in_progress(true);
  v1::StreamSpikesResponse later = Live(3);  // of the same thread, which is therefore through with the other
  later.mutable_spike()->set_start_monotonic_ns(going_on.spike().start_monotonic_ns() + 1'000'000);
  FakeMonitor monitor;
  std::vector<v1::StreamSpikesResponse> messages = {InForce(), Live(1), going_on, later};
  monitor.stream_spikes = [&messages](const auto&) { return SpikeScript{messages, true}; };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--limit", "2"}, console), 0);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 2}));
  messages = {InForce(), Live(1), going_on, Live(3, /*dropped=*/1)};
  StringConsole lossy;
  EXPECT_EQ(FollowSpikes(monitor, {"--limit", "2"}, lossy), 1);
  EXPECT_EQ(Ids(lossy.out()), (std::vector<int>{1, 2}));
}

TEST(FollowTest, LimitCountsThePast) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce(), Live(2), Live(3)}, true}; };
  monitor.detect_spikes = [](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike(1);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {"--window", "1s", "--limit", "2"}, console), 0);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1, 2}));
}

TEST(FollowTest, DropsAreSaidOnceASecondAndTheRestAtTheEnd) {
  StringConsole console;
  DropNotice notice(&console);
  notice.Note(0, 0);
  EXPECT_FALSE(notice.any());
  notice.Note(1, 5);
  notice.Note(3, 6);
  notice.Note(3, DropNotice::kIntervalNs + 4);
  const std::string first = "hftmon: spikes: 1 dropped: the output is read too slowly: raise --threshold\n";
  EXPECT_EQ(console.err(), first);
  notice.Note(4, DropNotice::kIntervalNs + 5);
  notice.Note(9, DropNotice::kIntervalNs + 6);
  EXPECT_EQ(console.err(), first + "hftmon: spikes: 4 dropped: the output is read too slowly: raise --threshold\n");
  notice.Finish();
  notice.Finish();
  EXPECT_THAT(console.err(), ::testing::EndsWith("\nhftmon: spikes: 9 dropped: the output is read too slowly: raise --threshold\n"));
  const std::string all = console.err();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 3);
}

TEST(FollowTest, DroppedSpikesAndLostRecordsAreWarnings) {
  FakeMonitor monitor;
  uint64_t lost = 0;
  uint64_t dropped = 4;
  monitor.stream_spikes = [&](const auto&) { return SpikeScript{{InForce(), Live(1, dropped, lost), Live(2, dropped, lost)}}; };
  StringConsole slow;
  EXPECT_EQ(FollowSpikes(monitor, {}, slow), 1);
  EXPECT_EQ(slow.err(), "hftmon: spikes: 4 dropped: the output is read too slowly: raise --threshold\n");
  lost = 1;
  dropped = 0;
  StringConsole lossy;
  EXPECT_EQ(FollowSpikes(monitor, {}, lossy), 1);
}

TEST(FollowTest, BrokenStreamIsAnError) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) {
    return SpikeScript{
        {InForce(), Live(1)}, false, FakeMonitor::RichError(grpc::StatusCode::UNAVAILABLE, "hftmond: it is stopping", "STOPPING")};
  };
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {}, console), 3);
  EXPECT_EQ(Ids(console.out()), (std::vector<int>{1}));
  EXPECT_THAT(console.err(), HasSubstr("it is stopping"));
}

TEST(FollowTest, InterruptEndsItWith130AfterWhatCameBefore) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce(), Live(1)}, true}; };
  std::thread interrupter([&monitor] {
    monitor.stream_written.WaitForNotification();
    kill(getpid(), SIGINT);
  });
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {}, console), 130);
  interrupter.join();
}

TEST(FollowTest, FormerSignalHandlersComeBack) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce()}}; };
  struct sigaction before = {};
  ASSERT_EQ(sigaction(SIGINT, nullptr, &before), 0);
  StringConsole console;
  EXPECT_EQ(FollowSpikes(monitor, {}, console), 0);
  struct sigaction after = {};
  ASSERT_EQ(sigaction(SIGINT, nullptr, &after), 0);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(FollowTest, ReaderThatIsGoneEndsItQuietly) {
  FakeMonitor monitor;
  monitor.stream_spikes = [](const auto&) { return SpikeScript{{InForce(), Live(1)}, true}; };
  StringConsole console(EPIPE);
  EXPECT_EQ(FollowSpikes(monitor, {}, console), 0);
  EXPECT_EQ(console.err(), "");
}

}  // namespace
}  // namespace hftmon
