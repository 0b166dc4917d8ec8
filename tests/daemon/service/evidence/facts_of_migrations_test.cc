#include "daemon/service/evidence/facts_of_migrations.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::IsEmpty;

std::vector<Fact> FactsOf(const EvidenceContext& context, uint32_t tid, uint64_t count) {
  ThreadWindow window;
  window.thread = {.tid = tid, .tgid = 50, .start_ns = 9};
  window.migration_count = count;
  std::vector<Fact> facts;
  AddMigrationFacts(context, {window}, &facts);
  return facts;
}

TEST(MigrationFactsTest, AThreadThatWandersIsBoundToOneCpuThatNobodyIsBoundTo) {
  const Judgement judgement = JudgeFacts(FactsOf(TestContext(), 55, 40));
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "migrations");
  EXPECT_EQ(judgement.recommendations[0].action.command, "taskset -pc 3 55");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "taskset -pc 0-3 55");
}

TEST(MigrationFactsTest, AReservedCpuIsTheBetterHome) {
  EvidenceContext context = TestContext();
  context.reserved_cpus = {1};
  const Judgement judgement = JudgeFacts(FactsOf(context, 55, 40));
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].action.command, "taskset -pc 1 55");
}

TEST(MigrationFactsTest, WhoIsBoundOrHasEndedIsNotAdvised) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(TestContext(), 20, 40)), IsEmpty());
  EXPECT_THAT(FactsOf(TestContext(), 99, 40), IsEmpty());
}

}  // namespace
}  // namespace hftmon
