// Where a process's memory lies, asked of the daemon, against pages that the process touched itself.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>

#include "client/cpp/errors.h"
#include "tests/privileged/numa_target.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

constexpr uint64_t kPage = NumaTarget::kPageBytes;

class NumaTest : public PrivilegedTest {
 protected:
  // Before gRPC has threads: it forks.
  static void SetUpTestSuite() { target_ = std::make_unique<NumaTarget>(); }
  static void TearDownTestSuite() { target_.reset(); }
  void SetUp() override {
    if (sysconf(_SC_PAGESIZE) != static_cast<long>(kPage)) GTEST_SKIP() << "the target's truth is in pages of 4 KiB; here they are larger";
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    v1::AttachRequest request;
    request.add_pids(target_->pid());
    const auto attached = daemon_.client().Attach(request);
    ASSERT_TRUE(attached.ok()) << attached.status();
  }
  absl::StatusOr<v1::QueryNumaResponse> Query(bool exact, v1::HeatMapResolution resolution = v1::HEAT_MAP_RESOLUTION_UNSPECIFIED) const {
    v1::QueryNumaRequest request;
    request.add_pids(target_->pid());
    request.set_exact(exact);
    request.set_resolution(resolution);
    return daemon_.client().QueryNuma(request);
  }
  // The mapping that has the pool: neighbours of it may be one with it.
  static const v1::MappingPlacement* PoolOf(const v1::QueryNumaResponse& answer) {
    for (const v1::MappingPlacement& mapping : answer.processes(0).mappings()) {
      if (mapping.start() <= target_->pool() && target_->pool() < mapping.end()) return &mapping;
    }
    return nullptr;
  }
  static uint64_t PresentCount(const v1::MappingPlacement& mapping) {
    return std::accumulate(mapping.nodes().begin(), mapping.nodes().end(), uint64_t{0},
                           [](uint64_t sum, const v1::NodeShare& share) { return sum + share.pages(); });
  }

  static inline std::unique_ptr<NumaTarget> target_;
};

TEST_F(NumaTest, ASampleFindsTheTouchedHalfOnTheHostsNodesAndSaysWhatItCost) {
  const auto answer = Query(false, v1::HEAT_MAP_RESOLUTION_PAGE);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->processes_size(), 1);
  const v1::ProcessPlacement& process = answer->processes(0);
  ASSERT_EQ(process.error(), "");
  const v1::MappingPlacement* pool = PoolOf(*answer);
  ASSERT_NE(pool, nullptr);
  EXPECT_FALSE(pool->exact());
  // About as large a part of the sample as of the process's addresses: small mappings get more.
  const uint64_t all = std::accumulate(process.mappings().begin(), process.mappings().end(), uint64_t{0},
                                       [](uint64_t sum, const v1::MappingPlacement& mapping) { return sum + mapping.page_count(); });
  EXPECT_GE(pool->sampled_count() * all * 2, pool->page_count() * process.look_cost().page_count());
  EXPECT_EQ(PresentCount(*pool) + pool->absent_count(), pool->sampled_count());
  EXPECT_NEAR(static_cast<double>(pool->absent_count()) / static_cast<double>(pool->sampled_count()), 0.5, 0.03);
  if (answer->nodes_size() == 1) {
    ASSERT_EQ(pool->nodes_size(), 1);
    EXPECT_EQ(pool->nodes(0).node(), answer->nodes(0).node());
    EXPECT_EQ(pool->nodes(0).share(), 1.0);
  }
  EXPECT_EQ(process.threads(0).tid(), target_->pid());
  EXPECT_GT(process.look_cost().page_count(), 3'000u);
  EXPECT_LE(process.look_cost().page_count(), 4'096u);
  EXPECT_GE(process.look_cost().call_count(), process.look_cost().page_count() / 16);
  for (const v1::HeatRow& row : process.heat_map().rows()) {
    if (row.start() != pool->start()) continue;
    ASSERT_EQ(row.cells_size(), 64);
    uint64_t looked_at = 0;
    for (const v1::HeatCell& cell : row.cells()) looked_at += cell.sampled_count();
    EXPECT_EQ(looked_at, pool->sampled_count());
  }
  std::printf("%llu pages in %llu calls, the longest %lld ns\n", static_cast<unsigned long long>(process.look_cost().page_count()),
              static_cast<unsigned long long>(process.look_cost().call_count()), static_cast<long long>(process.look_cost().longest_ns()));
}

TEST_F(NumaTest, ExactCountsEachTouchedPageAndTellsPolicies) {
  const auto answer = Query(true, v1::HEAT_MAP_RESOLUTION_NODE);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::ProcessPlacement& process = answer->processes(0);
  ASSERT_EQ(process.error(), "");
  for (const v1::UnavailablePart& part : process.unavailable()) {
    if (part.part() != "accesses" && part.part() != "ranges") GTEST_SKIP() << part.part() << ": " << part.reason();
  }
  const v1::MappingPlacement* pool = PoolOf(*answer);
  ASSERT_NE(pool, nullptr);
  EXPECT_TRUE(pool->exact());
  EXPECT_TRUE(pool->has_policy());
  EXPECT_GE(PresentCount(*pool), NumaTarget::kPoolPages / 2);
  EXPECT_LE(PresentCount(*pool), NumaTarget::kPoolPages / 2 + pool->page_count() - NumaTarget::kPoolPages);
}

TEST_F(NumaTest, ExactIsRefusedInQuietModeAndSinglePagesAreNot) {
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  const auto refused = Query(true);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(refused.status()).reason, "QUIET");
  const auto answer = Query(false);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_NE(PoolOf(*answer), nullptr);
  EXPECT_FALSE(PoolOf(*answer)->has_policy());
}

TEST_F(NumaTest, GrowthNamesTheCodeThatTouchesNewMemory) {
  target_->BeginUse();  // maps, touches and unmaps all the time
  v1::QueryNumaRequest request;
  request.add_pids(target_->pid());
  request.set_growth_ns(1'000'000'000);
  const auto answer = daemon_.client().QueryNuma(request);
  const NumaTarget::Stalls truth = target_->EndUse();
  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::ProcessPlacement& process = answer->processes(0);
  ASSERT_TRUE(process.has_growth());
  const v1::MemoryGrowth& growth = process.growth();
  ASSERT_EQ(growth.unavailable(), "");
  ASSERT_LT(truth.count, NumaTarget::kUseMax) << "it had stopped before the look was over";
  EXPECT_EQ(growth.thread_count(), 1u);
  EXPECT_GT(growth.fault_count(), 0u);
  // It writes down what it measured: a page for 512 turns, beside one fault a turn.
  EXPECT_LE(growth.fault_count(), truth.count + truth.count / 256 + 1'000);
  // A thread that faults so often is sampled more seldom.
  if (truth.count > 50'000) {
    EXPECT_LT(4 * growth.sample_count(), growth.fault_count());
  }
  uint64_t told = growth.unkept_fault_count();
  for (const v1::FirstTouch& site : process.first_touches()) told += site.fault_count();
  EXPECT_LE(told, growth.fault_count());
  if (process.left_out_first_touch_count() == 0) {
    EXPECT_EQ(told, growth.fault_count());
  }
  ASSERT_GT(process.first_touches_size(), 0);
  const v1::FirstTouch& most = process.first_touches(0);
  EXPECT_GT(most.fault_count() * 2, growth.fault_count());
  std::string path;
  for (const std::string& frame : most.frames()) path += frame + "\n";
  EXPECT_THAT(path, ::testing::HasSubstr("NumaTarget")) << most.unavailable();
  std::printf("%llu faults by %llu samples, %llu lost, of %llu turns\n%s", static_cast<unsigned long long>(growth.fault_count()),
              static_cast<unsigned long long>(growth.sample_count()), static_cast<unsigned long long>(growth.lost_count()),
              static_cast<unsigned long long>(truth.count), path.c_str());
}

TEST_F(NumaTest, GrowthIsRefusedInQuietModeAndWithoutAProcess) {
  v1::QueryNumaRequest request;
  request.set_growth_ns(100'000'000);
  EXPECT_EQ(daemon_.client().QueryNuma(request).status().code(), absl::StatusCode::kInvalidArgument);
  request.add_pids(target_->pid());
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  const auto refused = daemon_.client().QueryNuma(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(refused.status()).reason, "QUIET");
}

TEST_F(NumaTest, OneNodeAndCacheLinesAreSaidWithTheirReasons) {
  const auto answer = Query(false, v1::HEAT_MAP_RESOLUTION_CACHE_LINE);
  ASSERT_TRUE(answer.ok()) << answer.status();
  std::set<std::string> parts;
  for (const v1::UnavailablePart& part : answer->unavailable()) {
    EXPECT_NE(part.reason(), "") << part.part();
    parts.insert(part.part());
  }
  for (const v1::UnavailablePart& part : answer->processes(0).unavailable()) {
    if (part.part() != "heat_map") continue;
    EXPECT_THAT(part.reason(), ::testing::HasSubstr("hftmon sharing"));
    parts.insert(part.part());
  }
  EXPECT_TRUE(parts.contains("heat_map")) << "nobody sampled its accesses";
  EXPECT_EQ(parts.contains("remote_share"), answer->nodes_size() == 1);
}

TEST_F(NumaTest, BandwidthsAreToldOrWhatThisHostHasInsteadAndWhy) {
  v1::QueryNumaRequest request;
  request.add_pids(target_->pid());
  request.set_bandwidth_ns(20'000'000);
  const auto answer = daemon_.client().QueryNuma(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  std::map<std::string, std::string> reasons;
  for (const v1::UnavailablePart& part : answer->unavailable()) reasons[part.part()] = part.reason();
  for (const v1::NodeBandwidth& row : answer->bandwidths()) {
    EXPECT_GT(row.window_ns(), 0);
    EXPECT_GT(row.counter_count(), 0);
  }
  if (answer->bandwidths_size() == 0) {
    // Which PMUs there are instead: every kernel has this one.
    EXPECT_THAT(reasons["bandwidth"], ::testing::HasSubstr("software"));
    std::printf("bandwidth: %s\n", reasons["bandwidth"].c_str());
  }
  EXPECT_TRUE(answer->links_size() > 0 || reasons.contains("links"));
  if (!std::filesystem::exists("/sys/fs/resctrl/info")) {
    EXPECT_EQ(answer->groups_size(), 0);
    EXPECT_THAT(reasons["groups"], ::testing::HasSubstr("resource control"));
  }
  ASSERT_EQ(answer->processes_size(), 1) << "processes are looked at as without";
  EXPECT_EQ(answer->processes(0).error(), "");
}

TEST_F(NumaTest, AccessesThatNobodyCountsAreSaidToBeMissingWithTheReason) {
  const auto answer = Query(false);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::ProcessPlacement& process = answer->processes(0);
  ASSERT_FALSE(process.has_accesses()) << "it was attached without counters";
  std::string reason;
  for (const v1::UnavailablePart& part : process.unavailable()) {
    if (part.part() == "accesses") reason = part.reason();
  }
  EXPECT_NE(reason, "");
  std::printf("accesses: %s\n", reason.c_str());
}

TEST_F(NumaTest, AdviceAboutMemoryLooksOnlyWhenAskedAndWhereThereAreSeveralNodes) {
  v1::RecommendRequest request;
  request.add_pids(target_->pid());
  request.add_rules("memory-on-wrong-node");
  const auto without = daemon_.client().Recommend(request);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_FALSE(without->has_look_cost());
  EXPECT_EQ(without->recommendations_size(), 0);
  request.set_look_at_memory(true);
  const auto looked = daemon_.client().Recommend(request);
  ASSERT_TRUE(looked.ok()) << looked.status();
  EXPECT_EQ(looked->facts_refused(), 0u) << looked->first_refusal();
  const auto nodes = Query(false);
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  const auto with_memory =
      std::count_if(nodes->nodes().begin(), nodes->nodes().end(), [](const v1::NumaNode& node) { return node.has_memory(); });
  if (with_memory > 1) {
    ASSERT_TRUE(looked->has_look_cost());
    EXPECT_GT(looked->look_cost().page_count(), 3'000u);
    EXPECT_LE(looked->look_cost().page_count(), 4'096u);
    EXPECT_GE(looked->look_cost().call_count(), looked->look_cost().page_count() / 16);
    GTEST_SKIP() << "this host has several nodes: where the target lies is its own choice";
  }
  EXPECT_FALSE(looked->has_look_cost()) << "no advice could come of it";
  EXPECT_EQ(looked->recommendations_size(), 0);
  EXPECT_EQ(looked->not_judged_size(), 0) << looked->not_judged(0).reason();
  EXPECT_EQ(without->not_judged_size(), 0) << "of one node all is local: nobody has to look";
}

}  // namespace
}  // namespace hftmon::testing
