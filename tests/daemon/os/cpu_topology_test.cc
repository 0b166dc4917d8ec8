#include "daemon/os/cpu_topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kHybrid = "tests/fixtures/topology/hybrid-20cpu.xml";
constexpr const char* kOffline = "tests/fixtures/topology/offline-cpu0.xml";
// Two packages of two CPUs with the nodes 1 and 2, and below the machine node 0, which has memory only.
constexpr const char* kMemoryNode = "tests/fixtures/topology/memory-node-0.xml";
constexpr const char* kNuma = "tests/fixtures/topology/opteron-numa.xml";

TEST(CpuTopology, SmtSiblingsShareACoreAndECoresStandAlone) {
  FixtureTree tree;
  tree.Write("/sys/devices/system/cpu/online", "0-19\n");
  tree.Write("/sys/devices/system/cpu/possible", "0-19\n");
  const auto topology = LoadCpuTopology(tree.root(), kHybrid);
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_THAT(topology->cpus, SizeIs(20));
  std::set<int> cores;
  size_t with_sibling = 0;
  for (const LogicalCpu& cpu : topology->cpus) {
    cores.insert(cpu.core);
    const std::vector<int> siblings = topology->SiblingsOf(cpu.cpu);
    EXPECT_THAT(siblings, ::testing::Contains(cpu.cpu));
    with_sibling += siblings.size() == 2 ? 1 : 0;
  }
  EXPECT_THAT(cores, SizeIs(14));
  EXPECT_EQ(with_sibling, 12u);
  EXPECT_EQ(topology->possible_count(), 20);
  EXPECT_EQ(topology->numa_node_count, 1);
}

TEST(CpuTopology, OfflineAndPossibleCpusAreKeptApart) {
  FixtureTree tree;
  tree.Write("/sys/devices/system/cpu/online", "4-20\n");
  tree.Write("/sys/devices/system/cpu/possible", "0-191\n");
  const auto topology = LoadCpuTopology(tree.root(), kOffline);
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_FALSE(topology->IsOnline(0));
  EXPECT_TRUE(topology->IsOnline(4));
  EXPECT_EQ(topology->possible_count(), 192);
  EXPECT_EQ(topology->Find(0), nullptr);
  ASSERT_NE(topology->Find(4), nullptr);
  EXPECT_EQ(topology->Find(4)->cpu, 4);
  EXPECT_THAT(topology->SiblingsOf(0), ElementsAre(0));
}

TEST(CpuTopology, EachCpuHasItsNode) {
  FixtureTree tree;
  const auto topology = LoadCpuTopology(tree.root(), kNuma);
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_EQ(topology->numa_node_count, 8);
  std::set<int> nodes;
  for (const LogicalCpu& cpu : topology->cpus) nodes.insert(cpu.numa_node);
  EXPECT_THAT(nodes, SizeIs(8));
}

std::vector<int> NodesOf(const CpuTopology& topology) {
  std::vector<int> nodes;
  for (const LogicalCpu& cpu : topology.cpus) nodes.push_back(cpu.numa_node);
  return nodes;
}

TEST(CpuTopology, ANodeOfMemoryOnlyIsNoCpusNodeThoughItsNumberIsTheLowest) {
  FixtureTree tree;
  const auto topology = LoadCpuTopology(tree.root(), kMemoryNode);
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_THAT(NodesOf(*topology), ElementsAre(1, 1, 2, 2));
  EXPECT_EQ(topology->numa_node_count, 3);
}

TEST(CpuTopology, TheKernelsListsGoBeforeHwlocs) {
  FixtureTree tree;
  tree.Write("/sys/devices/system/node/online", "4,7\n");
  tree.Write("/sys/devices/system/node/node4/cpulist", "1-2\n");
  tree.Write("/sys/devices/system/node/node7/cpulist", "0\n");
  const auto topology = LoadCpuTopology(tree.root(), kMemoryNode);
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_THAT(NodesOf(*topology), ElementsAre(7, 4, 4, -1)) << "CPU 3 is in no list";
  EXPECT_EQ(topology->numa_node_count, 2);
}

TEST(CpuTopology, ABrokenListOfANodeNamesItsFile) {
  FixtureTree tree;
  tree.Write("/sys/devices/system/node/online", "0\n");
  tree.Write("/sys/devices/system/node/node0/cpulist", "0-\n");
  EXPECT_THAT(std::string(LoadCpuTopology(tree.root(), kMemoryNode).status().message()), HasSubstr("node0/cpulist"));
}

TEST(CpuTopology, IsolatedAndTicklessCpusAreReserved) {
  FixtureTree tree;
  tree.Write("/sys/devices/system/cpu/isolated", "2-3\n");
  tree.Write("/sys/devices/system/cpu/nohz_full", "3,5\n");
  const auto topology = LoadCpuTopology(tree.root(), kHybrid);
  ASSERT_TRUE(topology.ok());
  EXPECT_THAT(topology->isolated, ElementsAre(2, 3));
  EXPECT_THAT(topology->nohz_full, ElementsAre(3, 5));
  EXPECT_TRUE(topology->IsReserved(2));
  EXPECT_TRUE(topology->IsReserved(5));
  EXPECT_FALSE(topology->IsReserved(4));
}

TEST(CpuTopology, WithoutTheKernelsListsEveryCpuOfHwlocIsOnline) {
  FixtureTree tree;
  tree.Write("/sys/devices/system/cpu/isolated", "\n");
  tree.Write("/sys/devices/system/cpu/nohz_full", " (null)\n");
  const auto topology = LoadCpuTopology(tree.root(), kHybrid);
  ASSERT_TRUE(topology.ok());
  EXPECT_THAT(topology->online, SizeIs(20));
  EXPECT_THAT(topology->possible, SizeIs(20));
  EXPECT_THAT(topology->isolated, IsEmpty());
  EXPECT_THAT(topology->nohz_full, IsEmpty());
}

TEST(CpuTopology, ABrokenListNamesItsFile) {
  FixtureTree tree;
  tree.Write("/sys/devices/system/cpu/isolated", "2-x\n");
  EXPECT_THAT(std::string(LoadCpuTopology(tree.root(), kHybrid).status().message()), HasSubstr("cpu/isolated"));
}

TEST(CpuTopology, AMissingTopologyFileIsAnError) {
  EXPECT_THAT(std::string(LoadCpuTopology(FileRoot("/"), "tests/fixtures/none.xml").status().message()), HasSubstr("none.xml"));
}

TEST(CpuTopology, SiblingsAreTheOthersOfTheCore) {
  const FixtureTree host;
  host.Write("/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2,10\n");
  EXPECT_EQ(ReadSmtSiblings(host.root(), 2).value(), std::vector<int>{10});
  EXPECT_EQ(ReadSmtSiblings(host.root(), 3).value(), std::vector<int>()) << "a kernel without the file";
}

TEST(CpuTopology, ThisHostHasCpus) {
  const auto topology = LoadCpuTopology(FileRoot("/"));
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_FALSE(topology->cpus.empty());
  EXPECT_GE(topology->possible_count(), static_cast<int>(topology->online.size()));
}

}  // namespace
}  // namespace hftmon
