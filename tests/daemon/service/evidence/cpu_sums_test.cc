#include "daemon/service/evidence/cpu_sums.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/fake_deferred.h"
#include "tests/daemon/service/fakes.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RuleInfo RuleOf(std::vector<int> cpus, std::vector<CpuVisitInfo> visits) {
  return {.selector = {.kind = RuleSelector::Kind::kCpus, .text = "", .cpus = std::move(cpus)}, .visits = std::move(visits)};
}

TEST(CpuSumsTest, ACpuOfTwoRulesHasOneTableOfVisits) {
  const CpuVisitInfo visit{.cpu = 2, .comm = "ksmd", .count = 7, .last_tid = 30, .last_pid = 30};
  const std::vector<RuleInfo> rules = {RuleOf({2}, {visit}), RuleOf({2, 3}, {visit})};
  EXPECT_THAT(AuditedCpus(rules), ElementsAre(2, 3));
  EvidenceSnapshot snapshot;
  ReadCpuSums({}, rules, {2, 3}, &snapshot);
  ASSERT_EQ(snapshot.visits.size(), 1u);
  EXPECT_EQ(snapshot.visits[0].count, 7u);
  EXPECT_THAT(snapshot.works, IsEmpty());
}

TEST(CpuSumsTest, WorkIsKeptOfCpusThatAreToBeLeftAloneAndWhereItIsCollected) {
  FakeDeferredTotals deferred;
  deferred.total.cpus = {
      {.cpu = 1, .works = {{.function = "other", .end_count = 1, .duration_ns = 5}}},
      {.cpu = 2, .works = {{.function = "vmstat_update", .end_count = 3, .duration_ns = 900}, {.function = "", .end_count = 9}}}};
  ServiceCore core;
  core.deferred = &deferred;
  EvidenceSnapshot snapshot;
  deferred.total.collecting = false;
  ReadCpuSums(core, {}, {2}, &snapshot);
  EXPECT_THAT(snapshot.works, IsEmpty());
  deferred.total.collecting = true;
  ReadCpuSums(core, {}, {2}, &snapshot);
  ASSERT_EQ(snapshot.works.size(), 1u);
  EXPECT_EQ(snapshot.works[0].function, "vmstat_update");
  EXPECT_EQ(snapshot.works[0].duration_ns, 900);
}

TEST(CpuSumsTest, PollsAreKeptByCpuAndInterface) {
  FakeNetworkTotals network;
  network.total.collecting = true;
  network.total.polls = {{}, {{.device = 1, .name = "eth0", .poll_count = 4, .work_count = 9}, {.name = "backlog", .poll_count = 0}}};
  ServiceCore core;
  core.network = &network;
  EvidenceSnapshot snapshot;
  ReadCpuSums(core, {}, {}, &snapshot);
  ASSERT_EQ(snapshot.polls.size(), 1u);
  EXPECT_EQ(snapshot.polls[0].cpu, 1);
  EXPECT_EQ(snapshot.polls[0].interface, "eth0");
  EXPECT_EQ(snapshot.polls[0].work_count, 9u);
}

}  // namespace
}  // namespace hftmon
