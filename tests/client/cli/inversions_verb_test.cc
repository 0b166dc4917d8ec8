// `inversions`, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <nlohmann/json.hpp>

#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using InversionsVerbTest = CliFixture;

v1::QueryInversionsResponse SomeInversions() {
  v1::QueryInversionsResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    window { begin_monotonic_ns: 1000000000 end_monotonic_ns: 11000000000 requested_ns: 10000000000 }
    time { monotonic_ns: 11000000000 }
    blocked_floor_ns: 200000 unknown_owner_count: 2
    inversions { waiter { tid: 13 pid: 10 comm: "high" } start_monotonic_ns: 5000000000 duration_ns: 3200000
      waiter_priority: 19 waiter_policy: "fifo" spike_id: 41 owner_off_cpu_ns: 3100000
      chain { lock_address: 4096 owner { tid: 12 pid: 10 comm: "upper" } owner_priority: 85 owner_policy: "rr" owner_state: "blocked" }
      chain { lock_address: 8192 owner { tid: 11 pid: 10 comm: "low" } owner_priority: 125 owner_policy: "other" owner_state: "runnable" }
      preemptor { tid: 14 pid: 10 comm: "medium" duration_ns: 3000000 } }
    inversions { waiter { tid: 13 pid: 10 comm: "high" } start_monotonic_ns: 6000000000 duration_ns: 100000 in_progress: true
      waiter_priority: 19 waiter_policy: "real_time" spike_id: 42 inherited: true owner_off_cpu_ns: 0 chain_truncated: true
      chain { lock_address: 4096 priority_inheritance: true owner { tid: 11 pid: 10 comm: "low" } owner_priority: -1
        owner_policy: "deadline" owner_state: "running" } }
    inversions { waiter { tid: 15 pid: 10 comm: "idle" } start_monotonic_ns: 7000000000 duration_ns: 500000 spike_id: 43
      chain { lock_address: 4096 priority_inheritance: true owner { tid: 99 } } }
    boosts { thread { tid: 11 pid: 10 comm: "low" } start_monotonic_ns: 5999990000 duration_ns: 90000 own_priority: 120 boosted_priority: 19
      donor { tid: 13 pid: 10 comm: "high" } step_count: 2 }
    boosts { thread { tid: 11 pid: 10 comm: "low" } start_monotonic_ns: 8000000000 own_priority: 89 boosted_priority: -1
      donor { tid: 16 pid: 10 comm: "edf" } step_count: 1 })",
                                                            &response));
  return response;
}

TEST_F(InversionsVerbTest, EachIsABlockWithItsChainAndTheBoostsAreATable) {
  v1::QueryInversionsRequest seen;
  monitor_.query_inversions = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeInversions();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"inversions", "-p", "10,20", "--window", "10s", "--min-duration", "50us", "--limit", "7"}, console), 0) << console.err();
  EXPECT_THAT(console.err(), IsEmpty());
  EXPECT_THAT(seen.pids(), ElementsAre(10, 20));
  EXPECT_EQ(seen.window_ns(), 10'000'000'000);
  EXPECT_EQ(seen.min_duration_ns(), 50'000);
  EXPECT_EQ(seen.max_inversions(), 7);
  EXPECT_EQ(console.out(),
            "priority inversions in off-CPU intervals above 200us in the last 10s\n"
            "5000000000 ns  high[10/13] (fifo 80)  waits for a lock: 3.2ms  #41\n"
            "    lock 0x1000, held by upper[10/12] (rr 14), blocked as the wait began\n"
            "    who waits for lock 0x2000, held by low[10/11] (other, nice 5), runnable as the wait began\n"
            "    low[10/11] was off its CPU for 3.1ms of it, which medium[14] had for 3ms\n"
            "6000000000 ns  high[10/13] (real time 80)  waits for a lock, in progress: 100us  #42\n"
            "    lock 0x1000, held by low[10/11] (deadline), running as the wait began, with priority inheritance\n"
            "    and so on, or round and round (a deadlock)\n"
            "    low[10/11] was not seen off its CPU meanwhile\n"
            "    the owner ran with the waiter's priority\n"
            "7000000000 ns  idle[10/15]  waits for a lock: 500us  #43\n"
            "    lock 0x1000, held by ?[99], of whom no more is known, with priority inheritance\n"
            "and 2 waits whose owner or its priority is not known: they may be inversions too\n"
            "priority boosts\n"
            "boosted     since              for  from          to            waiter       changes\n"
            "low[10/11]  5999990000 ns     90us  nice 0        real time 80  high[10/13]        2\n"
            "low[10/11]  8000000000 ns  goes on  real time 10  deadline      edf[10/16]         1\n");
}

TEST_F(InversionsVerbTest, JsonLeavesOutWhatIsNotKnown) {
  monitor_.query_inversions = [](const auto&, auto* response) {
    *response = SomeInversions();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"inversions", "--json"}, console), 0);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["inversions"].size(), 3u);
  const json& first = answer["inversions"][0];
  EXPECT_EQ(first["waiter"], json({{"tid", 13}, {"comm", "high"}, {"pid", 10}}));
  EXPECT_EQ(first["waiter_priority"], 19);
  EXPECT_EQ(first["chain"][1]["owner_state"], "runnable");
  EXPECT_EQ(first["preemptor"]["duration_ns"], 3'000'000);
  const json& unknown = answer["inversions"][2];
  for (const char* key : {"waiter_priority", "waiter_policy", "owner_off_cpu_ns", "preemptor"}) EXPECT_FALSE(unknown.contains(key)) << key;
  EXPECT_FALSE(unknown["chain"][0].contains("owner_priority"));
  EXPECT_EQ(answer["boosts"][1]["boosted_priority"], -1);
  EXPECT_FALSE(answer["boosts"][1].contains("duration_ns"));
  EXPECT_FALSE(answer.contains("boosts_unavailable"));
}

TEST_F(InversionsVerbTest, WhatIsMissingIsSaidWithTheMend) {
  v1::QueryInversionsResponse scripted;
  monitor_.query_inversions = [&scripted](const auto&, auto* response) {
    *response = scripted;
    return grpc::Status::OK;
  };
  scripted.set_incomplete(true);
  scripted.set_boosts_unavailable("this kernel has no tracepoint sched_pi_setprio");
  StringConsole nobody_asks;
  EXPECT_EQ(Run({"inversions"}, nobody_asks), 1);
  EXPECT_THAT(nobody_asks.out(),
              HasSubstr("inversions: unavailable: no target asks for its waits for locks: attach with --probes locks --blocked"));
  EXPECT_THAT(nobody_asks.out(), HasSubstr("priority boosts: unavailable: this kernel has no tracepoint sched_pi_setprio\n"));
  EXPECT_THAT(nobody_asks.err(), HasSubstr("attach with --probes locks --blocked 50us"));

  scripted.set_blocked_floor_ns(1'000);
  scripted.clear_boosts_unavailable();
  StringConsole of_part;
  EXPECT_EQ(Run({"inversions"}, of_part), 1);
  EXPECT_THAT(of_part.out(), HasSubstr("no priority inversion in off-CPU intervals above 1us in the last"));
  EXPECT_THAT(of_part.out(), HasSubstr("no priority boosts\n"));
  EXPECT_THAT(of_part.err(), HasSubstr("of a part of the window only"));

  scripted.set_incomplete(false);
  scripted.set_lost_records(3);
  scripted.set_older_left_out(true);
  StringConsole lost;
  EXPECT_EQ(Run({"inversions"}, lost), 1);
  EXPECT_THAT(lost.err(), HasSubstr("3 records were lost in the window"));
  EXPECT_THAT(lost.err(), HasSubstr("the newest 0 of more"));
  scripted.set_lost_records(0);
  StringConsole limited;
  EXPECT_EQ(Run({"inversions", "--limit", "5"}, limited), 0) << "as many as were asked for";
}

TEST_F(InversionsVerbTest, ValuesThatAreNoneAreRefused) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"inversions", "--min-duration", "2h"},
                                                                                     {"inversions", "--limit", "0"},
                                                                                     {"inversions", "--window", "x"},
                                                                                     {"inversions", "-p", "y"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 3) << words[1];
    EXPECT_THAT(console.err(), HasSubstr(words[1]));
  }
}

}  // namespace
}  // namespace hftmon
