// `cache`: rates of the processor's counters, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/cli/render/cache.h"
#include "client/cli/render/warnings.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using CacheVerbTest = CliFixture;

// A thread with all kinds of rates, one that slept, one without a reading.
v1::QueryCacheResponse SomeCache() {
  v1::QueryCacheResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    available: true
    window { begin_monotonic_ns: 1000000000 end_monotonic_ns: 11000000000 requested_ns: 10000000000 resolution_ns: 12000000 }
    time { monotonic_ns: 11000000000 }
    interval_ns: 10000000 mean_span_ns: 10500000 widest_span_ns: 12000000
    events { name: "cycles" metric: "cycles" }
    events { name: "l3_misses" metric: "l3_misses" counts: "retired loads" number_unchecked: true }
    events { name: "page-faults" }
    rates { name: "l3_hit_ratio" unit: "ratio" formula: "1 - l3_misses / l3_accesses" }
    rates { name: "instructions_per_cycle" unit: "per_cycle" formula: "instructions / cycles" }
    rates { name: "page-faults_per_second" unit: "per_second" formula: "page-faults / seconds on the CPU" }
    threads { thread { tid: 12 pid: 10 comm: "matcher" } available: true on_cpu_ns: 1200000000 running_share: 0.5 span_count: 1000
      mean_span_ns: 10500000 widest_span_ns: 12000000 reading_count: 5000 counted_since_monotonic_ns: 77 last_reading_monotonic_ns: 99
      counters { name: "cycles" value: 2000 estimated: true total: 9000 }
      counters { name: "l3_misses" value: 0 total: 5 total_estimated: true doubtful: true }
      counters { name: "page-faults" }
      rates { name: "l3_hit_ratio" mean: 0.99951 lowest: 0.5 highest: 1 span_count: 1000 doubtful: true
        percentiles { percent: 1 value: 0.9 } percentiles { percent: 99.9 value: 1 } }
      rates { name: "instructions_per_cycle" mean: 1.25 lowest: 0.5 highest: 3.125 span_count: 1000 estimated: true
        percentiles { percent: 1 value: 0.75 } }
      rates { name: "page-faults_per_second" mean: 1234.4 lowest: 0 highest: 5000 span_count: 3 } }
    threads { thread { tid: 13 pid: 10 comm: "logger" } available: true reading_count: 3 }
    threads { thread { tid: 14 pid: 10 comm: "spinner" } reason: "no reading in this window" }
    unavailable { part: "remote_dram" reason: "a processor of one socket" })",
                                                            &response));
  return response;
}

TEST_F(CacheVerbTest, RatesAreShownByThreadWithTheirPercentiles) {
  v1::QueryCacheRequest seen;
  monitor_.query_cache = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeCache();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"cache", "-p", "10", "-t", "12,13,14", "--window", "10s"}, console), 1);
  EXPECT_THAT(seen.pids(), ElementsAre(10));
  EXPECT_THAT(seen.tids(), ElementsAre(12, 13, 14));
  EXPECT_EQ(seen.window_ns(), 10'000'000'000);
  EXPECT_THAT(seen.percentiles(), ElementsAre(1, 50, 99, 99.9));
  EXPECT_FALSE(seen.read_now());
  EXPECT_EQ(console.out(),
            "the last 10s, in spans of 10.5ms (the widest 12ms; 10ms asked for)\n"
            "thread   pid  tid  on CPU  spans  rate                       mean  lowest      p1    p99.9  highest\n"
            "matcher   10   12    1.2s   1000  l3_hit_ratio            99.95%?  50.00%  90.00%  100.00%  100.00%\n"
            "-          -    -       -      -  instructions_per_cycle   ~1.250   0.500   0.750        -    3.125\n"
            "-          -    -       -      -  page-faults_per_second     1234       0       -        -     5000\n"
            "logger    10   13     0ns      0  did not run                   -       -       -        -        -\n"
            "~ estimated: more events than counters, so each was counted in a part of the time: ask for fewer events\n"
            "? doubtful: the number of an event is not confirmed for this processor and it stayed 0, or events contradict each other\n"
            "unavailable for 1 thread: no reading in this window\n"
            "remote_dram: unavailable: a processor of one socket\n");
  EXPECT_EQ(console.err(), "hftmon: cache: 1 of 3 threads have no figures: see above why\n");
}

TEST_F(CacheVerbTest, CountsAreListedWhenTheyAreAskedFor) {
  monitor_.query_cache = [](const auto&, auto* response) {
    *response = SomeCache();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"cache", "--counts"}, console), 1);
  EXPECT_THAT(console.out(), HasSubstr("\n"
                                       "thread   tid  event        in the window  since it is counted\n"
                                       "matcher   12  cycles               ~2000                 9000\n"
                                       "-          -  l3_misses               0?                   ~5\n"
                                       "-          -  page-faults              -                    -\n"));
}

TEST_F(CacheVerbTest, JsonHasTheMeansByNameAndNothingOfWhatIsNotKnown) {
  monitor_.query_cache = [](const auto&, auto* response) {
    *response = SomeCache();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"cache", "--json"}, console), 1);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["schema_version"], 1);
  EXPECT_EQ(answer["available"], true);
  EXPECT_FALSE(answer.contains("reason"));
  EXPECT_EQ(answer["widest_span_ns"], 12'000'000);
  EXPECT_EQ(answer["events"][1],
            json({{"name", "l3_misses"}, {"metric", "l3_misses"}, {"counts", "retired loads"}, {"number_unchecked", true}}));
  const json& matcher = answer["threads"][0];
  EXPECT_EQ(matcher["rates"], json({{"l3_hit_ratio", 0.99951}, {"instructions_per_cycle", 1.25}, {"page-faults_per_second", 1234.4}}));
  EXPECT_EQ(matcher["rate_spans"]["l3_hit_ratio"],
            json({{"span_count", 1000}, {"lowest", 0.5}, {"p1", 0.9}, {"p99_9", 1}, {"highest", 1}, {"doubtful", true}}));
  EXPECT_EQ(matcher["running_share"], 0.5);
  EXPECT_EQ(matcher["counters"]["cycles"], json({{"value", 2000}, {"estimated", true}, {"total", 9000}, {"total_estimated", false}}));
  EXPECT_EQ(matcher["counters"]["page-faults"], json::object());
  EXPECT_EQ(matcher["counted_since_ns"], 77);
  EXPECT_EQ(answer["threads"][1]["on_cpu_ns"], 0) << "it was measured";
  EXPECT_FALSE(answer["threads"][2].contains("on_cpu_ns"));
  EXPECT_EQ(answer["threads"][2]["reason"], "no reading in this window");
  EXPECT_EQ(answer["unavailable"][0]["part"], "remote_dram");
  EXPECT_EQ(answer["unavailable"][1], json({{"part", "contended_lines"}, {"reason", "sampled on request: hftmon sharing PID"}}));
}

TEST(RenderCacheTest, ARatioOfSpansThatContradictThemselvesIsMarkedWhereItIsCut) {
  v1::QueryCacheResponse response = SomeCache();
  v1::RateValue* rate = response.mutable_threads(0)->mutable_rates(0);
  rate->set_doubtful(false);
  rate->set_contradictory_span_count(4);
  const std::string text = CacheText(response, false);
  EXPECT_THAT(text, HasSubstr("l3_hit_ratio            99.95%  50.00%  90.00%  100.00%  100.00%?\n"));
  EXPECT_THAT(text, HasSubstr("events contradict each other\n"));
  const Json spans = CacheJson(response)["threads"][0]["rate_spans"]["l3_hit_ratio"];
  EXPECT_EQ(spans["contradictory_span_count"], 4);
  EXPECT_FALSE(spans.contains("doubtful"));
}

TEST_F(CacheVerbTest, AHostWithoutAPmuSaysWhyAndShowsNoTable) {
  monitor_.query_cache = [](const auto&, auto* response) {
    response->set_reason("no PMU in this guest: the hypervisor gives it none");
    response->mutable_window()->set_end_monotonic_ns(5);
    return grpc::Status::OK;
  };
  StringConsole text;
  EXPECT_EQ(Run({"cache"}, text), 1);
  EXPECT_EQ(text.out(), "unavailable: no PMU in this guest: the hypervisor gives it none\n");
  EXPECT_EQ(text.err(), "hftmon: cache: nothing is counted: see above why\n");
  StringConsole console;
  EXPECT_EQ(Run({"cache", "--json"}, console), 1);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["available"], false);
  EXPECT_EQ(answer["reason"], "no PMU in this guest: the hypervisor gives it none");
  EXPECT_EQ(answer["threads"], json::array());
}

TEST_F(CacheVerbTest, NowNamesTheProcessesAndTheAnswerItsCost) {
  v1::QueryCacheRequest seen;
  monitor_.query_cache = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeCache();
    response->mutable_threads()->DeleteSubrange(2, 1);
    response->set_cross_call_count(seen.window_ns() == 0 ? 1 : 0);
    return grpc::Status::OK;
  };
  StringConsole refused;
  EXPECT_EQ(Run({"cache", "--now"}, refused), 3);
  EXPECT_THAT(refused.err(), HasSubstr("name them with -p"));
  StringConsole console;
  EXPECT_EQ(Run({"cache", "--now", "-p", "10", "--percentiles", "5", "--window", "all"}, console), 0);
  EXPECT_TRUE(seen.read_now());
  EXPECT_THAT(seen.percentiles(), ElementsAre(5));
  EXPECT_EQ(seen.window_ns(), 0);
  EXPECT_THAT(console.out(), AllOf(HasSubstr("read now, by 1 interrupt\n"), Not(HasSubstr("no interrupt"))));
  EXPECT_EQ(console.err(), "");
  StringConsole none;
  EXPECT_EQ(Run({"cache", "--now", "-p", "10"}, none), 0);
  EXPECT_THAT(none.out(), HasSubstr("read now: no interrupt was needed\n"));
  StringConsole unasked;
  EXPECT_EQ(Run({"cache", "-p", "10"}, unasked), 0);
  EXPECT_THAT(unasked.out(), Not(HasSubstr("read now")));
}

TEST_F(CacheVerbTest, AThreadOfNobodyIsTheDaemonsError) {
  monitor_.query_cache = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::NOT_FOUND, "thread 7 is not a watched thread", "NOT_A_THREAD", "tids", "not watched");
  };
  StringConsole console;
  EXPECT_EQ(Run({"cache", "-t", "7"}, console), 3);
  EXPECT_THAT(console.err(), StartsWith("hftmon: cache: thread 7 is not a watched thread"));
}

TEST(RenderCacheTest, WhatIsMissingOfTheWindowIsSaid) {
  v1::QueryCacheResponse response = SomeCache();
  response.mutable_threads()->DeleteSubrange(2, 1);
  EXPECT_THAT(WarningsOf(response), IsEmpty());
  response.set_lost_span_count(5);
  response.set_read_now_error("nothing runs");
  response.set_unslotted_thread_count(2);
  v1::Window* window = response.mutable_window();
  window->set_begin_monotonic_ns(8'000'000'000);
  window->set_truncated(true);
  window->set_late(true);
  window->set_off_ns(1'000'000);
  EXPECT_THAT(WarningsOf(response),
              ElementsAre(HasSubstr("nothing was read now: nothing runs"), HasSubstr("5 spans were lost in the window"),
                          HasSubstr("spans of more than 3s ago are no longer kept"), HasSubstr("2 threads were not watched"),
                          HasSubstr("the window ends early"), HasSubstr("the programs were off for 1ms")));
  EXPECT_THAT(CacheText(response, false), StartsWith("the last 3s, shorter than asked"));
  response.set_set_changed(true);
  EXPECT_THAT(WarningsOf(response)[2], HasSubstr("other events were counted until 3s ago"));
}

TEST(RenderCacheTest, NamesCannotDriveTheTerminal) {
  v1::QueryCacheResponse response = SomeCache();
  response.mutable_threads(0)->mutable_thread()->set_comm("\033[2Jevil");
  response.mutable_threads(0)->mutable_counters(0)->set_name("\033[2Jevil");
  response.mutable_threads(0)->mutable_rates(0)->set_name("\033[2Jevil");
  response.mutable_threads(2)->set_reason("\033[2Jevil");
  EXPECT_THAT(CacheText(response, true), Not(HasSubstr("\033")));
}

TEST(RenderCacheTest, WithoutAThreadThereIsASentence) {
  v1::QueryCacheResponse response;
  response.set_available(true);
  EXPECT_EQ(CacheText(response, false), "no thread is counted\n");
}

}  // namespace
}  // namespace hftmon
