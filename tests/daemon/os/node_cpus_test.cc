#include "daemon/os/node_cpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/os/host_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<int> NumbersOf(const std::vector<NodeCpus>& nodes) {
  std::vector<int> numbers;
  for (const NodeCpus& node : nodes) numbers.push_back(node.node);
  return numbers;
}

std::string MessageOf(const FixtureTree& tree) {
  const auto nodes = ReadNodeCpus(tree.root());
  EXPECT_EQ(nodes.status().code(), absl::StatusCode::kInternal) << nodes.status();
  return std::string(nodes.status().message());
}

TEST(NodeCpus, NodesHaveTheirNumbersThoughThereAreHoles) {
  const HostFixture host("sparse-nodes");
  const auto nodes = ReadNodeCpus(host.root());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(NumbersOf(*nodes), ElementsAre(0, 1, 2, 33, 34, 45, 72, 73));
  EXPECT_THAT((*nodes)[3].cpus, ElementsAre(18, 19, 20, 21, 22, 23)) << "has_cpu of this host is empty, which says nothing";
  EXPECT_THAT((*nodes)[7].cpus, ElementsAre(42, 43, 44, 45, 46, 47));
}

TEST(NodeCpus, WithoutTheListOfNodesTheirFoldersCountAndWithoutListsOfCpusTheirMasks) {
  const HostFixture host("no-lists");
  const auto nodes = ReadNodeCpus(host.root());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(NumbersOf(*nodes), ElementsAre(0, 1, 2, 3));
  size_t cpu_count = 0;
  for (const NodeCpus& node : *nodes) cpu_count += node.cpus.size();
  EXPECT_EQ(cpu_count, 96u);
  EXPECT_EQ((*nodes)[1].cpus.front(), 24);
  EXPECT_EQ((*nodes)[1].cpus.back(), 47);
}

TEST(NodeCpus, FoldersAreTakenByNumberAndOtherNamesAreNone) {
  const FixtureTree tree;
  for (const char* node : {"node10", "node9"}) tree.Write(std::string(kNodesFolder) + "/" + node + "/cpulist", "\n");
  for (const char* other : {"node", "nodes", "node-1", "node1024", "node99999999999", "node1x", "power"}) {
    tree.MakeDirectory(std::string(kNodesFolder) + "/" + other);
  }
  tree.Write(std::string(kNodesFolder) + "/online", "\n");
  const auto nodes = ReadNodeCpus(tree.root());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(NumbersOf(*nodes), ElementsAre(9, 10)) << "an empty list of nodes is none";
  EXPECT_THAT((*nodes)[0].cpus, IsEmpty());
}

TEST(NodeCpus, ANodeThatWentOfflineMeanwhileIsLeftOut) {
  const FixtureTree tree;
  tree.Write(std::string(kNodesFolder) + "/online", "0-1\n");
  tree.Write(std::string(kNodesFolder) + "/node1/cpulist", "0-3\n");
  const auto nodes = ReadNodeCpus(tree.root());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(NumbersOf(*nodes), ElementsAre(1));
}

TEST(NodeCpus, AKernelWithoutNodesIsNotFound) {
  const FixtureTree empty;
  EXPECT_EQ(ReadNodeCpus(empty.root()).status().code(), absl::StatusCode::kNotFound);
  const FixtureTree without;
  without.MakeDirectory(kNodesFolder);
  const auto nodes = ReadNodeCpus(without.root());
  EXPECT_EQ(nodes.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(nodes.status().message()), HasSubstr("CONFIG_NUMA"));
}

TEST(NodeCpus, WhatIsNoListNamesItsFile) {
  for (const char* text : {"x", "0-", "3-1", "0-99999999999", "8192", "0 1", "-1"}) {
    const FixtureTree tree;
    tree.Write(std::string(kNodesFolder) + "/online", text);
    EXPECT_THAT(MessageOf(tree), HasSubstr("node/online")) << text;
    const FixtureTree of_node;
    of_node.Write(std::string(kNodesFolder) + "/node0/cpulist", text);
    EXPECT_THAT(MessageOf(of_node), HasSubstr("node0/cpulist")) << text;
  }
  const FixtureTree beyond;
  beyond.Write(std::string(kNodesFolder) + "/online", "0-1024\n");
  EXPECT_THAT(MessageOf(beyond), HasSubstr("names node 1024"));
  const FixtureTree mask;
  mask.Write(std::string(kNodesFolder) + "/node0/cpumap", "0000ffff,wrong");
  EXPECT_THAT(MessageOf(mask), HasSubstr("node0/cpumap"));
  const FixtureTree neither;
  neither.Write(std::string(kNodesFolder) + "/node0/meminfo", "");
  EXPECT_THAT(MessageOf(neither), HasSubstr("node0 has neither cpulist nor cpumap"));
}

}  // namespace
}  // namespace hftmon
