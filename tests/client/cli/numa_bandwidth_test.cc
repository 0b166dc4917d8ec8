// `numa --bandwidth`: what nodes, links and groups moved, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/cli/numa_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using NumaBandwidthTest = NumaFixture;

constexpr char kRows[] = R"(
  bandwidths { node: 0 source: "uncore_imc" domain: 0 read_mb_s: 7000 write_mb_s: 3000 total_mb_s: 10000 window_ns: 1000000000 counter_count: 12 running_share: 0.5 }
  bandwidths { source: "resctrl" domain: 3 local_mb_s: 40 window_ns: 1000000000 counter_count: 2 running_share: 1 }
  links { source: "uncore_upi" package: 1 link: 2 sent_mb_s: 800 window_ns: 1000000000 }
  groups { name: "tra\nding" domain: 3 node: 1 total_mb_s: 500 local_mb_s: 200 llc_bytes: 65536 pids: 4711 pids: 4712 }
  groups { name: "other" domain: 3 reason: "mbm_total_bytes: Unavailable" }
  processes { pid: 4711 comm: "engine" accesses { local_count: 900 remote_count: 100 remote_share: 0.1 source: "a, b" running_share: 0.5 } })";

TEST_F(NumaBandwidthTest, RatesAreToldWithTheirSources) {
  AnswerText(kRows);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--bandwidth", "1s"}, console), 0) << console.err();
  EXPECT_EQ(seen_.bandwidth_ns(), 1'000'000'000);
  for (const char* part :
       {"uncore_imc       0     0       7000        3000       10000", "50%", "uncore_upi package 1 link 2: sent 800 MB/s",
        "group tra?ding, domain 3 (node 1): 500 MB/s, 200 MB/s local, 64 KiB of the cache, threads of 4711, 4712",
        "group other, domain 3: mbm_total_bytes: Unavailable",
        "accesses served from memory: 900 local, 100 remote (10.0%), by a, b, counted 50% of the time and scaled"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
}

TEST_F(NumaBandwidthTest, JsonLeavesOutWhatIsNotKnown) {
  AnswerText(kRows);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--bandwidth", "1s", "--json"}, console), 0) << console.err();
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["bandwidths"][0]["total_mb_s"], 10'000.0);
  EXPECT_FALSE(answer["bandwidths"][1].contains("node") || answer["bandwidths"][1].contains("total_mb_s"));
  EXPECT_EQ(answer["links"][0]["sent_mb_s"], 800.0);
  EXPECT_EQ(answer["groups"][0]["pids"], json({4711, 4712}));
  EXPECT_EQ(answer["groups"][1]["reason"], "mbm_total_bytes: Unavailable");
  EXPECT_EQ(answer["processes"][0]["accesses"]["remote_share"], 0.1);
}

TEST_F(NumaBandwidthTest, WhatThisHostHasNotIsAWarningAndMissingAccessesAreNone) {
  AnswerText(R"(unavailable { part: "bandwidth" reason: "no PMU" } unavailable { part: "groups" reason: "not mounted" }
            processes { pid: 1 unavailable { part: "accesses" reason: "nobody counts" } })");
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--bandwidth", "10ms", "--exact"}, console), 1);
  EXPECT_THAT(console.err(), AllOf(HasSubstr("bandwidth unavailable: no PMU"), HasSubstr("groups unavailable: not mounted"),
                                   Not(HasSubstr("nobody counts"))));
  EXPECT_THAT(console.out(), HasSubstr("accesses unavailable: nobody counts"));
}

TEST_F(NumaBandwidthTest, TimesThatTheDaemonRefusesAreRefusedBefore) {
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--bandwidth", "1ms"}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("10ms to 10s"));
  EXPECT_EQ(Run({"numa", "--bandwidth", "11s"}, console), 3);
}

}  // namespace
}  // namespace hftmon
