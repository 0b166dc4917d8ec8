// The kernel's text as Documentation/arch/x86/resctrl.rst has it.
#include "daemon/numa/resctrl_groups.h"

#include <gmock/gmock.h>

#include "daemon/numa/host_bandwidth.h"
#include "tests/daemon/os/fixture_tree.h"
#include "tests/fakes/fake_monotonic_clock.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecondNs = 1'000'000'000;

class ResctrlGroupsTest : public ::testing::Test {
 protected:
  ResctrlGroupsTest() {
    tree_.Write("/sys/fs/resctrl/info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n");
    tree_.Write("/sys/devices/system/cpu/online", "0-3\n");
    Group("", "1\n2\n");
    Group("/trading", "500\n501\n");
    Group("/mon_groups/feed", "501\n");
    for (const char* group : {"", "/trading", "/mon_groups/feed"}) {
      for (const char* domain : {"00", "01"}) Domain(group, domain, "1000000\n", "400000\n", "65536\n");
    }
    for (const int cpu : {0, 1, 2, 3}) {
      const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/";
      const std::string other = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index0/";
      for (const char* index : {"0", "1", "2"}) {
        tree_.Write("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" + index + "/level", "1\n");
      }
      tree_.Write(folder + "level", "3\n");
      tree_.Write(folder + "id", cpu < 2 ? "0\n" : "1\n");
      tree_.Write(folder + "shared_cpu_list", cpu < 2 ? "0-1\n" : "2-3\n");
    }
    for (const int number : {0, 5}) {
      NumaNode node;
      node.node = number;
      node.cpus = number == 0 ? std::vector<int>{0, 1} : std::vector<int>{2, 3};
      places_.nodes.nodes.push_back(std::move(node));
    }
  }
  void Group(const std::string& group, const char* tasks) { tree_.Write("/sys/fs/resctrl" + group + "/tasks", tasks); }
  void Domain(const std::string& group, const std::string& domain, const char* total, const char* local, const char* occupied) {
    const std::string folder = "/sys/fs/resctrl" + group + "/mon_data/mon_L3_" + domain + "/";
    tree_.Write(folder + "mbm_total_bytes", total);
    tree_.Write(folder + "mbm_local_bytes", local);
    tree_.Write(folder + "llc_occupancy", occupied);
  }
  // `change` is what happens in a second.
  HostBandwidth Measure(const std::function<void()>& change) {
    FakePerfEvents kernel({});
    const HostBandwidthParts parts{.files = tree_.root(), .calls = &kernel, .clock = &clock_, .places = places_};
    const auto measured = MeasureHostBandwidth(parts, kSecondNs, [&](int64_t ns) {
      clock_.AdvanceNs(ns);
      change();
      return false;
    });
    EXPECT_TRUE(measured.ok()) << measured.status();
    return measured.ok() ? *measured : HostBandwidth();
  }

  FixtureTree tree_;
  FakeMonotonicClock clock_;
  BandwidthPlaces places_;
};

TEST_F(ResctrlGroupsTest, GroupsHaveRatesByDomainAndItsNodeAndTheirThreads) {
  const HostBandwidth measured = Measure([this] {
    Domain("/trading", "00", "501000000\n", "200400000\n", "131072\n");
    Domain("/mon_groups/feed", "01", "3000000\n", "400000\n", "0\n");
  });
  ASSERT_EQ(measured.groups.size(), 4u);
  EXPECT_EQ(measured.groups[1].name, "mon_groups/feed");
  EXPECT_EQ(measured.groups[1].domain, 1);
  EXPECT_EQ(measured.groups[1].node, 5);
  EXPECT_DOUBLE_EQ(*measured.groups[1].total_mb_s, 2);
  EXPECT_DOUBLE_EQ(*measured.groups[1].local_mb_s, 0);
  EXPECT_EQ(measured.groups[1].llc_bytes, 0);
  EXPECT_THAT(measured.groups[1].tids, ElementsAre(501));
  EXPECT_EQ(measured.groups[2].name, "trading");
  EXPECT_DOUBLE_EQ(*measured.groups[2].total_mb_s, 500);
  EXPECT_DOUBLE_EQ(*measured.groups[2].local_mb_s, 200);
  EXPECT_EQ(measured.groups[2].llc_bytes, 131'072);
  EXPECT_EQ(measured.groups[2].reason, "");
  EXPECT_EQ(measured.groups_unavailable, "");
}

TEST_F(ResctrlGroupsTest, ADomainIsTheRootAndTheControlGroupsWithoutTheMonitoringOnesInThem) {
  const HostBandwidth measured = Measure([this] {
    Domain("", "00", "11000000\n", "400000\n", "0\n");
    Domain("/trading", "00", "21000000\n", "5400000\n", "0\n");
    Domain("/mon_groups/feed", "00", "9000000\n", "400000\n", "0\n");
  });
  ASSERT_EQ(measured.rows.nodes.size(), 2u);
  const NodeBandwidthRow& row = measured.rows.nodes[0];
  EXPECT_EQ(row.source, "resctrl");
  EXPECT_EQ(row.node, 0);
  EXPECT_DOUBLE_EQ(*row.total_mb_s, 30);
  EXPECT_DOUBLE_EQ(*row.local_mb_s, 5);
  EXPECT_EQ(row.window_ns, kSecondNs);
  EXPECT_EQ(row.counter_count, 2);
}

TEST_F(ResctrlGroupsTest, TheKernelsWordsAreReasonsAndNoZeros) {
  for (const char* word : {"Unavailable", "Error", "Unassigned"}) {
    const std::string line = std::string(word) + "\n";
    const HostBandwidth measured = Measure([&] { Domain("/trading", "00", line.c_str(), "400000\n", "65536\n"); });
    const GroupBandwidthRow& row = measured.groups[2];
    EXPECT_EQ(row.total_mb_s, std::nullopt);
    EXPECT_TRUE(row.local_mb_s.has_value());
    EXPECT_EQ(row.reason, std::string("mbm_total_bytes: ") + word);
    EXPECT_FALSE(measured.rows.nodes[0].total_mb_s.has_value()) << "the sum would lack that group";
    EXPECT_THAT(measured.rows.nodes_unavailable, HasSubstr(std::string("group \"trading\": mbm_total_bytes: ") + word));
    EXPECT_TRUE(measured.rows.nodes[1].total_mb_s.has_value());
  }
}

TEST_F(ResctrlGroupsTest, ACountThatFellOrAFileThatIsNotThereHasNoRate) {
  std::filesystem::remove(tree_.path() + "/sys/fs/resctrl/trading/mon_data/mon_L3_01/mbm_local_bytes");
  const HostBandwidth measured = Measure([this] { Domain("/trading", "00", "999999\n", "400000\n", "65536\n"); });
  EXPECT_EQ(measured.groups[2].total_mb_s, std::nullopt);
  EXPECT_THAT(measured.groups[2].reason, HasSubstr("its count fell"));
  EXPECT_EQ(measured.groups[3].reason, "mbm_local_bytes: not there");
}

TEST_F(ResctrlGroupsTest, AGroupThatCameMeanwhileIsLeftForTheNextLook) {
  const HostBandwidth measured = Measure([this] {
    Group("/late", "7\n");
    Domain("/late", "00", "1\n", "1\n", "1\n");
  });
  EXPECT_EQ(measured.groups.size(), 4u);
  EXPECT_EQ(measured.rows.nodes.size(), 0u) << "the sums would lack it";
  EXPECT_THAT(measured.rows.nodes_unavailable, HasSubstr("made or removed meanwhile"));
}

TEST_F(ResctrlGroupsTest, ADomainOfCpusThatAreToBeLeftAloneIsNotRead) {
  places_.avoided_cpus = {2, 3};
  const HostBandwidth measured = Measure([] {});
  for (const GroupBandwidthRow& row : measured.groups) EXPECT_EQ(row.domain, 0);
  EXPECT_EQ(measured.groups.size(), 2u);
  EXPECT_THAT(measured.groups_unavailable, HasSubstr("domains 1 are not read"));
  EXPECT_THAT(measured.groups_unavailable, HasSubstr("to be left alone"));
}

TEST_F(ResctrlGroupsTest, OfAHalfIsolatedDomainTheLowestCpuDecidesAsTheKernelAsksThat) {
  places_.avoided_cpus = {3};
  const HostBandwidth measured = Measure([] {});
  EXPECT_EQ(measured.groups.size(), 4u);
  EXPECT_EQ(measured.groups_unavailable, "");
  places_.avoided_cpus = {2};
  const HostBandwidth without = Measure([] {});
  for (const GroupBandwidthRow& row : without.groups) EXPECT_EQ(row.domain, 0);
  EXPECT_EQ(without.groups.size(), 2u);
  EXPECT_THAT(without.groups_unavailable, HasSubstr("domains 1 are not read"));
}

TEST_F(ResctrlGroupsTest, DomainsOfUnknownCpusAreReadOnlyWhereNoCpuIsToBeLeftAlone) {
  for (const int cpu : {0, 1, 2, 3}) {
    std::filesystem::remove(tree_.path() + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/id");
  }
  EXPECT_EQ(Measure([] {}).groups.size(), 4u);
  places_.avoided_cpus = {3};
  const HostBandwidth measured = Measure([] {});
  EXPECT_EQ(measured.groups.size(), 0u);
  EXPECT_THAT(measured.groups_unavailable, HasSubstr("domains 0-1 are not read"));
}

TEST_F(ResctrlGroupsTest, WhereItIsNotItSaysWhatItTakes) {
  const auto reason_of = [](const FixtureTree& tree) {
    FakeMonotonicClock clock;
    return std::string(ReadResctrl(tree.root(), clock, [](int) { return true; }).status().message());
  };
  FixtureTree none;
  EXPECT_THAT(reason_of(none), HasSubstr("CONFIG_X86_CPU_RESCTRL"));
  none.MakeDirectory("/sys/fs/resctrl");
  EXPECT_THAT(reason_of(none), HasSubstr("mount -t resctrl resctrl /sys/fs/resctrl"));
  none.MakeDirectory("/sys/fs/resctrl/info/L3");
  EXPECT_THAT(reason_of(none), HasSubstr("monitors no memory"));
}

TEST_F(ResctrlGroupsTest, AWaitThatIsCancelledEndsIt) {
  FakePerfEvents kernel({});
  const HostBandwidthParts parts{.files = tree_.root(), .calls = &kernel, .clock = &clock_, .places = places_};
  EXPECT_EQ(MeasureHostBandwidth(parts, kSecondNs, [](int64_t) { return true; }).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ResctrlGroupsTest, GroupsBeyondTheBoundAreCounted) {
  for (size_t i = 0; i < kResctrlGroupsMax; ++i) Group("/g" + std::to_string(i), "");
  const auto reading = ReadResctrl(tree_.root(), clock_, [](int) { return true; });
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->groups.size(), kResctrlGroupsMax);
  EXPECT_EQ(reading->left_out_count, 3u);
}

TEST(ResctrlValueTest, NumbersAreValuesAndAllElseIsAWord) {
  EXPECT_EQ(ParseResctrlValue("18446744073709551615\n").value, UINT64_MAX);
  EXPECT_EQ(ParseResctrlValue("Unavailable\n").word, "Unavailable");
  EXPECT_EQ(ParseResctrlValue("").word, "empty");
  EXPECT_EQ(ParseResctrlValue("-1").value, std::nullopt);
  EXPECT_EQ(ParseResctrlValue(std::string(500, 'x')).word.size(), 64u);
}

}  // namespace
}  // namespace hftmon
