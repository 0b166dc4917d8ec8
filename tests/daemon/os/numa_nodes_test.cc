#include "daemon/os/numa_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/os/host_fixture.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFolder[] = "/sys/devices/system/node/";
constexpr int64_t kKib = 1024;

bool Any(const NumaNode&) {
  return true;
}

NumaNodes ReadOf(const FixtureTree& tree) {
  auto nodes = ReadNumaNodes(tree.root());
  EXPECT_TRUE(nodes.ok()) << nodes.status();
  return nodes.ok() ? *std::move(nodes) : NumaNodes();
}

void AddNode(const FixtureTree& tree, int node, const std::string& cpus, const std::string& distances, int64_t kib) {
  const std::string folder = kFolder + std::string("node") + std::to_string(node);
  tree.Write(folder + "/cpulist", cpus + "\n");
  tree.Write(folder + "/distance", distances + "\n");
  const std::string line = "Node " + std::to_string(node) + " Mem";
  tree.Write(folder + "/meminfo", line + "Total: " + std::to_string(kib) + " kB\n" + line + "Free: " + std::to_string(kib / 2) + " kB\n");
}

// As Linux 6.1 showed a guest of two nodes with CPUs and one of memory only, with a HMAT.
void AddGuest(const FixtureTree& tree) {
  tree.Write(std::string(kFolder) + "online", "0-2\n");
  tree.Write(std::string(kFolder) + "has_memory", "0-2\n");
  AddNode(tree, 0, "0-1", "10 21 31", 985212);
  AddNode(tree, 1, "2-3", "21 10 24", 1031520);
  AddNode(tree, 2, "", "31 24 10", 257692);
  struct Initiator {
    int node, initiator, latency_ns, bandwidth_mb_s;
  };
  for (const Initiator& of : {Initiator{0, 0, 80, 102400}, Initiator{1, 1, 80, 102400}, Initiator{2, 1, 300, 20480}}) {
    for (const char* access : {"/access0/initiators/", "/access1/initiators/"}) {
      const std::string folder = kFolder + std::string("node") + std::to_string(of.node) + access;
      tree.Link(folder + "node" + std::to_string(of.initiator), "../../../node" + std::to_string(of.initiator));
      for (const char* way : {"read", "write"}) {
        tree.Write(folder + way + "_latency", std::to_string(of.latency_ns) + "\n");
        tree.Write(folder + way + "_bandwidth", std::to_string(of.bandwidth_mb_s) + "\n");
      }
    }
  }
}

CpuTopology PackagesOf(const std::vector<int>& package_of_cpu) {
  CpuTopology topology;
  for (const int package : package_of_cpu) {
    LogicalCpu cpu;
    cpu.cpu = static_cast<int>(topology.cpus.size());
    cpu.package = package;
    topology.cpus.push_back(cpu);
  }
  return topology;
}

TEST(NumaNodes, ARowOfDistancesHasAColumnForEachOnlineNodeNotForEachNumber) {
  const HostFixture host("sparse-nodes");
  const NumaNodes nodes = ReadOf(host);
  ASSERT_THAT(nodes.nodes, SizeIs(8));
  EXPECT_EQ(nodes.DistanceOf(0, 33), 22);
  EXPECT_EQ(nodes.DistanceOf(33, 73), 22);
  EXPECT_EQ(nodes.DistanceOf(33, 34), 16);
  EXPECT_EQ(nodes.DistanceOf(73, 73), 10);
  EXPECT_EQ(nodes.DistanceOf(0, 3), std::nullopt) << "a hole";
  EXPECT_EQ(nodes.DistanceOf(3, 0), std::nullopt);
  EXPECT_EQ(nodes.NodeOf(41), 72);
  EXPECT_EQ(nodes.NodeOf(48), -1);
}

TEST(NumaNodes, WithoutAListOfNodesWithMemoryTheirTotalsTell) {
  const HostFixture host("sparse-nodes");
  const NumaNodes nodes = ReadOf(host);
  ASSERT_NE(nodes.Find(33), nullptr);
  EXPECT_TRUE(nodes.Find(33)->has_memory);
  EXPECT_EQ(nodes.Find(33)->memory_bytes, 16777216 * kKib);
  host.Write(std::string(kFolder) + "node33/meminfo", "Node 33 MemTotal: 0 kB\n");
  EXPECT_FALSE(ReadOf(host).Find(33)->has_memory);
  host.Write(std::string(kFolder) + "has_memory", "0-2,33\n");
  EXPECT_TRUE(ReadOf(host).Find(33)->has_memory);
  EXPECT_FALSE(ReadOf(host).Find(34)->has_memory);
}

TEST(NumaNodes, ARowWithAnotherCountOfColumnsIsNotTold) {
  const HostFixture host("offline-node0");
  const NumaNodes nodes = ReadOf(host);
  ASSERT_THAT(nodes.nodes, SizeIs(1));
  EXPECT_EQ(nodes.nodes[0].node, 1);
  EXPECT_THAT(nodes.nodes[0].distances, IsEmpty()) << "two columns and one node that is online";
  EXPECT_EQ(nodes.DistanceOf(1, 1), std::nullopt);
  EXPECT_EQ(nodes.NodeOf(5), 1);
  EXPECT_EQ(nodes.NodeOf(4), -1);
  EXPECT_TRUE(nodes.nodes[0].has_memory);
  EXPECT_EQ(nodes.nodes[0].counters->other_count, 32181u);
}

TEST(NumaNodes, OldKernelsMasksAndFoldersGiveTheSame) {
  const NumaNodes nodes = ReadOf(HostFixture("no-lists"));
  ASSERT_THAT(nodes.nodes, SizeIs(4));
  EXPECT_EQ(nodes.NodeOf(47), 1);
  EXPECT_EQ(nodes.DistanceOf(3, 2), 26);
  EXPECT_TRUE(nodes.nodes[2].has_memory);
}

TEST(NumaNodes, ANodeOfMemoryOnlyHasNoCpusAndItsPerformanceIsTheFirmwares) {
  const FixtureTree tree;
  AddGuest(tree);
  const NumaNodes nodes = ReadOf(tree);
  ASSERT_THAT(nodes.nodes, SizeIs(3));
  const NumaNode& far = nodes.nodes[2];
  EXPECT_THAT(far.cpus, IsEmpty());
  EXPECT_TRUE(far.has_memory);
  EXPECT_EQ(far.memory_bytes, 257692 * kKib);
  EXPECT_EQ(far.free_bytes, 257692 / 2 * kKib);
  EXPECT_THAT(far.initiator_nodes, ElementsAre(1));
  EXPECT_EQ(far.read_latency_ns, 300);
  EXPECT_EQ(far.write_latency_ns, 300);
  EXPECT_EQ(far.read_bandwidth_mb_s, 20480);
  EXPECT_EQ(far.write_bandwidth_mb_s, 20480);
  EXPECT_EQ(nodes.NodeOf(2), 1);
  EXPECT_FALSE(nodes.sub_numa_clustering(PackagesOf({0, 0, 1, 1})));
}

TEST(NumaNodes, InitiatorsThatAreCpusGoBeforeThoseThatMayBeDevices) {
  const FixtureTree tree;
  AddGuest(tree);
  tree.Write(std::string(kFolder) + "node0/access0/initiators/read_latency", "50\n");
  EXPECT_EQ(ReadOf(tree).nodes[0].read_latency_ns, 80);
  std::filesystem::remove_all(tree.path() + kFolder + "node0/access1");
  EXPECT_EQ(ReadOf(tree).nodes[0].read_latency_ns, 50) << "before Linux 5.10 there is but one class";
  tree.Write(std::string(kFolder) + "node0/access0/initiators/read_latency", "0\n");
  EXPECT_EQ(ReadOf(tree).nodes[0].read_latency_ns, std::nullopt) << "the firmware's 0 says nothing";
}

TEST(NumaNodes, WithoutHmatNothingOfPerformanceIsTold) {
  const NumaNodes nodes = ReadOf(HostFixture("two-nodes-interleaved"));
  ASSERT_THAT(nodes.nodes, SizeIs(2));
  EXPECT_THAT(nodes.nodes[0].initiator_nodes, IsEmpty());
  EXPECT_EQ(nodes.nodes[0].read_latency_ns, std::nullopt);
  EXPECT_EQ(nodes.nodes[0].write_bandwidth_mb_s, std::nullopt);
  EXPECT_EQ(nodes.NodeOf(22), 0);
  EXPECT_EQ(nodes.NodeOf(23), 1);
  EXPECT_EQ(nodes.nodes[0].counters, std::nullopt) << "this capture has none";
}

TEST(NumaNodes, CountersAreTheKernelsUnlessItDoesNotCount) {
  const HostFixture host("two-nodes-devices");
  const NumaNodes nodes = ReadOf(host);
  ASSERT_TRUE(nodes.nodes[1].counters.has_value());
  const NumaCounters& counters = *nodes.nodes[1].counters;
  EXPECT_EQ(counters.hit_count, 104603062u);
  EXPECT_EQ(counters.miss_count, 3614220u);
  EXPECT_EQ(counters.foreign_count, 538409u);
  EXPECT_EQ(counters.interleave_hit_count, 6790850u);
  EXPECT_EQ(counters.local_count, 97819059u);
  EXPECT_EQ(counters.other_count, 10398223u);
  host.Write("/proc/sys/vm/numa_stat", "0\n");
  EXPECT_FALSE(ReadOf(host).nodes[1].counters.has_value());
  host.Write("/proc/sys/vm/numa_stat", "1\n");
  EXPECT_TRUE(ReadOf(host).nodes[1].counters.has_value());
}

TEST(NumaNodes, PoolsOfHugePagesAreBySize) {
  const HostFixture host("one-node");
  host.Write(std::string(kFolder) + "node0/hugepages/hugepages-2048kB/nr_hugepages", "12\n");
  host.Write(std::string(kFolder) + "node0/hugepages/hugepages-2048kB/free_hugepages", "7\n");
  host.Write(std::string(kFolder) + "node0/hugepages/hugepages-2048kB/surplus_hugepages", "2\n");
  for (const char* bad : {"hugepages-", "hugepages-xkB", "hugepages-99999999999999999999kB", "hugepages--4kB", "power"}) {
    host.Write(std::string(kFolder) + "node0/hugepages/" + bad + "/nr_hugepages", "1\n");
  }
  const NumaNodes nodes = ReadOf(host);
  ASSERT_THAT(nodes.nodes, SizeIs(1));
  EXPECT_TRUE(nodes.told);
  EXPECT_THAT(nodes.nodes[0].huge_pages,
              ElementsAre(AllOf(Field(&HugePagePool::page_bytes, 2048 * kKib), Field(&HugePagePool::total_count, 12u),
                                Field(&HugePagePool::free_count, 7u), Field(&HugePagePool::surplus_count, 2u)),
                          AllOf(Field(&HugePagePool::page_bytes, 1048576 * kKib), Field(&HugePagePool::total_count, 0u))));
}

TEST(NumaNodes, AKernelWithoutNodesHasOneOfAllThatIsOnline) {
  const FixtureTree tree;
  tree.Write("/sys/devices/system/cpu/online", "0,2-3\n");
  tree.Write("/proc/meminfo", "MemTotal:       2048 kB\nMemFree:        1024 kB\n");
  const NumaNodes nodes = ReadOf(tree);
  EXPECT_FALSE(nodes.told);
  ASSERT_THAT(nodes.nodes, SizeIs(1));
  EXPECT_EQ(nodes.nodes[0].node, 0);
  EXPECT_THAT(nodes.nodes[0].cpus, ElementsAre(0, 2, 3));
  EXPECT_EQ(nodes.nodes[0].memory_bytes, 2048 * kKib);
  EXPECT_EQ(nodes.nodes[0].free_bytes, 1024 * kKib);
  EXPECT_EQ(nodes.NodeOf(1), -1) << "offline";
  EXPECT_EQ(nodes.DistanceOf(0, 0), std::nullopt);
  ASSERT_NE(nodes.Nearest(0, Any), nullptr);
  EXPECT_EQ(nodes.Nearest(0, Any)->node, 0);
}

TEST(NumaNodes, WithoutSysThereIsAReason) {
  const FixtureTree empty;
  const auto nodes = ReadNumaNodes(empty.root());
  EXPECT_EQ(nodes.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(nodes.status().message()), HasSubstr("is /sys mounted?"));
}

TEST(NumaNodes, CpusThatGoOfflineLeaveTheirNode) {
  const FixtureTree tree;
  AddGuest(tree);
  EXPECT_EQ(ReadOf(tree).NodeOf(3), 1);
  tree.Write(std::string(kFolder) + "node1/cpulist", "2\n");
  EXPECT_EQ(ReadOf(tree).NodeOf(3), -1);
  tree.Write(std::string(kFolder) + "node1/cpulist", "\n");
  const NumaNodes nodes = ReadOf(tree);
  EXPECT_THAT(nodes.Find(1)->cpus, IsEmpty());
  EXPECT_EQ(nodes.DistanceOf(0, 1), 21) << "its memory is where it was";
}

TEST(NumaNodes, TheNearestIsItselfThenByDistanceThenByNumber) {
  const NumaNodes nodes = ReadOf(HostFixture("sparse-nodes"));
  const auto nearest_but = [&nodes](int from, std::vector<int> refused) {
    const NumaNode* found = nodes.Nearest(
        from, [&refused](const NumaNode& node) { return std::find(refused.begin(), refused.end(), node.node) == refused.end(); });
    return found == nullptr ? -1 : found->node;
  };
  EXPECT_EQ(nearest_but(34, {}), 34);
  EXPECT_EQ(nearest_but(34, {34}), 0) << "six of seven are equal";
  EXPECT_EQ(nearest_but(0, {0, 1, 2, 34, 45, 72, 73}), 33) << "the only one, and the farthest";
  EXPECT_EQ(nearest_but(0, {0, 1, 2}), 34) << "33 is farther";
  EXPECT_EQ(nearest_but(3, {}), 0) << "nothing is told of a hole";
  EXPECT_EQ(nodes.Nearest(0, [](const NumaNode&) { return false; }), nullptr);
}

TEST(NumaNodes, NodesWithoutAToldDistanceAreTheLast) {
  const FixtureTree tree;
  AddGuest(tree);
  tree.Write(std::string(kFolder) + "node1/distance", "21 10\n");
  const NumaNodes nodes = ReadOf(tree);
  EXPECT_EQ(nodes.DistanceOf(1, 0), std::nullopt);
  EXPECT_EQ(nodes.DistanceOf(0, 1), 21) << "each row stands for itself";
  EXPECT_EQ(nodes.Nearest(1, Any)->node, 1);
  EXPECT_EQ(nodes.Nearest(1, [](const NumaNode& node) { return node.node != 1; })->node, 0);
}

TEST(NumaNodes, RowsThatCannotBeDistancesAreNotTold) {
  for (const char* row : {"", "x", "10 21", "10 21 31 41", "10 21 9", "10 21 256", "10 -21 31", "10 21 99999999999999999999", "10,21,31"}) {
    const FixtureTree tree;
    AddGuest(tree);
    tree.Write(std::string(kFolder) + "node0/distance", row);
    EXPECT_THAT(ReadOf(tree).nodes[0].distances, IsEmpty()) << row;
  }
}

TEST(NumaNodes, FilesThatSayNothingGiveNoValues) {
  for (const char* text :
       {"", "garbage\n", "Node 0 MemTotal:\n", "Node 0 MemTotal: 99999999999999999999 kB\n", "Node 0 MemTotal: 9223372036854775807 kB\n",
        "Node 0 MemTotal: -5 kB\n", "Node 0 MemTotal: 5 MB\n", "Node 0 MemTotals: 5 kB\n"}) {
    const FixtureTree tree;
    tree.Write(std::string(kFolder) + "node0/cpulist", "0\n");
    for (const char* file : {"meminfo", "numastat", "access1/initiators/read_latency", "hugepages/hugepages-4kB/nr_hugepages"}) {
      tree.Write(std::string(kFolder) + "node0/" + file, text);
    }
    const NumaNodes nodes = ReadOf(tree);
    ASSERT_THAT(nodes.nodes, SizeIs(1));
    EXPECT_EQ(nodes.nodes[0].memory_bytes, std::nullopt) << text;
    EXPECT_FALSE(nodes.nodes[0].has_memory) << text;
    EXPECT_EQ(nodes.nodes[0].counters, std::nullopt) << text;
    EXPECT_EQ(nodes.nodes[0].read_latency_ns, std::nullopt) << text;
    EXPECT_THAT(nodes.nodes[0].huge_pages, IsEmpty()) << text;
  }
}

TEST(NumaNodes, AListOfNodesWithMemoryThatIsNoneNamesItsFile) {
  const FixtureTree tree;
  AddGuest(tree);
  tree.Write(std::string(kFolder) + "has_memory", "0-x\n");
  const auto nodes = ReadNumaNodes(tree.root());
  EXPECT_EQ(nodes.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(nodes.status().message()), HasSubstr("node/has_memory"));
}

// Two packages of two nodes of one CPU each.
NumaNodes TwoByTwo(const std::vector<std::string>& rows) {
  const FixtureTree tree;
  tree.Write(std::string(kFolder) + "online", "0-" + std::to_string(rows.size() - 1) + "\n");
  for (size_t i = 0; i < rows.size(); ++i) AddNode(tree, static_cast<int>(i), i < 4 ? std::to_string(i) : "", rows[i], 1024);
  return ReadOf(tree);
}

TEST(NumaNodes, NodesThatCutAPackageAreSubNumaClusters) {
  const CpuTopology packages = PackagesOf({0, 0, 1, 1});
  const NumaNodes clusters = TwoByTwo({"10 12 21 21", "12 10 21 21", "21 21 10 12", "21 21 12 10"});
  EXPECT_TRUE(clusters.sub_numa_clustering(packages));
  EXPECT_TRUE(clusters.sub_numa_clustering(PackagesOf({0, 0, 0, 0}))) << "one package, nothing outside";
  EXPECT_FALSE(clusters.sub_numa_clustering(PackagesOf({0, 1, 2, 3})));
  EXPECT_FALSE(clusters.sub_numa_clustering(PackagesOf({0}))) << "CPUs that the topology does not have";
  const NumaNodes with_memory_node = TwoByTwo({"10 12 21 21 11", "12 10 21 21 14", "21 21 10 12 24", "21 21 12 10 24", "11 14 24 24 10"});
  EXPECT_TRUE(with_memory_node.sub_numa_clustering(packages)) << "memory without CPUs belongs to no package";
  const NumaNodes untold = TwoByTwo({"10 12 21", "12 10 21", "21 21 10", "21 21 12"});
  EXPECT_FALSE(untold.sub_numa_clustering(packages));
}

TEST(NumaNodes, DiesAsFarFromEachOtherAsPackagesAreNoClusters) {
  std::vector<int> package_of_cpu;
  for (int cpu = 0; cpu < 48; ++cpu) package_of_cpu.push_back(cpu / 12);
  EXPECT_FALSE(ReadOf(HostFixture("sparse-nodes")).sub_numa_clustering(PackagesOf(package_of_cpu)));
}

TEST(NumaNodes, AClusterWhoseCpusAreAllOfflineCutsNothingWhateverItsNumber) {
  const auto clusters = [](const std::string& cpus_of_9) {
    const FixtureTree tree;
    tree.Write(std::string(kFolder) + "online", "0,9,40-41\n");
    AddNode(tree, 0, "0", "10 12 21 21", 1024);
    AddNode(tree, 9, cpus_of_9, "12 10 21 21", 1024);
    AddNode(tree, 40, "2-3", "21 21 10 11", 1024);
    AddNode(tree, 41, "", "21 21 11 10", 1024);
    return ReadOf(tree).sub_numa_clustering(PackagesOf({0, 0, 1, 1}));
  };
  EXPECT_TRUE(clusters("1"));
  EXPECT_FALSE(clusters("")) << "of package 0 one node is left, and node 41 is memory next to 40";
}

// Linux 6.12, as it was captured.
TEST(NumaNodes, AGuestsMemoryOnlyNodeIsNearestToTheNodeThatTheFirmwareSays) {
  const NumaNodes nodes = ReadOf(HostFixture("guest-isolated"));
  ASSERT_THAT(nodes.nodes, SizeIs(3));
  EXPECT_THAT(nodes.nodes[2].cpus, IsEmpty());
  EXPECT_TRUE(nodes.nodes[2].has_memory);
  EXPECT_EQ(nodes.NodeOf(3), 1);
  EXPECT_EQ(nodes.Nearest(2, [](const NumaNode& node) { return !node.cpus.empty(); })->node, 1);
}

TEST(NumaNodes, ThisHostsNodesHaveItsCpus) {
  const auto nodes = ReadNumaNodes(FileRoot());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  const auto topology = LoadCpuTopology(FileRoot());
  ASSERT_TRUE(topology.ok()) << topology.status();
  size_t cpu_count = 0;
  for (const NumaNode& node : nodes->nodes) cpu_count += node.cpus.size();
  EXPECT_EQ(cpu_count, topology->online.size());
  for (const LogicalCpu& cpu : topology->cpus) EXPECT_EQ(cpu.numa_node, nodes->NodeOf(cpu.cpu)) << "CPU " << cpu.cpu;
  EXPECT_GT(nodes->nodes[0].memory_bytes.value_or(0), 0);
}

}  // namespace
}  // namespace hftmon
