#include "daemon/os/thermal_throttle.h"

#include <gtest/gtest.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

TEST(ThermalThrottleTest, CountsAndTimesAreReadAndOlderKernelsHaveNoTimes) {
  const FixtureTree host;
  const std::string folder = "/sys/devices/system/cpu/cpu1/thermal_throttle/";
  host.Write(folder + "core_throttle_count", "12\n");
  host.Write(folder + "core_throttle_total_time_ms", "34\n");
  host.Write(folder + "package_throttle_count", "56\n");
  const auto throttle = ReadThermalThrottle(host.root(), 1);
  ASSERT_TRUE(throttle.ok()) << throttle.status();
  EXPECT_EQ(throttle->core_count, 12u);
  EXPECT_EQ(throttle->core_ns, 34'000'000);
  EXPECT_EQ(throttle->package_count, 56u);
  EXPECT_FALSE(throttle->package_ns.has_value());
}

TEST(ThermalThrottleTest, OtherProcessorsHaveNone) {
  const FixtureTree host;
  EXPECT_TRUE(absl::IsNotFound(ReadThermalThrottle(host.root(), 1).status()));
}

}  // namespace
}  // namespace hftmon
