#include "daemon/os/cache_line.h"

#include <gtest/gtest.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

TEST(CacheLineTest, ItIsAsTheKernelTellsItOrNotKnown) {
  FixtureTree host;
  EXPECT_FALSE(ReadCacheLineBytes(host.root()).has_value());
  host.Write("/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size", "128\n");
  EXPECT_EQ(ReadCacheLineBytes(host.root()), 128u);
  host.Write("/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size", "unknown\n");
  EXPECT_FALSE(ReadCacheLineBytes(host.root()).has_value());
}

}  // namespace
}  // namespace hftmon
