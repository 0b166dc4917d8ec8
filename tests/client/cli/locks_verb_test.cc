// `locks`: waits for the kernel's own locks, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <nlohmann/json.hpp>

#include "client/cli/render/kernel_lock.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using LocksVerbTest = CliFixture;

v1::QueryLocksResponse SomeKernelLocks() {
  v1::QueryLocksResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    window { begin_monotonic_ns: 1000000000 end_monotonic_ns: 11000000000 requested_ns: 10000000000 }
    time { monotonic_ns: 11000000000 }
    threads { thread { tid: 12 pid: 10 comm: "matcher" } reason: "its target does not ask"
      kernel_locks { available: true unended_count: 2
        sums { type: "rwsem" count: 3 duration_ns: 9000000 off_cpu_ns: 1000000 longest_ns: 5000000 }
        sums { type: "spinlock" count: 40 duration_ns: 8000 longest_ns: 900 } } }
    threads { thread { tid: 13 pid: 10 comm: "logger" } reason: "its target does not ask" kernel_locks { available: true } }
    kernel_locks { address: 65281 type: "rwsem" count: 3 duration_ns: 9000000 longest_ns: 5000000 longest_spike_id: 7 waiter_tids: 12
      holders { holder { tid: 14 pid: 10 comm: "writer" } count: 2 duration_ns: 8000000 } unknown_holder_count: 1 }
    kernel_lock_floor_ns: 50000 blocked_floor_ns: 1000000)",
                                                            &response));
  return response;
}

TEST_F(LocksVerbTest, LocksOfTheKernelAreShownByThreadAndByLock) {
  monitor_.query_locks = [](const auto&, auto* response) {
    *response = SomeKernelLocks();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"locks"}, console), 0) << "who asks for kernel_locks alone lacks nothing";
  EXPECT_THAT(console.err(), IsEmpty());
  EXPECT_EQ(console.out(),
            "\n"
            "thread   pid  tid  lock of the kernel  waits  sum  off-CPU  longest\n"
            "matcher   10   12  rwsem                   3  9ms      1ms      5ms\n"
            "-          -    -  spinlock               40  8us      0ns    900ns\n"
            "-          -    -  unended                 2    -        -        -\n"
            "logger    10   13  none yet                -    -        -        -\n"
            "\n"
            "no wait for a lock that ended in off-CPU intervals above 1ms in the last 10s (those that go on: `spikes --blocked`)\n"
            "locks of the kernel, by waits above 50us in the last 10s\n"
            "address  type   waits  sum   longest  waiters  held by\n"
            " 0xff01  rwsem      3  9ms  5ms (#7)        1  2 writer[14]; 1 unknown\n");
}

TEST_F(LocksVerbTest, JsonHasThemToo) {
  monitor_.query_locks = [](const auto&, auto* response) {
    *response = SomeKernelLocks();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"locks", "--json"}, console), 0);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["kernel_lock_floor_ns"], 50'000);
  EXPECT_EQ(answer["threads"][0]["kernel_locks"]["unended_count"], 2);
  EXPECT_EQ(answer["threads"][0]["kernel_locks"]["available"], true);
  EXPECT_EQ(answer["threads"][0]["kernel_locks"]["sums"][0],
            json({{"type", "rwsem"}, {"count", 3}, {"duration_ns", 9'000'000}, {"off_cpu_ns", 1'000'000}, {"longest_ns", 5'000'000}}));
  EXPECT_EQ(answer["kernel_locks"][0]["holders"][0]["holder"], json({{"tid", 14}, {"pid", 10}, {"comm", "writer"}}));
  EXPECT_EQ(answer["kernel_locks"][0]["unknown_holder_count"], 1);
}

TEST_F(LocksVerbTest, ThreadsWithoutAreNamedBesideThoseThatHaveThem) {
  monitor_.query_locks = [](const auto&, auto* response) {
    *response = SomeKernelLocks();
    response->mutable_threads(1)->mutable_kernel_locks()->set_available(false);
    response->mutable_threads(1)->mutable_kernel_locks()->set_reason("the table of kernel locks is full");
    response->mutable_threads(1)->set_available(true);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"locks"}, console), 0);
  EXPECT_THAT(console.out(), HasSubstr("locks of the kernel unavailable for 1 thread: the table of kernel locks is full\n"));
  StringConsole as_json;
  EXPECT_EQ(Run({"locks", "--json"}, as_json), 0);
  EXPECT_EQ(json::parse(as_json.out())["threads"][1]["kernel_locks"],
            json({{"available", false}, {"reason", "the table of kernel locks is full"}}));
}

TEST_F(LocksVerbTest, WhatEndedThreadsWaitedForIsStillShown) {
  monitor_.query_locks = [](const auto&, auto* response) {
    *response = SomeKernelLocks();
    response->clear_threads();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"locks"}, console), 0);
  EXPECT_THAT(console.out(), HasSubstr("no thread is watched\n\nlocks of the kernel, by waits above 50us"));
}

TEST_F(LocksVerbTest, WhereNobodyAsksForThemTheReasonIsSaidOnce) {
  monitor_.query_locks = [](const auto&, auto* response) {
    for (const int tid : {12, 13}) {
      v1::ThreadCalls* thread = response->add_threads();
      thread->mutable_thread()->set_tid(tid);
      thread->set_available(true);
      thread->mutable_kernel_locks()->set_reason("its target does not ask: attach it with --probes kernel_locks");
    }
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"locks"}, console), 0);
  EXPECT_THAT(console.out(),
              HasSubstr("locks of the kernel: unavailable: its target does not ask: attach it with --probes kernel_locks\n"));
}

TEST(RenderKernelLockTest, ASpikesLineNamesTheLockAndItsHolder) {
  v1::KernelLockWait wait;
  wait.set_type("mutex");
  wait.set_address(0xff01);
  EXPECT_EQ(KernelLockText(wait), "    kernel lock: mutex at 0xff01, its holder is not known\n");
  wait.set_access("writing");
  wait.mutable_holder()->set_tid(14);
  wait.mutable_holder()->set_comm("writer");
  EXPECT_EQ(KernelLockText(wait), "    kernel lock: mutex at 0xff01, for writing, held by writer[14]\n");
  EXPECT_EQ(KernelLockJson(wait).dump(),
            R"({"type":"mutex","address":65281,"access":"writing","holder":{"tid":14,"pid":0,"comm":"writer"}})");
}

TEST_F(LocksVerbTest, WaitsForFilesAreShownByFileAndTheLongestOfACallWithItsOwn) {
  monitor_.query_locks = [](const auto&, auto* response) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      window { begin_monotonic_ns: 1000000000 end_monotonic_ns: 11000000000 requested_ns: 10000000000 }
      time { monotonic_ns: 11000000000 }
      threads { thread { tid: 12 pid: 10 comm: "matcher" } available: true
        calls { name: "read" number: 0 count: 2 blocked_ns: 8000000 wait_ns: 2000 longest_ns: 5000000
          longest_file_descriptor: 7 longest_file: "/run/orders" }
        calls { name: "futex" number: 202 count: 2 blocked_ns: 4000 wait_ns: 2000 longest_ns: 3000 }
        kernel_locks { reason: "its target does not ask" } }
      files { pid: 10 call: "read" file_descriptor: 7 file: "/run/orders" count: 2 blocked_ns: 8000000 longest_ns: 5000000
        longest_spike_id: 4 tids: 12 }
      files { pid: 10 call: "epoll_wait" file_descriptor: 5 count: 1 blocked_ns: 3000000 longest_ns: 3000000 longest_spike_id: 3 tids: 12 }
      blocked_floor_ns: 1000000)",
                                                              response));
    return grpc::Status::OK;
  };
  StringConsole console;
  Run({"locks"}, console);
  EXPECT_THAT(console.out(), HasSubstr("longest  that on\n"));
  EXPECT_THAT(console.out(), HasSubstr("5ms  7 (/run/orders)\n"));
  EXPECT_THAT(console.out(), HasSubstr("\nfiles, by waits above 1ms in the last 10s\n"
                                       "pid  call        file, as it is now  waits  blocked   longest  threads\n"
                                       " 10  read        7 (/run/orders)         2      8ms  5ms (#4)        1\n"
                                       " 10  epoll_wait  5                       1      3ms  3ms (#3)        1\n"));
  StringConsole as_json;
  Run({"locks", "--json"}, as_json);
  const json answer = json::parse(as_json.out());
  EXPECT_EQ(answer["threads"][0]["calls"][0]["longest_file_descriptor"], 7);
  EXPECT_EQ(answer["threads"][0]["calls"][0]["longest_file"], "/run/orders");
  EXPECT_FALSE(answer["threads"][0]["calls"][1].contains("longest_file_descriptor"));
  EXPECT_EQ(answer["files"][0], json({{"pid", 10},
                                      {"call", "read"},
                                      {"file_descriptor", 7},
                                      {"file", "/run/orders"},
                                      {"count", 2},
                                      {"blocked_ns", 8'000'000},
                                      {"longest_ns", 5'000'000},
                                      {"longest_spike_id", 4},
                                      {"tids", {12}}}));
  EXPECT_FALSE(answer["files"][1].contains("file"));
}

}  // namespace
}  // namespace hftmon
