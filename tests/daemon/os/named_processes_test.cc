#include "daemon/os/named_processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/os/proc_comm.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NamedProcesses, TheyAreFoundByTheirWholeNameInTheOrderOfPids) {
  const FixtureTree tree;
  tree.Write("/proc/100/comm", "irqbalance\n");
  tree.Write("/proc/99/comm", "irqbalance\n");
  tree.Write("/proc/5/comm", "irqbalance-ui\n");
  tree.Write("/proc/6/comm", "irq\n");
  tree.Write("/proc/7/status", "it ended\n");
  tree.Write("/proc/irq/comm", "irqbalance\n");
  tree.Write("/proc/-8/comm", "irqbalance\n");
  tree.Write("/proc/99999999999999/comm", "irqbalance\n");
  EXPECT_THAT(*FindProcessesNamed(tree.root(), "irqbalance"), ElementsAre(99, 100));
  EXPECT_THAT(*FindProcessesNamed(tree.root(), "chronyd"), IsEmpty());
}

TEST(NamedProcesses, TheKernelKeepsFifteenBytes) {
  const FixtureTree tree;
  tree.Write("/proc/3/comm", "systemd-network\n");
  EXPECT_THAT(*FindProcessesNamed(tree.root(), "systemd-networkd"), ElementsAre(3));
}

TEST(NamedProcesses, WithoutProcThereIsAnError) {
  const FixtureTree tree;
  EXPECT_FALSE(FindProcessesNamed(tree.root(), "irqbalance").ok());
}

TEST(NamedProcesses, ThisProcessIsAmongThoseOfItsName) {
  const auto comm = FileRoot().ReadFile("/proc/self/comm");
  ASSERT_TRUE(comm.ok()) << comm.status();
  EXPECT_THAT(*FindProcessesNamed(FileRoot(), ParseProcComm(*comm)), Contains(::getpid()));
}

}  // namespace
}  // namespace hftmon
