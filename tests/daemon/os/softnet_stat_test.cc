#include "daemon/os/softnet_stat.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::IsEmpty;

// Linux 6.18; CPU 1 is offline.
constexpr char kText[] =
    "0000007a 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 0000000a 0000000b 00000003 00000000 00000000 "
    "00000000\n"
    "000002c2 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000002 00000000 "
    "00000000\n";
constexpr char kOldText[] =
    "00000010 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
    "00000020 00000000 00000005 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n";

TEST(SoftnetStatTest, EachLineNamesItsCpu) {
  const std::vector<SoftnetCpu> cpus = ParseSoftnetStat(kText, {});
  ASSERT_EQ(cpus.size(), 2u);
  EXPECT_EQ(cpus[0].cpu, 0);
  EXPECT_EQ(cpus[0].processed_count, 0x7au);
  EXPECT_EQ(cpus[0].dropped_count, 1u);
  EXPECT_EQ(cpus[0].time_squeeze_count, 2u);
  EXPECT_EQ(cpus[0].received_rps_count, 10u);
  EXPECT_EQ(cpus[0].flow_limit_count, 11u);
  EXPECT_EQ(cpus[1].cpu, 2);
  EXPECT_EQ(cpus[1].processed_count, 0x2c2u);
}

TEST(SoftnetStatTest, OlderKernelsLinesAreThoseOfTheOnlineCpus) {
  const std::vector<SoftnetCpu> cpus = ParseSoftnetStat(kOldText, {0, 3});
  ASSERT_EQ(cpus.size(), 2u);
  EXPECT_EQ(cpus[1].cpu, 3);
  EXPECT_EQ(cpus[1].time_squeeze_count, 5u);
  EXPECT_EQ(ParseSoftnetStat(kOldText, {0}).size(), 1u) << "a CPU that is not known is not told of";
}

TEST(SoftnetStatTest, LinesThatAreNotWholeAreLeftOut) {
  EXPECT_THAT(ParseSoftnetStat("", {0}), IsEmpty());
  EXPECT_THAT(ParseSoftnetStat("what is this\n0000007a 0000\n\n", {0, 1, 2}), IsEmpty());
  EXPECT_EQ(ParseSoftnetStat(std::string("7a\n") + kText, {}).size(), 2u);
}

TEST(SoftnetStatTest, TheFileIsReadBelowItsRoot) {
  FixtureTree tree;
  EXPECT_TRUE(absl::IsNotFound(ReadSoftnetStat(tree.root()).status()));
  tree.Write("/proc/net/softnet_stat", kOldText);
  tree.Write("/sys/devices/system/cpu/online", "0-1\n");
  const auto cpus = ReadSoftnetStat(tree.root());
  ASSERT_TRUE(cpus.ok()) << cpus.status();
  ASSERT_EQ(cpus->size(), 2u);
  EXPECT_EQ((*cpus)[1].cpu, 1);
}

}  // namespace
}  // namespace hftmon
