#include "daemon/service/evidence/facts_of_visitors.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kWorkerFlag = 0x00000020;
constexpr uint32_t kBoundFlag = 0x04000000;
constexpr uint32_t kKsmd = 30;
constexpr uint32_t kBoundKworker = 31;
constexpr uint32_t kUnboundKworker = 32;

EvidenceContext Audited() {
  EvidenceContext context = TestContext();
  context.reserved_cpus = {2};
  context.audited_cpus = {2};
  context.task = [](uint32_t, uint32_t tid) -> std::optional<TaskFact> {
    if (tid == kWatched.tid) return TaskFact{.allowed_cpus = {2}, .flags = 0};
    if (tid == 55) return TaskFact{.allowed_cpus = {0, 1, 2, 3}, .flags = 0};
    if (tid == kKsmd) return TaskFact{.allowed_cpus = {0, 1, 2, 3}, .flags = kKernelThreadFlag};
    if (tid == kBoundKworker) return TaskFact{.allowed_cpus = {2}, .flags = kKernelThreadFlag | kWorkerFlag | kBoundFlag};
    if (tid == kUnboundKworker) return TaskFact{.allowed_cpus = {0, 1, 2, 3}, .flags = kKernelThreadFlag | kWorkerFlag | kBoundFlag};
    return std::nullopt;
  };
  return context;
}

CpuVisitInfo Visits(const std::string& comm, uint32_t tid, uint64_t count) {
  return {.cpu = 2, .comm = comm, .count = count, .last_tid = tid, .last_pid = tid};
}

std::shared_ptr<const EvidenceSnapshot> Snapshot(std::vector<CpuVisitInfo> visits, std::vector<WorkSum> works = {}) {
  EvidenceSnapshot made;
  made.visits = std::move(visits);
  made.works = std::move(works);
  return std::make_shared<const EvidenceSnapshot>(std::move(made));
}

std::vector<Fact> FactsOf(const SnapshotPair& sums, const std::vector<WatchedVisit>& watched = {}, const VisitorFacts& producer = {},
                          const EvidenceContext& context = Audited()) {
  std::vector<Fact> facts;
  producer.ToFacts(context, sums, watched, {.workqueue_cpus = {0, 1, 2, 3}, .stat_interval_s = 1}, &facts);
  return facts;
}

Spike KeptOff(uint64_t id, uint32_t tid, int64_t duration_ns, uint16_t runs) {
  return TestSpike(id, SpikeKind::kRunQueue, duration_ns,
                   {.kind = CauseKind::kThread, .cpu = 2, .run_count = runs, .tid = tid, .tgid = tid, .duration_ns = duration_ns});
}

TEST(VisitorFactsTest, VisitsOfAKernelThreadAreDifferencesAndMoveIt) {
  const std::vector<Fact> facts = FactsOf({Snapshot({Visits("ksmd", kKsmd, 500)}), Snapshot({Visits("ksmd", kKsmd, 540)})});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 40);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kMovable, -1), 1);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "kernel-thread-on-core");
  EXPECT_EQ(judgement.recommendations[0].action.command, "taskset -pc 0-1,3 30");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "taskset -pc 0-3 30");
}

// The count is of the name: moving the last that came would move a part of it.
TEST(VisitorFactsTest, ThreadsOfOneNameAreToldAsSuchAndNoneIsMovedByCommand) {
  CpuVisitInfo elsewhere = Visits("ksmd", 29, 12);
  elsewhere.cpu = 3;
  for (const SnapshotPair& sums : {SnapshotPair{Snapshot({Visits("ksmd", 29, 500)}), Snapshot({Visits("ksmd", kKsmd, 540)})},
                                   SnapshotPair{Snapshot({elsewhere}), Snapshot({elsewhere, Visits("ksmd", kKsmd, 40)})}}) {
    const std::vector<Fact> facts = FactsOf(sums);
    ASSERT_EQ(facts.size(), 1u);
    EXPECT_THAT(facts[0].evidence.sentence, HasSubstr("threads named ksmd (the last tid 30) were switched in 40 times"));
    const Judgement judgement = JudgeFacts(facts);
    ASSERT_EQ(judgement.recommendations.size(), 1u);
    EXPECT_EQ(judgement.recommendations[0].action.command, "");
    EXPECT_EQ(judgement.recommendations[0].rule, "kernel-threads-share-core");
    EXPECT_THAT(judgement.recommendations[0].action.code_hint, HasSubstr("ps -eLo tid,psr,comm"));
  }
}

TEST(VisitorFactsTest, VisitsAfterItBecameATargetAreAddedToThoseBefore) {
  const WatchedVisit watched{.thread = {.tid = kKsmd, .tgid = kKsmd, .start_ns = 1}, .cpu = 2, .count = 70, .at_least = true};
  const std::vector<Fact> facts = FactsOf({Snapshot({}), Snapshot({Visits("ksmd", kKsmd, 2)})}, {watched});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 72);
  EXPECT_TRUE(facts[0].quality.truncated);
}

TEST(VisitorFactsTest, NobodyWhoDidNotComeInTheWindowIsTold) {
  EXPECT_THAT(FactsOf({Snapshot({Visits("ksmd", kKsmd, 500)}), Snapshot({Visits("ksmd", kKsmd, 500)})}), IsEmpty());
  EXPECT_THAT(FactsOf({Snapshot({Visits("ksmd", kKsmd, 500)}), Snapshot({Visits("ksmd", kKsmd, 3)})}), IsEmpty()) << "the rule is another";
  EXPECT_THAT(FactsOf({}), IsEmpty());
  EXPECT_THAT(FactsOf({Snapshot({}), Snapshot({Visits("gone", 99, 9)})}), IsEmpty()) << "it has ended";
}

TEST(VisitorFactsTest, OrdinaryThreadsAreToldAndNoAdvice) {
  const std::vector<Fact> facts = FactsOf({Snapshot({}), Snapshot({Visits("cc1plus", 55, 90)})});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kActorKind)), "user");
  EXPECT_THAT(RulesThatSpeak(facts), IsEmpty());
}

TEST(VisitorFactsTest, ABoundWorkersWorkIsNamedAndHasItsOwnCommand) {
  const SnapshotPair sums{
      Snapshot({}, {{.cpu = 2, .function = "vmstat_update", .duration_ns = 1'000},
                    {.cpu = 2, .function = "old_work", .duration_ns = 9'000'000}}),
      Snapshot({Visits("kworker/2:1", kBoundKworker, 9)}, {{.cpu = 2, .function = "vmstat_update", .duration_ns = 8'000},
                                                           {.cpu = 2, .function = "old_work", .duration_ns = 9'000'000},
                                                           {.cpu = 3, .function = "other", .duration_ns = 99'000}})};
  const std::vector<Fact> facts = FactsOf(sums);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kWorkFunction)), "vmstat_update");
  EXPECT_EQ(IntegerOr(facts[0], FactField::kMovable, -1), 0);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].action.command, "sysctl -w vm.stat_interval=120");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "sysctl -w vm.stat_interval=1");
}

TEST(VisitorFactsTest, AnUnboundWorkerIsMovedWithAllOfThem) {
  const Judgement judgement = JudgeFacts(FactsOf({Snapshot({}), Snapshot({Visits("kworker/u8:1", kUnboundKworker, 9)})}));
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].action.command, "echo b > /sys/devices/virtual/workqueue/cpumask");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "echo f > /sys/devices/virtual/workqueue/cpumask");
}

// tid 40 and on: threads of the kernel that may run anywhere.
constexpr uint32_t kManyBegin = 40;
constexpr uint32_t kManyEnd = 52;

EvidenceContext WithMany() {
  EvidenceContext context = Audited();
  context.task = [few = context.task](uint32_t pid, uint32_t tid) -> std::optional<TaskFact> {
    if (tid < kManyBegin || tid >= kManyEnd) return few(pid, tid);
    return TaskFact{.allowed_cpus = {0, 1, 2, 3}, .flags = kKernelThreadFlag};
  };
  return context;
}

TEST(VisitorFactsTest, OfManyOnAReservedCpuTheWorstHaveTheirCommandsAndTheOthersAreOneAdvice) {
  std::vector<CpuVisitInfo> visits;
  for (uint32_t tid = kManyBegin; tid < kManyEnd; ++tid) visits.push_back(Visits("kthread" + std::to_string(tid), tid, tid));
  visits.push_back(Visits("kworker/u8:1", kUnboundKworker, 9));
  const Judgement judgement = JudgeFacts(FactsOf({Snapshot({}), Snapshot(visits)}, {}, {}, WithMany()));
  std::vector<std::string> commands;
  for (const Recommendation& one : judgement.recommendations) commands.push_back(one.action.command);
  EXPECT_THAT(commands, testing::UnorderedElementsAre("taskset -pc 0-1,3 51", "taskset -pc 0-1,3 50", "taskset -pc 0-1,3 49", "",
                                                      "echo b > /sys/devices/virtual/workqueue/cpumask"));
  for (const Recommendation& one : judgement.recommendations) {
    if (one.id != "kernel-threads-share-core/visitor_group=kernel_threads") continue;
    EXPECT_EQ(one.evidence.values.at("actor_count"), "9");
    EXPECT_THAT(one.evidence.sentences.at(0), HasSubstr("kthread48")) << "who came most stands first";
    EXPECT_EQ(one.evidence.sentences.size() + one.evidence.sentences_left_out, 9u);
  }
}

TEST(VisitorFactsTest, OfManyOnACpuThatNobodyReservedThereIsOneAdvice) {
  VisitorFacts producer;
  for (uint32_t tid = kManyBegin; tid < kManyEnd; ++tid) producer.Add(KeptOff(tid, tid, 1'000 * tid, 1));
  producer.Add(KeptOff(1, kBoundKworker, 60'000, 1));
  EvidenceContext context = WithMany();
  context.reserved_cpus.clear();
  context.audited_cpus.clear();
  const Judgement judgement = JudgeFacts(FactsOf({}, {}, producer, context));
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  const Recommendation& one = judgement.recommendations[0];
  EXPECT_EQ(one.cause, "threads of the kernel ran 13 times on CPU 2, 13 of them; the evidence names those that took most");
  EXPECT_THAT(one.evidence.sentences.at(0), HasSubstr("tid 31"));
  EXPECT_THAT(one.action.code_hint, HasSubstr("isolate it"));
  EXPECT_EQ(one.gain.longest_ns, 60'000);
}

TEST(VisitorFactsTest, WhereNoRuleWatchesSpikesTellWhoKeptTheThreadWaiting) {
  VisitorFacts producer;
  producer.Add(KeptOff(1, kKsmd, 60'000, 2));
  producer.Add(KeptOff(2, kKsmd, 80'000, 1));
  producer.Add(KeptOff(3, 55, 900'000, 1));
  EvidenceContext context = Audited();
  context.reserved_cpus.clear();
  context.audited_cpus.clear();
  const std::vector<Fact> facts = FactsOf({}, {}, producer, context);
  ASSERT_EQ(facts.size(), 1u) << "an ordinary thread is told as a preemption";
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 3);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 140'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kLongestNs, -1), 80'000);
  EXPECT_THAT(facts[0].evidence.spike_ids, ElementsAre(2, 1));
  EXPECT_THAT(facts[0].evidence.sentence, HasSubstr("kept a watched thread off it for 140us"));
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("kernel-threads-share-core"));
  context.bound_cpus.clear();
  EXPECT_THAT(FactsOf({}, {}, producer, context), IsEmpty()) << "the CPU is nobody's";
}

TEST(VisitorFactsTest, OneSwitchInTheWaitsOfTwoThreadsIsCountedOnceAndOtherVisitorsWaitsAreNobodysMatter) {
  VisitorFacts producer;
  producer.Add(KeptOff(1, kKsmd, 60'000, 2));
  Spike other = KeptOff(2, kKsmd, 70'000, 2);
  other.thread.tid = 55;
  producer.Add(other);
  EvidenceContext context = Audited();
  context.audited_cpus.clear();
  const std::vector<Fact> facts = FactsOf({}, {}, producer, context);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 2);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 60'000);
}

TEST(VisitorFactsTest, SwitchesThatARuleCountedAreNotCountedAgainOutOfSpikes) {
  VisitorFacts producer;
  producer.Add(KeptOff(1, kKsmd, 60'000, 2));
  const std::vector<Fact> facts = FactsOf({Snapshot({}), Snapshot({Visits("ksmd", kKsmd, 40)})}, {}, producer);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 40);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 60'000);
}

}  // namespace
}  // namespace hftmon
