// `cache --rate`: counters that were read at overflows, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/cli/render/counter_samples.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A thread that spins, one that slept.
v1::SampleCountersResponse SomeSamples() {
  v1::SampleCountersResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    time { monotonic_ns: 12000000000 } pid: 10 begin_monotonic_ns: 11000000000 end_monotonic_ns: 12000000000
    overflow { event: "cpu-clock" period: 100000 reason: "the kernel's timer" asked_rate_hz: 10000 achieved_rate_hz: 9990
      max_sample_rate_hz: 63000 }
    events { name: "page-faults" }
    rates { name: "page-faults_per_second" unit: "per_second" formula: "page-faults / seconds on the CPU" }
    threads { cache { thread { tid: 12 pid: 10 comm: "matcher" } available: true on_cpu_ns: 1000000000 running_share: 1 span_count: 9991
        mean_span_ns: 100100 widest_span_ns: 250000 counters { name: "page-faults" value: 2000 }
        rates { name: "page-faults_per_second" mean: 2000 lowest: 0 highest: 30000 span_count: 9990 percentiles { percent: 99 value: 10000 } } }
      interrupt_count: 9990 achieved_rate_hz: 9990 narrowest_span_ns: 100000 }
    threads { cache { thread { tid: 13 pid: 10 comm: "logger" } available: true } born: true }
    narrowest_span_ns: 100000 mean_span_ns: 100100 widest_span_ns: 250000
    cost { interrupt_count: 9990 event_count: 4 cross_call_count_max: 12 ring_bytes: 1081344 daemon_cpu_ns: 12000000 }
    coverage { sample_count: 9990 thread_count: 2 born_thread_count: 1 complete: true })",
                                                            &response));
  return response;
}

class CounterSamplesTest : public CliFixture {
 protected:
  void Answer(const v1::SampleCountersResponse& answer) {
    monitor_.sample_counters = [this, answer](const auto& request, auto* response) {
      seen_ = request;
      *response = answer;
      return grpc::Status::OK;
    };
  }
  v1::SampleCountersRequest seen_;
};

TEST_F(CounterSamplesTest, RatesStandBesideTheRateThatWasAchievedAndWhatItCost) {
  Answer(SomeSamples());
  StringConsole console;
  EXPECT_EQ(Run({"cache", "-p", "10", "--rate", "10000", "--for", "2s", "--by", "cpu-clock", "--counters",
                 "page-faults,cpu/event=0xcd,umask=1/", "--percentiles", "99", "--counts"},
                console),
            0)
      << console.err();
  EXPECT_EQ(seen_.pid(), 10);
  EXPECT_EQ(seen_.rate_hz(), 10'000);
  EXPECT_EQ(seen_.duration_ns(), 2'000'000'000);
  EXPECT_EQ(seen_.by(), v1::OVERFLOW_BY_CPU_CLOCK);
  EXPECT_THAT(seen_.events(), ElementsAre("page-faults", "cpu/event=0xcd,umask=1/"));
  EXPECT_THAT(seen_.percentiles(), ElementsAre(99));
  for (const char* part :
       {"process 10 for 1s: 9990 samples of 2 threads, 10000 a second asked for, 9990 a second on a CPU achieved\n",
        "by cpu-clock: the kernel's timer\n", "in spans of 100us to 250us, 100us in the mean, a thread's sleeps and waits included\n",
        "1 thread was made meanwhile",
        "cost: 9990 interrupts of its threads, at most 12 cross-calls for 4 events; 1056 KiB of locked memory, 12ms of the daemon's CPU "
        "time",
        "page-faults_per_second", "30000", "did not run", "interrupts", "held back"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  EXPECT_THAT(console.err(), IsEmpty());
}

TEST_F(CounterSamplesTest, JsonHasAllOfIt) {
  Answer(SomeSamples());
  StringConsole console;
  EXPECT_EQ(Run({"cache", "-p", "10", "--rate", "1", "--json"}, console), 0) << console.err();
  EXPECT_EQ(seen_.duration_ns(), 1'000'000'000);
  EXPECT_EQ(seen_.by(), v1::OVERFLOW_BY_UNSPECIFIED);
  EXPECT_THAT(seen_.events(), IsEmpty()) << "the daemon chooses";
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["pid"], 10);
  EXPECT_EQ(answer["process_ended"], false);
  EXPECT_EQ(answer["overflow"], json({{"event", "cpu-clock"},
                                      {"period", 100'000},
                                      {"reason", "the kernel's timer"},
                                      {"asked_rate_hz", 10'000},
                                      {"achieved_rate_hz", 9'990.0},
                                      {"max_sample_rate_hz", 63'000}}));
  EXPECT_EQ(answer["narrowest_span_ns"], 100'000);
  const json& thread = answer["threads"][0];
  EXPECT_EQ(thread["counters"]["page-faults"]["value"], 2'000);
  EXPECT_EQ(thread["rates"]["page-faults_per_second"], 2'000);
  EXPECT_EQ(thread["interrupt_count"], 9'990);
  EXPECT_EQ(answer["threads"][1]["born"], true);
  EXPECT_FALSE(answer["threads"][1].contains("achieved_rate_hz"));
  EXPECT_EQ(answer["cost"]["interrupt_count"], 9'990);
  EXPECT_EQ(answer["coverage"]["complete"], true);
  EXPECT_EQ(answer["warnings"], json::array());
}

TEST_F(CounterSamplesTest, WhatKeepsItFromBeingTheWholeTruthIsAWarning) {
  v1::SampleCountersResponse response = SomeSamples();
  v1::CounterSamplingCoverage* coverage = response.mutable_coverage();
  coverage->set_lost_count(1);
  coverage->set_undecoded_count(2);
  coverage->set_discarded_count(3);
  coverage->set_damage_count(4);
  coverage->set_throttle_count(5);
  coverage->set_throttled_ns(6'000'000);
  coverage->set_unsampled_thread_count(7);
  coverage->set_unsampled_reason("no descriptor is left");
  response.mutable_overflow()->set_asked_rate_hz(100'000);
  response.set_process_ended(true);
  const std::vector<std::string> warnings = WarningsOf(response);
  ASSERT_EQ(warnings.size(), 9u);
  EXPECT_THAT(warnings[0], HasSubstr("1 sample lost"));
  EXPECT_THAT(warnings[4], HasSubstr("held sampling back 5 times, for 6ms in all"));
  EXPECT_THAT(warnings[5], HasSubstr("7 new threads were not counted: no descriptor is left"));
  EXPECT_THAT(warnings[6], HasSubstr("100000 samples a second are more than kernel.perf_event_max_sample_rate, 63000"));
  EXPECT_THAT(warnings[7], HasSubstr("9990 samples for each second on a CPU, 100000 were asked for"));
  EXPECT_THAT(warnings[8], HasSubstr("ended after 1s"));
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"cache", "-p", "10", "--rate", "100000"}, console), 1);
  v1::SampleCountersResponse none;
  EXPECT_THAT(WarningsOf(none), ElementsAre(HasSubstr("no sample")));
}

TEST_F(CounterSamplesTest, WhatDoesNotGoTogetherIsSaid) {
  const auto error_of = [this](const std::vector<std::string>& words) {
    StringConsole console;
    std::vector<std::string> all = {"cache"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(Run(all, console), 3);
    return console.err();
  };
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"--rate", "10"},
                                                                                     {"--rate", "10", "-p", "1,2"},
                                                                                     {"--rate", "10", "-p", "1", "-t", "2"},
                                                                                     {"--rate", "10", "-p", "1", "--now"},
                                                                                     {"--rate", "10", "-p", "1", "--window", "1s"}}) {
    EXPECT_THAT(error_of(words), HasSubstr("name it with -p"));
  }
  EXPECT_THAT(error_of({"--rate", "0", "-p", "1"}), HasSubstr("--rate"));
  EXPECT_THAT(error_of({"--rate", "100001", "-p", "1"}), HasSubstr("--rate"));
  EXPECT_THAT(error_of({"--rate", "1", "-p", "1", "--for", "11s"}), HasSubstr("1ms to 10s"));
  EXPECT_THAT(error_of({"--rate", "1", "-p", "1", "--by", "luck"}), HasSubstr("cycles or cpu-clock"));
  EXPECT_THAT(error_of({"--for", "1s"}), HasSubstr("--rate"));
  EXPECT_THAT(error_of({"--counters", "page-faults"}), HasSubstr("--rate"));
}

}  // namespace
}  // namespace hftmon
