// `threads`: how threads are scheduled and where their time went, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "client/cli/render/scheduling.h"
#include "client/cli/render/threads.h"
#include "client/cli/render/warnings.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using ThreadsVerbTest = CliFixture;

v1::QueryThreadsResponse SomeThreads() {
  v1::QueryThreadsResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    window { begin_monotonic_ns: 1000000000 end_monotonic_ns: 11000000000 requested_ns: 10000000000 resolution_ns: 10000000 }
    time { monotonic_ns: 11000000000 }
    threads { thread { tid: 12 pid: 10 comm: "strategy" } alive: true
      scheduling { policy: "fifo" priority: 19 realtime_priority: 80 cpus_allowed: "2-3" isolated_only: true }
      scheduling_read_monotonic_ns: 10900000000
      cpu_time_ns: 9700000000 run_queue_wait_ns: 1000000 blocked_ns: 200000000 interrupted_ns: 99000000
      migration_count: 2 cpu_time_share: 0.6
      cpus { cpu: 2 cpu_time_ns: 9000000000 } cpus { cpu: 3 cpu_time_ns: 700000000 }
      run_queue_depth { count: 4 mean: 1.5 p50: 1 p99: 2 max: 2 }
      jitter { period_ns: 1000000 source: "timer" ends_at: "switch" lateness { count: 9000 sum_ns: 90000000
        percentiles { percent: 50 value_ns: 9000 } percentiles { percent: 99 value_ns: 40000 } max_ns: 90000 } missed_period_count: 3 }
      to_return { lateness { count: 9001 sum_ns: 99000000 percentiles { percent: 50 value_ns: 10000 } max_ns: 95000 }
        interrupted_count: 4 time_lost_count: 1 ends_at: "return" }
      to_return_unavailable: "returns are asked for in the last 9s of the window only" }
    threads { thread { tid: 13 pid: 10 comm: "gateway" } alive: true
      scheduling { policy: "other" priority: 115 nice: -5 cpus_allowed: "0,2,4,6,8,10-12" isolated_partly: true }
      cpu_time_ns: 2500000000 run_queue_wait_ns: 2500000000 blocked_ns: 5000000000
      migration_count: 1 cpu_time_share: 0.4 cpus_unavailable: "of 1 moves 0 are kept: ask for a shorter window"
      run_queue_depth {} jitter_unavailable: "not periodic" to_return_unavailable: "its target does not ask" }
    threads { thread { tid: 14 pid: 10 comm: "logger" } blocked_ns: 10000000000 run_queue_depth {} }
    changes { thread { tid: 12 pid: 10 comm: "strategy" } after_monotonic_ns: 8000000000 before_monotonic_ns: 9000000000
      from { policy: "other" priority: 120 cpus_allowed: "0-3" } to { policy: "fifo" priority: 19 realtime_priority: 80 cpus_allowed: "2-3" }
      what: "policy" what: "affinity" }
    isolated_cpus: "2-3")",
                                                            &response));
  return response;
}

TEST_F(ThreadsVerbTest, EachThreadHasARowWithItsTimeDrawn) {
  v1::QueryThreadsRequest seen;
  monitor_.query_threads = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeThreads();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"threads", "-p", "10", "-t", "12,13,14", "--window", "10s", "--period", "1ms", "--percentiles", "50,99"}, console), 0);
  EXPECT_THAT(seen.pids(), ElementsAre(10));
  EXPECT_THAT(seen.tids(), ElementsAre(12, 13, 14));
  EXPECT_EQ(seen.window_ns(), 10'000'000'000);
  EXPECT_EQ(seen.period_ns(), 1'000'000);
  EXPECT_THAT(seen.percentiles(), ElementsAre(50, 99));
  EXPECT_EQ(console.out(),
            "window 10s (buckets of 10ms)\n"
            "thread          tid  policy         CPUs        running  waiting  blocked  irqs\n"
            "strategy         12  FIFO 80        2-3             97%    <0.1%     2.0%  1.0%  ##############\n"
            "gateway          13  OTHER nice -5  0,2,4,6,..      25%      25%      50%    0%  ####===.......\n"
            "logger (ended)   14  -              -                0%       0%     100%    0%  ..............\n"
            "# running   = waiting for a CPU   . asleep or blocked   ! taken by interrupts\n"
            "\n"
            "thread    tid  migrations  queue p99  ran on CPU\n"
            "strategy   12           2          2  2: 93%, 3: 7.2%\n"
            "gateway    13           1          -  -\n"
            "where gateway[13] ran is not known: of 1 moves 0 are kept: ask for a shorter window\n"
            "\n"
            "periodic wake-ups, late until the switch to the thread\n"
            "thread    tid  period  known from  wake-ups  late p50  late p99   max  missed\n"
            "strategy   12     1ms  timer           9000       9us      40us  90us       3\n"
            "\n"
            "sleeps until a time, late until the return to the program\n"
            "thread    tid  sleeps  late p50   max  interrupted\n"
            "strategy   12    9001      10us  95us            4\n"
            "of strategy[12]: returns are asked for in the last 9s of the window only\n"
            "\n"
            "isolated CPUs: 2-3\n"
            "isolated only: strategy[12]\n"
            "partly isolated, confined to neither kind of CPU: gateway[13]\n"
            "\n"
            "1 change of scheduling in the window: --changes shows them\n");
  EXPECT_EQ(console.err(), "");
}

TEST_F(ThreadsVerbTest, ChangesAreListedOnRequest) {
  monitor_.query_threads = [](const auto&, auto* response) {
    *response = SomeThreads();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"threads", "--changes"}, console), 0);
  EXPECT_THAT(console.out(), HasSubstr("\n"
                                       "changes of scheduling, each within the second before it was found\n"
                                       "before end  thread    tid  what              from             to\n"
                                       "        2s  strategy   12  policy, affinity  OTHER, CPUs 0-3  FIFO 80, CPUs 2-3\n"));
}

TEST_F(ThreadsVerbTest, JsonHasTheFieldsOfTheAnswerAndNothingOfWhatIsNotKnown) {
  monitor_.query_threads = [](const auto&, auto* response) {
    *response = SomeThreads();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"threads", "--json"}, console), 0);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["window_ns"], 10'000'000'000);
  EXPECT_EQ(answer["isolated_cpus"], "2-3");
  const json& strategy = answer["threads"][0];
  EXPECT_EQ(strategy["policy"], "fifo");
  EXPECT_EQ(strategy["priority"], 19);
  EXPECT_EQ(strategy["cpus_allowed"], "2-3");
  EXPECT_EQ(strategy["isolated_only"], true);
  EXPECT_EQ(strategy["cpu_time_ns"], 9'700'000'000);
  EXPECT_EQ(strategy["run_queue_wait_ns"], 1'000'000);
  EXPECT_EQ(strategy["blocked_ns"], 200'000'000);
  EXPECT_EQ(strategy["interrupted_ns"], 99'000'000);
  EXPECT_EQ(strategy["cpus"], json::parse(R"([{"cpu": 2, "cpu_time_ns": 9000000000}, {"cpu": 3, "cpu_time_ns": 700000000}])"));
  EXPECT_EQ(strategy["jitter"]["period_ns"], 1'000'000);
  EXPECT_EQ(strategy["jitter"]["p99_ns"], 40'000);
  EXPECT_EQ(strategy["jitter"]["max_ns"], 90'000);
  EXPECT_EQ(strategy["jitter"]["ends_at"], "switch");
  EXPECT_EQ(strategy["to_return"]["ends_at"], "return");
  EXPECT_EQ(strategy["to_return"]["count"], 9001);
  EXPECT_EQ(strategy["to_return"]["p50_ns"], 10'000);
  EXPECT_EQ(strategy["to_return"]["interrupted_count"], 4);
  EXPECT_EQ(strategy["to_return"]["time_lost_count"], 1);
  const json& gateway = answer["threads"][1];
  EXPECT_FALSE(gateway.contains("cpus"));
  EXPECT_FALSE(gateway.contains("jitter"));
  EXPECT_EQ(gateway["jitter_unavailable"], "not periodic");
  EXPECT_FALSE(gateway.contains("to_return"));
  EXPECT_EQ(gateway["to_return_unavailable"], "its target does not ask");
  const json& logger = answer["threads"][2];
  EXPECT_FALSE(logger.contains("policy")) << "it was not looked at";
  EXPECT_EQ(logger["cpus"], json::array()) << "it ran nowhere";
  EXPECT_EQ(answer["changes"][0]["what"], json({"policy", "affinity"}));
  EXPECT_EQ(answer["changes"][0]["to"]["realtime_priority"], 80);
  EXPECT_EQ(answer["changes"][0]["before_ns"], 9'000'000'000);
}

TEST_F(ThreadsVerbTest, APeriodOutOfRangeIsRefusedBeforeTheDaemonIsAsked) {
  StringConsole console;
  EXPECT_EQ(Run({"threads", "--period", "10ns"}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("1us to 1m"));
}

TEST(RenderThreadsTest, RowsStayWithinAHundredColumns) {
  v1::QueryThreadsResponse response = SomeThreads();
  v1::ScheduledThread* thread = response.mutable_threads(1);
  thread->mutable_thread()->set_comm("fifteen_letters");
  thread->mutable_thread()->set_tid(4194303);
  const std::string text = ThreadsText(response, false);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("where")) continue;  // a sentence may be as long as it is
    EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(RenderThreadsTest, ABarHasAllItsColumnsHoweverTheTimeIsSplit) {
  v1::QueryThreadsResponse response = SomeThreads();
  response.mutable_threads()->DeleteSubrange(1, 2);
  v1::ScheduledThread* thread = response.mutable_threads(0);
  for (int64_t i = 1; i < 40; ++i) {
    thread->set_cpu_time_ns(i * i);
    thread->set_run_queue_wait_ns(i * 7 % 13);
    thread->set_blocked_ns(i * 5 % 29);
    thread->set_interrupted_ns(i % 3);
    const std::string text = ThreadsText(response, false);
    const size_t row = text.find("strategy");
    const size_t end = text.find('\n', row);
    const size_t begin = text.rfind(' ', end) + 1;
    EXPECT_EQ(end - begin, 14u) << text;
  }
}

TEST(RenderThreadsTest, APriorityThatSomebodyLentIsShown) {
  v1::Scheduling scheduling;
  scheduling.set_policy("other");
  scheduling.set_priority(120);
  EXPECT_EQ(PolicyText(scheduling), "OTHER");
  scheduling.set_priority(19);
  EXPECT_EQ(PolicyText(scheduling), "OTHER (priority 19)");
  scheduling.set_policy("deadline");
  scheduling.set_priority(-1);
  scheduling.mutable_deadline()->set_runtime_ns(1'000'000);
  scheduling.mutable_deadline()->set_period_ns(10'000'000);
  EXPECT_EQ(PolicyText(scheduling), "DEADLINE 1ms/10ms");
}

TEST(RenderThreadsTest, WhatIsMissingIsSaid) {
  v1::QueryThreadsResponse response = SomeThreads();
  EXPECT_THAT(WarningsOf(response), IsEmpty());
  response.set_lost_records(5);
  response.set_changes_incomplete(true);
  response.set_unslotted_thread_count(2);
  response.mutable_window()->set_off_ns(1'000'000);
  EXPECT_THAT(WarningsOf(response), ElementsAre(HasSubstr("5 records were lost"), HasSubstr("no longer kept"),
                                                HasSubstr("2 threads were not watched"), HasSubstr("off for 1ms")));
}

TEST(RenderThreadsTest, NobodyAndNothingAreSaid) {
  v1::QueryThreadsResponse response;
  EXPECT_THAT(ThreadsText(response, true), HasSubstr("no watched thread lived in it\n"));
  EXPECT_THAT(ThreadsText(response, true), HasSubstr("no change of scheduling was found in the window\n"));
}

TEST(RenderThreadsTest, NamesCannotDriveTheTerminal) {
  v1::QueryThreadsResponse response = SomeThreads();
  response.mutable_threads(0)->mutable_thread()->set_comm("\033[2Jevil");
  EXPECT_THAT(ThreadsText(response, true), Not(HasSubstr("\033")));
}

}  // namespace
}  // namespace hftmon
