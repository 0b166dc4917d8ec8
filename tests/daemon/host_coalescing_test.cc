#include "daemon/host_coalescing.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::Optional;

class HostCoalescingTest : public ::testing::Test {
 protected:
  HostCoalescingTest() {
    Interface("eth0", "2", "70", "30");
    host_.Write("/sys/class/net/eth0/device/msi_irqs/40", "msix\n");
    host_.Write("/sys/kernel/irq/40/per_cpu_count", "20,5\n");
    host_.Write("/sys/kernel/irq/40/actions", "eth0-rx\n");
    Interface("lo", "1", "9", "9");
    host_.MakeDirectory("/sys/block/vda/device");
    host_.Write("/sys/block/vda/stat", "10 0 0 0 20 0 0 0 0 0 0\n");
  }
  void Interface(const std::string& name, const std::string& ifindex, const std::string& rx, const std::string& tx) const {
    const std::string folder = "/sys/class/net/" + name;
    host_.Write(folder + "/ifindex", ifindex);
    host_.Write(folder + "/statistics/rx_packets", rx);
    host_.Write(folder + "/statistics/tx_packets", tx);
  }
  CoalescingReport Read() const {
    return HostCoalescing(host_.root(),
                          [](const std::string& name) -> absl::StatusOr<CoalescingSettings> {
                            if (name == "eth0") return CoalescingSettings{.rx_usecs = 50, .adaptive_rx = true};
                            return absl::UnimplementedError("the driver of " + name + " reports no settings");
                          })
        .Read();
  }

  FixtureTree host_;
};

TEST_F(HostCoalescingTest, InterfacesWithADeviceTellTheirLinesPacketsAndSettings) {
  const CoalescingReport report = Read();
  ASSERT_TRUE(report.interfaces.devices.ok());
  ASSERT_EQ(report.interfaces.devices->size(), 1u) << "lo is virtual";
  const InterfaceInterrupts& eth0 = report.interfaces.devices->front();
  ASSERT_TRUE(eth0.device.lines.ok());
  EXPECT_EQ(eth0.device.lines->front().count, 25u);
  EXPECT_FALSE(eth0.device.shared);
  EXPECT_THAT(eth0.rx_packets, Optional(70u));
  EXPECT_THAT(eth0.tx_packets, Optional(30u));
  ASSERT_TRUE(eth0.settings.ok());
  EXPECT_EQ(eth0.settings->rx_usecs, 50u);
  ASSERT_TRUE(report.block_devices.devices.ok());
  EXPECT_THAT(report.block_devices.devices->front().completed_count, Optional(30u));
  EXPECT_FALSE(report.block_devices.devices->front().device.lines.ok());
}

TEST_F(HostCoalescingTest, DevicesWithTheSameLinesAreShared) {
  Interface("eth1", "3", "1", "1");
  host_.Write("/sys/class/net/eth1/device/msi_irqs/40", "msix\n");
  const CoalescingReport report = Read();
  ASSERT_EQ(report.interfaces.devices->size(), 2u);
  EXPECT_TRUE(report.interfaces.devices->at(0).device.shared);
  EXPECT_TRUE(report.interfaces.devices->at(1).device.shared);
  EXPECT_FALSE(report.interfaces.devices->at(1).settings.ok());
}

TEST_F(HostCoalescingTest, AHostWithoutTheFoldersSaysWhy) {
  const FixtureTree empty;
  const CoalescingReport report = HostCoalescing(empty.root(), SystemReadCoalescing).Read();
  EXPECT_FALSE(report.interfaces.devices.ok());
  EXPECT_FALSE(report.block_devices.devices.ok());
}

}  // namespace
}  // namespace hftmon
