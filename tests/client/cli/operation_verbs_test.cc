// mode, quiet, off and on against a scripted daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/cli/cli.h"
#include "tests/client/cli/answers.h"
#include "tests/client/cli/string_console.h"
#include "tests/client/cpp/fake_monitor.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class OperationVerbsTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), {"--server", monitor_.address()});
    return RunCli(words, console_, absl::UTCTimeZone());
  }

  FakeMonitor monitor_;
  StringConsole console_;
};

TEST_F(OperationVerbsTest, ModeWithoutArgumentShowsModeReasonAndPollGap) {
  monitor_.get_status = [](const auto&, auto* response) {
    response->mutable_operation()->set_asked_mode("auto");
    response->mutable_operation()->set_mode("balanced");
    response->mutable_operation()->set_mode_reason("the host has 2 usable CPUs");
    response->mutable_operation()->set_poll_gap_min_ns(1'000);
    response->mutable_operation()->set_poll_gap_max_ns(1'000'000);
    response->mutable_operation()->set_other_cpus("0-1");
    response->mutable_loop()->set_cpu(1);
    response->mutable_loop()->set_scheduling("SCHED_OTHER nice -20");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"mode"}), 0);
  EXPECT_EQ(console_.out(),
            "mode    balanced, chosen (the host has 2 usable CPUs); looks every 1us to 1ms; leaves its CPU to others, other threads on CPU "
            "0-1\n"
            "loop    on CPU 1, SCHED_OTHER nice -20\n");
}

TEST_F(OperationVerbsTest, ModeSetsWhatItIsGiven) {
  v1::SetModeRequest asked;
  monitor_.set_mode = [&](const auto& request, auto* response) {
    asked = request;
    response->mutable_operation()->set_mode(request.mode());
    return grpc::Status::OK;
  };
  monitor_.get_status = [&](const auto&, auto* response) {
    response->mutable_operation()->set_mode(asked.mode());
    response->mutable_loop()->set_scheduling("SCHED_FIFO priority 10");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"mode", "latency", "--scheduling", "fifo", "--json"}), 0);
  EXPECT_EQ(asked.mode(), "latency");
  EXPECT_EQ(asked.scheduling(), "fifo");
  EXPECT_EQ(json::parse(console_.out())["operation"]["mode"], "latency");
  EXPECT_EQ(json::parse(console_.out())["loop"]["scheduling"], "SCHED_FIFO priority 10");
}

TEST_F(OperationVerbsTest, ModeWarnsOfALoopThatHasTheOnlyCpu) {
  std::string other_cpus = "3";
  monitor_.get_status = [&](const auto&, auto* response) {
    response->mutable_operation()->set_mode("latency");
    response->mutable_operation()->set_owns_cpu(true);
    response->mutable_operation()->set_other_cpus(other_cpus);
    response->mutable_loop()->set_cpu(3);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"mode"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("hftmon: mode: latency: CPU 3 is the only one that hftmond may use"));
  EXPECT_THAT(console_.err(), HasSubstr("give it a second CPU"));
  other_cpus = "2";
  EXPECT_EQ(Run({"mode"}), 0);
}

TEST_F(OperationVerbsTest, ThatTheProgramsAreOffIsSaidOnceByVerbsThatWait) {
  monitor_.get_status = [](const auto&, auto* response) {
    response->mutable_operation()->set_off(true);
    response->mutable_operation()->set_off_since_monotonic_ns(998'000'000'000);
    *response->mutable_time() = SomeTime();
    return grpc::Status::OK;
  };
  monitor_.list_metrics = [](const auto&, auto*) { return grpc::Status::OK; };
  monitor_.watch_metrics = [](const auto&) {
    v1::WatchMetricsResponse message;
    message.mutable_window()->set_off_ns(100'000'000);
    return StreamScript<v1::WatchMetricsResponse>{{message, message}};
  };
  monitor_.stream_spikes = [](const auto&) { return StreamScript<v1::StreamSpikesResponse>{{{}, {}}}; };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  monitor_.attach = [](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(4711);
    return grpc::Status::OK;
  };
  std::string told;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"metrics"}, {"spikes", "--follow"}, {"attach", "4711"}}) {
    EXPECT_EQ(Run(words), 1) << words[0];
    told += "hftmon: " + words[0] +
            ": the programs are off since 03:04:03.000000 (2s ago): nothing is collected: `hftmon on` switches them on\n";
    EXPECT_EQ(console_.err(), told);
  }
  EXPECT_THAT(console_.out(), HasSubstr("off for 100ms"));
}

TEST_F(OperationVerbsTest, QuietSaysOnOrOffAndNothingElse) {
  std::vector<bool> asked;
  monitor_.set_quiet = [&](const auto& request, auto* response) {
    asked.push_back(request.quiet());
    response->mutable_operation()->set_quiet(request.quiet());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"quiet", "on"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("`hftmon quiet off` ends it"));
  EXPECT_EQ(Run({"quiet", "off"}), 0);
  EXPECT_EQ(Run({"quiet", "maybe"}), 3);
  EXPECT_EQ(Run({"quiet"}), 3);
  EXPECT_EQ(asked, (std::vector<bool>{true, false}));
}

TEST_F(OperationVerbsTest, OffAndOnTellTheDaemon) {
  std::vector<bool> asked;
  monitor_.set_collecting = [&](const auto& request, auto* response) {
    asked.push_back(request.on());
    response->mutable_operation()->set_off(!request.on());
    if (!request.on()) response->mutable_operation()->set_off_since_monotonic_ns(5);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"off"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("`hftmon on` ends it"));
  EXPECT_EQ(Run({"on", "--json"}), 0);
  EXPECT_EQ(asked, (std::vector<bool>{false, true}));
}

TEST_F(OperationVerbsTest, AnAnswerWhoseWindowWasPartlyOffSaysSo) {
  monitor_.query_context_switches = [](const auto&, auto* response) {
    response->mutable_window()->set_end_monotonic_ns(10'000'000'000);
    response->mutable_window()->set_off_ns(3'000'000'000);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"switches", "--json"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("off for 3s of the window"));
  EXPECT_EQ(json::parse(console_.out())["window"]["off_ns"], 3'000'000'000);
}

}  // namespace
}  // namespace hftmon
