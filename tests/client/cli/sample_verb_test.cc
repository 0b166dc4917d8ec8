// `sample`: what CPUs do, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/synchronization/notification.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using SampleVerbTest = CliFixture;

v1::SampleStateResponse SomeStates() {
  v1::SampleStateResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    time { monotonic_ns: 11000000000 } begin_monotonic_ns: 10000000000 end_monotonic_ns: 11000000000 interval_ns: 1000
    due_count: 1000000 on_time_count: 999000 late_count: 0 missed_count: 1000
    lateness { count: 999000 sum_ns: 9990000 max_ns: 999 percentiles { percent: 50 value_ns: 90 } }
    cpu_share: 0.125
    cpus { cpu: 3 sample_count: 1000 torn_count: 5 idle_share: 0.25 interrupt_share: 0.125
      threads { tid: 4712 pid: 4711 comm: "feed" share: 0.5 watched: true }
      threads { tid: 9 pid: 9 comm: "other" share: 0.0625 }
      unlisted_thread_sample_count: 62
      interrupts { kind: "softirq" share: 0.125 }
      longest_run_ns: 3000000 longest_run_tid: 4712 longest_interrupt_ns: 42000 waiting_watched_mean: 0.5 }
    unavailable { name: "run_queue_depth" reason: "it is not mapped" })",
                                                            &response));
  response.mutable_cpus(0)->set_unlisted_thread_sample_count(62);
  response.mutable_cpus(0)->mutable_threads(1)->set_share(1 - 0.25 - 0.125 - 0.5 - 0.062);
  return response;
}

TEST_F(SampleVerbTest, EachCpuHasBarsAndTheTicksAreSaid) {
  v1::SampleStateRequest seen;
  monitor_.sample_state = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeStates();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"sample", "--cpus", "3", "--duration", "2s", "--interval", "2us"}, console), 0) << console.err();
  EXPECT_EQ(seen.cpus(), "3");
  EXPECT_EQ(seen.duration_ns(), 2'000'000'000);
  EXPECT_EQ(seen.interval_ns(), 2'000);
  for (const char* part : {"CPU 3: 1000 samples, 5 more torn", "feed[4711/4712] watched  50.00 %  ####################|", "other[9/9]",
                           "(other threads)", "(idle)", "25.00 %  ##########|", "(softirq)", "3ms (thread 4712)", "longest interrupt: 42us",
                           "0.5 on average", "1000000 ticks due, one each 1us: 999000 on time (99.90 %), 0 late, 1000 missed; latest 999ns",
                           "sampling took 12.50 %", "run_queue_depth unavailable: it is not mapped"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  EXPECT_THAT(console.err(), IsEmpty());
}

TEST_F(SampleVerbTest, JsonHasAllOfIt) {
  monitor_.sample_state = [](const auto&, auto* response) {
    *response = SomeStates();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"sample", "--json"}, console), 0) << console.err();
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["begin_ns"], 10'000'000'000);
  EXPECT_EQ(answer["missed_count"], 1'000);
  EXPECT_EQ(answer["lateness"]["p50_ns"], 90);
  const json& cpu = answer["cpus"][0];
  EXPECT_EQ(cpu["threads"][0]["tid"], 4712);
  EXPECT_EQ(cpu["threads"][0]["watched"], true);
  EXPECT_EQ(cpu["interrupts"][0]["kind"], "softirq");
  EXPECT_EQ(cpu["unknown_share"], 0);
  EXPECT_EQ(cpu["waiting_watched_mean"], 0.5);
  EXPECT_EQ(answer["unavailable"][0]["name"], "run_queue_depth");
}

TEST_F(SampleVerbTest, TicksThatWereNotOnTimeAndThreadsThatAreNotKnownAreWarnings) {
  monitor_.sample_state = [](const auto&, auto* response) {
    *response = SomeStates();
    response->set_on_time_count(980'000);
    response->set_late_count(15'000);
    response->set_missed_count(5'000);
    response->mutable_cpus(0)->mutable_threads()->RemoveLast();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"sample"}, console), 1);
  EXPECT_THAT(console.out(), HasSubstr("(not known)"));
  EXPECT_THAT(console.err(), AllOf(HasSubstr("of 1000000 ticks 15000 were late and 5000 missed"),
                                   HasSubstr("who ran on CPU 3 was not known for 6.3 % of its samples")));
}

TEST_F(SampleVerbTest, WhatCannotBeAskedForIsRefusedBeforeTheDaemonIsAsked) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"sample", "--cpus", "3-"},
                                                                                     {"sample", "--duration", "11s"},
                                                                                     {"sample", "--interval", "999ns"},
                                                                                     {"sample", "--interval", "1s"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 3) << words[2];
  }
}

TEST_F(SampleVerbTest, ACallMayTakeAsLongAsItSamplesBesideTheTimeout) {
  monitor_.sample_state = [](const auto&, auto* response) {
    absl::Notification().WaitForNotificationWithTimeout(absl::Milliseconds(50));  // longer than the timeout alone
    *response = SomeStates();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"--timeout", "1ms", "sample", "--duration", "10s"}, console), 0) << console.err();
}

}  // namespace
}  // namespace hftmon
