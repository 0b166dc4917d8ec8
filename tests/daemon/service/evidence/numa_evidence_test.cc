// Placement from the look to the advice: a host of two nodes made of files, pages that lie where the test put them, the store, the rules.
#include <gmock/gmock.h>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/recommend.h"
#include "daemon/service/evidence/service_evidence.h"
#include "tests/daemon/os/fixture_tree.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class NumaEvidenceTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    WriteNode(0, "0-1", "10 21");
    WriteNode(1, "2-3", "21 10");
    tree_.Write("/sys/devices/system/node/online", "0-1\n");
    tree_.Write("/sys/devices/system/cpu/online", "0-3\n");
    // It spins on CPU 3, of node 1.
    targets_.attached_mono_ns = 5 * kSecondNs;
    targets_.Add(kPid);
    totals_.totals = {{.thread = kThread, .alive = true}};
    totals_.totals[0].seen = false;
    scheduling_.seen[kThread.tid] = {.scheduling = {.cpus_allowed = "3"}, .cpu = 3, .read_mono_ns = kNowNs - 3 * kSecondNs};
    CloseBucket(kNowNs - 5 * kSecondNs, kNowNs);
  }
  void WriteNode(int node, std::string_view cpus, std::string_view distance) {
    const std::string folder = "/sys/devices/system/node/node" + std::to_string(node);
    tree_.Write(folder + "/cpulist", std::string(cpus) + "\n");
    tree_.Write(folder + "/distance", std::string(distance) + "\n");
    tree_.Write(folder + "/meminfo", "Node 0 MemTotal: 1048576 kB\nNode 0 MemFree: 524288 kB\n");
  }
  // 4,096 pages of the heap, so large a part of them on node 0.
  absl::StatusOr<EvidenceAnswer> Ask(bool look, uint64_t far_count = 4'096) {
    NumaLook& result = *numa_looks_.result;
    result.nodes = *ReadNumaNodes(tree_.root());
    MappingPlacement heap;
    heap.name = "[heap]";
    heap.kind = MappingKind::kHeap;
    heap.page_bytes = 4'096;
    heap.page_count = 8'192;
    heap.sampled_count = 4'096;
    for (const auto& [node, pages] : {std::pair(0, far_count), std::pair(1, 4'096 - far_count)}) {
      if (pages > 0) heap.nodes.push_back({.node = node, .pages = pages});
    }
    ProcessPlacement placement;
    placement.mappings = {heap};
    placement.look_cost = {.call_count = 258, .page_count = 4'096, .sum_ns = 900, .longest_ns = 500};
    result.processes.resize(1);
    result.processes[0].pid = kPid;
    result.processes[0].placement = placement;
    ServiceEvidence evidence({.core = Core(), .files = tree_.root(), .own_pid = 7});
    return evidence.Facts({.look_at_memory = look});
  }
  static Judgement Judged(const EvidenceAnswer& answer) { return Judge(AdviceRules(), answer.facts, answer.window, {}); }
  static std::vector<std::string> CommandsOf(const Judgement& judged) {
    std::vector<std::string> commands;
    for (const Recommendation& one : judged.recommendations) commands.push_back(one.action.command);
    return commands;
  }
  static std::string WhyNotJudged(const Judgement& judged, std::string_view rule) {
    for (const NotJudged& one : judged.not_judged) {
      if (one.rule == rule) return one.reason + " | " + one.mend;
    }
    return "";
  }

  FixtureTree tree_;
};

TEST_F(NumaEvidenceTest, PagesOnTheFarNodeAreFoundAndMovedAndThenTheRuleIsSilent) {
  const auto before = Ask(true);
  ASSERT_TRUE(before.ok()) << before.status();
  const Judgement judged = Judged(*before);
  EXPECT_EQ(judged.facts_refused, 0u) << judged.first_refusal;
  EXPECT_THAT(CommandsOf(judged), Contains("migratepages 1000 0 1"));
  ASSERT_TRUE(before->cost.has_value());
  EXPECT_EQ(before->cost->page_count, 4'096u);
  EXPECT_EQ(before->cost->look_count, 258u);
  ASSERT_EQ(numa_looks_.plan().processes.size(), 1u);
  EXPECT_EQ(numa_looks_.plan().processes[0].pid, kPid);
  EXPECT_FALSE(numa_looks_.plan().exact);
  EXPECT_EQ(WhyNotJudged(judged, "memory-on-wrong-node"), "");
  const auto after = Ask(true, 0);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_THAT(CommandsOf(Judged(*after)), Not(Contains(HasSubstr("migratepages"))));
  EXPECT_EQ(WhyNotJudged(Judged(*after), "memory-on-wrong-node"), "") << "it was judged, and is healthy";
}

// eth0 is at node 0, the thread on CPU 3 of node 1.
class DeviceDistanceEvidenceTest : public NumaEvidenceTest {
 protected:
  void SetUp() override {
    NumaEvidenceTest::SetUp();
    targets_.Add(kPid, {.probe_groups = {"sched", "network"}});
    tree_.Write("/sys/class/net/eth0/device/numa_node", "0\n");
    tree_.Write("/proc/net/route", "Iface Destination Gateway Flags\neth0 0002000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n");
    tree_.Write("/proc/net/fib_trie", "     |-- 10.0.2.15\n        /32 host LOCAL\n");
    tree_.Write("/proc/1000/task/1001/status", "Name:\treader\nCpus_allowed_list:\t3\n");
    tree_.Write("/proc/1000/task/1001/stat", "1001 (reader) R 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 1\n");
    network_.total.collecting = true;
    Count(500);
  }
  // Packets that eth0 delivered, and that the thread read, since it is watched.
  void Count(uint64_t packets) {
    network_.total.polls = {{{.device = 1, .name = "eth0", .poll_count = packets, .work_count = packets}}};
    network_.threads = {{.thread = kThread,
                         .unavailable = "",
                         .sockets = {{.fd = 5,
                                      .protocol = 17,
                                      .local_address = "10.0.2.15",
                                      .local_port = 9'000,
                                      .remote_address = "10.0.2.2",
                                      .remote_port = 69,
                                      .copied_count = packets}}}};
  }
  // So many packets came within the last four seconds.
  Judgement Ask(uint64_t packets) {
    ServiceEvidence evidence({.core = Core(), .files = tree_.root(), .own_pid = 7});
    status_.SetNow(kNowNs - 4 * kSecondNs);
    evidence.TakeSnapshot();
    Count(500 + packets);
    status_.SetNow(kNowNs);
    const auto answer = evidence.Facts({.window_ns = 5 * kSecondNs});
    EXPECT_TRUE(answer.ok()) << answer.status();
    Judgement judged = Judged(*answer);
    EXPECT_EQ(judged.facts_refused, 0u) << judged.first_refusal;
    return judged;
  }
  static const Recommendation* Far(const Judgement& judged) {
    for (const Recommendation& one : judged.recommendations) {
      if (one.rule == "thread-far-from-nic") return &one;
    }
    return nullptr;
  }
};

TEST_F(DeviceDistanceEvidenceTest, AThreadFarFromItsInterfaceIsMovedAndThenTheRuleIsSilent) {
  const Judgement judged = Ask(4'000);
  const Recommendation* far = Far(judged);
  ASSERT_NE(far, nullptr) << WhyNotJudged(judged, "thread-far-from-nic");
  EXPECT_EQ(far->action.command, "taskset -pc 0-1 1001");
  EXPECT_EQ(far->action.undo, "taskset -pc 3 1001");
  EXPECT_THAT(far->cause, HasSubstr("read 4000 packets of eth0, which is on node 0 (distance 21"));
  EXPECT_EQ(WhyNotJudged(judged, "thread-far-from-nic"), "");
  scheduling_.seen[kThread.tid] = {.scheduling = {.cpus_allowed = "0-1"}, .cpu = 0, .read_mono_ns = kNowNs - 3 * kSecondNs};
  const Judgement moved = Ask(4'000);
  EXPECT_EQ(Far(moved), nullptr);
  EXPECT_EQ(WhyNotJudged(moved, "thread-far-from-nic"), "") << "it was judged, and is healthy";
}

TEST_F(DeviceDistanceEvidenceTest, FewPacketsAreNoAdviceAndOfOneNodeTheRuleIsSilent) {
  EXPECT_EQ(Far(Ask(200)), nullptr);
  tree_.Write("/sys/devices/system/node/online", "0\n");
  WriteNode(0, "0-3", "10");
  const Judgement judged = Ask(4'000);
  EXPECT_EQ(Far(judged), nullptr);
  EXPECT_EQ(WhyNotJudged(judged, "thread-far-from-nic"), "");
}

TEST_F(DeviceDistanceEvidenceTest, WhatCannotBeLookedAtHasItsReasonAndMend) {
  network_.total.missing = {"drops by reason: no", "sockets' packets: this kernel has no tracepoint"};
  EXPECT_THAT(WhyNotJudged(Ask(10), "thread-far-from-nic"), HasSubstr("sockets' packets: this kernel has no tracepoint"));
  network_.total.missing.clear();
  network_.total.collecting = false;
  network_.total.reason = "refused";
  EXPECT_THAT(WhyNotJudged(Ask(10), "thread-far-from-nic"), HasSubstr("refused"));
  targets_.Add(kPid, {.probe_groups = {"sched"}});
  EXPECT_THAT(WhyNotJudged(Ask(10), "thread-far-from-nic"),
              HasSubstr("the probe group network is not attached for 1000 | hftmon attach 1000 --probes network"));
}

TEST_F(NumaEvidenceTest, WithoutALookTheRuleIsNotJudgedAndTheMendIsNamed) {
  const auto answer = Ask(false);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->cost.has_value());
  EXPECT_THAT(numa_looks_.plan().processes, IsEmpty()) << "nobody looked";
  EXPECT_THAT(CommandsOf(Judged(*answer)), Not(Contains(HasSubstr("migratepages"))));
  EXPECT_THAT(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), HasSubstr("| hftmon recommend --look-at-memory"));
}

TEST_F(NumaEvidenceTest, OfOneNodeTheRuleIsSilentWithAndWithoutALook) {
  tree_.Write("/sys/devices/system/node/online", "0\n");
  WriteNode(0, "0-3", "10");
  for (const bool look : {false, true}) {
    const auto answer = Ask(look);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_FALSE(answer->cost.has_value());
    EXPECT_THAT(numa_looks_.plan().processes, IsEmpty()) << "nobody looked: there is nothing to find";
    EXPECT_THAT(CommandsOf(Judged(*answer)), Not(Contains(HasSubstr("migratepages"))));
    EXPECT_EQ(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), "");
  }
}

TEST_F(NumaEvidenceTest, WhoseThreadsMovedNobodyKnowsWhereIsNotJudgedUnlessTheirCpusAreOfOneNode) {
  ThreadDelta delta{.thread = kThread, .slot = 1, .begin_mono_ns = kNowNs, .end_mono_ns = kNowNs + kSecondNs};
  delta.migration_count = 9;
  windows_.OnThreadDelta(delta);
  windows_.OnBucketClosed(kNowNs, kNowNs + kSecondNs, kNowNs + kSecondNs);
  scheduling_.seen[kThread.tid].scheduling.cpus_allowed = "0-3";
  status_.SetNow(kNowNs + kSecondNs);
  auto answer = Ask(true);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), HasSubstr("of 9 moves 0 are kept"));
  EXPECT_THAT(CommandsOf(Judged(*answer)), Not(Contains(HasSubstr("migratepages"))));
  scheduling_.seen[kThread.tid].scheduling.cpus_allowed = "2-3";
  answer = Ask(true);
  EXPECT_THAT(CommandsOf(Judged(*answer)), Contains("migratepages 1000 0 1"));
  // It was bound there only since a moment of the window.
  SchedulingChange change{.thread = kThread, .after_mono_ns = kNowNs - 2, .before_mono_ns = kNowNs - 1};
  change.from.cpus_allowed = "0-3";
  change.to.cpus_allowed = "2-3";
  scheduling_.changes = {change};
  answer = Ask(true);
  EXPECT_THAT(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), HasSubstr("of 9 moves 0 are kept"));
}

TEST_F(NumaEvidenceTest, ThreadsAreAskedForBalancingsSumsOnlyForMinutesAfterAQuestion) {
  targets_.Add(kPid, {.probe_groups = {"sched", "memory"}});
  numa_ = NumaBalancing();
  faults_.threads = {{.thread = kThread}};
  int asked = 0;
  ServiceCore core = Core();
  core.numa_of_thread = [&asked](uint32_t, uint32_t) -> absl::StatusOr<NumaOfThread> {
    return NumaOfThread{.fault_count = static_cast<uint64_t>(++asked)};
  };
  ServiceEvidence evidence({.core = core, .files = tree_.root(), .own_pid = 7});
  status_.SetNow(kNowNs - 4 * kSecondNs);
  evidence.TakeSnapshot();
  EXPECT_EQ(asked, 0) << "nobody wants recommendations";
  status_.SetNow(kNowNs);
  const auto answer = evidence.Facts({.window_ns = 5 * kSecondNs});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(asked, 1) << "at the question itself";
  EXPECT_THAT(WhyNotJudged(Judged(*answer), "numa-balancing-faults"), HasSubstr("when the window began nobody had"));
  status_.SetNow(kNowNs + ServiceEvidence::kNumaAskedNs);
  evidence.TakeSnapshot();
  EXPECT_EQ(asked, 2);
  status_.SetNow(kNowNs + ServiceEvidence::kNumaAskedNs + 1);
  evidence.TakeSnapshot();
  EXPECT_EQ(asked, 2) << "the question is long ago";
}

TEST_F(NumaEvidenceTest, ALookThatIsGivenUpOrRefusedIsTheAnswer) {
  ServiceEvidence evidence({.core = Core(), .files = tree_.root(), .own_pid = 7});
  numa_looks_.over.store(false, std::memory_order_seq_cst);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(absl::IsCancelled(evidence.Facts({.look_at_memory = true, .stop = stop.get_token()}).status()));
  EXPECT_EQ(numa_looks_.cancelled_count(), 1);
  numa_looks_.refusal = absl::ResourceExhaustedError("another look goes on");
  EXPECT_TRUE(absl::IsResourceExhausted(evidence.Facts({.look_at_memory = true}).status()));
}

}  // namespace
}  // namespace hftmon
