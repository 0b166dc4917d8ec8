// The parsers of /proc, on files of a real host, and the reader of our own usage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "daemon/os/file_root.h"
#include "daemon/os/proc_cgroup.h"
#include "daemon/os/proc_comm.h"
#include "daemon/os/proc_schedstat.h"
#include "daemon/os/proc_statm.h"
#include "daemon/os/proc_status.h"
#include "daemon/os/process_usage.h"

namespace hftmon {
namespace {

std::string Fixture(const char* name) {
  return *FileRoot("tests/fixtures").ReadFile(std::string("/proc/26231/") + name);
}

TEST(ProcStatus, ARealFileIsRead) {
  const auto status = ParseProcStatus(Fixture("status"));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->name, "prometheus");
  EXPECT_EQ(status->tgid, 26231);
  EXPECT_EQ(status->pid, 26231);
  EXPECT_EQ(status->parent_pid, 1);
  EXPECT_EQ(status->thread_count, 1);
  EXPECT_EQ(status->voluntary_count, 4742839u);
  EXPECT_EQ(status->involuntary_count, 1727500u);
}

constexpr const char* kMinimal =
    "Name:\tTgid: 7 \nTgid:\t5\nPid:\t6\nPPid:\t1\nThreads:\t2\nvoluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t4\n";

TEST(ProcStatus, ANameThatLooksLikeAFieldIsOnlyAName) {
  const auto status = ParseProcStatus(kMinimal);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->name, "Tgid: 7 ");
  EXPECT_EQ(status->tgid, 5);
  EXPECT_EQ(status->pid, 6);
}

TEST(ProcStatus, AMissingOrBrokenFieldIsNamed) {
  for (const char* field : {"Name", "Tgid", "Pid", "PPid", "Threads", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"}) {
    std::string text = kMinimal;
    const size_t at = text.find(std::string("\n") + field + ":") == std::string::npos ? 0 : text.find(std::string("\n") + field + ":") + 1;
    text.replace(at, 1, "x");
    const auto status = ParseProcStatus(text);
    ASSERT_FALSE(status.ok()) << field;
    EXPECT_NE(std::string(status.status().message()).find(field), std::string::npos);
  }
  EXPECT_FALSE(ParseProcStatus("Name:\ta\nTgid:\tx\n").ok());
  EXPECT_FALSE(ParseProcStatus("").ok());
}

TEST(ProcSchedstat, ARealFileIsRead) {
  const auto schedstat = ParseProcSchedstat(Fixture("schedstat"));
  ASSERT_TRUE(schedstat.ok());
  EXPECT_EQ(schedstat->run_ns, 411605849u);
  EXPECT_EQ(schedstat->run_delay_ns, 93680043u);
  EXPECT_EQ(schedstat->timeslices, 79u);
}

TEST(ProcSchedstat, AnythingButThreeNumbersIsRefused) {
  for (const char* text : {"", "1 2", "1 2 3 4", "1 2 x", "-1 2 3", "99999999999999999999999 1 1"}) {
    EXPECT_FALSE(ParseProcSchedstat(text).ok()) << text;
  }
}

TEST(ProcStatm, ARealFileIsRead) {
  const auto statm = ParseProcStatm(Fixture("statm"));
  ASSERT_TRUE(statm.ok());
  EXPECT_EQ(statm->size_pages, 149919);
  EXPECT_EQ(statm->resident_pages, 12547);
  EXPECT_FALSE(ParseProcStatm("1").ok());
  EXPECT_FALSE(ParseProcStatm("a b").ok());
}

TEST(ProcComm, OnlyTheKernelsNewlineIsTakenOff) {
  EXPECT_EQ(ParseProcComm(Fixture("comm")), "vim");
  EXPECT_EQ(ParseProcComm("a b \n\n"), "a b \n");
  EXPECT_EQ(ParseProcComm(""), "");
}

TEST(ProcessUsage, OurOwnThreadsMemoryAndTimeAreSeen) {
  const auto alone = ReadProcessUsage(FileRoot("/"));
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_GT(alone->rss_bytes, ::sysconf(_SC_PAGESIZE));
  EXPECT_GT(alone->cpu_time_ns, 0);
  int32_t inside = 0;
  std::thread other([&inside] { inside = ReadProcessUsage(FileRoot("/"))->thread_count; });
  other.join();
  EXPECT_EQ(inside, alone->thread_count + 1);
}

TEST(ProcessUsage, AHostWithoutProcIsAnError) {
  EXPECT_FALSE(ReadProcessUsage(FileRoot("tests/fixtures")).ok());
}

TEST(ProcCgroupTest, EachHierarchysPathIsListedOnce) {
  EXPECT_THAT(ParseProcCgroup("12:cpu,cpuacct:/a\n1:name=systemd:/system.slice/x.service\n0::/a\n"),
              testing::ElementsAre("/a", "/system.slice/x.service"));
  EXPECT_THAT(ParseProcCgroup("0::/trading:odd/engine (deleted)"), testing::ElementsAre("/trading:odd/engine"));
}

TEST(ProcCgroupTest, LinesThatAreNoneAreLeftOut) {
  EXPECT_THAT(ParseProcCgroup(""), testing::IsEmpty());
  EXPECT_THAT(ParseProcCgroup("\n:\n0:\n0::\nx:y:relative\n\0"), testing::IsEmpty());
}

}  // namespace
}  // namespace hftmon
