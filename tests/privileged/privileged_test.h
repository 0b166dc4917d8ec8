// PrivilegedTest: a test against a real daemon on this kernel. Skips, with the reason, where BPF programs cannot be loaded.
#ifndef HFTMON_TESTS_PRIVILEGED_PRIVILEGED_TEST_H_
#define HFTMON_TESTS_PRIVILEGED_PRIVILEGED_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <set>
#include <string>

#include "tests/privileged/harness/daemon_under_test.h"
#include "tests/privileged/harness/eventually.h"
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/thread_counts.h"

namespace hftmon::testing {

class PrivilegedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    const absl::Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  // What the daemon itself says it missed may explain a failure that comes once in a hundred.
  void TearDown() override {
    if (!HasFailure() || !daemon_.connected()) return;
    const auto status = daemon_.client().GetStatus();
    if (!status.ok()) return;
    for (const v1::DropCounter& drop : status->drops()) {
      if (drop.count() > 0) std::printf("%s: %llu\n", drop.name().c_str(), static_cast<unsigned long long>(drop.count()));
    }
  }
  std::string CpuArgument() const { return std::to_string(daemon_.WorkloadCpu()); }

  DaemonUnderTest daemon_;
};

// Nothing is left in the kernel that nobody holds and that was not there `before`. The kernel frees BPF objects some time after their last
// user is gone, and another daemon on this host may start or end meanwhile: what counts is what stays.
inline void ExpectNoNewOrphans(const std::set<std::string>& before) {
  std::set<std::string> stays = OrphanedBpfObjects();
  EXPECT_TRUE(Eventually([&] {
    const std::set<std::string> now = OrphanedBpfObjects();
    std::erase_if(stays, [&](const std::string& object) { return before.contains(object) || !now.contains(object); });
    return stays.empty();
  })) << stays.size()
      << " BPF objects are left, the first: " << *stays.begin();
}

// The causes and what is unexplained sum to the duration exactly, and nothing is negative.
inline void ExpectExactBudget(const v1::Spike& spike) {
  int64_t sum_ns = spike.unexplained_ns();
  EXPECT_GE(spike.unexplained_ns(), 0);
  for (const v1::Cause& cause : spike.causes()) {
    EXPECT_GT(cause.duration_ns(), 0) << spike.DebugString();
    sum_ns += cause.duration_ns();
  }
  EXPECT_EQ(sum_ns, spike.duration_ns()) << spike.DebugString();
}

// Time within a spike that its budget gives to that thread.
inline int64_t BlamedOn(const v1::Spike& spike, pid_t tid) {
  return std::accumulate(spike.causes().begin(), spike.causes().end(), int64_t{0}, [tid](int64_t sum_ns, const v1::Cause& cause) {
    return cause.has_actor() && cause.actor().tid() == tid ? sum_ns + cause.duration_ns() : sum_ns;
  });
}

// The thread's figures in an answer; null when it is not in it.
inline const v1::ThreadSwitches* FindThread(const v1::QueryContextSwitchesResponse& answer, pid_t tid) {
  for (const v1::ThreadSwitches& thread : answer.threads()) {
    if (thread.thread().tid() == tid) return &thread;
  }
  return nullptr;
}

// Totals equal /proc to the last digit; the process is blocked.
inline void ExpectTotalsOfProc(pid_t pid, const v1::QueryContextSwitchesResponse& answer) {
  for (const workload::ThreadCounts& now : workload::ReadProcessCounts(pid)) {
    SCOPED_TRACE(now.comm + " " + std::to_string(now.tid));
    const v1::ThreadSwitches* thread = FindThread(answer, now.tid);
    ASSERT_NE(thread, nullptr);
    EXPECT_EQ(thread->voluntary_total(), now.voluntary_count);
    EXPECT_EQ(thread->involuntary_total(), now.involuntary_count);
    EXPECT_EQ(thread->run_delay_total_ns(), now.run_delay_ns);
  }
}

// How large a test is to be: the variable's number, else the size for every day.
inline int64_t SizeFromEnvironment(const char* name, int64_t everyday) {
  const char* text = std::getenv(name);
  return text == nullptr ? everyday : std::atoll(text);
}

// Whether a length agrees with the workload's own: 5 % or 20 us, whichever is more.
inline bool Agrees(int64_t reported_ns, int64_t measured_ns) {
  return std::abs(reported_ns - measured_ns) <= std::max<int64_t>(measured_ns / 20, 20'000);
}

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_PRIVILEGED_TEST_H_
