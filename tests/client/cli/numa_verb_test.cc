// `numa`: nodes, devices and where memory lies, by a scripted daemon.
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

v1::QueryNumaResponse SomePlaces() {
  v1::QueryNumaResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    time { monotonic_ns: 13000000000 }
    nodes { node: 0 cpus: 0 cpus: 1 has_memory: true memory_bytes: 1073741824 free_bytes: 536870912
      distances { node: 0 distance: 10 } distances { node: 1 distance: 21 } counters { local_count: 900 other_count: 41 miss_count: 3 }
      huge_pages { page_bytes: 2097152 total_count: 8 free_count: 5 } }
    nodes { node: 1 has_memory: true read_latency_ns: 300 write_latency_ns: 310 initiator_nodes: 0
      distances { node: 0 distance: 21 } distances { node: 1 distance: 10 } }
    devices { name: "eth0" kind: "net" node: 1 local_cpus: 2 local_cpus: 3 }
    devices { name: "vda" kind: "block" reason: "the firmware tells none" }
    processes { pid: 4711 comm: "en\ngine" begin_monotonic_ns: 1000000 end_monotonic_ns: 301000000 seed: 7
      mappings { start: 0x10000 end: 0x50000 name: "[heap]" kind: "heap" page_bytes: 4096 page_count: 64 sampled_count: 20 absent_count: 4
        nodes { node: 0 pages: 12 share: 0.75 share_low: 0.5 share_high: 0.9 } nodes { node: 1 pages: 4 share: 0.25 share_low: 0.1 share_high: 0.5 } remote_share: 0.25 }
      mappings { start: 0x60000 end: 0x61000 name: "/opt/engine" kind: "file" page_bytes: 4096 page_count: 1 sampled_count: 1 exact: true
        policy: "bind:1" huge_bytes: 0 mapper_count: 2 nodes { node: 1 pages: 1 share: 1 share_low: 1 share_high: 1 } }
      mappings { start: 0x70000 end: 0x71000 kind: "anonymous" page_bytes: 4096 page_count: 1 sampled_count: 1 absent_count: 1 exact: true }
      ranges { start: 0x20800 end: 0x22800 name: "orders" kind: "range" page_bytes: 4096 page_count: 3 sampled_count: 3 absent_count: 1 exact: true
        changed: true nodes { node: 1 pages: 2 share: 1 share_low: 1 share_high: 1 } }
      ranges { start: 0x90000 end: 0x91000 name: "queue" kind: "range" page_bytes: 4096 page_count: 1 sampled_count: 1 absent_count: 1 exact: true }
      look_cost { call_count: 5 page_count: 21 beside_page_count: 4 sum_ns: 30000 longest_ns: 9000 }
      unavailable { part: "policy" reason: "numa_maps is not read" }
      threads { tid: 4711 comm: "main" last_cpu: 0 node: 0 allowed_nodes: 0 }
      threads { tid: 4712 comm: "feed" last_cpu: 2 node: 1 allowed_nodes: 0 allowed_nodes: 1 } })",
                                                            &response));
  return response;
}

using NumaVerbTest = NumaFixture;

TEST_F(NumaVerbTest, NodesDevicesAndSharesWithIntervalsAreToldAndWhatLookingCost) {
  Answer(SomePlaces());
  StringConsole console;
  EXPECT_EQ(Run({"numa", "-p", "4711", "--pages", "21"}, console), 0) << console.err();
  EXPECT_EQ(seen_.pids(0), 4711);
  EXPECT_EQ(seen_.pages_max(), 21);
  EXPECT_FALSE(seen_.exact());
  EXPECT_EQ(seen_.resolution(), v1::HEAT_MAP_RESOLUTION_UNSPECIFIED);
  for (const char* part :
       {"1024 MiB", "0:10 1:21", "8 of 2048 KiB (5 free)", "read 300ns, write 310ns", "net eth0: node 1, CPUs 2,3",
        "block vda: node not known: the firmware tells none",
        "process 4711 en?gine: looked at for 300ms, 21 single pages (4 of named ranges and sampled lines); 5 calls", "the longest 9us",
        "1 thread ran last on node 0", "4712 feed: node 1, may run on 0,1", "node 0: 75.0% (50.0 to 90.0)", "node 1: 100.0%", "bind:1",
        "[heap]", "1 mapping of which no page was found", "policy unavailable: numa_maps is not read"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  EXPECT_THAT(console.out(), Not(HasSubstr("heat map")));
  EXPECT_THAT(console.err(), IsEmpty());
}

TEST_F(NumaVerbTest, RangesThatTheProgramNamesComeBeforeTheMappingsByName) {
  v1::QueryNumaResponse response = SomePlaces();
  response.mutable_processes(0)->mutable_ranges(0)->set_name(
      "or\x1b"
      "ders");
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"numa"}, console), 0) << console.err();
  EXPECT_THAT(console.out(), HasSubstr("node 1: 100.0%         0x20800 or?ders (changed meanwhile)"));
  EXPECT_THAT(console.out(), HasSubstr("no page was found      0x90000 queue"));
  response.mutable_processes(0)->mutable_ranges(1)->set_name("que\xE2\x80\xAEue");
  Answer(response);
  StringConsole turned;
  EXPECT_EQ(Run({"numa"}, turned), 0) << turned.err();
  EXPECT_THAT(turned.out(), HasSubstr("0x90000 que\\u202eue\n"));
  response.mutable_processes(0)->mutable_ranges(1)->set_name("queue");
  EXPECT_LT(console.out().find("0x90000 queue"), console.out().find("0x10000 [heap]"));
  for (int i = 0; i < 50; ++i) *response.mutable_processes(0)->add_ranges() = response.processes(0).ranges(1);
  Answer(response);
  StringConsole many;
  EXPECT_EQ(Run({"numa"}, many), 0) << many.err();
  EXPECT_THAT(many.out(), HasSubstr("and 12 more (--json has all)"));
}

TEST_F(NumaVerbTest, WhyAProgramNamesNoMemoryIsToldAndIsNoWarning) {
  v1::QueryNumaResponse response = SomePlaces();
  v1::ProcessPlacement* process = response.mutable_processes(0);
  process->clear_ranges();
  process->clear_unavailable();
  v1::UnavailablePart* part = process->add_unavailable();
  part->set_part("ranges");
  part->set_reason("it has no marker file");
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--exact"}, console), 0) << console.err();
  EXPECT_THAT(console.out(), AllOf(HasSubstr("ranges unavailable: it has no marker file"), Not(HasSubstr("that the program names"))));
  EXPECT_THAT(console.err(), IsEmpty());
}

TEST_F(NumaVerbTest, TheHeatMapIsDrawnWithLetters) {
  v1::QueryNumaResponse response = SomePlaces();
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(resolution: HEAT_MAP_RESOLUTION_PAGE left_out_row_count: 2
    rows { start: 0x10000 end: 0x50000 name: "[heap]" cells { sampled_count: 2 pages: 2 node: 0 } cells { sampled_count: 2 pages: 1 node: 1 }
      cells { sampled_count: 1 } cells { } cells { sampled_count: 1 pages: 1 node: 40 } })",
                                                            response.mutable_processes(0)->mutable_heat_map()));
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--heat-map", "page"}, console), 0) << console.err();
  EXPECT_EQ(seen_.resolution(), v1::HEAT_MAP_RESOLUTION_PAGE);
  EXPECT_THAT(console.out(), AllOf(HasSubstr("0x000000010000 |Ab. Z| [heap]"), HasSubstr("and 2 mappings, beyond 65536 cells")));
  v1::HeatMap* map = response.mutable_processes(0)->mutable_heat_map();
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(resolution: HEAT_MAP_RESOLUTION_NODE column_nodes: 0 column_nodes: 2
    rows { start: 0x10000 end: 0x50000 cells { sampled_count: 40 pages: 39 node: 0 } cells { sampled_count: 40 pages: 1 node: 2 } }
    rows { start: 0x60000 end: 0x61000 name: "x" cells { sampled_count: 4 pages: 0 node: 0 } cells { sampled_count: 4 pages: 4 node: 2 } })",
                                                            map));
  Answer(response);
  StringConsole nodes;
  EXPECT_EQ(Run({"numa", "--heat-map", "node"}, nodes), 0) << nodes.err();
  EXPECT_THAT(nodes.out(), AllOf(HasSubstr("columns: node 0 2"), HasSubstr("|9+| [anonymous]"), HasSubstr("|.#| x")));
}

TEST_F(NumaVerbTest, TheHeatMapOfCacheLinesIsATableOfThoseUsedMostWithWhatServedThem) {
  v1::QueryNumaResponse response = SomePlaces();
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(resolution: HEAT_MAP_RESOLUTION_CACHE_LINE left_out_line_count: 3
    sampled_begin_monotonic_ns: 1000000000 sampled_end_monotonic_ns: 3000000000 line_bytes: 64
    rows { start: 0x10000 end: 0x50000 name: "he\nap"
      cells { sampled_count: 5 node: 1 line { address: 0x10040 load_count: 4 store_count: 1 remote_memory_load_count: 3 } }
      cells { sampled_count: 9 line { address: 0x10080 load_count: 9 local_cache_load_count: 7 local_memory_load_count: 1 remote_cache_load_count: 1 } } }
    rows { cells { sampled_count: 1 line { address: 0x90000 store_count: 1 } } })",
                                                            response.mutable_processes(0)->mutable_heat_map()));
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--heat-map", "cache_line"}, console), 0) << console.err();
  EXPECT_THAT(console.out(), HasSubstr("by cache line of 64 bytes, in samples of 2s taken 10s ago"));
  const size_t first =
      console.out().find("0x10080     -         9      9       0            7             1             1              0  he?ap\n");
  const size_t second =
      console.out().find("0x10040     1         5      4       1            0             0             0              3  he?ap\n");
  EXPECT_NE(first, std::string::npos) << console.out();
  EXPECT_NE(second, std::string::npos) << console.out();
  EXPECT_LT(first, second) << "most accesses first";
  EXPECT_THAT(console.out(), AllOf(HasSubstr("[not mapped now]"), HasSubstr("and 3 lines that were used less")));
  StringConsole machine;
  EXPECT_EQ(Run({"numa", "--heat-map", "cache_line", "--json"}, machine), 0) << machine.err();
  const json map = json::parse(machine.out())["processes"][0]["heat_map"];
  EXPECT_EQ(map["resolution"], "cache_line");
  EXPECT_EQ(map["sampled_end_ns"], 3'000'000'000);
  EXPECT_EQ(map["left_out_line_count"], 3);
  EXPECT_EQ(map["rows"][0]["cells"][0]["address"], 0x10040);
  EXPECT_EQ(map["rows"][0]["cells"][0]["node"], 1);
  EXPECT_EQ(map["rows"][0]["cells"][0]["remote_memory_load_count"], 3);
  EXPECT_FALSE(map["rows"][0]["cells"][0].contains("pages"));
  EXPECT_FALSE(map["rows"][0]["cells"][1].contains("node"));
}

TEST_F(NumaVerbTest, AProcessWhoseLinesNobodySampledIsAWarningThatSaysWhatSamplesThem) {
  v1::QueryNumaResponse response = SomePlaces();
  v1::UnavailablePart* part = response.mutable_processes(0)->add_unavailable();
  part->set_part("heat_map");
  part->set_reason("`hftmon sharing 4711` takes one");
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--heat-map", "cache_line"}, console), 1);
  EXPECT_THAT(console.err(), HasSubstr("process 4711: heat map unavailable: `hftmon sharing 4711` takes one"));
}

TEST_F(NumaVerbTest, JsonHasAllOfIt) {
  Answer(SomePlaces());
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--json"}, console), 0) << console.err();
  EXPECT_EQ(seen_.pids_size(), 0);
  EXPECT_EQ(seen_.pages_max(), 0) << "the daemon's default";
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["nodes"][0]["allocations"]["other_count"], 41);
  EXPECT_FALSE(answer["nodes"][1].contains("memory_bytes") || answer["nodes"][1].contains("allocations"));
  EXPECT_EQ(answer["nodes"][1]["read_latency_ns"], 300);
  EXPECT_EQ(answer["devices"][0]["node"], 1);
  EXPECT_EQ(answer["devices"][1], json({{"name", "vda"}, {"kind", "block"}, {"reason", "the firmware tells none"}}));
  const json& process = answer["processes"][0];
  EXPECT_EQ(process["mappings"][0]["nodes"][1],
            json({{"node", 1}, {"pages", 4}, {"share", 0.25}, {"share_low", 0.1}, {"share_high", 0.5}}));
  EXPECT_FALSE(process["mappings"][0].contains("policy"));
  EXPECT_EQ(process["mappings"][1]["policy"], "bind:1");
  EXPECT_EQ(process["ranges"].size(), 2u);
  EXPECT_EQ(process["ranges"][1]["name"], "queue");
  EXPECT_EQ(process["ranges"][1]["kind"], "range");
  EXPECT_EQ(process["ranges"][1]["absent_count"], 1);
  EXPECT_EQ(process["look_cost"],
            json({{"call_count", 5}, {"page_count", 21}, {"beside_page_count", 4}, {"sum_ns", 30'000}, {"longest_ns", 9'000}}));
  EXPECT_EQ(process["threads"][1]["allowed_nodes"], json({0, 1}));
}

TEST_F(NumaVerbTest, WhatWasAskedForAndCannotBeToldIsAWarning) {
  v1::QueryNumaResponse response = SomePlaces();
  Answer(response);
  StringConsole exact;
  EXPECT_EQ(Run({"numa", "--exact"}, exact), 1);
  EXPECT_TRUE(seen_.exact());
  EXPECT_THAT(exact.err(), HasSubstr("process 4711: policy unavailable: numa_maps is not read"));
  response.mutable_processes(0)->set_error("it takes CAP_SYS_PTRACE");
  response.set_left_out_process_count(1);
  v1::UnavailablePart* part = response.add_unavailable();
  part->set_part("heat_map");
  part->set_reason("no PMU");
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--heat-map", "cache_line"}, console), 1);
  EXPECT_EQ(seen_.resolution(), v1::HEAT_MAP_RESOLUTION_CACHE_LINE);
  EXPECT_THAT(console.err(), AllOf(HasSubstr("heat map unavailable: no PMU"), HasSubstr("1 process left out"),
                                   HasSubstr("process 4711: it takes CAP_SYS_PTRACE")));
}

TEST_F(NumaVerbTest, OptionsThatCannotBeAreRefusedBeforeAnyoneIsAsked) {
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--heat-map", "colour"}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("give node, page or cache_line"));
  EXPECT_EQ(Run({"numa", "--pages", "65537"}, console), 3);
  EXPECT_EQ(Run({"numa", "-p", "x"}, console), 3);
}

TEST_F(NumaVerbTest, GrowthNamesCodeAndMappingsAndAsksForOneProcess) {
  v1::QueryNumaResponse response = SomePlaces();
  v1::ProcessPlacement* process = response.mutable_processes(0);
  process->mutable_mappings(0)->set_growth_bytes(8'192);
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(begin_monotonic_ns: 1000 end_monotonic_ns: 1000001000 fault_count: 200
    sample_count: 50 lost_count: 3 untold_fault_count: 90 thread_count: 2 unsampled_thread_count: 1 unkept_fault_count: 7 unavailable: "no descriptors left")",
                                                            process->mutable_growth()));
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(fault_count: 150 sample_count: 40 start: 0x10000 end: 0x50000 name: "[heap]"
    nodes { node: 1 pages: 150 share: 1 } frames: "Fill()+0x10" frames: "/lib/x\n.so+0xf10" unavailable: "beyond the copy")",
                                                            process->add_first_touches()));
  Answer(response);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "-p", "4711", "--growth", "1s"}, console), 1) << "a thread was not sampled";
  EXPECT_EQ(seen_.growth_ns(), 1'000'000'000);
  for (const char* part :
       {"memory first touched in 1s: 200 page faults of 2 threads, by 50 samples", "3 samples found no room\n",
        "90 page faults more at least, which no sample tells of: shares are of the others",
        "150 faults (75 %, 40 samples) in 0x10000 [heap], touched from node 1 100 %", "      Fill()+0x10\n", "/lib/x?.so+0xf10",
        "stack: beyond the copy", "8 KiB more of addresses: 0x10000 [heap]", "7 faults told no path"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  EXPECT_THAT(console.err(), HasSubstr("page faults: no descriptors left"));
  StringConsole object;
  EXPECT_EQ(Run({"numa", "-p", "4711", "--growth", "1s", "--json"}, object), 1);
  const auto answer = json::parse(object.out());
  EXPECT_EQ(answer["processes"][0]["growth"]["fault_count"], 200);
  EXPECT_EQ(answer["processes"][0]["growth"]["untold_fault_count"], 90);
  EXPECT_EQ(answer["processes"][0]["first_touches"][0]["frames"][0], "Fill()+0x10");
  EXPECT_EQ(answer["processes"][0]["mappings"][0]["growth_bytes"], 8'192);
  StringConsole none;
  EXPECT_EQ(Run({"numa", "--growth", "1s"}, none), 3);
  EXPECT_THAT(none.err(), HasSubstr("name it with -p"));
  StringConsole shorter;
  EXPECT_EQ(Run({"numa", "-p", "1", "--growth", "10ms"}, shorter), 3);
  EXPECT_THAT(shorter.err(), HasSubstr("give 100ms to 1m"));
}

TEST_F(NumaVerbTest, WhatLiesElsewhereIsToldWhereItIsKnown) {
  Answer(SomePlaces());
  StringConsole console;
  EXPECT_EQ(Run({"numa", "-p", "4711", "--json"}, console), 0) << console.err();
  const json mappings = json::parse(console.out())["processes"][0]["mappings"];
  EXPECT_EQ(mappings[0]["remote_share"], 0.25);
  EXPECT_FALSE(mappings[1].contains("remote_share"));
  StringConsole text;
  EXPECT_EQ(Run({"numa", "-p", "4711"}, text), 0) << text.err();
  EXPECT_THAT(text.out(), AllOf(HasSubstr("elsewhere"), HasSubstr("  25.0%  node 0")));
}

TEST_F(NumaVerbTest, RecommendLooksAtMemoryWhenAskedAndTellsWhatItCost) {
  v1::RecommendRequest asked;
  v1::RecommendResponse answer;
  monitor_.recommend = [&](const auto& request, auto* response) {
    asked = request;
    *response = answer;
    return grpc::Status::OK;
  };
  StringConsole plain;
  EXPECT_EQ(Run({"recommend"}, plain), 0) << plain.err();
  EXPECT_FALSE(asked.look_at_memory());
  EXPECT_THAT(plain.out(), Not(HasSubstr("looked at memory")));
  answer.mutable_look_cost()->set_call_count(257);
  answer.mutable_look_cost()->set_page_count(4'096);
  answer.mutable_look_cost()->set_sum_ns(1'500'000);
  answer.mutable_look_cost()->set_longest_ns(9'000);
  StringConsole text;
  EXPECT_EQ(Run({"recommend", "--look-at-memory"}, text), 0) << text.err();
  EXPECT_TRUE(asked.look_at_memory());
  EXPECT_THAT(text.out(), HasSubstr("looked at memory: 4096 single pages; 257 calls"));
  StringConsole object;
  EXPECT_EQ(Run({"recommend", "--look-at-memory", "--json"}, object), 0) << object.err();
  EXPECT_EQ(json::parse(object.out())["look_cost"],
            json({{"call_count", 257}, {"page_count", 4'096}, {"beside_page_count", 0}, {"sum_ns", 1'500'000}, {"longest_ns", 9'000}}));
}

}  // namespace
}  // namespace hftmon
