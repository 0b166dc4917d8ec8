#include "daemon/service/evidence/late_starts.h"

#include <gmock/gmock.h>

#include "daemon/service/evidence/facts_of_interrupts.h"
#include "daemon/service/evidence/facts_of_memory.h"
#include "daemon/service/evidence/facts_of_numa_balancing.h"
#include "daemon/service/evidence/facts_of_ticks.h"
#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kBornNs = 2'500'000'000;  // half a second before the end
constexpr auto kNetRx = static_cast<hft_interrupt_source>(HFT_SOURCE_SOFTIRQ + 3);

// The watched thread has sums in the second snapshot alone, but where a test puts them into the first.
class LateStartsTest : public testing::Test {
 protected:
  LateStartsTest() {
    before_.begun_mono_ns = kBeginNs - 1'000'000;
    before_.mono_ns = kBeginNs;
    after_.mono_ns = kEndNs;
    ThreadSums& sums = after_.threads[kWatched];
    sums.interrupts = ThreadInterruptTotal{.thread = kWatched};
    sums.interrupts->sources[kNetRx] = {.count = 40, .self_ns = 5'000'000};
    sums.interrupts->sources[HFT_SOURCE_LOCAL_TIMER] = {.count = 95, .self_ns = 95'000};
    sums.faults = ThreadFaultTotal{.thread = kWatched};
    sums.faults->faults[HFT_FAULT_USER_MAJOR] = {.count = 4, .duration_ns = 800'000, .longest_ns = 300'000};
  }

  SnapshotPair Paired() {
    SnapshotPair pair{.before = std::make_shared<const EvidenceSnapshot>(before_), .after = nullptr};
    auto kept = std::make_shared<EvidenceSnapshot>(after_);
    const auto start_of = [this](const ThreadKey&) { return start_; };
    unknown_ = AddLateStarts(start_of, kept.get(), &pair);
    pair.after = kept;
    return pair;
  }
  std::vector<Fact> Softirqs() {
    std::vector<Fact> facts;
    InterruptFacts().ToFacts(TestContext(), Paired(), {}, &facts);
    return facts;
  }
  std::vector<Fact> Faults() {
    MemoryLookups lookups;
    lookups.process = [](uint32_t) { return ProcessMemory(); };
    lookups.call = [](int32_t) { return std::string("other"); };
    std::vector<Fact> facts;
    MemoryFacts().ToFacts(TestContext(), Paired(), lookups, &facts);
    return facts;
  }

  EvidenceSnapshot before_;
  EvidenceSnapshot after_;
  std::optional<SumsStart> start_ = SumsStart{.born_ns = kBornNs};
  UnknownStarts unknown_;
};

TEST_F(LateStartsTest, AThreadThatBeganInTheWindowHasFactsOfTheTimeItLived) {
  for (const std::vector<Fact>& facts : {Softirqs(), Faults()}) {
    ASSERT_EQ(facts.size(), 1u);
    EXPECT_EQ(facts[0].evidence.begin_mono_ns, kBornNs);
    EXPECT_EQ(facts[0].evidence.span_ns, kEndNs - kBornNs);
    EXPECT_FALSE(facts[0].quality.truncated);
  }
  EXPECT_EQ(IntegerOr(Softirqs()[0], FactField::kCount, -1), 40);
  EXPECT_EQ(IntegerOr(Faults()[0], FactField::kCount, -1), 4);
  EXPECT_EQ(unknown_.interrupt_count, 0u);
  EXPECT_EQ(unknown_.fault_count, 0u);
}

TEST_F(LateStartsTest, ItsFiguresPerSecondAreOfThatTime) {
  start_ = SumsStart{.born_ns = kEndNs - 1'000'000'000};
  const Judgement judgement = JudgeFacts(Softirqs());
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "softirq-on-core");
  EXPECT_EQ(judgement.recommendations[0].gain.ns_per_second, 5'000'000) << "5 ms in one second, of a window of two";
}

TEST_F(LateStartsTest, TicksInItsTimeAreCountedFromItsBirth) {
  for (EvidenceSnapshot* snapshot : {&before_, &after_}) snapshot->cpus.push_back({.cpu = 2});
  after_.cpus[0].sources[HFT_SOURCE_LOCAL_TIMER] = {.count = 100, .self_ns = 100'000};
  EvidenceContext context = TestContext();
  context.reserved_cpus = {2};
  context.task = [](uint32_t, uint32_t) { return TaskFact{.allowed_cpus = {2}, .flags = 0}; };
  std::vector<Fact> facts;
  AddTickFacts(context, Paired(), {}, &facts);
  EXPECT_EQ(facts.size(), 1u);
}

TEST_F(LateStartsTest, FaultsForBalancingAreZeroAtBirthAndNotAtAttachment) {
  after_.threads[kWatched].numa = NumaOfThread{.fault_count = 7};
  std::vector<Fact> facts;
  AddNumaBalancingFacts(TestContext(), Paired(), 1, &facts);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 7);
  start_ = SumsStart{.born_ns = 5, .watched_ns = kBornNs};
  facts.clear();
  AddNumaBalancingFacts(TestContext(), Paired(), 1, &facts);
  EXPECT_THAT(facts, IsEmpty()) << "the kernel counted them all its life";
}

TEST_F(LateStartsTest, AThreadWhoseTargetWasAttachedInTheWindowCountsSinceThen) {
  start_ = SumsStart{.born_ns = 5, .watched_ns = kBornNs};
  const std::vector<Fact> facts = Softirqs();
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].evidence.span_ns, kEndNs - kBornNs);
}

TEST_F(LateStartsTest, WhoWasThereBeforeAndHasNoSumsThereIsCountedAndMakesNoFact) {
  start_ = SumsStart{.born_ns = 5};
  EXPECT_THAT(Softirqs(), IsEmpty());
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(unknown_.interrupt_count, 1u);
  EXPECT_EQ(unknown_.fault_count, 1u);
  start_ = SumsStart{.born_ns = kBornNs, .unslotted_ns = kBornNs};
  EXPECT_THAT(Softirqs(), IsEmpty()) << "it may have waited for a place in the tables";
  EXPECT_EQ(unknown_.interrupt_count, 1u);
}

TEST_F(LateStartsTest, ThoseThatGotTheProbeGroupInTheWindowLackItsSumsAlone) {
  before_.threads[kWatched].interrupts = ThreadInterruptTotal{.thread = kWatched};
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(unknown_.fault_count, 1u);
  EXPECT_EQ(unknown_.interrupt_count, 0u);
  EXPECT_EQ(Softirqs().at(0).evidence.span_ns, kEndNs - kBeginNs);
  before_.threads.clear();
  start_ = SumsStart{.born_ns = kBornNs, .memory_ns = kBornNs + 1};
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(Softirqs().size(), 1u);
  EXPECT_EQ(unknown_.fault_count, 1u);
}

TEST_F(LateStartsTest, AThreadThatBeganWhileTheFirstSnapshotWasReadIsKnown) {
  start_ = SumsStart{.born_ns = before_.begun_mono_ns};
  EXPECT_EQ(Softirqs().size(), 1u);
}

TEST_F(LateStartsTest, VisitorsAreNeitherToldNorMissed) {
  start_.reset();
  EXPECT_THAT(Softirqs(), IsEmpty());
  EXPECT_EQ(unknown_.interrupt_count, 0u);
}

TEST_F(LateStartsTest, HowManyAreNotKnownIsToldToTheirRules) {
  std::vector<MissingEvidence> missing;
  AddMissingOfStarts({}, &missing);
  EXPECT_THAT(missing, IsEmpty());
  AddMissingOfStarts({.interrupt_count = 3}, &missing);
  ASSERT_EQ(missing.size(), 2u);
  EXPECT_EQ(missing[0].kind, FactKind::kSoftirqOnCpu);
  EXPECT_THAT(missing[0].reason, HasSubstr("is not known of 3 threads"));
  missing.clear();
  AddMissingOfStarts({.fault_count = 1}, &missing);
  ASSERT_EQ(missing.size(), 4u);
  EXPECT_THAT(missing[1].reason, HasSubstr("is not known of 1 thread:"));
}

}  // namespace
}  // namespace hftmon
