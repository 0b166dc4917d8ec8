#include "daemon/os/interface_addresses.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::Eq;
using ::testing::Optional;

constexpr char kRoutes[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
    "eth2\t0003000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth3\t0003000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
constexpr char kTrie[] =
    "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
    "     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.0.2.0\n        /24 link UNICAST\n"
    "     |-- 10.0.2.15\n        /32 host LOCAL\n     |-- 10.9.0.1\n        /32 host LOCAL\n"
    "     |-- 10.0.3.7\n        /32 host LOCAL\n     |-- 10.0.2.255\n        /32 link BROADCAST\n";

class InterfaceAddressesTest : public testing::Test {
 protected:
  void SetUp() override {
    tree_.Write("/proc/net/route", kRoutes);
    tree_.Write("/proc/net/fib_trie", kTrie);
    tree_.Write("/proc/net/if_inet6",
                "fd000000000000000000000000000002 04 40 00 82     eth0\n00000000000000000000000000000001 01 80 10 80       lo\n");
    tree_.Write("/proc/net/igmp",
                "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n1\tlo        :     1      V3\n"
                "\t\t\t\t010000E0     1 0:00000000\t\t0\n4\teth1      :     2      V3\n\t\t\t\t010101EF     1 0:00000000\t\t0\n"
                "\t\t\t\t010000E0     1 0:00000000\t\t0\n");
    tree_.Write("/proc/net/igmp6", "4    eth2            ff020000000000000000000000000099     1 0000000C 0\n");
  }
  FixtureTree tree_;
};

TEST_F(InterfaceAddressesTest, AnOwnAddressIsOfTheNarrowestConnectedNetworkThatHoldsIt) {
  const InterfaceAddresses all = ReadInterfaceAddresses(tree_.root());
  EXPECT_THAT(all.InterfaceOf("10.0.2.15"), Optional(Eq("eth0"))) << "10.0.0.0/8 of eth1 holds it too";
  EXPECT_THAT(all.InterfaceOf("::ffff:10.0.2.15"), Optional(Eq("eth0")));
  EXPECT_THAT(all.InterfaceOf("10.9.0.1"), Optional(Eq("eth1")));
  EXPECT_THAT(all.InterfaceOf("fd00::2"), Optional(Eq("eth0")));
}

TEST_F(InterfaceAddressesTest, AGroupIsOfTheOneInterfaceThatJoinedIt) {
  const InterfaceAddresses all = ReadInterfaceAddresses(tree_.root());
  EXPECT_THAT(all.InterfaceOf("239.1.1.1"), Optional(Eq("eth1")));
  EXPECT_THAT(all.InterfaceOf("ff02::99"), Optional(Eq("eth2")));
  EXPECT_EQ(all.InterfaceOf("224.0.0.1"), std::nullopt) << "two joined it";
}

TEST_F(InterfaceAddressesTest, WhatDoesNotTellIsAbsent) {
  const InterfaceAddresses all = ReadInterfaceAddresses(tree_.root());
  for (const char* address : {"0.0.0.0", "::", "", "10.0.2.16", "239.1.1.2", "word"}) {
    EXPECT_EQ(all.InterfaceOf(address), std::nullopt) << address;
  }
  EXPECT_EQ(all.InterfaceOf("10.0.3.7"), std::nullopt) << "two interfaces are connected to its network";
}

TEST_F(InterfaceAddressesTest, OwnAddressesAreTheHostsAndLoopbacks) {
  const InterfaceAddresses all = ReadInterfaceAddresses(tree_.root());
  for (const char* address : {"10.0.2.15", "10.9.0.1", "::ffff:10.0.2.15", "127.3.2.1", "::1", "::ffff:127.0.0.1", "fd00::2"}) {
    EXPECT_TRUE(all.IsOwn(address)) << address;
  }
  for (const char* address : {"10.0.2.2", "10.0.2.255", "10.0.2.0", "fd00::3", ""}) EXPECT_FALSE(all.IsOwn(address)) << address;
}

TEST_F(InterfaceAddressesTest, WithoutFilesNothingIsTold) {
  const FixtureTree bare;
  const InterfaceAddresses all = ReadInterfaceAddresses(bare.root());
  EXPECT_EQ(all.InterfaceOf("10.0.2.15"), std::nullopt);
  EXPECT_FALSE(all.IsOwn("10.0.2.15"));
  EXPECT_TRUE(all.IsOwn("127.0.0.1"));
}

}  // namespace
}  // namespace hftmon
