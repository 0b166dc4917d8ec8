#include "daemon/os/thread_scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "common/cpu_list.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

// As Linux 6.18 wrote them: `sleep`, the same under `chrt -f 80`, and under `nice -n -5` and a name that is out to mislead.
constexpr char kOther[] =
    "8628 (sleep) S 8625 8625 11544 0 -1 4194304 137 0 0 0 0 0 0 0 20 0 1 0 3736832 2990080 420 18446744073709551615 94185795104768 "
    "94185795122697 140729106245648 0 0 0 0 6 0 1 0 0 17 0 0 0 0 0 0 94185795136784 94185795138048 94186207178752 140729106250182 "
    "140729106250191 140729106250191 140729106251753 0\n";
constexpr char kFifo[] =
    "8629 (sleep) S 8625 8625 11544 0 -1 4194560 305 0 1 0 0 0 0 0 -81 0 1 0 3736832 2990080 407 18446744073709551615 94139251224576 "
    "94139251242505 140731944240672 0 0 0 0 6 0 1 0 0 17 1 80 1 0 0 0 94139251256592 94139251257856 94139715698688 140731944241607 "
    "140731944241616 140731944241616 140731944243177 0\n";
constexpr char kMisleading[] =
    "8630 (a) R 1 (b) S 8625 8625 11544 0 -1 4194560 224 0 0 0 0 0 0 0 15 -5 1 0 3736832 2990080 421 18446744073709551615 94665928941568 "
    "94665928959497 140730278576816 0 0 0 0 6 0 1 0 0 17 0 0 0 0 0 0 94665928973584 94665928974848 94666107019264 140730278582712 "
    "140730278582733 140730278582733 140730278584294 0\n";
constexpr int64_t kStartNs = 37'368'321'234'567;  // of all three: within the tick 3736832

class FakeQueries : public SchedulingQueries {
 public:
  int GetAttributes(pid_t /*tid*/, SchedulingAttributes* out) override {
    *out = attributes;
    return attributes_error;
  }
  int GetAffinity(pid_t /*tid*/, std::vector<int>* out) override {
    *out = cpus;
    return affinity_error;
  }
  SchedulingAttributes attributes;
  std::vector<int> cpus = {2, 3, 4, 8};
  int attributes_error = 0;
  int affinity_error = 0;
};

TEST(ThreadStatTest, PrioritiesAreOnTheKernelsOwnScale) {
  const auto other = ParseThreadStat(kOther);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->priority, 120);
  EXPECT_EQ(other->nice, 0);
  EXPECT_EQ(other->start_ticks, 3'736'832u);
  EXPECT_EQ(other->cpu, 0);
  EXPECT_EQ(other->policy, SCHED_OTHER);
  const auto fifo = ParseThreadStat(kFifo);
  ASSERT_TRUE(fifo.ok()) << fifo.status();
  EXPECT_EQ(fifo->priority, 19);
  EXPECT_EQ(fifo->realtime_priority, 80);
  EXPECT_EQ(fifo->policy, SCHED_FIFO);
  EXPECT_EQ(fifo->cpu, 1);
}

TEST(ThreadStatTest, ANameWithParenthesesMisleadsNobody) {
  const auto stat = ParseThreadStat(kMisleading);
  ASSERT_TRUE(stat.ok()) << stat.status();
  EXPECT_EQ(stat->priority, 115);
  EXPECT_EQ(stat->nice, -5);
  EXPECT_EQ(stat->cpu, 0);
}

TEST(ThreadStatTest, ADeadlineTasksPriorityIsBelowZero) {
  std::string text = kFifo;
  const size_t priority = text.find(" -81 ");
  ASSERT_NE(priority, std::string::npos);
  text.replace(priority, 5, " -101 ");
  const auto deadline = ParseThreadStat(text);
  ASSERT_TRUE(deadline.ok()) << deadline.status();
  EXPECT_EQ(deadline->priority, -1);
  text.replace(priority, 6, " x ");
  EXPECT_FALSE(ParseThreadStat(text).ok()) << "no number";
}

TEST(ThreadStatTest, WhatIsCutOffIsRefused) {
  const std::string text = kFifo;
  EXPECT_FALSE(ParseThreadStat("").ok());
  EXPECT_FALSE(ParseThreadStat("4712 (x").ok());
  EXPECT_FALSE(ParseThreadStat("4711 matcher S 1").ok());
  EXPECT_FALSE(ParseThreadStat(text.substr(0, text.size() / 2)).ok());
}

TEST(ThreadStatTest, TheThreadsOwnIsRead) {
  const auto own = ReadThreadStat(FileRoot(), static_cast<uint32_t>(getpid()), static_cast<uint32_t>(gettid()));
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->policy, sched_getscheduler(0));
  EXPECT_EQ(ReadThreadStat(FileRoot(), 1u << 23, 1u << 23).status().code(), absl::StatusCode::kNotFound);
}

TEST(ThreadSchedulingTest, TheCallsAndTheFileMakeOneState) {
  FixtureTree tree;
  tree.Write("/proc/8629/task/8629/stat", kFifo);
  FakeQueries queries;
  queries.attributes = {.policy = SCHED_FIFO, .realtime_priority = 80, .reset_on_fork = true};
  const auto now = ReadThreadScheduling(tree.root(), queries, 8629, 8629, kStartNs);
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->cpu, 1);
  EXPECT_EQ(
      now->scheduling,
      (ThreadScheduling{.policy = SCHED_FIFO, .priority = 19, .realtime_priority = 80, .reset_on_fork = true, .cpus_allowed = "2-4,8"}));
}

TEST(ThreadSchedulingTest, WithoutTheCallTheFileTellsWhatItHas) {
  FixtureTree tree;
  tree.Write("/proc/8630/task/8630/stat", kMisleading);
  FakeQueries queries;
  queries.attributes_error = EPERM;
  const auto now = ReadThreadScheduling(tree.root(), queries, 8630, 8630, kStartNs);
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->scheduling.policy, SCHED_OTHER);
  EXPECT_EQ(now->scheduling.nice, -5);
}

TEST(ThreadSchedulingTest, AnotherThreadUnderTheNumberIsNotTakenForIt) {
  FixtureTree tree;
  tree.Write("/proc/8629/task/8629/stat", kFifo);
  FakeQueries queries;
  EXPECT_EQ(ReadThreadScheduling(tree.root(), queries, 8629, 8629, kStartNs + 10'000'000).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadThreadScheduling(tree.root(), queries, 8629, 8631, kStartNs).status().code(), absl::StatusCode::kNotFound);
  queries.attributes_error = ESRCH;
  EXPECT_EQ(ReadThreadScheduling(tree.root(), queries, 8629, 8629, kStartNs).status().code(), absl::StatusCode::kNotFound);
  queries.attributes_error = 0;
  queries.affinity_error = EINVAL;
  EXPECT_EQ(ReadThreadScheduling(tree.root(), queries, 8629, 8629, kStartNs).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ThreadSchedulingTest, ThisThreadIsReadFromThisKernel) {
  const auto tid = static_cast<uint32_t>(::syscall(SYS_gettid));
  std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const auto stat = ParseThreadStat(text.str());
  ASSERT_TRUE(stat.ok()) << stat.status();
  SystemSchedulingQueries queries;
  const auto now =
      ReadThreadScheduling(FileRoot(), queries, static_cast<uint32_t>(getpid()), tid, static_cast<int64_t>(stat->start_ticks) * 10'000'000);
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->scheduling.policy, ::sched_getscheduler(0));
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
  const auto cpus = ParseCpuList(now->scheduling.cpus_allowed);
  ASSERT_TRUE(cpus.ok());
  EXPECT_EQ(static_cast<int>(cpus->size()), CPU_COUNT(&set));
  for (const int cpu : *cpus) EXPECT_TRUE(CPU_ISSET(cpu, &set)) << cpu;
}

TEST(ThreadSchedulingTest, PoliciesHaveTheirNames) {
  EXPECT_EQ(PolicyName(SCHED_OTHER), "other");
  EXPECT_EQ(PolicyName(SCHED_FIFO), "fifo");
  EXPECT_EQ(PolicyName(6), "deadline");
  EXPECT_EQ(PolicyName(7), "ext");
  EXPECT_EQ(PolicyName(4), "policy 4");
  EXPECT_EQ(PolicyName(99), "policy 99");
}

}  // namespace
}  // namespace hftmon
