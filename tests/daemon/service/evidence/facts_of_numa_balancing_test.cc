#include "daemon/service/evidence/facts_of_numa_balancing.h"

#include <gmock/gmock.h>

#include "daemon/analysis/kernel_stall_names.h"
#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

size_t Misplaced() {
  size_t reason = 0;
  while (MigrationReasonName(static_cast<uint32_t>(reason)) != "numa_misplaced") ++reason;
  return reason;
}

ThreadSums Sums(std::optional<uint64_t> faults, uint64_t moves, uint64_t other_moves = 0) {
  ThreadSums sums;
  if (faults) sums.numa = NumaOfThread{.fault_count = *faults};
  sums.faults.emplace();
  sums.faults->migration = {.count = moves + other_moves, .duration_ns = static_cast<int64_t>(moves + other_moves) * 1'000};
  sums.faults->migration_reason_count[Misplaced()] = moves;
  return sums;
}

std::vector<Fact> FactsOf(const ThreadSums& before, const ThreadSums& after, std::optional<int64_t> setting = 1) {
  const auto snapshot = [](const ThreadSums& sums) {
    EvidenceSnapshot made;
    made.threads[kWatched] = sums;
    return std::make_shared<const EvidenceSnapshot>(std::move(made));
  };
  std::vector<Fact> facts;
  AddNumaBalancingFacts(TestContext(), {.before = snapshot(before), .after = snapshot(after)}, setting, &facts);
  return facts;
}

TEST(NumaBalancingFactsTest, FaultsAndMovesOfTheWindowAreOne) {
  const std::vector<Fact> facts = FactsOf(Sums(1'000, 20), Sums(1'300, 50));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 330);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 30'000);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "numa-balancing-faults");
  EXPECT_EQ(judgement.recommendations[0].action.command, "sysctl -w kernel.numa_balancing=0");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "sysctl -w kernel.numa_balancing=1");
}

TEST(NumaBalancingFactsTest, WhereOthersMovedPagesTooTheirTimeIsNotTold) {
  const std::vector<Fact> facts = FactsOf(Sums(1'000, 20), Sums(1'300, 50, 4));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_FALSE(ValueOf(facts[0], FactField::kSumNs).has_value());
}

TEST(NumaBalancingFactsTest, MovesAloneAreToldWhereTheKernelCountsNoFaultsOfThreads) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(Sums({}, 0), Sums({}, 200))), ElementsAre("numa-balancing-faults"));
}

TEST(NumaBalancingFactsTest, FewNoneOrSumsThatWentBackAreNoAdvice) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(Sums(0, 0), Sums(199, 0))), IsEmpty());
  EXPECT_THAT(FactsOf(Sums(300, 50), Sums(300, 50)), IsEmpty());
  EXPECT_THAT(FactsOf(Sums(300, 50), Sums(3, 5)), IsEmpty());
  EXPECT_THAT(FactsOf(Sums(0, 0), Sums(900, 0), std::nullopt), IsEmpty());
}

TEST(NumaBalancingFactsTest, FaultsThatWereNotReadAtTheWindowsBeginAreMissing) {
  const auto missing_of = [](bool before_asked, bool after_asked) {
    const auto snapshot = [](bool asked) {
      EvidenceSnapshot made;
      made.numa_asked = asked;
      return std::make_shared<const EvidenceSnapshot>(std::move(made));
    };
    std::vector<MissingEvidence> missing;
    AddMissingOfNumaSums({.before = snapshot(before_asked), .after = snapshot(after_asked)}, &missing);
    return missing;
  };
  const std::vector<MissingEvidence> missing = missing_of(false, true);
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].kind, FactKind::kNumaBalancingWork);
  EXPECT_THAT(missing[0].mend, HasSubstr("ask again"));
  EXPECT_THAT(missing_of(true, true), IsEmpty());
  EXPECT_THAT(missing_of(false, false), IsEmpty()) << "nothing is balanced";
  std::vector<MissingEvidence> without;
  AddMissingOfNumaSums({}, &without);
  EXPECT_THAT(without, IsEmpty());
}

}  // namespace
}  // namespace hftmon
