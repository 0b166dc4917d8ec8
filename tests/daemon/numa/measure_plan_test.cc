// On hosts that are made up.
#include "daemon/numa/measure_plan.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMiB = int64_t{1} << 20;

NumaNode Node(int number, std::vector<int> cpus, int64_t free_mib, bool has_memory = true) {
  NumaNode node;
  node.node = number;
  node.cpus = std::move(cpus);
  node.has_memory = has_memory;
  node.free_bytes = free_mib * kMiB;
  return node;
}

// Two sockets, and a node of memory only.
MeasureHost Host() {
  MeasureHost host;
  host.nodes.nodes = {Node(0, {0, 1, 2, 3}, 4'096), Node(1, {4, 5, 6, 7}, 4'096), Node(4, {}, 4'096)};
  host.usable_cpus = {0, 1, 2, 3, 4, 5, 6, 7};
  host.last_level_bytes = 32 * kMiB;
  return host;
}

const PlannedPair& Pair(const std::vector<PlannedPair>& pairs, int from, int to) {
  for (const PlannedPair& pair : pairs) {
    if (pair.cpu_node == from && pair.memory_node == to) return pair;
  }
  ADD_FAILURE() << "no pair " << from << " " << to;
  return pairs.front();
}

TEST(MeasurePlanTest, EachNodeWithCpusIsPairedWithEachNodeWithMemory) {
  const std::vector<PlannedPair> pairs = PlanMeasurement(Host());
  ASSERT_EQ(pairs.size(), 6u);
  for (const PlannedPair& pair : pairs) {
    EXPECT_EQ(pair.reason, "");
    EXPECT_EQ(pair.buffer_bytes, 128 * kMiB);
    EXPECT_EQ(pair.cpu, pair.cpu_node == 0 ? 3 : 7) << "the highest: CPU 0 is where the kernel's own work goes";
  }
  EXPECT_EQ(pairs[2].memory_node, 4);
  EXPECT_EQ(pairs[3].cpu_node, 1);
  MeasureHost bare = Host();
  bare.nodes.nodes[1].has_memory = false;
  EXPECT_EQ(PlanMeasurement(bare).size(), 4u);
}

TEST(MeasurePlanTest, NoCpuIsUsedThatIsKeptFreeOrHasAWatchedThreadOrIsTheLoops) {
  MeasureHost host = Host();
  host.reserved_cpus = {3};
  host.watched_cpus = {2};
  host.usable_cpus = {0, 4, 5, 6, 7};  // the loop's is 1
  EXPECT_EQ(Pair(PlanMeasurement(host), 0, 1).cpu, 0);
  host.usable_cpus = {4, 5, 6, 7};
  const std::vector<PlannedPair> pairs = PlanMeasurement(host);
  EXPECT_EQ(Pair(pairs, 0, 0).cpu, std::nullopt);
  EXPECT_THAT(Pair(pairs, 0, 0).reason, AllOf(HasSubstr("node 0 (CPUs 0-3)"), HasSubstr("CPU 3: kept free of ordinary work")));
  EXPECT_EQ(Pair(pairs, 1, 0).cpu, 7) << "the other node's are free";
  host.reserved_cpus = {};
  host.watched_cpus = {0, 1, 2, 3};
  EXPECT_THAT(Pair(PlanMeasurement(host), 0, 0).reason, HasSubstr("CPU 3: a watched thread is bound there"));
}

TEST(MeasurePlanTest, ACoreIsSharedWithNobodyWhoIsWatchedOrKeptFree) {
  MeasureHost host = Host();
  host.cores = {{0, 2}, {1, 3}, {4, 6}, {5, 7}};
  host.watched_cpus = {1};
  EXPECT_EQ(Pair(PlanMeasurement(host), 0, 0).cpu, 2) << "3 shares its core with 1";
  host.reserved_cpus = {0};
  EXPECT_THAT(Pair(PlanMeasurement(host), 0, 0).reason, HasSubstr("CPU 3: it shares its core with CPU 1: a watched thread is bound there"));
}

TEST(MeasurePlanTest, AThreadThatIsBoundWhileMeasuringGoesOnIsSeenByTheNextPlan) {
  MeasureHost host = Host();
  EXPECT_EQ(Pair(PlanMeasurement(host), 1, 0).cpu, 7);
  host.watched_cpus = {7};
  EXPECT_EQ(Pair(PlanMeasurement(host), 1, 0).cpu, 6);
}

TEST(MeasurePlanTest, MemoryIsTakenOnlyWhereFourTimesAsMuchIsFree) {
  MeasureHost host = Host();
  host.nodes.nodes[1].free_bytes = 4 * 128 * kMiB - 1;
  host.nodes.nodes[2].free_bytes.reset();
  const std::vector<PlannedPair> pairs = PlanMeasurement(host);
  EXPECT_EQ(Pair(pairs, 0, 0).reason, "");
  EXPECT_THAT(Pair(pairs, 0, 1).reason, AllOf(HasSubstr("node 1 has 511 MiB"), HasSubstr("where 512 are free")));
  EXPECT_THAT(Pair(pairs, 1, 4).reason, HasSubstr("does not tell how much memory of node 4 is free"));
  host.nodes.nodes[1].free_bytes = 4 * 128 * kMiB;
  EXPECT_EQ(Pair(PlanMeasurement(host), 0, 1).reason, "");
}

TEST(MeasurePlanTest, TheBufferIsFourCachesWithinBounds) {
  const auto bytes_for = [](std::optional<int64_t> cache_bytes) {
    MeasureHost host;
    host.last_level_bytes = cache_bytes;
    return MeasuredBytes(host);
  };
  EXPECT_EQ(bytes_for(std::nullopt), 64 * kMiB);
  EXPECT_EQ(bytes_for(8 * kMiB), 64 * kMiB);
  EXPECT_EQ(bytes_for(16 * kMiB + 1), 66 * kMiB) << "in whole huge pages";
  EXPECT_EQ(bytes_for(40 * kMiB), 160 * kMiB);
  EXPECT_EQ(bytes_for(1'024 * kMiB), 256 * kMiB);
  EXPECT_EQ(bytes_for(INT64_MAX), 256 * kMiB);
}

}  // namespace
}  // namespace hftmon
