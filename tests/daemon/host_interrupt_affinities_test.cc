#include "daemon/host_interrupt_affinities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Eight CPUs; 2 and 3 are isolated, 5 is audited.
class HostInterruptAffinitiesTest : public ::testing::Test {
 protected:
  HostInterruptAffinitiesTest() {
    tree_.Write("/sys/devices/system/cpu/online", "0-7\n");
    tree_.Write("/sys/devices/system/cpu/isolated", "2-3\n");
    cpus_[5].audited = 1;
  }
  void WriteLine(int irq, const std::string& allowed, const std::string& effective) const {
    const std::string folder = "/proc/irq/" + std::to_string(irq);
    tree_.Write(folder + "/smp_affinity_list", allowed);
    tree_.Write(folder + "/effective_affinity_list", effective);
    tree_.MakeDirectory(folder + "/nic");
  }
  ThreadKey AddThread(uint32_t tid, const std::string& cpus) const {
    tree_.Write("/proc/10/task/" + std::to_string(tid) + "/status", "Cpus_allowed_list:\t" + cpus + "\n");
    return {.tid = tid, .tgid = 10};
  }
  InterruptAffinityReport Read(const std::vector<ThreadKey>& threads, size_t threads_max = 16) const {
    const auto report = HostInterruptAffinities(tree_.root(), {.cpus = cpus_}, threads_max).Read(threads);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(InterruptAffinityReport{});
  }

  FixtureTree tree_;
  mutable std::array<hft_cpu, 8> cpus_{};
};

TEST_F(HostInterruptAffinitiesTest, ReservedCpusAreThoseThatAreIsolatedOrAudited) {
  WriteLine(30, "0-7", "3");
  WriteLine(31, "0-7", "1");
  WriteLine(32, "0-1,5", "5");
  const InterruptAffinityReport report = Read({});
  ASSERT_EQ(report.lines.size(), 3u);
  EXPECT_THAT(report.lines[0].reserved_effective_cpus, ElementsAre(3));
  EXPECT_THAT(report.lines[0].reserved_allowed_cpus, ElementsAre(2, 3, 5));
  EXPECT_THAT(report.lines[1].reserved_effective_cpus, IsEmpty());
  EXPECT_THAT(report.lines[1].reserved_allowed_cpus, ElementsAre(2, 3, 5));
  EXPECT_THAT(report.lines[2].reserved_effective_cpus, ElementsAre(5));
}

TEST_F(HostInterruptAffinitiesTest, WhereTheControllerDoesNotTellAllThatIsAllowedCounts) {
  WriteLine(30, "1-2", "");
  const InterruptAffinityReport report = Read({AddThread(11, "1")});
  EXPECT_THAT(report.lines[0].effective_cpus, IsEmpty());
  EXPECT_THAT(report.lines[0].reserved_effective_cpus, ElementsAre(2));
  ASSERT_EQ(report.lines[0].bound_threads.size(), 1u);
}

TEST_F(HostInterruptAffinitiesTest, ThreadsThatAreBoundAreHitWhereTheyMayRunAndFreeOnesAreNotTold) {
  WriteLine(30, "0-7", "4");
  const std::vector<ThreadKey> threads = {AddThread(11, "4"), AddThread(12, "0-7"), AddThread(13, "6-7"), AddThread(14, "3-4"),
                                          ThreadKey{.tid = 99, .tgid = 10}};  // the last one has ended
  const InterruptAffinityReport report = Read(threads);
  std::map<uint32_t, std::vector<int>> hit;
  for (const BoundThread& thread : report.lines[0].bound_threads) hit[thread.thread.tid] = thread.cpus;
  EXPECT_EQ(hit, (std::map<uint32_t, std::vector<int>>{{11, {4}}, {14, {4}}}));
  EXPECT_EQ(report.lines[0].bound_thread_count, 2u);
  EXPECT_EQ(report.unread_thread_count, 0u);
}

TEST_F(HostInterruptAffinitiesTest, BeyondTheLimitThreadsAreCounted) {
  WriteLine(30, "0-7", "4");
  const InterruptAffinityReport report = Read({AddThread(11, "4"), AddThread(12, "4"), AddThread(13, "4")}, /*threads_max=*/2);
  EXPECT_EQ(report.lines[0].bound_threads.size(), 2u);
  EXPECT_EQ(report.unread_thread_count, 1u);
}

TEST_F(HostInterruptAffinitiesTest, OfTheThreadsHitTheFirstAreToldAndAllAreCounted) {
  WriteLine(30, "0-7", "4");
  std::vector<ThreadKey> threads;
  for (uint32_t tid = 11; tid < 11 + kHitThreadsMax + 5; ++tid) threads.push_back(AddThread(tid, "4"));
  const InterruptAffinityReport report = Read(threads, /*threads_max=*/1'000);
  EXPECT_EQ(report.lines[0].bound_threads.size(), kHitThreadsMax);
  EXPECT_EQ(report.lines[0].bound_thread_count, kHitThreadsMax + 5);
}

TEST_F(HostInterruptAffinitiesTest, OfALineThatIsNotSentAnywhereOnlyOnlineCpusCount) {
  tree_.Write("/sys/devices/system/cpu/online", "0-1\n");
  WriteLine(30, "0-3", "");
  const InterruptAffinityReport report = Read({AddThread(11, "1-2")});
  EXPECT_THAT(report.lines[0].reserved_effective_cpus, IsEmpty());
  EXPECT_THAT(report.lines[0].reserved_allowed_cpus, ElementsAre(2, 3));
  ASSERT_EQ(report.lines[0].bound_threads.size(), 1u);
  EXPECT_THAT(report.lines[0].bound_threads[0].cpus, ElementsAre(1));
}

TEST_F(HostInterruptAffinitiesTest, AThreadThatCannotBeReadIsCountedAndNoOnlineCpuIsAnError) {
  WriteLine(30, "0-7", "4");
  tree_.Write("/proc/10/task/11/status", "Name:\tx\n");
  EXPECT_EQ(Read({{.tid = 11, .tgid = 10}}).unread_thread_count, 1u);
  tree_.Write("/sys/devices/system/cpu/online", "\n");
  const auto report = HostInterruptAffinities(tree_.root(), {.cpus = cpus_}).Read({});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInternal);
}

TEST_F(HostInterruptAffinitiesTest, WithoutTheFolderItSaysWhichIsMissing) {
  const auto report = HostInterruptAffinities(tree_.root(), {.cpus = cpus_}).Read({});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace hftmon
