#include "daemon/service/evidence/facts_of_device_distance.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"
#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Three nodes in a row: CPUs 0-1, 2-3 and none; eth0 is at node 1, eth1 at node 0, ib0 is not told, and vlan7 lies upon eth0. The thread
// runs on CPU 2's opposite, CPU 0 of node 0.
class DeviceDistanceTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = "/sys/devices/system/node/";
    tree_.Write(folder + "online", "0-2\n");
    WriteNode(0, "0-1", "10 20 30");
    WriteNode(1, "2-3", "20 10 20");
    WriteNode(2, "", "30 20 10");
    for (const auto& [name, node] : {std::pair("eth0", "1"), std::pair("eth1", "0"), std::pair("ib0", "-1")}) {
      tree_.Write(std::string("/sys/class/net/") + name + "/device/numa_node", std::string(node) + "\n");
    }
    tree_.Link("/sys/class/net/vlan7/lower_eth0", "../eth0");
    tree_.MakeDirectory("/sys/class/net/virbr0");
    tree_.Write("/proc/net/route",
                "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
                "eth0 0002000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\neth1 0003000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
                "ib0 0004000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\nvlan7 0005000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
                "virbr0 0006000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n");
    std::string trie;
    for (const char* own : {"10.0.2.15", "10.0.3.15", "10.0.4.15", "10.0.5.15", "10.0.6.15"}) {
      trie += std::string("     |-- ") + own + "\n        /32 host LOCAL\n";
    }
    tree_.Write("/proc/net/fib_trie", trie);
    before_.mono_ns = kBeginNs;
    after_.mono_ns = kEndNs;
    before_.threads[kWatched] = {};
    Deliver("eth0", 5'000);
    threads_ = {{.thread = kWatched, .running_ns = 1'000, .nodes = {{.node = 0, .running_ns = 1'000}}, .unavailable = ""}};
  }
  void WriteNode(int node, const std::string& cpus, const std::string& distance) {
    const std::string folder = "/sys/devices/system/node/node" + std::to_string(node);
    tree_.Write(folder + "/cpulist", cpus + "\n");
    tree_.Write(folder + "/distance", distance + "\n");
    tree_.Write(folder + "/meminfo", "Node 0 MemTotal: 1048576 kB\nNode 0 MemFree: 524288 kB\n");
  }
  // Polls of the interface in the window.
  void Deliver(const std::string& interface, uint64_t packets, bool other_namespace = false) {
    before_.polls.push_back({.cpu = 1, .interface = interface, .other_namespace = other_namespace, .poll_count = 70, .work_count = 70});
    after_.polls.push_back(
        {.cpu = 1, .interface = interface, .other_namespace = other_namespace, .poll_count = 99, .work_count = 70 + packets});
  }
  static SocketSum Socket(const std::string& local, uint64_t count, const std::string& remote = "") {
    return {.fd = 5, .protocol = 17, .local_address = local, .local_port = 9'000, .remote_address = remote, .copied_count = count};
  }
  // Of which the thread read so many packets in the window, and 1,000 before it.
  void Read(const std::string& local, uint64_t count, const std::string& remote = "") {
    before_.threads[kWatched].sockets.push_back(Socket(local, 1'000, remote));
    after_.threads[kWatched].sockets.push_back(Socket(local, 1'000 + count, remote));
  }
  std::vector<Fact> Facts() {
    EvidenceContext context = TestContext();
    context.bound_cpus = {0};
    context.watched_cpus = {0};
    context.nodes = *ReadNumaNodes(tree_.root());
    context.task = [](uint32_t, uint32_t) { return TaskFact{.allowed_cpus = {0}, .flags = 0}; };
    const DeviceLocalities devices = ReadDeviceLocalities(tree_.root());
    std::vector<Fact> facts;
    missing_.clear();
    AddDistanceFacts(context, {.before = std::make_shared<EvidenceSnapshot>(before_), .after = std::make_shared<EvidenceSnapshot>(after_)},
                     threads_, DistanceSourcesOf(tree_.root(), devices.devices), &facts, &missing_);
    return facts;
  }
  std::string WhyMissing() const { return missing_.empty() ? "" : missing_[0].reason; }

  FixtureTree tree_;
  EvidenceSnapshot before_;
  EvidenceSnapshot after_;
  std::vector<ThreadNodes> threads_;
  std::vector<MissingEvidence> missing_;
};

TEST_F(DeviceDistanceTest, AFarThreadIsToldWithSpareCpusOfTheInterfacesNodeAndWhatUndoesTheMove) {
  Read("10.0.2.15", 3'000, "10.0.2.2");
  const std::vector<Fact> facts = Facts();
  ASSERT_THAT(facts, SizeIs(1));
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 3'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kDeviceNode, -1), 1);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kThreadNode, -1), 0);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kDistance, -1), 20);
  EXPECT_FALSE(facts[0].quality.estimated);
  EXPECT_FALSE(facts[0].quality.truncated);
  const Judgement judged = JudgeFacts(facts);
  ASSERT_THAT(judged.recommendations, SizeIs(1));
  EXPECT_EQ(judged.recommendations[0].rule, "thread-far-from-nic");
  EXPECT_EQ(judged.recommendations[0].action.command, "taskset -pc 2-3 1001");
  EXPECT_EQ(judged.recommendations[0].action.undo, "taskset -pc 0 1001");
  EXPECT_THAT(missing_, IsEmpty());
}

TEST_F(DeviceDistanceTest, ANearThreadAndAFewPacketsAreFactsAndNoAdvice) {
  Read("10.0.3.15", 3'000, "10.0.3.2");
  Deliver("eth1", 4'000);
  const std::vector<Fact> near = Facts();
  ASSERT_THAT(near, SizeIs(1));
  EXPECT_EQ(IntegerOr(near[0], FactField::kDistance, -1), 10);
  EXPECT_THAT(RulesThatSpeak(near), IsEmpty());
  after_.threads.clear();
  before_.threads[kWatched].sockets.clear();
  Read("10.0.2.15", 20, "10.0.2.2");
  EXPECT_THAT(Facts(), SizeIs(1));
  EXPECT_THAT(RulesThatSpeak(Facts()), IsEmpty());
}

TEST_F(DeviceDistanceTest, TheHostsOwnTrafficMakesNoFact) {
  Read("127.0.0.1", 3'000, "127.0.0.1");
  Read("10.0.2.15", 3'000, "10.0.2.15");
  Read("10.0.2.15", 3'000, "10.0.3.15");
  Read("::1", 3'000);
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(missing_, IsEmpty());
}

TEST_F(DeviceDistanceTest, NeverMoreThanTheInterfaceDeliveredIsTold) {
  Read("10.0.2.15", 9'000);
  const std::vector<Fact> facts = Facts();
  ASSERT_THAT(facts, SizeIs(1));
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 5'000);
  EXPECT_TRUE(facts[0].quality.estimated);
  after_.polls.clear();
  EXPECT_THAT(Facts(), IsEmpty()) << "nothing came from outside";
}

TEST_F(DeviceDistanceTest, OfASocketWithoutAnAddressItIsTheOneInterfaceThatDeliveredLessTheBacklog) {
  Read("0.0.0.0", 3'000);
  Deliver("backlog", 400);
  Deliver("eth1", 800, true);  // another namespace's
  const std::vector<Fact> facts = Facts();
  ASSERT_THAT(facts, SizeIs(1));
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 2'600);
  EXPECT_TRUE(facts[0].quality.estimated);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("thread-far-from-nic"));
  Deliver("backlog", 2'600);
  after_.polls.back().cpu = before_.polls.back().cpu = 3;
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(WhyMissing(), HasSubstr("the host's own traffic, or steering"));
}

TEST_F(DeviceDistanceTest, WhereSeveralDeliveredItIsNotJudgedUnlessAllAreNear) {
  Read("0.0.0.0", 3'000);
  Deliver("eth1", 800);
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(WhyMissing(),
              HasSubstr("3000 packets came to tid 1001 is not known: its socket's address (0.0.0.0) is no interface's, and several"));
  EXPECT_THAT(missing_[0].mend, HasSubstr("bind the socket"));
  tree_.Write("/sys/class/net/eth0/device/numa_node", "0\n");
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(missing_, IsEmpty());
}

TEST_F(DeviceDistanceTest, AnInterfaceUponAnotherIsPolledInItAndVirtualOnesHaveNoPlace) {
  Read("10.0.5.15", 3'000, "10.0.5.2");
  Read("10.0.6.15", 3'000, "10.0.6.2");
  Deliver("virbr0", 3'000);
  const std::vector<Fact> facts = Facts();
  ASSERT_THAT(facts, SizeIs(1));
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kInterface)), "vlan7");
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 3'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kDeviceNode, -1), 1);
}

TEST_F(DeviceDistanceTest, WhatIsNotKnownIsToldInsteadOfSilence) {
  Read("10.0.4.15", 3'000, "10.0.4.2");
  Deliver("ib0", 3'000);
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(WhyMissing(), HasSubstr("the node of ib0 is not known: the firmware tells no node"));
  Read("10.0.2.15", 3'000, "10.0.2.2");
  after_.threads[kWatched].sockets.erase(after_.threads[kWatched].sockets.begin());
  threads_[0].nodes = {{.node = 0, .running_ns = 600}, {.node = 1, .running_ns = 400}};
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(WhyMissing(), HasSubstr("60 % of its time on node 0"));
  threads_[0].nodes.clear();
  threads_[0].unavailable = "of 9 moves 0 are kept";
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(WhyMissing(), HasSubstr("of 9 moves 0 are kept"));
  threads_[0] = {.thread = kWatched, .running_ns = 5, .nodes = {{.node = 0, .running_ns = 5}}, .unavailable = ""};
  WriteNode(0, "0-1", "");
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(WhyMissing(), HasSubstr("no distance from node 0 to node 1, that of eth0"));
}

TEST_F(DeviceDistanceTest, OfAnotherNetworkNamespaceNothingIsSeenAndThatIsTold) {
  Read("10.0.2.15", 3'000, "10.0.2.2");
  tree_.Link("/proc/self/ns/net", "net:[1]");
  tree_.Link("/proc/1000/ns/net", "net:[2]");
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(WhyMissing(), HasSubstr("process 1000 is in another network namespace"));
}

TEST_F(DeviceDistanceTest, ASocketThatAnotherThreadReadBeforeGoesOnWithItsSum) {
  Read("10.0.2.15", 3'000, "10.0.2.2");
  before_.threads[kWatched].sockets.clear();
  before_.threads[{.tid = 1002, .tgid = 1000, .start_ns = 6}].sockets = {Socket("10.0.2.15", 1'000, "10.0.2.2")};
  const std::vector<Fact> facts = Facts();
  ASSERT_THAT(facts, SizeIs(1));
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 3'000);
  EXPECT_TRUE(facts[0].quality.estimated);
  after_.threads[kWatched].sockets[0].copied_count = 999;
  EXPECT_THAT(Facts(), IsEmpty()) << "its row was another's meanwhile";
}

}  // namespace
}  // namespace hftmon
