#include "daemon/os/interface_counters.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::Optional;

TEST(InterfaceCountersTest, EachInterfaceTellsItsCountersAndWhatCannotBeReadIsAbsent) {
  FixtureTree tree;
  tree.Write("/sys/class/net/eth0/ifindex", "2\n");
  tree.Write("/sys/class/net/eth0/statistics/rx_packets", "18446744073709551615\n");
  tree.Write("/sys/class/net/eth0/statistics/rx_missed_errors", "3\n");
  tree.Write("/sys/class/net/eth0/statistics/tx_dropped", "four\n");
  tree.Write("/sys/class/net/lo/ifindex", "1\n");
  tree.Write("/sys/class/net/lo/statistics/tx_packets", "7\n");
  tree.Write("/sys/class/net/bonding_masters", "\n");  // a file, no interface
  const auto report = ReadInterfaceCounters(tree.root());
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->interfaces.size(), 2u);
  const InterfaceCounters& eth0 = report->interfaces[0];
  EXPECT_EQ(eth0.name, "eth0");
  EXPECT_EQ(eth0.ifindex, 2u);
  EXPECT_THAT(eth0.rx_packets, Optional(18446744073709551615u));
  EXPECT_THAT(eth0.rx_missed_errors, Optional(3u));
  EXPECT_EQ(eth0.rx_dropped, std::nullopt);
  EXPECT_EQ(eth0.tx_dropped, std::nullopt);
  EXPECT_THAT(report->interfaces[1].tx_packets, Optional(7u));
  EXPECT_EQ(report->unread_count, 0u);
}

TEST(InterfaceCountersTest, BeyondTheBoundTheyAreCounted) {
  FixtureTree tree;
  for (size_t i = 0; i < kInterfacesMax + 3; ++i) tree.Write("/sys/class/net/veth" + std::to_string(i) + "/ifindex", "9\n");
  const auto report = ReadInterfaceCounters(tree.root());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->interfaces.size(), kInterfacesMax);
  EXPECT_EQ(report->unread_count, 3u);
}

TEST(InterfaceCountersTest, OnlyTheOneThatIsWantedIsReadWhereverItStands) {
  FixtureTree tree;
  for (size_t i = 0; i < kInterfacesMax; ++i) tree.Write("/sys/class/net/eth" + std::to_string(i) + "/ifindex", "9\n");
  tree.Write("/sys/class/net/veth0/ifindex", "7\n");
  const auto report = ReadInterfaceCounters(tree.root(), "veth0");
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->interfaces.size(), 1u);
  EXPECT_EQ(report->interfaces[0].ifindex, 7u);
  EXPECT_EQ(report->unread_count, 0u);
  for (const char* none : {"veth1", "../net/veth0"}) {
    const auto nothing = ReadInterfaceCounters(tree.root(), none);
    ASSERT_TRUE(nothing.ok()) << nothing.status();
    EXPECT_TRUE(nothing->interfaces.empty()) << none;
  }
}

TEST(InterfaceCountersTest, AHostWithoutTheFolderSaysSo) {
  EXPECT_FALSE(ReadInterfaceCounters(FixtureTree().root()).ok());
}

TEST(InterfaceCountersTest, TheOwnNamespaceIsKnown) {
  EXPECT_NE(OwnNetworkNamespace(), 0u);
}

}  // namespace
}  // namespace hftmon
