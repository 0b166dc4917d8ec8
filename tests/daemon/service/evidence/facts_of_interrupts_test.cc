#include "daemon/service/evidence/facts_of_interrupts.h"

#include <gmock/gmock.h>

#include <functional>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kNetRx = static_cast<hft_interrupt_source>(HFT_SOURCE_SOFTIRQ + 3);

std::shared_ptr<const EvidenceSnapshot> Snapshot(int64_t mono_ns, uint32_t cpu, uint64_t device_count, SourceSum net_rx) {
  EvidenceSnapshot made;
  made.mono_ns = mono_ns;
  CpuInterruptTotal total{.cpu = cpu};
  total.devices.push_back(
      {.irq = 39, .name = "virtio1-output.0", .count = device_count, .self_ns = static_cast<int64_t>(device_count) * 1'000});
  made.cpus.push_back(total);
  ThreadInterruptTotal thread{.thread = kWatched};
  thread.sources[kNetRx] = net_rx;
  made.threads[kWatched].interrupts = thread;
  return std::make_shared<const EvidenceSnapshot>(std::move(made));
}

std::vector<Fact> FactsOf(uint32_t cpu, uint64_t before, uint64_t after, SourceSum net_rx_before = {}, SourceSum net_rx_after = {},
                          const std::function<NetworkQueues()>& queues = {}, bool bound = false) {
  InterruptSettings settings;
  settings.affinities = {.lines = {{.irq = 39, .handlers = {"virtio1-output.0"}, .allowed_cpus = {2}}}};
  settings.queues = queues;
  EvidenceContext context = TestContext();
  if (bound) {
    context.task = [](uint32_t, uint32_t) { return TaskFact{.allowed_cpus = {2}, .flags = 0}; };
  }
  std::vector<Fact> facts;
  InterruptFacts().ToFacts(context, {Snapshot(kBeginNs, cpu, before, net_rx_before), Snapshot(kEndNs, cpu, after, net_rx_after)}, settings,
                           &facts);
  return facts;
}

TEST(InterruptFactsTest, ALineOnAWatchedThreadsCpuIsToldWithWhatWillUndoItsMove) {
  const std::vector<Fact> facts = FactsOf(2, 500, 529);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 29);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 29'000);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "irq-on-watched-core");
  EXPECT_EQ(judgement.recommendations[0].action.command, "echo 0-1,3 > /proc/irq/39/smp_affinity_list");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "echo 2 > /proc/irq/39/smp_affinity_list");
}

TEST(InterruptFactsTest, OnOtherCpusItIsNobodysMatter) {
  EXPECT_THAT(FactsOf(1, 500, 529), IsEmpty());
}

TEST(InterruptFactsTest, SumsThatWentBackMakeNoFact) {
  EXPECT_THAT(FactsOf(2, 500, 3), IsEmpty());
}

TEST(InterruptFactsTest, CountsOfThreadsGoRound) {
  const std::vector<Fact> facts = FactsOf(2, 1, 1, {.count = 0xffff'fffe, .self_ns = 10}, {.count = 8, .self_ns = 5'000'010});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kSoftirq)), "NET_RX");
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 10);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 5'000'000);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("softirq-on-core"));
}

TEST(InterruptFactsTest, AFewShortSoftirqsAreNoAdvice) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(2, 1, 1, {}, {.count = 8, .self_ns = 40'000})), IsEmpty());
}

constexpr SourceSum kBusyNetRx{.count = 100, .self_ns = 5'000'000};

TEST(InterruptFactsTest, ASoftirqOfPacketsHasTheLineThatRaisedItAndIsMovedWithIt) {
  const auto queues = [] {
    return NetworkQueues{.queues = {{.interface = "eth0", .queue = 0, .rps_cpus = {}}},
                         .lines = {{.interface = "eth0", .irq = 39, .handler = "virtio1-output.0"}}};
  };
  const std::vector<Fact> facts = FactsOf(2, 1, 4, {}, kBusyNetRx, queues, true);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "softirq-on-core");
  EXPECT_EQ(judgement.recommendations[0].action.command, "echo 0-1,3 > /proc/irq/39/smp_affinity_list");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "echo 2 > /proc/irq/39/smp_affinity_list");
  ASSERT_FALSE(judgement.recommendations[0].alternatives.empty());
  EXPECT_EQ(judgement.recommendations[0].alternatives[0].command, "echo b > /sys/class/net/eth0/queues/rx-0/rps_cpus");
  EXPECT_EQ(judgement.recommendations[0].alternatives[0].undo, "echo 0 > /sys/class/net/eth0/queues/rx-0/rps_cpus");
}

TEST(InterruptFactsTest, PacketsThatAreSteeredThereAreSteeredElsewhere) {
  const auto queues = [] { return NetworkQueues{.queues = {{.interface = "hvb", .queue = 0, .rps_cpus = {2}}}, .lines = {}}; };
  const Judgement judgement = JudgeFacts(FactsOf(2, 1, 1, {}, kBusyNetRx, queues, true));
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].action.command, "echo b > /sys/class/net/hvb/queues/rx-0/rps_cpus");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "echo 4 > /sys/class/net/hvb/queues/rx-0/rps_cpus");
}

TEST(InterruptFactsTest, WhereItIsNotKnownWhatRaisesItThereIsAHintAlone) {
  const auto queues = [] {
    return NetworkQueues{.queues = {{.interface = "eth0", .queue = 0, .rps_cpus = {2}}, {.interface = "eth1", .queue = 0, .rps_cpus = {2}}},
                         .lines = {}};
  };
  const Judgement judgement = JudgeFacts(FactsOf(2, 1, 1, {}, kBusyNetRx, queues, true));
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].action.command, "");
  EXPECT_NE(judgement.recommendations[0].action.code_hint, "");
}

TEST(InterruptFactsTest, TheHostsQueuesAreReadForSoftirqsOfPacketsAlone) {
  int reads = 0;
  const auto queues = [&reads] {
    ++reads;
    return NetworkQueues();
  };
  FactsOf(2, 1, 40, {}, {}, queues, true);
  EXPECT_EQ(reads, 0);
  FactsOf(2, 1, 40, {}, kBusyNetRx, queues, true);
  EXPECT_EQ(reads, 1);
}

TEST(InterruptFactsTest, WithoutAPairThereIsNothing) {
  std::vector<Fact> facts;
  InterruptFacts().ToFacts(TestContext(), {}, {}, &facts);
  EXPECT_THAT(facts, IsEmpty());
}

}  // namespace
}  // namespace hftmon
