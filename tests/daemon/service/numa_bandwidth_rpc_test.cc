// What QueryNuma tells of bandwidths, links, groups and served accesses.
#include <gmock/gmock.h>

#include <map>

#include "daemon/service/counter_absence.h"
#include "tests/daemon/service/numa_rpc_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kSet = 3;

class NumaBandwidthRpcTest : public NumaRpcFixture {
 protected:
  NumaBandwidthRpcTest() {
    NumaLook& look = *numa_looks_.result;
    look.nodes.told = true;
    NumaLookedProcess process{.pid = kPid};
    process.placement = ProcessPlacement{};
    process.threads = {{.tid = kThread.tid, .comm = "main"}};
    look.processes = {std::move(process)};
    request_.add_pids(kPid);
  }
  template <typename Parts>
  static std::map<std::string, std::string> ReasonsIn(const Parts& parts) {
    std::map<std::string, std::string> reasons;
    for (const v1::UnavailablePart& part : parts) reasons[part.part()] = part.reason();
    return reasons;
  }
  // Of one thread that was counted half of the time.
  void Count() {
    counters_.now_state.set = {.number = kSet,
                               .events = {{.name = "cycles", .metric = "cycles"},
                                          {.name = "l3_miss_local", .metric = "local_dram"},
                                          {.name = "l3_miss_remote", .metric = "remote_dram"}}};
    ThreadCounterTotal total{.thread = kThread};
    total.sum = {.thread = kThread, .set = kSet, .counted = 0b111, .enabled_ns = 200, .running_ns = 100};
    total.sum.values = {9, 300, 100};
    counters_.threads = {total};
  }
  v1::ProcessPlacement AccessesOf() {
    EXPECT_TRUE(Query().ok());
    return response_.processes(0);
  }
};

TEST_F(NumaBandwidthRpcTest, TimesBeyondTheirRangesAreRefusedWithTheirField) {
  v1::QueryNumaRequest bad;
  for (const int64_t ns : {int64_t{-1}, int64_t{9'999'999}, int64_t{10'000'000'001}}) {
    bad.set_bandwidth_ns(ns);
    EXPECT_EQ(FieldOf(bad), "bandwidth_ns");
  }
  bad.Clear();
  for (const int64_t ns : {int64_t{-1}, int64_t{60'000'000'001}}) {
    bad.set_growth_ns(ns);
    EXPECT_EQ(FieldOf(bad), "growth_ns");
  }
}

TEST_F(NumaBandwidthRpcTest, TheTimeIsHandedOnAndNothingIsToldUnasked) {
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(numa_looks_.plan().bandwidth_ns, 0);
  EXPECT_THAT(response_.bandwidths(), IsEmpty());
  EXPECT_FALSE(ReasonsIn(response_.unavailable()).contains("bandwidth"));
  request_.set_bandwidth_ns(20'000'000);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(numa_looks_.plan().bandwidth_ns, 20'000'000);
}

TEST_F(NumaBandwidthRpcTest, BandwidthsLinksAndGroupsAreToldAndWhatIsNotKnownIsAbsent) {
  HostBandwidth& bandwidth = numa_looks_.result->bandwidth.emplace();
  bandwidth.rows.nodes = {{.source = "uncore_imc",
                           .package = 1,
                           .node = 2,
                           .read_mb_s = 7,
                           .write_mb_s = 3,
                           .total_mb_s = 10,
                           .window_ns = 50,
                           .counter_count = 12,
                           .running_share = 0.5},
                          {.source = "resctrl", .package = 3, .total_mb_s = 4, .local_mb_s = 1}};
  bandwidth.rows.links = {{.source = "uncore_upi", .package = 1, .link = 2, .sent_mb_s = 8, .window_ns = 50}};
  bandwidth.groups = {{.name = "trading", .domain = 3, .total_mb_s = 4, .tids = {7, static_cast<pid_t>(kThread.tid)}},
                      {.name = "other", .domain = 3, .llc_bytes = 64, .tids = {7}, .reason = "mbm_total_bytes: Unavailable"}};
  bandwidth.rows.links_unavailable = "some links are missing";
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.bandwidths_size(), 2);
  const v1::NodeBandwidth& row = response_.bandwidths(0);
  EXPECT_EQ(row.source(), "uncore_imc");
  EXPECT_EQ(row.domain(), 1);
  EXPECT_EQ(row.node(), 2);
  EXPECT_EQ(row.read_mb_s() + row.write_mb_s(), row.total_mb_s());
  EXPECT_EQ(row.counter_count(), 12);
  EXPECT_EQ(row.running_share(), 0.5);
  EXPECT_FALSE(row.has_local_mb_s());
  EXPECT_FALSE(response_.bandwidths(1).has_node() || response_.bandwidths(1).has_read_mb_s());
  EXPECT_EQ(response_.links(0).sent_mb_s(), 8);
  EXPECT_EQ(response_.links(0).link(), 2);
  ASSERT_EQ(response_.groups_size(), 2);
  EXPECT_THAT(response_.groups(0).pids(), ElementsAre(kPid));
  EXPECT_THAT(response_.groups(1).pids(), IsEmpty());
  EXPECT_FALSE(response_.groups(1).has_total_mb_s());
  EXPECT_EQ(response_.groups(1).reason(), "mbm_total_bytes: Unavailable");
  const auto reasons = ReasonsIn(response_.unavailable());
  EXPECT_EQ(reasons.at("links"), "some links are missing");
  EXPECT_FALSE(reasons.contains("bandwidth") || reasons.contains("groups"));
}

TEST_F(NumaBandwidthRpcTest, ServedAccessesAreTheCountersOfItsThreadsScaled) {
  Count();
  const v1::NumaAccesses accesses = AccessesOf().accesses();
  EXPECT_EQ(accesses.local_count(), 600u);
  EXPECT_EQ(accesses.remote_count(), 200u);
  EXPECT_DOUBLE_EQ(accesses.remote_share(), 0.25);
  EXPECT_DOUBLE_EQ(accesses.running_share(), 0.5);
  EXPECT_EQ(accesses.source(), "l3_miss_local, l3_miss_remote");
}

TEST_F(NumaBandwidthRpcTest, WithoutThoseEventsTheReasonOfThisHostIsTold) {
  Count();
  counters_.now_state.set.events.pop_back();
  counters_.now_state.unavailable = {{"remote_dram", "this processor has no event for it"}};
  EXPECT_EQ(ReasonsIn(AccessesOf().unavailable()).at("accesses"), "remote_dram: this processor has no event for it");
  counters_.now_state.unavailable.clear();
  EXPECT_THAT(ReasonsIn(AccessesOf().unavailable()).at("accesses"), HasSubstr("attach with --cache"));
  counters_.now_state = {.reason = "this host has no PMU"};
  const v1::ProcessPlacement process = AccessesOf();
  EXPECT_FALSE(process.has_accesses());
  EXPECT_EQ(ReasonsIn(process.unavailable()).at("accesses"), "this host has no PMU");
}

TEST_F(NumaBandwidthRpcTest, ThreadsOfAnotherSetOrWithoutACounterAddNothing) {
  Count();
  ThreadCounterTotal old = counters_.threads[0];
  old.sum.set = kSet - 1;
  ThreadCounterTotal uncounted = counters_.threads[0];
  uncounted.sum.running_ns = 0;
  ThreadCounterTotal unread{.thread = kThread, .unavailable = "it was not read yet"};
  counters_.threads.insert(counters_.threads.end(), {old, uncounted, unread});
  EXPECT_EQ(AccessesOf().accesses().local_count(), 600u);
  counters_.threads = {unread, uncounted};
  EXPECT_EQ(ReasonsIn(AccessesOf().unavailable()).at("accesses"), "it was not read yet");
}

}  // namespace
}  // namespace hftmon
