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

TEST(MissingEvidenceTest, SumsOfLessThanTheWindowBecauseOfTheirBytesSayOfHowMuchTheyAre) {
  EvidenceContext context = TestContext();
  context.end_mono_ns = kBeginNs + 60'000'000'000;
  EvidenceSnapshot before;
  before.mono_ns = context.end_mono_ns - 2'000'000'000;
  before.threads[kWatched].faults.emplace();
  EvidenceSnapshot after;
  after.mono_ns = context.end_mono_ns;
  SnapshotPair sums{.before = std::make_shared<const EvidenceSnapshot>(before), .after = std::make_shared<const EvidenceSnapshot>(after)};
  std::vector<MissingEvidence> missing;
  AddMissingOfCutSums(context, sums, &missing);
  EXPECT_TRUE(missing.empty()) << "it is short for another reason";
  sums.cut = true;
  AddMissingOfCutSums(context, sums, &missing);
  const MissingEvidence* cut = Find(missing, FactKind::kShootdowns);
  ASSERT_NE(cut, nullptr);
  EXPECT_THAT(cut->reason, HasSubstr("sums are of the last 2s of the window alone: those of 1 threads"));
  EXPECT_EQ(cut->mend, "ask for a window of 2s");
  context.begin_mono_ns = before.mono_ns - 1'000'000'000;
  missing.clear();
  AddMissingOfCutSums(context, sums, &missing);
  EXPECT_TRUE(missing.empty()) << "about what was asked for";
}

}  // namespace
}  // namespace hftmon
