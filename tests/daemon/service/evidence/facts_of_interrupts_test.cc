#include "daemon/service/evidence/facts_of_interrupts.h"

#include <gmock/gmock.h>

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

std::vector<Fact> FactsOf(uint32_t cpu, uint64_t before, uint64_t after, SourceSum net_rx_before = {}, SourceSum net_rx_after = {}) {
  const InterruptAffinityReport affinities{.lines = {{.irq = 39, .handlers = {"virtio1-output.0"}, .allowed_cpus = {2}}}};
  std::vector<Fact> facts;
  InterruptFacts().ToFacts(TestContext(), {Snapshot(kBeginNs, cpu, before, net_rx_before), Snapshot(kEndNs, cpu, after, net_rx_after)},
                           affinities, false, &facts);
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

TEST(InterruptFactsTest, WithoutAPairThereIsNothing) {
  std::vector<Fact> facts;
  InterruptFacts().ToFacts(TestContext(), {}, {}, false, &facts);
  EXPECT_THAT(facts, IsEmpty());
}

}  // namespace
}  // namespace hftmon
