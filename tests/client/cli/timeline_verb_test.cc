// `timeline`: what threads did, drawn, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/cli/render/timeline.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using TimelineVerbTest = CliFixture;

v1::QueryTimelineResponse SomeTimeline() {
  v1::QueryTimelineResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    window { begin_monotonic_ns: 1000000 end_monotonic_ns: 2000000 requested_ns: 1000000 }
    time { monotonic_ns: 2100000 }
    run_queue_floor_ns: 50000 off_cpu_floor_ns: 50000
    threads { thread { tid: 4712 pid: 4711 comm: "matcher" }
      pieces { start_monotonic_ns: 1000000 duration_ns: 250000 state: "running" cpu: 3 }
      pieces { start_monotonic_ns: 1250000 duration_ns: 200000 state: "blocked" detail: "futex" spike_id: 8 }
      pieces { start_monotonic_ns: 1450000 duration_ns: 150000 state: "waiting" cpu: 12 detail: "stress" other_tid: 55 spike_id: 9 }
      pieces { start_monotonic_ns: 1600000 duration_ns: 10000 state: "interrupted" cpu: 12 detail: "local_timer" spike_id: 10 }
      pieces { start_monotonic_ns: 1610000 duration_ns: 390000 state: "running" cpu: 12 } }
    threads { thread { tid: 4713 pid: 4711 comm: "late" } truncated: true
      pieces { start_monotonic_ns: 1500000 duration_ns: 500000 state: "unknown" } })",
                                                            &response));
  return response;
}

TEST_F(TimelineVerbTest, EachColumnShowsWhatHadMostOfItsTime) {
  v1::QueryTimelineRequest seen;
  monitor_.query_timeline = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeTimeline();
    return grpc::Status::OK;
  };
  StringConsole console;
  // 18 characters of name, a blank, 10 columns of 100 us.
  EXPECT_EQ(
      Run({"timeline", "-p", "4711", "-t", "4712,4713", "--window", "1ms", "--end", "2000000", "--pieces", "50", "--width", "29"}, console),
      0)
      << console.err();
  EXPECT_THAT(seen.pids(), ElementsAre(4711));
  EXPECT_THAT(seen.tids(), ElementsAre(4712, 4713));
  EXPECT_EQ(seen.window_ns(), 1'000'000);
  EXPECT_EQ(seen.end_monotonic_ns(), 2'000'000);
  EXPECT_EQ(seen.max_pieces(), 50);
  EXPECT_THAT(console.out(), HasSubstr("\nmatcher[4711/4712] ##--ww####\n"));
  EXPECT_THAT(console.out(), HasSubstr("\n                       - !\n")) << console.out();
  EXPECT_THAT(console.out(), HasSubstr("\n                   3..   12..\n")) << console.out();
  EXPECT_THAT(console.out(), HasSubstr("\nlate[4711/4713]         ?????\n")) << console.out();
  EXPECT_THAT(console.out(), HasSubstr("a column is 100us"));
  EXPECT_THAT(console.out(), Not(HasSubstr("\033")));
}

TEST_F(TimelineVerbTest, AStateShorterThanAColumnIsNotLost) {
  v1::ThreadTimeline thread;
  const auto add = [&thread](int64_t start_ns, int64_t end_ns, const char* state, int cpu) {
    v1::TimelinePiece* piece = thread.add_pieces();
    piece->set_start_monotonic_ns(start_ns);
    piece->set_duration_ns(end_ns - start_ns);
    piece->set_state(state);
    if (cpu >= 0) piece->set_cpu(cpu);
  };
  add(0, 100, "running", 1);
  add(100, 101, "waiting", 1);
  add(101, 150, "running", 1);
  add(150, 151, "interrupted", 1);
  add(151, 300, "running", 1);
  add(300, 301, "blocked", -1);
  add(301, 1'000, "running", 112);
  const TimelineRow row = RowOf(thread, 0, 1'000, 10);
  EXPECT_EQ(row.states, "##########");
  EXPECT_EQ(row.hidden, " * -      ");
  EXPECT_EQ(row.cpus, "1..112....");
  EXPECT_EQ(RowOf(thread, 0, 1'000, 1).hidden, "*");
  EXPECT_EQ(RowOf(thread, 0, 1'000, 3).cpus, "1++");
}

TEST_F(TimelineVerbTest, JsonHasEachPiece) {
  monitor_.query_timeline = [](const auto&, auto* response) {
    *response = SomeTimeline();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"timeline", "--json"}, console), 0);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["window"]["end_ns"], 2'000'000);
  EXPECT_EQ(answer["off_cpu_floor_ns"], 50'000);
  ASSERT_EQ(answer["threads"].size(), 2u);
  EXPECT_EQ(answer["threads"][0]["tid"], 4712);
  const json& waiting = answer["threads"][0]["pieces"][2];
  EXPECT_EQ(waiting["state"], "waiting");
  EXPECT_EQ(waiting["cpu"], 12);
  EXPECT_EQ(waiting["detail"], "stress");
  EXPECT_EQ(waiting["other_tid"], 55);
  EXPECT_EQ(waiting["spike_id"], 9);
  EXPECT_FALSE(answer["threads"][0]["pieces"][1].contains("cpu"));
  EXPECT_EQ(answer["threads"][1]["truncated"], true);
}

TEST_F(TimelineVerbTest, WhatIsMissingIsSaid) {
  monitor_.query_timeline = [](const auto& request, auto* response) {
    EXPECT_EQ(request.window_ns(), 100'000'000);
    *response = SomeTimeline();
    response->clear_off_cpu_floor_ns();
    response->set_pieces_left_out(true);
    response->set_lost_records(3);
    response->mutable_window()->set_off_ns(5'000);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"timeline"}, console), 1);
  for (const char* part : {"sleeps are not known", "older pieces are missing", "3 records were lost", "the programs were off for 5us"}) {
    EXPECT_THAT(console.err(), HasSubstr(part));
  }
}

TEST_F(TimelineVerbTest, OptionsThatCannotBeReadAreRefused) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"timeline", "--window", "61s"}, {"timeline", "--end", "soon"}, {"timeline", "--width", "5"}, {"timeline", "--pieces", "0"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 3);
    EXPECT_THAT(console.err(), HasSubstr(words[1]));
  }
}

}  // namespace
}  // namespace hftmon
