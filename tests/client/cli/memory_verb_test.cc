// `memory`: page faults and TLB flushes, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/cli/render/memory.h"
#include "client/cli/render/warnings.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using MemoryVerbTest = CliFixture;

// A thread with all kinds but one, one that has had nothing, two without figures; a file's mapping and one whose start is not known.
v1::QueryMemoryResponse SomeMemory() {
  v1::QueryMemoryResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    window { begin_monotonic_ns: 1000000000 end_monotonic_ns: 11000000000 requested_ns: 10000000000 }
    time { monotonic_ns: 11000000000 }
    threads { thread { tid: 12 pid: 10 comm: "matcher" } available: true
      user_minor { count: 40 duration_ns: 80000 longest_ns: 5000 }
      user_major {}
      kernel_minor { count: 2 duration_ns: 3000 longest_ns: 2000 }
      kernel_major { count: 1 duration_ns: 5000000 off_cpu_ns: 4900000 longest_ns: 5000000 }
      unended_count: 3
      reclaim { count: 5 duration_ns: 7000000 longest_ns: 4000000 }
      tlb { remote_shootdown_count: 8 remote_full_count: 7 sent_count: 6 local_count: 5 switch_count: 4 other_count: 2 } }
    threads { thread { tid: 13 pid: 10 comm: "logger" } available: true
      user_minor {} user_major {} kernel_minor {} kernel_major {} tlb {} }
    threads { thread { tid: 14 pid: 10 comm: "late" } reason: "its place is above the table" }
    threads { thread { tid: 15 pid: 10 comm: "later" } reason: "its place is above the table" }
    mappings { pid: 10 mapping: "file" file: "/opt/libfoo.so" mapping_start: 4096 count: 2 major_count: 1 duration_ns: 5060000
      longest_ns: 5000000 longest_spike_id: 9 tids: 12 tids: 13 }
    mappings { pid: 10 mapping: "unknown" count: 1 duration_ns: 60000 longest_ns: 60000 longest_spike_id: 8 tids: 12 }
    fault_floor_ns: 50000)",
                                                            &response));
  return response;
}

TEST_F(MemoryVerbTest, FaultsAndFlushesAreShownByThreadAndLongFaultsByMapping) {
  v1::QueryMemoryRequest seen;
  monitor_.query_memory = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeMemory();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"memory", "-p", "10", "-t", "12,13,14,15", "--window", "10s"}, console), 1);
  EXPECT_THAT(seen.pids(), ElementsAre(10));
  EXPECT_THAT(seen.tids(), ElementsAre(12, 13, 14, 15));
  EXPECT_EQ(seen.window_ns(), 10'000'000'000);
  EXPECT_EQ(console.out(),
            "thread   pid  tid  kind          count   sum  off-CPU  longest\n"
            "matcher   10   12  user minor       40  80us      0ns      5us\n"
            "-          -    -  kernel minor      2   3us      0ns      2us\n"
            "-          -    -  kernel major      1   5ms    4.9ms      5ms\n"
            "-          -    -  reclaim           5   7ms      0ns      4ms\n"
            "-          -    -  unended           3     -        -        -\n"
            "logger    10   13  none yet          -     -        -        -\n"
            "\n"
            "thread   pid  tid  TLB flushes: remote shootdowns  of these full  sent  local  at switches  other\n"
            "matcher   10   12                               8              7     6      5            4      2\n"
            "logger    10   13                               0              0     0      0            0      0\n"
            "unavailable for 2 threads: its place is above the table\n"
            "\n"
            "page faults above 50us, by what is mapped there now, in the last 10s\n"
            "pid  mapping               start  count  major     sum    longest  threads\n"
            " 10  file /opt/libfoo.so  0x1000      2      1  5.06ms   5ms (#9)        2\n"
            " 10  unknown                   -      1      0    60us  60us (#8)        1\n");
  EXPECT_EQ(console.err(), "hftmon: memory: 2 of 4 threads have no figures: see above why\n");
}

TEST_F(MemoryVerbTest, JsonHasTheFieldsOfTheAnswerAndNothingOfWhatIsNotKnown) {
  int64_t window_ns = -1;
  monitor_.query_memory = [&window_ns](const auto& request, auto* response) {
    window_ns = request.window_ns();
    *response = SomeMemory();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"memory", "--window", "all", "--json"}, console), 1);
  EXPECT_EQ(window_ns, 0);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["schema_version"], 1);
  EXPECT_EQ(answer["fault_floor_ns"], 50'000);
  EXPECT_EQ(answer["incomplete"], false);
  const json& matcher = answer["threads"][0];
  EXPECT_EQ(matcher["kernel_major"],
            json({{"count", 1}, {"duration_ns", 5'000'000}, {"off_cpu_ns", 4'900'000}, {"longest_ns", 5'000'000}}));
  EXPECT_EQ(matcher["user_major"]["count"], 0) << "it was measured";
  EXPECT_EQ(matcher["unended_count"], 3);
  EXPECT_EQ(matcher["reclaim"]["longest_ns"], 4'000'000);
  EXPECT_EQ(matcher["compaction"]["count"], 0);
  EXPECT_EQ(matcher["tlb"], json({{"remote_shootdown_count", 8},
                                  {"remote_full_count", 7},
                                  {"sent_count", 6},
                                  {"local_count", 5},
                                  {"switch_count", 4},
                                  {"other_count", 2}}));
  EXPECT_EQ(answer["threads"][2],
            json({{"tid", 14}, {"comm", "late"}, {"pid", 10}, {"available", false}, {"reason", "its place is above the table"}}));
  EXPECT_EQ(answer["mappings"][0], json({{"pid", 10},
                                         {"mapping", "file"},
                                         {"file", "/opt/libfoo.so"},
                                         {"mapping_start", 4096},
                                         {"count", 2},
                                         {"major_count", 1},
                                         {"duration_ns", 5'060'000},
                                         {"longest_ns", 5'000'000},
                                         {"longest_spike_id", 9},
                                         {"tids", {12, 13}}}));
  EXPECT_FALSE(answer["mappings"][1].contains("file"));
  EXPECT_FALSE(answer["mappings"][1].contains("mapping_start"));
}

TEST_F(MemoryVerbTest, ACompleteAnswerWithoutLongFaultsIsFine) {
  monitor_.query_memory = [](const auto&, auto* response) {
    *response = SomeMemory();
    response->mutable_threads()->DeleteSubrange(1, 3);
    response->clear_mappings();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"memory"}, console), 0);
  EXPECT_THAT(console.out(), HasSubstr("\nno page fault above 50us in the last 10s\n"));
  EXPECT_EQ(console.err(), "");
}

TEST_F(MemoryVerbTest, AThreadOfNobodyIsTheDaemonsError) {
  monitor_.query_memory = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::NOT_FOUND, "thread 7 is not a watched thread", "NOT_A_THREAD", "tids", "not watched");
  };
  StringConsole console;
  EXPECT_EQ(Run({"memory", "-t", "7"}, console), 3);
  EXPECT_THAT(console.err(), StartsWith("hftmon: memory: thread 7 is not a watched thread"));
}

TEST(RenderMemoryTest, WithoutAFloorItSaysThatAPartOfTheWindowIsMissing) {
  v1::QueryMemoryResponse response = SomeMemory();
  response.clear_fault_floor_ns();
  EXPECT_THAT(
      MemoryText(response),
      HasSubstr("\npage faults, by what is mapped there now, in the last 10s, in a part of which single faults were not recorded\n"));
  EXPECT_FALSE(MemoryJson(response).contains("fault_floor_ns"));
  EXPECT_THAT(WarningsOf(response), ElementsAre(HasSubstr("single faults were not recorded in a part of the window"), HasSubstr("2 of 4")));
  response.clear_mappings();
  EXPECT_THAT(MemoryText(response), HasSubstr("\nno page fault in the last 10s, in a part of which single faults were not recorded\n"));
}

TEST(RenderMemoryTest, WhereNoThreadHasFiguresNothingIsSaidOfTheirAbsence) {
  v1::QueryMemoryResponse response = SomeMemory();
  response.mutable_threads()->DeleteSubrange(0, 2);
  response.clear_mappings();
  response.clear_fault_floor_ns();
  EXPECT_EQ(MemoryText(response),
            "unavailable for 2 threads: its place is above the table\n"
            "\n"
            "long page faults: unavailable: no thread above has figures\n");
  EXPECT_THAT(WarningsOf(response), ElementsAre("no thread has figures: see above why"));
}

TEST(RenderMemoryTest, LongFaultsOfThreadsThatHaveEndedAreStillShown) {
  v1::QueryMemoryResponse response = SomeMemory();
  response.clear_threads();
  EXPECT_THAT(MemoryText(response),
              StartsWith("no thread is watched\n\npage faults above 50us, by what is mapped there now, in the last 10s\n"));
  EXPECT_THAT(WarningsOf(response), IsEmpty());
  response.clear_mappings();
  EXPECT_EQ(MemoryText(response), "no thread is watched\n");
}

TEST(RenderMemoryTest, WhatIsMissingOfTheWindowIsSaid) {
  v1::QueryMemoryResponse response = SomeMemory();
  response.mutable_threads()->DeleteSubrange(2, 2);
  response.set_incomplete(true);
  response.set_lost_records(5);
  response.set_unslotted_thread_count(2);
  v1::Window* window = response.mutable_window();
  window->set_begin_monotonic_ns(8'000'000'000);
  window->set_truncated(true);
  window->set_late(true);
  window->set_off_ns(1'000'000);
  EXPECT_THAT(WarningsOf(response), ElementsAre(HasSubstr("5 records were lost in the window: sums by thread are exact"),
                                                HasSubstr("spikes of more than 3s ago were overwritten: ask for a shorter --window"),
                                                HasSubstr("2 threads were not watched"), HasSubstr("the window ends early"),
                                                HasSubstr("the programs were off for 1ms")));
  EXPECT_THAT(MemoryText(response), HasSubstr("in the last 3s, shorter than asked: of the time before nothing is kept, ends early"));
  const Json answer = MemoryJson(response);
  EXPECT_EQ(answer["incomplete"], true);
  EXPECT_EQ(answer["lost_records"], 5);
  EXPECT_EQ(answer["unslotted_thread_count"], 2);
  EXPECT_EQ(answer["window"]["off_ns"], 1'000'000);
}

TEST(RenderMemoryTest, NamesCannotDriveTheTerminal) {
  v1::QueryMemoryResponse response = SomeMemory();
  response.mutable_threads(0)->mutable_thread()->set_comm("\033[2Jevil");
  response.mutable_mappings(0)->set_file("\033[2Jevil");
  EXPECT_THAT(MemoryText(response), Not(HasSubstr("\033")));
}

// What has its own place in the text: senders, moved pages, collapses, NUMA.
v1::QueryMemoryResponse SomeMovedMemory() {
  v1::QueryMemoryResponse response = SomeMemory();
  response.mutable_threads()->DeleteSubrange(1, 3);
  response.clear_mappings();
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(R"(
    collapses { pid: 10 count: 2 failed_count: 1 last_monotonic_ns: 77 }
    numa { unmapped_page_count: 4 hint_fault_count: 3 local_hint_fault_count: 2 moved_page_count: 1 }
    unavailable { part: "compaction" reason: "this kernel has no tracepoint mm_compaction_begin" })",
                                                            &response));
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(R"(
    migration { count: 3 duration_ns: 9000 longest_ns: 4000 }
    migrations { moved_page_count: 64 failed_page_count: 5 reasons { key: "compaction" value: 2 } reasons { key: "syscall" value: 1 } }
    collapse_count: 6 failed_collapse_count: 7
    senders { tid: 55 pid: 10 comm: "unmapper" count: 8 full_count: 1
      stack { state: "complete" frames { address: 1 symbol: "flush_tlb_mm_range" } frames { address: 2 symbol: "unmap_region" } } }
    senders { tid: 56 pid: 10 comm: "protector" count: 2 stack { state: "unavailable" reason: "another one in its place" } }
    other_sender_count: 3 unknown_sender_count: 4
    numa { fault_count: 12 moved_page_count: 11 })",
                                                            response.mutable_threads(0)));
  return response;
}

TEST(RenderMemoryTest, SendersMovedPagesCollapsesAndNumaHaveTheirLines) {
  const std::string text = MemoryText(SomeMovedMemory());
  EXPECT_THAT(text, HasSubstr("-          -    -  migration            3   9us      0ns      4us\n"
                              "-          -    -  collapse             6     -        -        -\n"
                              "-          -    -  collapse failed      7     -        -        -\n"));
  EXPECT_THAT(text, HasSubstr("\n"
                              "thread   tid  shootdowns  full  sent by        from\n"
                              "matcher   12           8     1  unmapper[55]   flush_tlb_mm_range < unmap_region\n"
                              "-          -           2     0  protector[56]  no stack: another one in its place\n"
                              "-          -           3     -  other senders  -\n"
                              "-          -           4     -  not known      -\n"));
  EXPECT_THAT(text, HasSubstr("\n"
                              "migration in matcher[12]: 64 pages moved, 5 not, 2 passes for compaction, 1 pass for syscall\n"
                              "NUMA balancing of matcher[12]: 11 pages moved, fault sum 12\n"
                              "huge pages that others made in process 10: 2, 1 attempts failed\n"
                              "NUMA balancing of this host since it started: 3 hint faults (2 local), 1 pages moved, 4 unmapped for hints\n"
                              "compaction: unavailable: this kernel has no tracepoint mm_compaction_begin\n"));
}

TEST(RenderMemoryTest, JsonHasSendersMovedPagesCollapsesAndNuma) {
  const Json answer = MemoryJson(SomeMovedMemory());
  const Json& thread = answer["threads"][0];
  EXPECT_EQ(thread["migration"], Json({{"count", 3},
                                       {"duration_ns", 9'000},
                                       {"off_cpu_ns", 0},
                                       {"longest_ns", 4'000},
                                       {"moved_page_count", 64},
                                       {"failed_page_count", 5},
                                       {"reasons", {{"compaction", 2}, {"syscall", 1}}}}));
  EXPECT_EQ(thread["collapse_count"], 6);
  EXPECT_EQ(thread["failed_collapse_count"], 7);
  ASSERT_EQ(thread["senders"].size(), 2u);
  EXPECT_EQ(thread["senders"][0]["comm"], "unmapper");
  EXPECT_EQ(thread["senders"][0]["count"], 8);
  EXPECT_EQ(thread["senders"][0]["full_count"], 1);
  EXPECT_EQ(thread["senders"][0]["stack"]["kernel_state"], "complete");
  EXPECT_EQ(thread["senders"][0]["stack"]["kernel"][1]["symbol"], "unmap_region");
  EXPECT_EQ(thread["senders"][1]["stack"]["kernel_reason"], "another one in its place");
  EXPECT_EQ(thread["other_sender_count"], 3);
  EXPECT_EQ(thread["unknown_sender_count"], 4);
  EXPECT_EQ(thread["numa"], Json({{"fault_count", 12}, {"moved_page_count", 11}}));
  EXPECT_EQ(answer["collapses"], Json::array({{{"pid", 10}, {"count", 2}, {"failed_count", 1}, {"last_monotonic_ns", 77}}}));
  EXPECT_EQ(answer["numa"],
            Json({{"unmapped_page_count", 4}, {"hint_fault_count", 3}, {"local_hint_fault_count", 2}, {"moved_page_count", 1}}));
  EXPECT_EQ(answer["unavailable"],
            Json::array({{{"part", "compaction"}, {"reason", "this kernel has no tracepoint mm_compaction_begin"}}}));
}

}  // namespace
}  // namespace hftmon
