// `top --once` against a scripted daemon, and what `top` refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "client/cli/exit_code.h"
#include "tests/client/cli/answers.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class TopVerbTest : public CliFixture {
 protected:
  TopVerbTest() {
    monitor_.get_status = [](const auto&, auto* response) { return *response = SomeStatus(), grpc::Status::OK; };
    monitor_.list_targets = [](const auto&, v1::ListTargetsResponse* response) {
      *response->add_targets() = SomeTarget(4711);
      return grpc::Status::OK;
    };
    monitor_.query_threads = [](const auto&, v1::QueryThreadsResponse* response) {
      v1::ScheduledThread* thread = response->add_threads();
      *thread->mutable_thread() = SomeSpike().thread();
      thread->set_alive(true);
      return grpc::Status::OK;
    };
    monitor_.detect_spikes = [](const auto&, v1::DetectSpikesResponse* response) {
      *response->add_spikes() = SomeSpike();
      *response->mutable_time() = SomeTime();
      return grpc::Status::OK;
    };
    monitor_.watch_metrics = [this](const v1::WatchMetricsRequest&) { return StreamScript<v1::WatchMetricsResponse>{{snapshot_}, true}; };
    monitor_.stream_spikes = [](const auto&) { return StreamScript<v1::StreamSpikesResponse>{{v1::StreamSpikesResponse()}, true}; };
  }

  v1::WatchMetricsResponse snapshot_;
};

TEST_F(TopVerbTest, OncePrintsOnePageOfTheSizeAskedFor) {
  StringConsole console;
  EXPECT_EQ(Run({"top", "--once", "--width", "100", "--height", "20"}, console), kExitFine);
  const std::string out = console.out();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 20);
  EXPECT_THAT(out, HasSubstr("hftmon top  hftmond 0.1.0[77]"));
  EXPECT_THAT(out, HasSubstr("4712 matcher"));
  EXPECT_THAT(out, HasSubstr("03:04:04.999500"));  // when the spike began, in the console's zone
  EXPECT_THAT(out, HasSubstr("67 % stress[992]"));
}

TEST_F(TopVerbTest, APageWithLossesIsAWarning) {
  snapshot_.set_lost_records(3);
  StringConsole console;
  EXPECT_EQ(Run({"top", "--once"}, console), kExitWarnings);
}

TEST_F(TopVerbTest, ThePeriodAndTheThresholdsReachTheDaemon) {
  std::vector<int64_t> periods_ns;
  std::vector<int64_t> thresholds_ns;
  std::mutex mutex;
  monitor_.watch_metrics = [&](const v1::WatchMetricsRequest& request) {
    const std::lock_guard lock(mutex);
    periods_ns.push_back(request.period_ns());
    return StreamScript<v1::WatchMetricsResponse>{{v1::WatchMetricsResponse()}, true};
  };
  monitor_.stream_spikes = [&](const v1::StreamSpikesRequest& request) {
    const std::lock_guard lock(mutex);
    thresholds_ns = {request.threshold_ns(), request.blocked_threshold_ns()};
    return StreamScript<v1::StreamSpikesResponse>{{v1::StreamSpikesResponse()}, true};
  };
  StringConsole console;
  EXPECT_EQ(Run({"top", "--once", "--period", "2s", "--threshold", "100us", "--blocked", "5ms"}, console), kExitFine);
  EXPECT_THAT(periods_ns, UnorderedElementsAre(2'000'000'000, 2'000'000'000));
  EXPECT_THAT(thresholds_ns, ElementsAre(100'000, 5'000'000));
}

TEST_F(TopVerbTest, WithoutATerminalItSaysWhatToUse) {
  StringConsole console;
  EXPECT_EQ(Run({"top"}, console), kExitError);
  EXPECT_THAT(console.err(), HasSubstr("hftmon: top: standard input or output: is no terminal: use --once"));
}

TEST_F(TopVerbTest, RefusesWhatItCannotShow) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"top", "--once", "--period", "100ms"}, {"top", "--once", "--width", "39"}, {"top", "--width", "80"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), kExitError);
    EXPECT_THAT(console.err(), HasSubstr(words.back() == "80" ? "give --once too" : words[words.size() - 2]));
  }
}

TEST_F(TopVerbTest, ADaemonThatIsNotThereIsAnError) {
  StringConsole console;
  EXPECT_EQ(RunCli({"--server", "unix:/nonexistent/hftmond.sock", "top", "--once"}, console, absl::UTCTimeZone()), kExitError);
  EXPECT_THAT(console.err(), HasSubstr("hftmon: top: "));
  EXPECT_EQ(console.out(), "");
}

}  // namespace
}  // namespace hftmon
