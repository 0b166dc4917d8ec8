#include "daemon/service/evidence/missing_evidence.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

const MissingEvidence* Find(const std::vector<MissingEvidence>& missing, FactKind kind) {
  for (const MissingEvidence& one : missing) {
    if (one.kind == kind) return &one;
  }
  return nullptr;
}

TEST(MissingEvidenceTest, OfCpusThatNoRuleWatchesShortVisitsAreNotSeenAndTheMendNamesThem) {
  EvidenceContext context = TestContext();
  context.reserved_cpus = {2, 3};
  context.audited_cpus = {2};
  std::vector<MissingEvidence> missing;
  AddMissingEvidence({}, context, true, &missing);
  const MissingEvidence* visitors = Find(missing, FactKind::kCpuVisitor);
  ASSERT_NE(visitors, nullptr);
  EXPECT_THAT(visitors->reason, HasSubstr("no rule watches CPU 3"));
  EXPECT_EQ(visitors->mend, "hftmon attach --cpus 3");
}

TEST(MissingEvidenceTest, WhereARuleWatchesThemAllVisitorsAndTicksAreLookedFor) {
  EvidenceContext context = TestContext();
  context.reserved_cpus = {2};
  context.audited_cpus = {2};
  std::vector<MissingEvidence> missing;
  AddMissingEvidence({}, context, true, &missing);
  EXPECT_EQ(Find(missing, FactKind::kCpuVisitor), nullptr);
  EXPECT_EQ(Find(missing, FactKind::kTickOnCpu), nullptr);
}

TEST(MissingEvidenceTest, WithoutTwoSnapshotsSumsAreTooYoung) {
  EvidenceContext context = TestContext();
  context.bound_cpus.clear();
  std::vector<MissingEvidence> missing;
  AddMissingEvidence({}, context, false, &missing);
  for (const FactKind kind : {FactKind::kCpuVisitor, FactKind::kTickOnCpu, FactKind::kIrqOnCpu, FactKind::kSoftirqOnCpu}) {
    const MissingEvidence* young = Find(missing, kind);
    ASSERT_NE(young, nullptr);
    EXPECT_THAT(young->reason, HasSubstr("snapshots"));
  }
}

}  // namespace
}  // namespace hftmon
