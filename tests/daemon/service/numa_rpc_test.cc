#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "common/memory_access/contended_lines.h"
#include "daemon/service/rich_error.h"
#include "tests/common/memory_access/sharing_streams.h"
#include "tests/daemon/service/numa_rpc_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NumaNode NodeWith(int number, std::vector<int> cpus, std::vector<NodeDistance> distances) {
  NumaNode node;
  node.node = number;
  node.cpus = std::move(cpus);
  node.has_memory = true;
  node.memory_bytes = int64_t{1} << 30;
  node.distances = std::move(distances);
  return node;
}

MappingPlacement MappingOn(uint64_t start, std::vector<NodeShare> nodes, uint64_t absent_count) {
  MappingPlacement mapping;
  mapping.start = start;
  mapping.end = start + 8 * 4'096;
  mapping.name = "[heap]";
  mapping.kind = MappingKind::kHeap;
  mapping.page_bytes = 4'096;
  mapping.page_count = 8;
  mapping.absent_count = absent_count;
  mapping.sampled_count = absent_count;
  for (const NodeShare& share : nodes) mapping.sampled_count += share.pages;
  mapping.nodes = std::move(nodes);
  return mapping;
}

class NumaRpcTest : public NumaRpcFixture {
 protected:
  NumaRpcTest() {
    NumaLook& look = *numa_looks_.result;
    look.nodes.told = true;
    look.nodes.nodes = {NodeWith(0, {0, 1}, {{0, 10}, {2, 21}}), NodeWith(2, {2, 3}, {{0, 21}, {2, 10}})};
    look.nodes.nodes[0].counters = NumaCounters{.hit_count = 7, .other_count = 3};
    look.nodes.nodes[1].huge_pages = {{.page_bytes = 2 << 20, .total_count = 4, .free_count = 1}};
    look.nodes.nodes[1].read_latency_ns = 80;
    look.devices.devices = {{.name = "eth0", .kind = "net", .node = 2, .local_cpus = {2, 3}, .reason = {}},
                            {.name = "vda", .kind = "block", .node = std::nullopt, .local_cpus = {}, .reason = "the firmware tells none"}};
    NumaLookedProcess process{.pid = kPid};
    ProcessPlacement placement{.seed = 5, .begin_ns = 100, .end_ns = 200};
    placement.mappings = {MappingOn(0x10000, {{0, 3, 0.75, {0.3, 0.95}}, {2, 1, 0.25, {0.05, 0.7}}}, 2), MappingOn(0x20000, {}, 8)};
    placement.mappings[0].policy = "bind:2";
    placement.pages = {{0x10000, 0}, {0x11000, 0}, {0x12000, 0}, {0x13000, -2}, {0x16000, 2}, {0x17000, -14}, {0x20000, -2}};
    placement.look_cost = {.call_count = 3, .page_count = 14, .sum_ns = 900, .longest_ns = 500};
    placement.unavailable = {{.part = "huge_pages", .reason = "not read"}};
    process.placement = std::move(placement);
    process.threads = {{.tid = kPid, .comm = "main", .last_cpu = 3, .allowed_cpus = {1, 2, 3}},
                       {.tid = kPid + 1, .comm = "gone", .last_cpu = 9, .allowed_cpus = {}}};
    look.processes = {std::move(process)};
    request_.add_pids(kPid);
  }
};

TEST_F(NumaRpcTest, NodesAndDevicesAreToldAndWhatIsNotKnownIsAbsent) {
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.time().monotonic_ns(), kNowNs);
  ASSERT_EQ(response_.nodes_size(), 2);
  EXPECT_THAT(response_.nodes(0).cpus(), ElementsAre(0, 1));
  EXPECT_EQ(response_.nodes(0).distances(1).node(), 2);
  EXPECT_EQ(response_.nodes(0).distances(1).distance(), 21);
  EXPECT_EQ(response_.nodes(0).counters().other_count(), 3u);
  EXPECT_FALSE(response_.nodes(0).has_read_latency_ns());
  EXPECT_FALSE(response_.nodes(0).has_free_bytes());
  EXPECT_EQ(response_.nodes(1).read_latency_ns(), 80);
  EXPECT_FALSE(response_.nodes(1).has_counters());
  EXPECT_EQ(response_.nodes(1).huge_pages(0).free_count(), 1u);
  ASSERT_EQ(response_.devices_size(), 2);
  EXPECT_EQ(response_.devices(0).node(), 2);
  EXPECT_FALSE(response_.devices(1).has_node());
  EXPECT_EQ(response_.devices(1).reason(), "the firmware tells none");
  EXPECT_THAT(response_.unavailable(), IsEmpty());
  numa_looks_.AwaitEnded(1);
}

TEST_F(NumaRpcTest, AProcessIsToldByMappingWithIntervalsCostAndTheNodesOfItsThreads) {
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.processes_size(), 1);
  const v1::ProcessPlacement& process = response_.processes(0);
  EXPECT_EQ(process.pid(), static_cast<int32_t>(kPid));
  EXPECT_THAT(process.error(), IsEmpty());
  ASSERT_EQ(process.mappings_size(), 2);
  const v1::MappingPlacement& mapping = process.mappings(0);
  EXPECT_EQ(mapping.kind(), "heap");
  uint64_t found = 0;
  for (const v1::NodeShare& share : mapping.nodes()) found += share.pages();
  EXPECT_EQ(found + mapping.absent_count(), mapping.sampled_count());
  EXPECT_EQ(mapping.nodes(1).share_low(), 0.05);
  EXPECT_EQ(mapping.nodes(1).share_high(), 0.7);
  EXPECT_EQ(mapping.policy(), "bind:2");
  EXPECT_FALSE(mapping.has_huge_bytes());
  EXPECT_EQ(process.look_cost().longest_ns(), 500);
  EXPECT_EQ(process.unavailable(0).part(), "huge_pages");
  ASSERT_EQ(process.threads_size(), 2);
  EXPECT_EQ(process.threads(0).node(), 2);
  EXPECT_THAT(process.threads(0).allowed_nodes(), ElementsAre(0, 2));
  EXPECT_EQ(process.threads(1).last_cpu(), 9);
  EXPECT_FALSE(process.threads(1).has_node()) << "an offline CPU is in no node";
  EXPECT_FALSE(process.has_heat_map());
}

TEST_F(NumaRpcTest, HowMuchLiesElsewhereIsToldOfAProcessWhoseThreadsHaveAHome) {
  const auto why = [this] {
    for (const v1::UnavailablePart& part : response_.processes(0).unavailable()) {
      if (part.part() == "remote_share") return part.reason();
    }
    return std::string();
  };
  ASSERT_TRUE(Query().ok());
  EXPECT_FALSE(response_.processes(0).mappings(0).has_remote_share());
  EXPECT_THAT(why(), HasSubstr("no thread of process 1000 ran in the window"));
  // It spins on CPU 3, which is of node 2.
  targets_.attached_mono_ns = 5 * kSecondNs;
  targets_.Add(kPid);
  totals_.totals = {{.thread = kThread, .alive = true}};
  totals_.totals[0].seen = false;
  scheduling_.seen[kThread.tid] = {.scheduling = {.cpus_allowed = "3"}, .cpu = 3, .read_mono_ns = kNowNs - 3 * kSecondNs};
  CloseBucket(kNowNs - 5 * kSecondNs, kNowNs);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.processes(0).mappings(0).remote_share(), 0.75);
  EXPECT_FALSE(response_.processes(0).mappings(1).has_remote_share()) << "nothing of it is there";
  EXPECT_EQ(why(), "");
}

TEST_F(NumaRpcTest, TheHeatMapOfNodesHasAColumnANode) {
  request_.set_resolution(v1::HEAT_MAP_RESOLUTION_NODE);
  ASSERT_TRUE(Query().ok());
  EXPECT_FALSE(numa_looks_.plan().keep_pages);
  const v1::HeatMap& map = response_.processes(0).heat_map();
  EXPECT_THAT(map.column_nodes(), ElementsAre(0, 2));
  ASSERT_EQ(map.rows_size(), 1) << "nothing of the other mapping is there";
  ASSERT_EQ(map.rows(0).cells_size(), 2);
  EXPECT_EQ(map.rows(0).cells(0).pages(), 3u);
  EXPECT_EQ(map.rows(0).cells(1).pages(), 1u);
  EXPECT_EQ(map.rows(0).cells(1).sampled_count(), 4u);
}

TEST_F(NumaRpcTest, TheHeatMapOfPagesHasEachPageWhereItLiesInItsMapping) {
  request_.set_resolution(v1::HEAT_MAP_RESOLUTION_PAGE);
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(numa_looks_.plan().keep_pages);
  const v1::HeatMap& map = response_.processes(0).heat_map();
  ASSERT_EQ(map.rows_size(), 1);
  ASSERT_EQ(map.rows(0).cells_size(), 8) << "not more columns than pages";
  std::string drawn;
  for (const v1::HeatCell& cell : map.rows(0).cells()) {
    drawn += cell.sampled_count() == 0 ? " " : cell.has_node() ? std::to_string(cell.node()) : ".";
  }
  EXPECT_EQ(drawn, "000.  2.");
}

TEST_F(NumaRpcTest, CacheLinesAreUnavailableWithTheHostsReason) {
  request_.set_resolution(v1::HEAT_MAP_RESOLUTION_CACHE_LINE);
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.unavailable_size(), 1);
  EXPECT_EQ(response_.unavailable(0).part(), "heat_map");
  EXPECT_EQ(response_.unavailable(0).reason(), "no PMU in this test");
  EXPECT_FALSE(response_.processes(0).has_heat_map());
}

TEST_F(NumaRpcTest, CacheLinesAreThoseOfTheLastSamplingWhereTheirPagesAreNow) {
  const auto far = [](MemoryAccess access) {
    access.source.level = AccessLevel::kRemoteDram;
    return access;
  };
  ContendedLines lines;
  for (int i = 0; i < 3; ++i) lines.Add(far(LoadAt(0x10040, 1)));
  for (int i = 0; i < 5; ++i) lines.Add(LoadAt(0x13080 + 8, 1));
  lines.Add(StoreAt(0x13080, 2));
  lines.Add(StoreAt(0x90000, 2));
  lines.Add(LoadAt(0xffff888000000000, 2));
  const TargetInfo target = targets_.List().front();
  AccessSamples samples;
  samples.begin_mono_ns = 1'000;
  samples.end_mono_ns = 2'000;
  samples.table = lines.Build(LineOrder::kCycles);
  sampled_lines_.Note(kPid, target.start_boottime_ns, samples);
  numa_looks_.result->processes[0].placement->asked_pages = {{0x10000, 2}, {0x13000, -2}, {0x90000, -14}};
  request_.set_resolution(v1::HEAT_MAP_RESOLUTION_CACHE_LINE);
  ASSERT_TRUE(Query().ok());
  EXPECT_THAT(numa_looks_.plan().processes[0].addresses, ElementsAre(0x13080, 0x10040, 0x90000));
  const v1::HeatMap& map = response_.processes(0).heat_map();
  EXPECT_EQ(map.resolution(), v1::HEAT_MAP_RESOLUTION_CACHE_LINE);
  EXPECT_EQ(map.sampled_begin_monotonic_ns(), 1'000);
  EXPECT_EQ(map.sampled_end_monotonic_ns(), 2'000);
  EXPECT_EQ(map.line_bytes(), 64u);
  EXPECT_EQ(map.left_out_line_count(), 1u) << "the kernel's";
  ASSERT_EQ(map.rows_size(), 2);
  EXPECT_EQ(map.rows(0).name(), "[heap]");
  ASSERT_EQ(map.rows(0).cells_size(), 2);
  const v1::HeatCell& remote = map.rows(0).cells(0);
  EXPECT_EQ(remote.line().address(), 0x10040u);
  EXPECT_EQ(remote.node(), 2);
  EXPECT_EQ(remote.sampled_count(), 3u);
  EXPECT_EQ(remote.line().remote_memory_load_count(), 3u);
  const v1::HeatCell& local = map.rows(0).cells(1);
  EXPECT_FALSE(local.has_node()) << "it is swapped out";
  EXPECT_EQ(local.sampled_count(), 6u);
  EXPECT_EQ(local.line().load_count(), 5u);
  EXPECT_EQ(local.line().store_count(), 1u);
  EXPECT_EQ(local.line().local_cache_load_count(), 5u);
  EXPECT_EQ(map.rows(1).end(), 0u) << "no mapping holds it";
  // A host that samples nothing now says so all the same.
  ASSERT_EQ(response_.unavailable_size(), 1);
  EXPECT_EQ(response_.unavailable(0).reason(), "no PMU in this test");
}

TEST_F(NumaRpcTest, WhereAccessesCanBeSampledAndNoneWereTheCommandIsToldThatDoes) {
  numa_looks_.cache_lines_unavailable = "";
  request_.set_resolution(v1::HEAT_MAP_RESOLUTION_CACHE_LINE);
  ASSERT_TRUE(Query().ok());
  EXPECT_THAT(response_.unavailable(), IsEmpty());
  EXPECT_FALSE(response_.processes(0).has_heat_map());
  EXPECT_THAT(numa_looks_.plan().processes[0].addresses, IsEmpty());
  const auto& parts = response_.processes(0).unavailable();
  EXPECT_EQ(std::count_if(parts.begin(), parts.end(),
                          [](const v1::UnavailablePart& part) {
                            return part.part() == "heat_map" && part.reason().find("hftmon sharing 1000") != std::string::npos;
                          }),
            1);
}

TEST_F(NumaRpcTest, OneNodeIsSaid) {
  numa_looks_.result->nodes.nodes.resize(1);
  numa_looks_.result->nodes.nodes[0].distances.clear();
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.unavailable_size(), 2);
  EXPECT_EQ(response_.unavailable(0).part(), "remote_share");
  EXPECT_EQ(response_.unavailable(1).part(), "distances");
}

TEST_F(NumaRpcTest, WhoCannotBeLookedAtKeepsTheReason) {
  numa_looks_.result->processes[0].placement = absl::PermissionDeniedError("it takes CAP_SYS_PTRACE");
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.processes(0).error(), "it takes CAP_SYS_PTRACE");
  EXPECT_THAT(response_.processes(0).mappings(), IsEmpty());
}

TEST_F(NumaRpcTest, TheWishReachesTheLookAndItsDefaultsAreThoseOfTheContract) {
  request_.clear_pids();
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(numa_looks_.plan().pages_max, 4'096u);
  EXPECT_FALSE(numa_looks_.plan().exact);
  ASSERT_EQ(numa_looks_.plan().processes.size(), 1u) << "all targets that run";
  EXPECT_EQ(numa_looks_.plan().processes[0].pid, kPid);
  request_.add_pids(kPid);
  request_.add_pids(kPid);
  request_.set_exact(true);
  request_.set_pages_max(100);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(numa_looks_.plan().pages_max, 100u);
  EXPECT_TRUE(numa_looks_.plan().exact);
  EXPECT_EQ(numa_looks_.plan().processes.size(), 1u);
}

TEST_F(NumaRpcTest, WhatCannotBeIsRefusedWithItsField) {
  v1::QueryNumaRequest bad;
  bad.add_pids(-1);
  EXPECT_THAT(FieldOf(bad), HasSubstr("pids"));
  bad.Clear();
  for (int i = 1; i <= 65; ++i) bad.add_pids(i);
  EXPECT_EQ(FieldOf(bad), "pids");
  bad.Clear();
  for (const int64_t pages : {int64_t{-1}, int64_t{65'537}}) {
    bad.set_pages_max(pages);
    EXPECT_EQ(FieldOf(bad), "pages_max");
  }
  bad.Clear();
  bad.set_resolution(static_cast<v1::HeatMapResolution>(9));
  EXPECT_EQ(FieldOf(bad), "resolution");
  bad.set_resolution(v1::HEAT_MAP_RESOLUTION_PAGE);
  bad.set_exact(true);
  EXPECT_EQ(FieldOf(bad), "exact");
  bad = {};
  bad.set_growth_ns(1'000'000'000);
  EXPECT_EQ(FieldOf(bad), "pids") << "faults are sampled of one process";
  bad.add_pids(kPid);
  for (const int64_t growth_ns : {int64_t{-1}, int64_t{99'999'999}, int64_t{60'000'000'001}}) {
    bad.set_growth_ns(growth_ns);
    EXPECT_EQ(FieldOf(bad), "growth_ns");
  }
}

TEST_F(NumaRpcTest, RefusalsKeepTheirReasonAndOnlyTargetsThatRunAreLookedAt) {
  numa_looks_.refusal = absl::FailedPreconditionError("quiet");
  numa_looks_.refusal.SetPayload(kErrorReasonPayload, absl::Cord("QUIET"));
  grpc::Status status = Query();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "QUIET");
  numa_looks_.refusal = absl::OkStatus();
  request_.set_pids(0, 4);
  EXPECT_EQ(ErrorInfoOf(Query()).reason(), "NOT_A_TARGET");
  targets_.End(kPid, kNowNs);
  request_.set_pids(0, kPid);
  EXPECT_EQ(ErrorInfoOf(Query()).reason(), "ENDED");
}

TEST_F(NumaRpcTest, AClientThatGoesAwayEndsTheLook) {
  numa_looks_.over.store(false, std::memory_order_seq_cst);
  const auto context = Context();
  grpc::Status status;
  std::thread call([&] {
    v1::QueryNumaResponse response;
    status = stub_->QueryNuma(context.get(), request_, &response);
  });
  numa_looks_.AwaitBegun(1);
  context->TryCancel();
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  numa_looks_.AwaitEnded(1);
  EXPECT_EQ(numa_looks_.cancelled_count(), 1);
}

TEST_F(NumaRpcTest, ItIsAQueryAsOthersAreAndItsAnswerIsBounded) {
  server_->SetLimits({.queries_max = 0});
  EXPECT_EQ(ErrorInfoOf(Query()).reason(), "QUERY_LIMIT");
  server_->SetLimits({.answer_rows_max = 2});
  EXPECT_EQ(ErrorInfoOf(Query()).reason(), "ANSWER_LIMIT");
}

TEST_F(NumaRpcTest, FirstTouchesAreToldByNodeAndPathAndWhatGrewByMapping) {
  ProcessGrowth growth{.begin_mono_ns = 100, .end_mono_ns = 1'100, .left_out_site_count = 4};
  growth.fault_count = 12;
  growth.sample_count = 5;
  growth.lost_count = 1;
  growth.untold_fault_count = 6;
  growth.unkept_fault_count = 2;
  growth.thread_count = 3;
  growth.grown = {{.start = 0x10000, .end = 0x18000, .new_bytes = 0x2000}};
  TouchSite site{.fault_count = 8, .sample_count = 3, .start = 0x10000, .end = 0x18000, .name = "[heap]"};
  site.faults_of_cpu = {{0, 2}, {3, 6}};
  site.stack = {.state = StackState::kTruncated,
                .reason = "beyond the copy",
                .frames = {{.address = 0x401010, .symbol = "Fill()", .symbol_offset = 16},
                           {.address = 0x7f10, .module = "/lib/x.so", .module_offset = 0xf10},
                           {.address = 0x99}}};
  growth.sites = {std::move(site)};
  numa_looks_.result->processes[0].growth = std::move(growth);
  request_.set_growth_ns(100'000'000);
  ASSERT_TRUE(Query().ok());
  const v1::ProcessPlacement& process = response_.processes(0);
  EXPECT_EQ(process.growth().fault_count(), 12u);
  EXPECT_EQ(process.growth().unkept_fault_count(), 2u);
  EXPECT_EQ(process.growth().untold_fault_count(), 6u);
  EXPECT_EQ(process.left_out_first_touch_count(), 4u);
  ASSERT_EQ(process.first_touches_size(), 1);
  const v1::FirstTouch& touch = process.first_touches(0);
  ASSERT_EQ(touch.nodes_size(), 2);
  EXPECT_EQ(touch.nodes(0).node(), 0);
  EXPECT_EQ(touch.nodes(0).pages(), 2u);
  EXPECT_EQ(touch.nodes(1).node(), 2);
  EXPECT_EQ(touch.nodes(1).share(), 0.75);
  EXPECT_THAT(touch.frames(), ElementsAre("Fill()+0x10", "/lib/x.so+0xf10", "0x99"));
  EXPECT_EQ(touch.unavailable(), "beyond the copy");
  EXPECT_EQ(process.mappings(0).growth_bytes(), 0x2000);
  EXPECT_TRUE(process.mappings(1).has_growth_bytes());
  EXPECT_EQ(process.mappings(1).growth_bytes(), 0);
}

}  // namespace
}  // namespace hftmon
