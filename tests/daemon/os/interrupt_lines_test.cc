#include "daemon/os/interrupt_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/os/cpu_topology.h"
#include "daemon/os/proc_affinity.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class InterruptLinesTest : public ::testing::Test {
 protected:
  void WriteLine(int irq, const std::string& actions, const std::string& allowed, const std::string& effective) const {
    const std::string number = std::to_string(irq);
    tree_.Write("/proc/irq/" + number + "/smp_affinity_list", allowed + "\n");
    tree_.Write("/proc/irq/" + number + "/effective_affinity_list", effective + "\n");
    tree_.Write("/sys/kernel/irq/" + number + "/actions", actions + "\n");
    tree_.Write("/sys/kernel/irq/" + number + "/chip_name", "PCI-MSIX-0000:01:00.0\n");
  }
  FixtureTree tree_;
};

TEST_F(InterruptLinesTest, LinesWithAHandlerAreToldByNumber) {
  WriteLine(130, "eth0-TxRx-1", "2-3", "3");
  WriteLine(9, "acpi,ahci[0000:00:1f.2]", "0-7", "");
  WriteLine(8, "", "0-7", "0");
  tree_.Write("/proc/irq/default_smp_affinity", "ff\n");
  const auto read = ReadInterruptLines(tree_.root());
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<InterruptLine>& lines = read->lines;
  ASSERT_EQ(lines.size(), 2u) << "a line that nobody handles is left out";
  EXPECT_EQ(read->unread_count, 0u);
  EXPECT_EQ(lines[0].irq, 9);
  EXPECT_THAT(lines[0].handlers, ElementsAre("acpi", "ahci[0000:00:1f.2]"));
  EXPECT_THAT(lines[0].allowed_cpus, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(lines[0].effective_cpus, IsEmpty());
  EXPECT_EQ(lines[1].irq, 130);
  EXPECT_EQ(lines[1].chip, "PCI-MSIX-0000:01:00.0");
  EXPECT_THAT(lines[1].allowed_cpus, ElementsAre(2, 3));
  EXPECT_THAT(lines[1].effective_cpus, ElementsAre(3));
}

TEST_F(InterruptLinesTest, WithoutSysfsTheHandlersAreTheFoldersBesideTheFiles) {
  tree_.Write("/proc/irq/24/smp_affinity_list", "0-1\n");
  tree_.Write("/proc/irq/24/spurious", "count 0\n");
  tree_.MakeDirectory("/proc/irq/24/virtio0-input.0");
  const auto read = ReadInterruptLines(tree_.root());
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<InterruptLine>& lines = read->lines;
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0].handlers, ElementsAre("virtio0-input.0"));
  EXPECT_EQ(lines[0].chip, "");
}

TEST_F(InterruptLinesTest, ALineThatGoesAwayMeanwhileIsLeftOutAndNoFolderIsAnError) {
  tree_.Write("/sys/kernel/irq/24/actions", "nic\n");
  tree_.MakeDirectory("/proc/irq/24");
  const auto read = ReadInterruptLines(tree_.root());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->lines, IsEmpty());
  EXPECT_EQ(read->unread_count, 0u);
  const auto none = ReadInterruptLines(FixtureTree().root());
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.status().message()), ::testing::HasSubstr("/proc/irq"));
}

TEST_F(InterruptLinesTest, WhatIsBeyondTheLimitOrUnreadableIsCounted) {
  for (const int irq : {30, 31, 32}) WriteLine(irq, "nic", "0-1", "0");
  WriteLine(29, "nic", "0-x", "0");
  const auto read = ReadInterruptLines(tree_.root(), /*lines_max=*/2);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->lines.size(), 2u);
  EXPECT_EQ(read->lines[0].irq, 30);
  EXPECT_EQ(read->unread_count, 2u);
}

TEST_F(InterruptLinesTest, ThisHostsLinesMayBeSentToOnlineOrLaterCpus) {
  const FileRoot host;
  const auto read = ReadInterruptLines(host);
  if (!read.ok()) GTEST_SKIP() << read.status();
  for (const InterruptLine& line : read->lines) {
    EXPECT_THAT(line.allowed_cpus, ::testing::Not(IsEmpty())) << line.irq;
    EXPECT_THAT(line.handlers, ::testing::Not(IsEmpty())) << line.irq;
    for (const int cpu : line.effective_cpus) EXPECT_THAT(line.allowed_cpus, ::testing::Contains(cpu)) << line.irq;
  }
}

TEST(ReservedCpusTest, IsolatedCpusAndThoseWithoutATickAreReserved) {
  FixtureTree tree;
  EXPECT_THAT(*ReadReservedCpus(tree.root()), IsEmpty()) << "a kernel without these files";
  tree.Write("/sys/devices/system/cpu/isolated", "2-3\n");
  tree.Write("/sys/devices/system/cpu/nohz_full", "3,5\n");
  EXPECT_THAT(*ReadReservedCpus(tree.root()), ElementsAre(2, 3, 5));
  tree.Write("/sys/devices/system/cpu/nohz_full", "(null)\n");
  EXPECT_THAT(*ReadReservedCpus(tree.root()), ElementsAre(2, 3));
}

TEST(ReadAllowedCpusTest, TheListOfTheThreadsStatus) {
  FixtureTree tree;
  tree.Write("/proc/7/task/9/status", "Name:\tx\nCpus_allowed:\t0c\nCpus_allowed_list:\t2-3\nMems_allowed:\t1\n");
  EXPECT_THAT(*ReadAllowedCpus(tree.root(), 7, 9), ElementsAre(2, 3));
  EXPECT_EQ(ReadAllowedCpus(tree.root(), 7, 10).status().code(), absl::StatusCode::kNotFound);
  tree.Write("/proc/7/task/9/status", "Name:\tx\n");
  EXPECT_EQ(ReadAllowedCpus(tree.root(), 7, 9).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace hftmon
