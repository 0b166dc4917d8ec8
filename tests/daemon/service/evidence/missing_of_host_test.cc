#include "daemon/service/evidence/missing_of_host.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "daemon/analysis/counter_history.h"
#include "daemon/service/evidence/host_sums.h"
#include "tests/daemon/service/evidence/fact_test_support.h"
#include "tests/daemon/service/fake_counter_totals.h"
#include "tests/daemon/service/fakes.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HostStatus : public FakeStatus {
 public:
  std::vector<Capability> Capabilities() const override { return capabilities; }
  std::vector<Capability> capabilities;
};

class FakeHardwareSums : public HardwareSums {
 public:
  std::vector<CpuHardwareSums> Sums() const override { return sums; }
  std::vector<CpuHardwareSums> sums;
};

class MissingOfHostTest : public ::testing::Test {
 protected:
  MissingOfHostTest() {
    core_.status = &status_;
    core_.hardware = &hardware_;
    core_.faults = &faults_;
    core_.counters = &counters_;
    core_.counter_history = &history_;
    core_.numa = [this] { return numa_; };
    core_.numa_of_thread = [this](uint32_t, uint32_t tid) -> absl::StatusOr<NumaOfThread> {
      ++numa_asked_;
      return NumaOfThread{.fault_count = tid};
    };
  }
  // What each rule is told as not judged for: "reason | mend", as Judge gives it.
  std::string Reason(const std::string& rule, bool has_lines = false) const {
    std::vector<MissingEvidence> missing;
    AddMissingOfHost(core_, TestContext(), has_lines, &missing);
    const Judgement judgement = Judge(AdviceRules(), {}, {.begin_mono_ns = kBeginNs, .end_mono_ns = kEndNs, .missing = missing}, {});
    for (const NotJudged& one : judgement.not_judged) {
      if (one.rule == rule) return one.reason + " | " + one.mend;
    }
    return "";
  }

  HostStatus status_;
  FakeHardwareTotals hardware_;
  FakeFaultTotals faults_;
  FakeCounterTotals counters_;
  CounterHistory history_;
  absl::StatusOr<NumaBalancing> numa_ = NumaBalancing();
  int numa_asked_ = 0;
  ServiceCore core_;
};

TEST_F(MissingOfHostTest, SourcesOfHardwareGiveTheirOwnReasons) {
  hardware_.sources = {{.name = "smi", .reason = "no SMI counter", .mend = "another kernel"},
                       {.name = "steal", .reason = "no hypervisor"},
                       {.name = "c_states", .reason = "no cpuidle driver"}};
  hardware_.totals[2].smt_siblings = {6};
  EXPECT_EQ(Reason("smi"), "no SMI counter | another kernel");
  EXPECT_THAT(Reason("steal"), HasSubstr("no hypervisor"));
  EXPECT_THAT(Reason("c-state-exit"), HasSubstr("no cpuidle driver"));
  EXPECT_EQ(Reason("busy-sibling"), "");
}

TEST_F(MissingOfHostTest, WithoutASharedCoreTheRuleOfSiblingsIsNotJudged) {
  EXPECT_THAT(Reason("busy-sibling"), HasSubstr("no CPU of a watched thread shares its core"));
  EXPECT_EQ(Reason("smi"), "");
}

TEST_F(MissingOfHostTest, WhereNobodyWasSeenOnACpuYetAnySharedCoreMakesItJudged) {
  EvidenceContext context = TestContext();
  context.watched_cpus.clear();
  const auto told = [&] {
    std::vector<MissingEvidence> missing;
    AddMissingOfHost(core_, context, true, &missing);
    return std::any_of(missing.begin(), missing.end(), [](const MissingEvidence& one) { return one.kind == FactKind::kHardware; });
  };
  EXPECT_TRUE(told());
  hardware_.totals[3].smt_siblings = {1};
  EXPECT_FALSE(told());
}

TEST_F(MissingOfHostTest, CountersThatTheHostCannotHaveAreToldWithThePmusReason) {
  status_.capabilities = {{.name = "hardware_pmu", .reason = "no PMU in this guest", .mend = "pass one through"},
                          {.name = "sharing", .reason = "no samples in this guest", .mend = ""}};
  EXPECT_EQ(Reason("cache-hit-low"), "no PMU in this guest | pass one through");
  EXPECT_EQ(Reason("false-sharing"), "no samples in this guest | hftmon sharing PID");
}

TEST_F(MissingOfHostTest, CountersThatNobodyAskedForOrThatTellTooLittleAreToldWithTheMend) {
  counters_.now_state.reason = "nothing is counted";
  EXPECT_EQ(Reason("cache-hit-low"), "nothing is counted | hftmon attach PID --cache");
  counters_.now_state = {.set = {.number = 1, .events = {{.name = "cycles", .metric = "cycles"}}},
                         .unavailable = {{"l3_hits", "this processor has no such event"}}};
  EXPECT_THAT(Reason("cache-hit-low"), HasSubstr("l3_hits: this processor has no such event"));
  counters_.now_state = {};
  for (const char* metric : {"instructions", "cycles", "l3_hits", "l3_misses"}) {
    counters_.now_state.set.events.push_back({.name = metric, .metric = metric});
  }
  EXPECT_EQ(Reason("cache-hit-low"), "");
  core_.counters = nullptr;
  EXPECT_THAT(Reason("cache-hit-low"), HasSubstr("reads no counters"));
}

TEST_F(MissingOfHostTest, LinesAreSampledOnRequestAlone) {
  EXPECT_THAT(Reason("false-sharing"), HasSubstr("only when asked for"));
  EXPECT_THAT(Reason("false-sharing"), HasSubstr("| hftmon sharing PID"));
  EXPECT_EQ(Reason("false-sharing", true), "");
}

TEST_F(MissingOfHostTest, PartsOfMemoryThatTheKernelDoesNotTellConcernTheirRuleAlone) {
  faults_.missing = {{"collapse", "Linux 5.1 or newer"}, {"senders", "no such function"}};
  EXPECT_THAT(Reason("huge-page-collapse"), HasSubstr("Linux 5.1 or newer"));
  EXPECT_THAT(Reason("tlb-shootdowns"), HasSubstr("no such function"));
}

TEST_F(MissingOfHostTest, WhereNothingIsBalancedTheReasonIsTheKernels) {
  EXPECT_EQ(Reason("numa-balancing-faults"), "");
  numa_ = absl::FailedPreconditionError("this host has one node");
  EXPECT_THAT(Reason("numa-balancing-faults"), HasSubstr("this host has one node"));
}

EvidenceSnapshot SnapshotOf(uint32_t thread_count) {
  EvidenceSnapshot snapshot;
  for (uint32_t tid = 1; tid <= thread_count; ++tid) snapshot.threads[{.tid = tid, .tgid = 1}].faults.emplace();
  return snapshot;
}

TEST_F(MissingOfHostTest, SumsOfHardwareAreReadWhileSomebodyAsksForThem) {
  FakeHardwareSums hardware;
  hardware.sums = {{.cpu = 1, .smi_count = 4}};
  EvidenceSnapshot snapshot;
  AddHostSums(core_, &hardware, true, &snapshot);
  ASSERT_NE(snapshot.HardwareOf(1), nullptr);
  EXPECT_EQ(snapshot.HardwareOf(1)->smi_count, 4u);
  EXPECT_EQ(snapshot.HardwareOf(7), nullptr);
  hardware.sums.clear();
  AddHostSums(core_, &hardware, true, &snapshot);
  EXPECT_THAT(snapshot.hardware, IsEmpty());
}

TEST_F(MissingOfHostTest, ThreadsAreAskedForBalancingWhereThereIsSomeAndUpToTheBound) {
  EvidenceSnapshot snapshot = SnapshotOf(kNumaThreadsMax + 1);
  AddHostSums(core_, nullptr, true, &snapshot);
  EXPECT_EQ(numa_asked_, static_cast<int>(kNumaThreadsMax));
  EXPECT_TRUE(snapshot.numa_truncated);
  EvidenceSnapshot few = SnapshotOf(2);
  AddHostSums(core_, nullptr, true, &few);
  EXPECT_FALSE(few.numa_truncated);
  EXPECT_EQ(few.threads.begin()->second.numa->fault_count, 1u);
  numa_ = absl::FailedPreconditionError("this host has one node");
  numa_asked_ = 0;
  AddHostSums(core_, nullptr, true, &few);
  EXPECT_EQ(numa_asked_, 0);
}

TEST_F(MissingOfHostTest, ThreadsAreNotAskedForBalancingWhereNobodyWantsIt) {
  EvidenceSnapshot snapshot = SnapshotOf(2);
  AddHostSums(core_, nullptr, false, &snapshot);
  EXPECT_EQ(numa_asked_, 0);
  EXPECT_FALSE(snapshot.numa_asked);
  EXPECT_FALSE(snapshot.threads.begin()->second.numa.has_value());
  AddHostSums(core_, nullptr, true, &snapshot);
  EXPECT_EQ(numa_asked_, 2);
  EXPECT_TRUE(snapshot.numa_asked);
}

}  // namespace
}  // namespace hftmon
