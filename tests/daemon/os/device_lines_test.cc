#include "daemon/os/device_lines.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

void AddLine(const FixtureTree& tree, int irq, const std::string& counts, const std::string& handler = "") {
  const std::string folder = "/sys/kernel/irq/" + std::to_string(irq);
  tree.Write(folder + "/per_cpu_count", counts + "\n");
  tree.Write(folder + "/actions", handler + "\n");
}

TEST(DeviceLinesTest, AFunctionsMessagesAreItsLinesSummedOverCpus) {
  FixtureTree tree;
  tree.Write("/sys/devices/pci0/0000:00:03.0/msi_irqs/100", "msix\n");
  tree.Write("/sys/devices/pci0/0000:00:03.0/msi_irqs/99", "msix\n");
  tree.Link("/sys/class/net/eth0/device", "../../../devices/pci0/0000:00:03.0");
  AddLine(tree, 99, "0,7,18446744073709551000", "eth0-rx");
  AddLine(tree, 100, "5", "");
  const auto lines = ReadDeviceLines(tree.root(), "/sys/class/net/eth0");
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].irq, 99);
  EXPECT_EQ((*lines)[0].handler, "eth0-rx");
  EXPECT_EQ((*lines)[0].count, 18446744073709551007u);
  EXPECT_EQ((*lines)[1].handler, "") << "nobody handles it now";
}

TEST(DeviceLinesTest, AVirtioDevicesAreThoseOfThePciDeviceAboveItAndSoAreNvmes) {
  FixtureTree tree;
  tree.Write("/sys/devices/pci0/0000:00:02.0/msi_irqs/36", "msix\n");
  tree.Write("/sys/devices/pci0/0000:00:02.0/virtio1/status", "0x0f\n");
  tree.Link("/sys/block/vda/device", "../../devices/pci0/0000:00:02.0/virtio1");
  tree.Write("/sys/devices/pci0/0000:01:00.0/msi_irqs/50", "msix\n");
  tree.Write("/sys/devices/pci0/0000:01:00.0/nvme/nvme0/model", "x\n");
  tree.Link("/sys/block/nvme0n1/device", "../../devices/pci0/0000:01:00.0/nvme/nvme0");
  AddLine(tree, 36, "1,2", "virtio1-req.0");
  AddLine(tree, 50, "9,0", "nvme0q0");
  const auto virtio = ReadDeviceLines(tree.root(), "/sys/block/vda");
  ASSERT_TRUE(virtio.ok()) << virtio.status();
  EXPECT_EQ((*virtio)[0].count, 3u);
  const auto nvme = ReadDeviceLines(tree.root(), "/sys/block/nvme0n1");
  ASSERT_TRUE(nvme.ok()) << nvme.status();
  EXPECT_EQ((*nvme)[0].handler, "nvme0q0");
}

TEST(DeviceLinesTest, WithoutMessagesTheWiresLineCounts) {
  FixtureTree tree;
  tree.Write("/sys/class/net/eth1/device/irq", "11\n");
  AddLine(tree, 11, "4,4", "eth1,usb");
  const auto lines = ReadDeviceLines(tree.root(), "/sys/class/net/eth1");
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ((*lines)[0].irq, 11);
  EXPECT_EQ((*lines)[0].count, 8u);
}

TEST(DeviceLinesTest, WhatHasNoneSaysWhy) {
  FixtureTree tree;
  tree.MakeDirectory("/sys/class/net/lo");
  tree.Write("/sys/class/net/usb0/device/irq", "0\n");
  tree.Write("/sys/class/net/old0/device/irq", "12\n");
  tree.Write("/sys/kernel/irq/12/per_cpu_count", "many\n");
  const auto message = [&](const char* folder) { return std::string(ReadDeviceLines(tree.root(), folder).status().message()); };
  EXPECT_THAT(message("/sys/class/net/lo"), HasSubstr("has no device: it is virtual"));
  EXPECT_THAT(message("/sys/class/net/usb0"), HasSubstr("names no interrupt of its own"));
  EXPECT_THAT(message("/sys/class/net/old0"), HasSubstr("does not count interrupts"));
}

}  // namespace
}  // namespace hftmon
