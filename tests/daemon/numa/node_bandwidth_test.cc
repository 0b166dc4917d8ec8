// Memory controllers of a made-up host with two packages, and a kernel that counts 1,000 events a microsecond of each.
#include "daemon/numa/node_bandwidth.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kControllerType = 20;
constexpr uint32_t kLinkType = 30;
constexpr int64_t kWindowNs = 10'000'000;
// 10^9 events a second of 64 bytes.
constexpr double kRateMbS = 64'000;

FakePerfEvents::Kernel Kernel(size_t counters) {
  FakePerfEvents::Kernel kernel;
  kernel.cpus = {0, 1, 2, 3};
  kernel.perfmon = true;
  kernel.pmus = {{.type = kControllerType, .cpus = {0, 2}, .counters = counters, .core = false},
                 {.type = kLinkType, .cpus = {0, 2}, .counters = 4, .core = false}};
  return kernel;
}

BandwidthEvent Event(const char* name, TrafficKind kind, uint32_t type, uint64_t config, double bytes) {
  BandwidthEvent event{.source = kind == TrafficKind::kLink ? "uncore_upi" : "uncore_imc", .kind = kind, .bytes = bytes};
  event.encoding.name = name;
  event.encoding.pmu = event.source;
  event.encoding.type = type;
  event.encoding.config = config;
  event.encoding.per_thread = false;
  event.encoding.cpus = {0, 2};
  return event;
}

class NodeBandwidthTest : public ::testing::Test {
 protected:
  NodeBandwidthTest() {
    events_.events = {Event("uncore_imc_0/cas_count_read/", TrafficKind::kRead, kControllerType, 4, 64),
                      Event("uncore_imc_0/cas_count_write/", TrafficKind::kWrite, kControllerType, 5, 64)};
    for (const int cpu : {0, 1, 2, 3}) places_.topology.cpus.push_back({.cpu = cpu, .core = cpu, .package = cpu / 2, .numa_node = cpu / 2});
    for (const int number : {0, 4}) {
      NumaNode node;
      node.node = number;
      node.cpus = number == 0 ? std::vector<int>{0, 1} : std::vector<int>{2, 3};
      places_.nodes.nodes.push_back(std::move(node));
    }
  }
  BandwidthRows Measure(FakePerfEvents& kernel) {
    const NodeBandwidthCounters counters(kernel, events_, places_, {});
    Pass(kernel);
    return counters.Read();
  }
  static void Pass(FakePerfEvents& kernel) {
    for (const int cpu : {0, 2}) kernel.Idle(cpu, kWindowNs);
  }

  BandwidthEvents events_;
  BandwidthPlaces places_;
};

TEST_F(NodeBandwidthTest, CountersOfAPackageAreSummedToItsNode) {
  FakePerfEvents kernel(Kernel(4));
  const BandwidthRows rows = Measure(kernel);
  ASSERT_EQ(rows.nodes.size(), 2u);
  for (const NodeBandwidthRow& row : rows.nodes) {
    EXPECT_EQ(row.source, "uncore_imc");
    EXPECT_EQ(row.node, row.package == 0 ? 0 : 4);
    EXPECT_DOUBLE_EQ(*row.read_mb_s, kRateMbS);
    EXPECT_DOUBLE_EQ(*row.write_mb_s, kRateMbS);
    EXPECT_DOUBLE_EQ(*row.total_mb_s, 2 * kRateMbS);
    EXPECT_EQ(row.window_ns, kWindowNs);
    EXPECT_EQ(row.counter_count, 2);
    EXPECT_EQ(row.running_share, 1);
  }
  EXPECT_EQ(rows.nodes_unavailable, "");
  EXPECT_EQ(kernel.open_count(), 0u) << "closed with the object";
}

TEST_F(NodeBandwidthTest, CountersThatTakeTurnsAreScaledAndSaySo) {
  FakePerfEvents kernel(Kernel(1));
  const BandwidthRows rows = Measure(kernel);
  ASSERT_EQ(rows.nodes.size(), 2u);
  EXPECT_DOUBLE_EQ(*rows.nodes[0].total_mb_s, 2 * kRateMbS);
  EXPECT_DOUBLE_EQ(rows.nodes[0].running_share, 0.5);
}

TEST_F(NodeBandwidthTest, ACpuThatIsToBeLeftAloneIsNotTouchedAndItsPackageSaysSo) {
  places_.avoided_cpus = {2, 3};
  FakePerfEvents kernel(Kernel(4));
  kernel.BeforeOpen([](const perf_event_attr&, pid_t tid) { EXPECT_EQ(tid, -1); });
  const NodeBandwidthCounters counters(kernel, events_, places_, {});
  EXPECT_EQ(kernel.open_count(), 4u) << "two of CPU 0, each with its witness";
  Pass(kernel);
  const BandwidthRows rows = counters.Read();
  ASSERT_EQ(rows.nodes.size(), 1u);
  EXPECT_EQ(rows.nodes[0].package, 0);
  EXPECT_THAT(rows.nodes_unavailable, AllOf(HasSubstr("uncore_imc of package 1"), HasSubstr("CPU 2, which is to be left alone")));
}

TEST_F(NodeBandwidthTest, ASumThatLacksACounterIsNotTold) {
  FakePerfEvents::Kernel host = Kernel(4);
  host.pmus[0].missing = {5};
  FakePerfEvents kernel(host);
  const BandwidthRows rows = Measure(kernel);
  EXPECT_THAT(rows.nodes, IsEmpty());
  EXPECT_THAT(rows.nodes_unavailable, HasSubstr("uncore_imc_0/cas_count_write/"));
}

TEST_F(NodeBandwidthTest, ASumThatLacksAPmuIsNotTold) {
  events_.reasons = {"uncore_imc_1: the kernel does not tell on which CPUs it counts (cpumask)"};
  events_.incomplete = {"uncore_imc"};
  FakePerfEvents kernel(Kernel(4));
  const BandwidthRows rows = Measure(kernel);
  EXPECT_THAT(rows.nodes, IsEmpty());
  EXPECT_THAT(rows.nodes_unavailable, AllOf(HasSubstr("uncore_imc_1: the kernel"), HasSubstr("uncore_imc of package 1: some of its")));
}

TEST_F(NodeBandwidthTest, ASumThatLacksACounterBeyondTheBoundIsNotTold) {
  for (size_t made = 2 * events_.events.size(); made <= NodeBandwidthCounters::kCountersMax; made += 2) {
    events_.events.push_back(Event("uncore_imc_1/cas_count_read/", TrafficKind::kRead, kControllerType, 4, 64));
  }
  FakePerfEvents kernel(Kernel(2 * NodeBandwidthCounters::kCountersMax));
  const BandwidthRows rows = Measure(kernel);
  EXPECT_THAT(rows.nodes, IsEmpty());
  EXPECT_THAT(rows.nodes_unavailable, HasSubstr("2 counters beyond 2048 are not read"));
}

TEST_F(NodeBandwidthTest, CountersThatWereNeverCountedHaveNoValue) {
  FakePerfEvents kernel(Kernel(0));
  const BandwidthRows rows = Measure(kernel);
  EXPECT_THAT(rows.nodes, IsEmpty());
  EXPECT_THAT(rows.nodes_unavailable, HasSubstr("had no counter all the while"));
}

TEST_F(NodeBandwidthTest, APackageOfSeveralNodesHasNone) {
  NumaNode cluster;
  cluster.node = 1;
  cluster.cpus = {1};
  places_.nodes.nodes[0].cpus = {0};
  places_.nodes.nodes.push_back(cluster);
  FakePerfEvents kernel(Kernel(4));
  const BandwidthRows rows = Measure(kernel);
  EXPECT_EQ(rows.nodes[0].node, std::nullopt);
  EXPECT_EQ(rows.nodes[1].node, 4);
}

TEST_F(NodeBandwidthTest, LinksAreToldOneByOne) {
  events_.events = {Event("uncore_upi_0/event=0x2,umask=0xf/", TrafficKind::kLink, kLinkType, 2, 64.0 / 9)};
  FakePerfEvents kernel(Kernel(4));
  const BandwidthRows rows = Measure(kernel);
  ASSERT_EQ(rows.links.size(), 2u);
  EXPECT_EQ(rows.links[1].package, 1);
  EXPECT_NEAR(rows.links[0].sent_mb_s, kRateMbS / 9, 1e-6);
  EXPECT_EQ(rows.links[0].window_ns, kWindowNs);
  EXPECT_EQ(rows.links_unavailable, "");
  EXPECT_THAT(rows.nodes_unavailable, HasSubstr("no PMU of memory controllers"));
}

TEST_F(NodeBandwidthTest, AHostWithoutSuchPmusNamesTheOnesThatItHas) {
  events_ = {.events = {}, .reasons = {"amd_df: unknown"}, .others = "msr, software"};
  FakePerfEvents kernel(Kernel(4));
  const BandwidthRows rows = Measure(kernel);
  EXPECT_THAT(rows.nodes_unavailable, AllOf(HasSubstr("it has msr, software"), HasSubstr("amd_df: unknown")));
  EXPECT_THAT(rows.links_unavailable, HasSubstr("uncore_upi"));
}

}  // namespace
}  // namespace hftmon
