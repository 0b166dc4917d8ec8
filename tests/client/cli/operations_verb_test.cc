// `operations`: what programs mark themselves, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using OperationsVerbTest = CliFixture;

v1::QueryOperationsResponse SomeOperations() {
  v1::QueryOperationsResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    time { monotonic_ns: 11000000000 }
    available: true
    programs { pid: 4711 comm: "matcher" file_number: 2 since_monotonic_ns: 1000000000
      operations { name: "order" durations { count: 4000 sum_ns: 8000000 max_ns: 90000 percentiles { percent: 50 value_ns: 1900 } }
        min_ns: 700 mean_ns: 2000 error_count: 3 rate_hz: 400 }
      operations { name: "seen" durations {} instant_count: 17 }
      operations { name: "loop" durations {} heartbeat_gaps { count: 50 sum_ns: 60000 max_ns: 44000 } }
      marks { read_count: 8017 open_count: 1 } })",
                                                            &response));
  return response;
}

TEST_F(OperationsVerbTest, EachOperationHasARowAndHeartbeatsATable) {
  v1::QueryOperationsRequest seen;
  monitor_.query_operations = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeOperations();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"operations", "-p", "4711", "--percentiles", "50,99"}, console), 0) << console.err();
  EXPECT_THAT(seen.pids(), ElementsAre(4711));
  EXPECT_THAT(seen.percentiles(), ElementsAre(50, 99));
  for (const char* part : {"matcher", "order", "4000", "400", "2us", "700ns", "1.9us", "90us", "17", "heartbeat", "44us"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  EXPECT_THAT(console.out(), Not(HasSubstr("p99")));
}

TEST_F(OperationsVerbTest, JsonIsFlatAndSaysWhatBecameOfTheMarks) {
  monitor_.query_operations = [](const auto&, auto* response) {
    *response = SomeOperations();
    response->mutable_programs(0)->mutable_marks()->set_dropped_count(5);
    (*response->mutable_programs(0)->mutable_marks()->mutable_refused())["sequence"] = 2;
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"operations", "--json"}, console), 1);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["lost_records"], 7);
  EXPECT_EQ(answer["operations"][0]["name"], "order");
  EXPECT_EQ(answer["operations"][0]["p50_ns"], 1900);
  EXPECT_EQ(answer["operations"][0]["mean_ns"], 2000);
  EXPECT_FALSE(answer["operations"][1].contains("mean_ns"));
  EXPECT_EQ(answer["operations"][2]["heartbeat_gaps"]["max_ns"], 44'000);
  EXPECT_EQ(answer["programs"][0]["marks"]["refused"]["sequence"], 2);
  EXPECT_THAT(console.err(), AllOf(HasSubstr("5 marks of matcher[4711] were overwritten before they were read"),
                                   HasSubstr("2 marks of matcher[4711] cannot be true")));
}

TEST_F(OperationsVerbTest, WhatCannotBeReadIsSaidWithItsReason) {
  monitor_.query_operations = [](const auto&, auto* response) {
    response->set_available(true);
    v1::RefusedMarkerFile* file = response->add_refused();
    file->set_pid(9);
    file->set_reason("owned by another user");
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"operations"}, console), 1);
  EXPECT_THAT(console.out(), AllOf(HasSubstr("no watched program has marked anything"), HasSubstr("hftmon.9.0: owned by another user")));
  monitor_.query_operations = [](const auto&, auto* response) {
    response->set_reason("no counter");
    return grpc::Status::OK;
  };
  StringConsole none;
  EXPECT_EQ(Run({"operations"}, none), 1);
  EXPECT_EQ(none.out(), "unavailable: no counter\n");
}

TEST_F(OperationsVerbTest, WhatHitThemIsATableOfItsOwnAndInTheJson) {
  monitor_.query_operations = [](const auto&, auto* response) {
    *response = SomeOperations();
    v1::OperationSum* order = response->mutable_programs(0)->mutable_operations(0);
    order->set_threshold_ns(80'000);
    order->set_spike_count(2);
    order->set_untold_spike_count(3);
    order->set_uncompared_count(4);
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"(kind: "preempted" span_count: 12 stall_count: 13 duration_ns: 7000000 longest_ns: 2000000)", order->add_hits()));
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"operations"}, console), 0) << console.err();
  for (const char* part : {"slow above", "80us", "2 (+3 untold, 4 not compared)", "preempted", "12", "13", "7ms", "2ms"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  StringConsole as_json;
  EXPECT_EQ(Run({"operations", "--json"}, as_json), 0);
  const json order = json::parse(as_json.out())["operations"][0];
  EXPECT_EQ(order["threshold_ns"], 80'000);
  EXPECT_EQ(order["spike_count"], 2);
  EXPECT_EQ(order["untold_spike_count"], 3);
  EXPECT_EQ(order["hits"][0]["kind"], "preempted");
  EXPECT_EQ(order["hits"][0]["span_count"], 12);
}

}  // namespace
}  // namespace hftmon
