#include "daemon/os/housekeeping_cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

// `cpu_count` CPUs; with SMT, CPUs c and c + cpu_count / 2 share a core.
CpuTopology Host(int cpu_count, bool smt) {
  CpuTopology topology;
  for (int cpu = 0; cpu < cpu_count; ++cpu) {
    topology.cpus.push_back({.cpu = cpu, .core = smt ? cpu % (cpu_count / 2) : cpu});
    topology.online.push_back(cpu);
  }
  topology.possible = topology.online;
  return topology;
}

std::vector<int> All(const CpuTopology& topology) {
  return topology.online;
}

int Chosen(const CpuTopology& topology, const std::vector<int>& allowed) {
  const auto chosen = ChooseHousekeepingCpu(topology, allowed, std::nullopt);
  EXPECT_TRUE(chosen.ok()) << chosen.status();
  return chosen.ok() ? chosen->cpu : -1;
}

TEST(HousekeepingCpu, TheLastCpuIsTakenWhenNoneIsIsolated) {
  const CpuTopology host = Host(4, false);
  EXPECT_EQ(Chosen(host, All(host)), 3);
}

TEST(HousekeepingCpu, OnlyTheInheritedMaskCounts) {
  EXPECT_EQ(Chosen(Host(8, false), {1, 2}), 2);
}

TEST(HousekeepingCpu, IsolatedAndTicklessCpusAreLeftAlone) {
  CpuTopology host = Host(8, false);
  host.isolated = {6, 7};
  host.nohz_full = {5, 6, 7};
  EXPECT_EQ(Chosen(host, All(host)), 4);
}

TEST(HousekeepingCpu, ACoreSharedWithAnIsolatedCpuIsTheSecondChoice) {
  CpuTopology host = Host(8, true);  // cores {0,4} {1,5} {2,6} {3,7}
  host.isolated = {2, 3};
  EXPECT_EQ(Chosen(host, All(host)), 5);
  // Nothing else is allowed: then it is taken, and said.
  const auto chosen = ChooseHousekeepingCpu(host, std::vector<int>{6, 7}, std::nullopt);
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(chosen->cpu, 7);
  EXPECT_THAT(chosen->reason, HasSubstr("core's other CPU"));
}

TEST(HousekeepingCpu, CpuZeroIsTakenOnlyWhenItIsAlone) {
  CpuTopology host = Host(2, false);
  EXPECT_EQ(Chosen(host, All(host)), 1);
  host.isolated = {1};
  EXPECT_EQ(Chosen(host, All(host)), 0);
}

TEST(HousekeepingCpu, CpuZeroOnAFreeCoreIsBetterThanTheSiblingOfAnIsolatedCpu) {
  CpuTopology host = Host(4, true);  // cores {0,2} {1,3}
  host.isolated = {1};
  EXPECT_EQ(Chosen(host, {0, 3}), 0);
}

TEST(HousekeepingCpu, OfflineCpusAreNotTaken) {
  CpuTopology host = Host(4, false);
  host.online = {0, 1, 2};
  EXPECT_EQ(Chosen(host, {1, 2, 3}), 2);
}

TEST(HousekeepingCpu, AMaskOfIsolatedCpusIsAnErrorThatNamesTheMend) {
  CpuTopology host = Host(4, false);
  host.isolated = {2, 3};
  const auto chosen = ChooseHousekeepingCpu(host, std::vector<int>{2, 3}, std::nullopt);
  EXPECT_EQ(chosen.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(chosen.status().message()), HasSubstr("2-3"));
  EXPECT_THAT(std::string(chosen.status().message()), HasSubstr("widen the mask"));
}

TEST(HousekeepingCpu, TheOperatorsChoiceIsTakenEvenIfIsolated) {
  CpuTopology host = Host(4, false);
  host.isolated = {2, 3};
  const auto chosen = ChooseHousekeepingCpu(host, All(host), 2);
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(chosen->cpu, 2);
}

TEST(HousekeepingCpu, AnImpossibleChoiceIsRefusedWithTheCpusThatWouldDo) {
  CpuTopology host = Host(4, false);
  host.online = {0, 1, 2};
  for (const int cpu : {3, 9, -1}) {
    const auto chosen = ChooseHousekeepingCpu(host, std::vector<int>{0, 1, 2, 3}, cpu);
    EXPECT_EQ(chosen.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(chosen.status().message()), HasSubstr("not online: choose one of 0-2"));
  }
  const auto outside = ChooseHousekeepingCpu(host, std::vector<int>{0, 1}, 2);
  EXPECT_THAT(std::string(outside.status().message()), HasSubstr("affinity mask 0-1"));
}

}  // namespace
}  // namespace hftmon
