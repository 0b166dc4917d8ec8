// `sharing`: contended cache lines and where loads are served, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/synchronization/notification.h"
#include "client/cli/sharing_answer.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

v1::SampleAccessesResponse SomeSharing() {
  v1::SampleAccessesResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    time { monotonic_ns: 13000000000 } pid: 4711 begin_monotonic_ns: 11000000000 end_monotonic_ns: 13000000000
    end: ACCESS_SAMPLING_END_DURATION events: "cpu/mem-loads,ldlat=30/P" events: "cpu/mem-stores/P"
    cost { interrupt_count_max: 1200 event_count: 16 cross_call_count_max: 64 ring_bytes: 1081344 daemon_cpu_ns: 12000000 }
    coverage { sample_count: 1200 thread_count: 8 born_thread_count: 1 complete: true }
    loads { count: 900 store_count: 300 other_count: 2 hitm_count: 40 tlb_hit_count: 890 tlb_miss_count: 10
      levels { level: MEMORY_LEVEL_L1 count: 860 latency_count: 860 latency_sum_cycles: 4300 latency_max_cycles: 9 latency_p50_cycles: 5 }
      levels { level: MEMORY_LEVEL_L3 count: 40 latency_count: 40 latency_sum_cycles: 8000 latency_max_cycles: 300 latency_p50_cycles: 200 } }
    lines { order: LINE_ORDER_CYCLES line_bytes: 64 line_count: 3 access_count: 1200 contended_access_count: 500 uncontended_access_count: 700
      lines { address: 0x7f0000001040 data { mapping: "[heap]" offset: 0x1040 }
        counts { access_count: 400 load_count: 200 store_count: 200 hitm_local_count: 40 } estimated_cycles: 8000000 share: 0.8
        verdict: SHARING_VERDICT_FALSE false_count: 40
        offsets { offset: 0 counts { access_count: 200 store_count: 200 } tids: 4712 writer_tids: 4712 }
        offsets { offset: 8 counts { access_count: 200 load_count: 200 hitm_local_count: 40 } tids: 4713 }
        threads { tid: 4713 pid: 4711 comm: "reader" namespace_tid: 7 counts { access_count: 200 load_count: 200 hitm_local_count: 40 } }
        threads { tid: 4712 pid: 4711 comm: "writer" counts { access_count: 200 store_count: 200 } }
        sites { offset: 8 tid: 4713 pid: 4711 code_address: 0x401234 code { mapping: "/opt/engine" offset: 0x1234 }
          counts { access_count: 200 load_count: 200 hitm_local_count: 40 } }
        sites { offset: 0 tid: 4712 pid: 4711 code_address: 0xffffffff81000000 code { mapping: "[kernel]" kernel: true }
          counts { access_count: 200 store_count: 200 } }
        cpus: 1 cpus: 2 nodes: 0
        advice { kind: ADVICE_KIND_PAD offsets: 8 contended_count: 40 estimated_cycles: 8000000 text: "give each its own line" } } })",
                                                            &response));
  return response;
}

class SharingVerbTest : public CliFixture {
 protected:
  void Answer(const v1::SampleAccessesResponse& answer) {
    monitor_.sample_accesses = [this, answer](const auto& request, auto* response) {
      seen_ = request;
      *response = answer;
      return grpc::Status::OK;
    };
  }
  v1::SampleAccessesRequest seen_;
};

TEST_F(SharingVerbTest, ALineIsToldWithItsThreadsCodeVerdictAndMend) {
  Answer(SomeSharing());
  StringConsole console;
  EXPECT_EQ(Run({"sharing", "4711", "--for", "2s", "--latency", "50", "--period", "1001", "--order", "remote", "--lines", "5"}, console), 0)
      << console.err();
  EXPECT_EQ(seen_.pid(), 4711);
  EXPECT_EQ(seen_.duration_ns(), 2'000'000'000);
  EXPECT_EQ(seen_.load_latency_cycles(), 50u);
  EXPECT_EQ(seen_.period(), 1'001u);
  EXPECT_EQ(seen_.order(), v1::LINE_ORDER_REMOTE);
  EXPECT_EQ(seen_.max_lines(), 5);
  for (const char* part :
       {"process 4711 for 2s: 1200 samples of 8 threads, by cpu/mem-loads,ldlat=30/P, cpu/mem-stores/P", "1 thread was made meanwhile",
        "at most 1200 interrupts of its threads, at most 64 cross-calls for 16 events; 1056 KiB of locked memory, 12ms of the daemon's CPU",
        "900 loads, 300 stores", "L3", "4.4%", "1 of 3", "false sharing", "reader", "/opt/engine+0x1234", "[kernel] 0xffffffff81000000",
        "([heap]+0x1040)", "pad: give each its own line"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  EXPECT_THAT(console.err(), IsEmpty());
}

TEST_F(SharingVerbTest, JsonHasAllOfIt) {
  Answer(SomeSharing());
  StringConsole console;
  EXPECT_EQ(Run({"sharing", "4711", "--json"}, console), 0) << console.err();
  EXPECT_EQ(seen_.duration_ns(), 1'000'000'000);
  EXPECT_EQ(seen_.period(), 0u) << "the daemon's default";
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["pid"], 4'711);
  EXPECT_EQ(answer["begin_ns"], 11'000'000'000);
  EXPECT_EQ(answer["process_ended"], false);
  EXPECT_EQ(answer["cost"]["interrupt_count_max"], 1'200);
  EXPECT_EQ(answer["coverage"]["born_thread_count"], 1);
  EXPECT_EQ(answer["memory_loads"]["levels"], json({{"L1", 860}, {"L3", 40}}));
  EXPECT_EQ(answer["memory_loads"]["latency"]["L3"],
            json({{"count", 40}, {"sum_cycles", 8'000}, {"p50_cycles", 200}, {"max_cycles", 300}}));
  EXPECT_EQ(answer["contended_line_count"], 3);
  const json& line = answer["contended_lines"][0];
  EXPECT_EQ(line["verdict"], "false");
  EXPECT_EQ(line["estimated_cycles"], 8'000'000);
  EXPECT_EQ(line["data"], json({{"mapping", "[heap]"}, {"offset", 0x1040}}));
  EXPECT_EQ(line["threads"][0]["comm"], "reader");
  EXPECT_EQ(line["threads"][0]["namespace_tid"], 7);
  EXPECT_EQ(line["offsets"][1]["sites"][0]["code"], json({{"mapping", "/opt/engine"}, {"offset", 0x1234}}));
  EXPECT_EQ(line["advice"][0]["kind"], "pad");
  EXPECT_FALSE(answer.contains("shared_lines"));
}

TEST_F(SharingVerbTest, WhereNobodyTellsWhoHadALineNothingIsCalledContended) {
  v1::SampleAccessesResponse response = SomeSharing();
  response.mutable_lines()->mutable_shared_lines()->Swap(response.mutable_lines()->mutable_lines());
  response.mutable_lines()->set_shared_line_count(4);
  response.mutable_lines()->set_line_count(0);
  v1::UnavailablePart* part = response.add_unavailable();
  part->set_part("contended_lines");
  part->set_reason("no sample tells which core had the line");
  Answer(response);
  StringConsole text;
  EXPECT_EQ(Run({"sharing", "4711"}, text), 1);
  EXPECT_THAT(text.out(), AllOf(HasSubstr("that threads share, contended or not, by accesses: 1 of 4"), HasSubstr("different words"),
                                HasSubstr("if it is contended, it is false sharing"), HasSubstr("reader"), Not(HasSubstr("HITM"))));
  EXPECT_THAT(text.err(), HasSubstr("contended_lines unavailable: no sample tells which core had the line"));
  StringConsole console;
  EXPECT_EQ(Run({"sharing", "4711", "--json"}, console), 1);
  const json answer = json::parse(console.out());
  EXPECT_FALSE(answer.contains("contended_lines") || answer.contains("memory_loads"));
  EXPECT_EQ(answer["shared_line_count"], 4);
  EXPECT_EQ(answer["shared_lines"][0]["verdict_if_contended"], "false");
  EXPECT_FALSE(answer["shared_lines"][0].contains("hitm_local"));
}

TEST_F(SharingVerbTest, WhatIsMissingIsAWarningEach) {
  v1::SampleAccessesResponse response = SomeSharing();
  response.set_end(v1::ACCESS_SAMPLING_END_PROCESS_ENDED);
  v1::AccessSamplingCoverage* coverage = response.mutable_coverage();
  coverage->set_lost_count(5);
  coverage->set_dropped_count(6);
  coverage->set_throttle_count(2);
  coverage->set_unsampled_thread_count(1);
  coverage->set_unsampled_reason("no room");
  response.mutable_lines()->set_no_address_count(3);
  response.mutable_lines()->set_dropped_contended_count(4);
  response.mutable_lines()->mutable_lines(0)->set_dropped_site_access_count(9);
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"sharing", "4711"}, console), 1);
  for (const char* part : {"5 samples lost", "6 samples dropped by the hardware", "held sampling back 2 times",
                           "1 new thread was not sampled: no room", "the process ended after 2s", "3 samples in no line",
                           "4 contended accesses of more cache lines", "1 line with more threads, places or CPUs"}) {
    EXPECT_THAT(console.err(), HasSubstr(part));
  }
}

TEST_F(SharingVerbTest, WhatIsMissingOfMemoryThatTheHardwareWritesIsAWarningEachAndInTheJson) {
  v1::SampleAccessesResponse response = SomeSharing();
  v1::AccessSamplingCoverage* coverage = response.mutable_coverage();
  coverage->set_truncated_count(1);
  coverage->set_collision_count(2);
  coverage->set_gap_count(3);
  coverage->set_unread_source_count(4);
  Answer(response);
  StringConsole text;
  EXPECT_EQ(Run({"sharing", "4711"}, text), 1);
  for (const char* part : {"1 time a thread's AUX memory was full", "2 times operations were to be sampled while another was",
                           "3 times the hardware left a gap", "4 loads with a data source whose code is not known"}) {
    EXPECT_THAT(text.err(), HasSubstr(part));
  }
  StringConsole console;
  EXPECT_EQ(Run({"sharing", "4711", "--json"}, console), 1);
  const json told = json::parse(console.out())["coverage"];
  EXPECT_EQ(told["truncated_count"], 1);
  EXPECT_EQ(told["collision_count"], 2);
  EXPECT_EQ(told["gap_count"], 3);
  EXPECT_EQ(told["unread_source_count"], 4);
}

TEST_F(SharingVerbTest, NoSampleIsAWarningAndNoTable) {
  v1::SampleAccessesResponse response;
  response.set_pid(4'711);
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"sharing", "4711"}, console), 3) << "an answer without an order is of no daemon that this one knows";
  response.mutable_lines()->set_order(v1::LINE_ORDER_TOTAL);
  Answer(response);
  StringConsole again;
  EXPECT_EQ(Run({"sharing", "4711"}, again), 1);
  EXPECT_THAT(again.err(), HasSubstr("no access was sampled"));
  EXPECT_THAT(again.out(), Not(HasSubstr("no contended cache line")));
}

TEST_F(SharingVerbTest, WhatANewerDaemonTellsIsAnErrorNamingIt) {
  v1::SampleAccessesResponse response = SomeSharing();
  response.mutable_lines()->mutable_lines(0)->set_verdict(static_cast<v1::SharingVerdict>(77));
  const absl::Status status = SharingAnswerOf(response).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("verdict 77"), HasSubstr("install the same version")));
}

TEST_F(SharingVerbTest, ARefusalIsTheAnswerAndNoTable) {
  monitor_.sample_accesses = [](const auto&, auto*) {
    return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "memory accesses cannot be sampled: no hardware PMU");
  };
  StringConsole console;
  EXPECT_EQ(Run({"sharing", "4711"}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("no hardware PMU"));
  EXPECT_THAT(console.out(), IsEmpty());
}

TEST_F(SharingVerbTest, WhatCannotBeAskedForIsRefusedBeforeTheDaemonIsAsked) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"sharing"},
                                                                                     {"sharing", "1,2"},
                                                                                     {"sharing", "none"},
                                                                                     {"sharing", "1", "--for", "61s"},
                                                                                     {"sharing", "1", "--for", "999us"},
                                                                                     {"sharing", "1", "--latency", "65536"},
                                                                                     {"sharing", "1", "--period", "0"},
                                                                                     {"sharing", "1", "--order", "size"},
                                                                                     {"sharing", "1", "--lines", "1001"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 3) << words.back();
  }
}

TEST_F(SharingVerbTest, ACallMayTakeAsLongAsItSamplesBesideTheTimeout) {
  monitor_.sample_accesses = [](const auto&, auto* response) {
    absl::Notification().WaitForNotificationWithTimeout(absl::Milliseconds(50));  // longer than the timeout alone
    *response = SomeSharing();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"--timeout", "1ms", "sharing", "4711", "--for", "10s"}, console), 0) << console.err();
}

}  // namespace
}  // namespace hftmon
