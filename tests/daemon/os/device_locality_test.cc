#include "daemon/os/device_locality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/os/host_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> NamesOf(const DeviceLocalities& all) {
  std::vector<std::string> names;
  for (const DeviceLocality& device : all.devices) names.push_back(device.kind + " " + device.name);
  return names;
}

// The only device of a tree.
DeviceLocality OnlyOf(const FixtureTree& tree) {
  const DeviceLocalities all = ReadDeviceLocalities(tree.root());
  EXPECT_THAT(all.devices, SizeIs(1));
  return all.devices.empty() ? DeviceLocality() : all.devices[0];
}

TEST(DeviceLocality, InterfacesAndDisksHaveTheNodeOfTheirPciDevice) {
  const HostFixture host("two-nodes-devices");
  const DeviceLocalities all = ReadDeviceLocalities(host.root());
  ASSERT_THAT(NamesOf(all), ElementsAre("net eth0", "net eth1", "net ib0", "block sda")) << "the virtual ones have no place";
  EXPECT_EQ(all.devices[0].node, 0);
  EXPECT_THAT(all.devices[0].local_cpus, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(all.devices[2].node, 1);
  EXPECT_THAT(all.devices[2].local_cpus, ElementsAre(8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_EQ(all.devices[3].node, 0) << "its controller is four above the disk";
  for (const DeviceLocality& device : all.devices) EXPECT_THAT(device.reason, IsEmpty()) << device.name;
  EXPECT_EQ(all.left_out_count, 0u);
}

TEST(DeviceLocality, WhatTheFirmwareDoesNotPlaceSaysSo) {
  const HostFixture host("untold-devices");
  const DeviceLocalities all = ReadDeviceLocalities(host.root());
  ASSERT_THAT(all.devices, SizeIs(5));
  EXPECT_EQ(all.devices[0].name, "eth0");
  EXPECT_EQ(all.devices[0].node, std::nullopt);
  EXPECT_THAT(all.devices[0].local_cpus, IsEmpty()) << "the kernel names all, which says nothing";
  EXPECT_THAT(all.devices[0].reason, HasSubstr("/sys/class/net/eth0/device/numa_node is -1"));
  EXPECT_EQ(all.devices[4].name, "ib0");
  EXPECT_EQ(all.devices[4].node, 2);
  EXPECT_THAT(all.devices[4].local_cpus, SizeIs(40)) << "as this kernel tells, though node 2 has ten";
}

TEST(DeviceLocality, AVirtioDevicesNodeIsThatOfThePciDeviceAboveIt) {
  const FixtureTree tree;
  const std::string pci = "/sys/devices/pci0000:80/0000:80:03.0";
  tree.Write(pci + "/numa_node", "1\n");
  tree.Write(pci + "/local_cpulist", "2-3\n");
  tree.Write(pci + "/uevent", "DRIVER=virtio-pci\n");
  tree.Write(pci + "/virtio2/uevent", "DRIVER=virtio_net\n");
  tree.Write(pci + "/virtio2/vendor", "0x1af4\n");
  tree.Link("/sys/class/net/eth0/device", "../../../devices/pci0000:80/0000:80:03.0/virtio2");
  const DeviceLocality eth0 = OnlyOf(tree);
  EXPECT_EQ(eth0.node, 1);
  EXPECT_THAT(eth0.local_cpus, ElementsAre(2, 3));
  tree.Write(pci + "/numa_node", "-1\n");
  EXPECT_EQ(OnlyOf(tree).node, std::nullopt);
  EXPECT_THAT(OnlyOf(tree).reason, HasSubstr("/sys/class/net/eth0/device/../numa_node is -1"));
}

TEST(DeviceLocality, ABridgeAboveAPciDeviceDoesNotSpeakForIt) {
  const FixtureTree tree;
  const std::string bridge = "/sys/devices/pci0000:00/0000:00:01.0";
  for (const std::string& pci : {bridge, bridge + "/0000:01:00.0"}) {
    for (const char* file : {"/uevent", "/vendor", "/class"}) tree.Write(pci + file, "\n");
  }
  tree.Write(bridge + "/numa_node", "0\n");
  tree.Link("/sys/class/net/eth0/device", "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0");
  EXPECT_EQ(OnlyOf(tree).node, std::nullopt);
  EXPECT_THAT(OnlyOf(tree).reason, HasSubstr("neither /sys/class/net/eth0/device nor a device above it"));
}

TEST(DeviceLocality, TheWayUpEndsAtWhatIsNoDevice) {
  const FixtureTree tree;
  tree.Write("/sys/devices/numa_node", "0\n");
  tree.Write("/sys/devices/platform/soc/uevent", "\n");
  tree.Link("/sys/block/mmcblk0/device", "../../devices/platform/soc");
  EXPECT_EQ(OnlyOf(tree).kind, "block");
  EXPECT_EQ(OnlyOf(tree).node, std::nullopt);
  std::string deep = "/sys/devices/hub";
  tree.Write(deep + "/numa_node", "0\n");
  tree.Write(deep + "/uevent", "\n");
  for (int level = 0; level < 30; ++level) tree.Write((deep += "/port") + "/uevent", "\n");
  tree.Link("/sys/block/sdz/device", "../.." + deep.substr(4));
  const DeviceLocalities all = ReadDeviceLocalities(tree.root());
  ASSERT_THAT(all.devices, SizeIs(2));
  EXPECT_EQ(all.devices[1].name, "sdz");
  EXPECT_EQ(all.devices[1].node, std::nullopt) << "thirty levels are no way that a bus has";
}

const DeviceLocality* Find(const DeviceLocalities& all, const std::string& name) {
  for (const DeviceLocality& device : all.devices) {
    if (device.name == name) return &device;
  }
  return nullptr;
}

TEST(DeviceLocality, AnInterfaceUponOthersHasTheNodeThatTheyShare) {
  const HostFixture host("two-nodes-devices");
  for (const char* link :
       {"bond0/lower_eth0", "bond0/lower_eth1", "bond0.7/lower_bond0", "bond1/lower_eth0", "bond1/lower_ib0", "br1/lower_lo"}) {
    host.MakeDirectory(std::string("/sys/class/net/") + link);
  }
  const DeviceLocalities all = ReadDeviceLocalities(host.root());
  ASSERT_THAT(NamesOf(all), ElementsAre("net bond0", "net bond0.7", "net bond1", "net eth0", "net eth1", "net ib0", "block sda"));
  EXPECT_EQ(Find(all, "bond0")->node, 0);
  EXPECT_EQ(Find(all, "bond0.7")->node, 0) << "a VLAN upon a bond";
  EXPECT_THAT(Find(all, "bond0.7")->local_cpus, SizeIs(8));
  EXPECT_EQ(Find(all, "bond1")->node, std::nullopt);
  EXPECT_THAT(Find(all, "bond1")->local_cpus, IsEmpty());
  EXPECT_THAT(Find(all, "bond1")->reason, HasSubstr("are of the nodes 0 and 1"));
}

TEST(DeviceLocality, AnInterfaceUponOneThatIsNotPlacedSaysWhich) {
  const HostFixture host("untold-devices");
  host.MakeDirectory("/sys/class/net/bond0/lower_ib0");
  host.MakeDirectory("/sys/class/net/bond0/lower_eth0");
  host.MakeDirectory("/sys/class/net/loop1/lower_loop1");
  for (int port = 0; port < 65; ++port) host.MakeDirectory("/sys/class/net/br0/lower_veth" + std::to_string(port));
  const DeviceLocalities all = ReadDeviceLocalities(host.root());
  ASSERT_NE(Find(all, "bond0"), nullptr);
  EXPECT_THAT(Find(all, "bond0")->reason, HasSubstr("it lies upon eth0: the firmware tells no node"));
  EXPECT_EQ(Find(all, "bond0")->node, std::nullopt);
  EXPECT_EQ(Find(all, "loop1"), nullptr) << "what lies upon itself ends somewhere";
  ASSERT_NE(Find(all, "br0"), nullptr);
  EXPECT_THAT(Find(all, "br0")->reason, HasSubstr("upon 65 interfaces"));
}

TEST(DeviceLocality, WhatIsNoNodeNamesItsFile) {
  for (const char* text : {"", "x\n", "-2\n", "1024\n", "99999999999999999999\n", "0 1\n"}) {
    const FixtureTree tree;
    tree.Write("/sys/class/net/eth0/device/numa_node", text);
    tree.Write("/sys/class/net/eth0/device/local_cpulist", "0\n");
    const DeviceLocality eth0 = OnlyOf(tree);
    EXPECT_EQ(eth0.node, std::nullopt) << text;
    EXPECT_THAT(eth0.reason, HasSubstr("eth0/device/numa_node cannot be read")) << text;
    EXPECT_THAT(eth0.local_cpus, IsEmpty()) << text;
  }
}

TEST(DeviceLocality, AListOfCpusThatIsNoneLeavesTheNode) {
  const FixtureTree tree;
  tree.Write("/sys/class/net/eth0/device/numa_node", "1\n");
  tree.Write("/sys/class/net/eth0/device/local_cpulist", "0-x\n");
  EXPECT_EQ(OnlyOf(tree).node, 1);
  EXPECT_THAT(OnlyOf(tree).local_cpus, IsEmpty());
}

TEST(DeviceLocality, DevicesBeyondTheBoundAreCounted) {
  const HostFixture host("untold-devices");
  host.MakeDirectory("/sys/block/sda/device");
  const DeviceLocalities all = ReadDeviceLocalities(host.root(), 3);
  EXPECT_THAT(NamesOf(all), ElementsAre("net eth0", "net eth1", "net eth2", "block sda"));
  EXPECT_EQ(all.left_out_count, 2u);
}

TEST(DeviceLocality, AHostWithoutSysHasNone) {
  const FixtureTree empty;
  EXPECT_THAT(ReadDeviceLocalities(empty.root()).devices, IsEmpty());
}

TEST(DeviceLocality, EachDeviceOfThisHostHasANodeOrAReason) {
  for (const DeviceLocality& device : ReadDeviceLocalities(FileRoot()).devices) {
    EXPECT_NE(device.node.has_value(), !device.reason.empty()) << device.name;
  }
}

}  // namespace
}  // namespace hftmon
