#include "daemon/service/evidence/softirq_raisers.h"

#include <gmock/gmock.h>

#include <memory>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Counts {
  uint64_t line = 0;
  uint64_t device_polls = 0;
  uint64_t backlog_polls = 0;
};

std::shared_ptr<const EvidenceSnapshot> Snapshot(Counts counts) {
  EvidenceSnapshot made;
  CpuInterruptTotal total{.cpu = 2};
  total.devices.push_back({.irq = 38, .name = "eth0-rx-1", .count = counts.line});
  made.cpus.push_back(total);
  if (counts.device_polls > 0) made.polls.push_back({.cpu = 2, .interface = "eth0", .poll_count = counts.device_polls});
  if (counts.backlog_polls > 0) made.polls.push_back({.cpu = 2, .interface = "backlog", .poll_count = counts.backlog_polls});
  return std::make_shared<const EvidenceSnapshot>(std::move(made));
}

// eth0 has two queues, hvb one that is steered to CPU 2.
NetworkQueues TwoInterfaces() {
  return {.queues = {{.interface = "eth0", .queue = 0, .rps_cpus = {}},
                     {.interface = "eth0", .queue = 1, .rps_cpus = {0}},
                     {.interface = "hvb", .queue = 0, .rps_cpus = {2}}},
          .lines = {{.interface = "eth0", .irq = 38, .handler = "eth0-rx-1"}, {.interface = "eth0", .irq = 39, .handler = "eth0-tx"}}};
}

NetworkQueues OneInterface() {
  NetworkQueues queues = TwoInterfaces();
  queues.queues.pop_back();
  return queues;
}

TEST(SoftirqRaisersTest, TheLineThatArrivedThereIsTheRaiserAndItsNameTellsTheQueue) {
  const auto raiser = RaiserOn({2}, {Snapshot({.line = 5}), Snapshot({.line = 9})}, OneInterface());
  ASSERT_TRUE(raiser.has_value());
  EXPECT_EQ(raiser->interface, "eth0");
  EXPECT_EQ(raiser->irq, 38u);
  EXPECT_EQ(raiser->queue, 1);
  EXPECT_THAT(raiser->rps_cpus, ElementsAre(0));
}

TEST(SoftirqRaisersTest, ALineThatWasQuietInTheWindowIsNot) {
  EXPECT_FALSE(RaiserOn({2}, {Snapshot({.line = 5}), Snapshot({.line = 5})}, OneInterface()).has_value());
  EXPECT_FALSE(RaiserOn({2}, {Snapshot({.line = 5}), Snapshot({.line = 2})}, OneInterface()).has_value());
  EXPECT_FALSE(RaiserOn({3}, {Snapshot({.line = 5}), Snapshot({.line = 9})}, OneInterface()).has_value());
}

TEST(SoftirqRaisersTest, SteeredPacketsHaveTheirQueueAndNoLine) {
  const auto raiser = RaiserOn({2}, {Snapshot({.line = 5}), Snapshot({.line = 5})}, TwoInterfaces());
  ASSERT_TRUE(raiser.has_value());
  EXPECT_EQ(raiser->interface, "hvb");
  EXPECT_EQ(raiser->queue, 0);
  EXPECT_FALSE(raiser->irq.has_value());
  EXPECT_THAT(raiser->rps_cpus, ElementsAre(2));
}

TEST(SoftirqRaisersTest, OfTwoThatCouldBeItThePollsTellWhich) {
  const Counts before{.line = 5, .device_polls = 10, .backlog_polls = 10};
  EXPECT_FALSE(RaiserOn({2}, {Snapshot({.line = 5}), Snapshot({.line = 9})}, TwoInterfaces()).has_value()) << "no polls are collected";
  const auto by_line = RaiserOn({2}, {Snapshot(before), Snapshot({.line = 9, .device_polls = 30, .backlog_polls = 11})}, TwoInterfaces());
  ASSERT_TRUE(by_line.has_value());
  EXPECT_EQ(by_line->interface, "eth0");
  const auto steered = RaiserOn({2}, {Snapshot(before), Snapshot({.line = 9, .device_polls = 11, .backlog_polls = 30})}, TwoInterfaces());
  ASSERT_TRUE(steered.has_value());
  EXPECT_EQ(steered->interface, "hvb");
}

TEST(SoftirqRaisersTest, TwoQueuesThatAreSteeredThereNameTheInterfaceAlone) {
  NetworkQueues queues = TwoInterfaces();
  queues.queues.push_back({.interface = "hvb", .queue = 1, .rps_cpus = {2, 3}});
  const auto raiser = RaiserOn({2}, {Snapshot({}), Snapshot({})}, queues);
  ASSERT_TRUE(raiser.has_value());
  EXPECT_EQ(raiser->interface, "hvb");
  EXPECT_FALSE(raiser->queue.has_value());
}

TEST(SoftirqRaisersTest, QueuesAndLinesComeFromTheHostsFiles) {
  FixtureTree tree;
  tree.Write("/sys/class/net/eth0/queues/rx-0/rps_cpus", "0000000c\n");
  tree.Write("/sys/class/net/lo/queues/rx-0/rps_cpus", "0\n");
  tree.Write("/sys/devices/pci0/0000:00:03.0/msi_irqs/38", "msix\n");
  tree.Link("/sys/class/net/eth0/device", "../../../devices/pci0/0000:00:03.0");
  tree.Write("/sys/kernel/irq/38/per_cpu_count", "1,2\n");
  tree.Write("/sys/kernel/irq/38/actions", "eth0-rx-0\n");
  const NetworkQueues queues = ReadNetworkQueues(tree.root());
  ASSERT_EQ(queues.queues.size(), 2u);
  EXPECT_EQ(queues.queues[0].interface, "eth0");
  EXPECT_THAT(queues.queues[0].rps_cpus, ElementsAre(2, 3));
  EXPECT_THAT(queues.queues[1].rps_cpus, IsEmpty());
  ASSERT_EQ(queues.lines.size(), 1u);
  EXPECT_EQ(queues.lines[0].irq, 38u);
  EXPECT_EQ(queues.lines[0].interface, "eth0");
}

}  // namespace
}  // namespace hftmon
