#include "daemon/os/numa_balancing.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class NumaBalancingTest : public ::testing::Test {
 protected:
  NumaBalancingTest() {
    tree_.Write("/sys/devices/system/node/online", "0-1\n");
    tree_.Write("/proc/sys/kernel/numa_balancing", "1\n");
    tree_.Write("/proc/vmstat",
                "nr_free_pages 7\nnuma_hit 99\nnuma_pte_updates 40\nnuma_huge_pte_updates 3\nnuma_hint_faults 30\n"
                "numa_hint_faults_local 20\nnuma_pages_migrated 10\n");
  }

  FixtureTree tree_;
};

TEST_F(NumaBalancingTest, TheHostsCountsAreThoseOfVmstat) {
  const absl::StatusOr<NumaBalancing> numa = ReadNumaBalancing(tree_.root());
  ASSERT_TRUE(numa.ok()) << numa.status();
  EXPECT_EQ(numa->unmapped_page_count, 40u);
  EXPECT_EQ(numa->hint_fault_count, 30u);
  EXPECT_EQ(numa->local_hint_fault_count, 20u);
  EXPECT_EQ(numa->moved_page_count, 10u);
}

TEST_F(NumaBalancingTest, WhereNothingIsBalancedTheReasonIsSaid) {
  tree_.Write("/proc/sys/kernel/numa_balancing", "0\n");
  EXPECT_THAT(std::string(ReadNumaBalancing(tree_.root()).status().message()), HasSubstr("kernel.numa_balancing is 0"));
  tree_.Write("/sys/devices/system/node/online", "0\n");
  EXPECT_THAT(std::string(ReadNumaBalancing(tree_.root()).status().message()), HasSubstr("one"));
  const FixtureTree bare;
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadNumaBalancing(bare.root()).status()));
}

TEST_F(NumaBalancingTest, AThreadsCountsAreThoseOfItsOwnFile) {
  tree_.Write("/proc/10/task/12/sched",
              "matcher (12, #threads: 3)\n-------\nse.exec_start : 17.5\nmm->numa_scan_seq                            : 4\n"
              "numa_pages_migrated                          :                   31\ncurrent_node=0, numa_group_id=0\n"
              "total_numa_faults                            :                   72\n");
  const absl::StatusOr<NumaOfThread> numa = ReadNumaOfThread(tree_.root(), 10, 12);
  ASSERT_TRUE(numa.ok()) << numa.status();
  EXPECT_EQ(numa->moved_page_count, 31u);
  EXPECT_EQ(numa->fault_count, 72u);
  tree_.Write("/proc/10/task/13/sched", "matcher (13, #threads: 3)\n");
  EXPECT_TRUE(absl::IsNotFound(ReadNumaOfThread(tree_.root(), 10, 13).status()));
  EXPECT_FALSE(ReadNumaOfThread(tree_.root(), 10, 14).ok());
}

}  // namespace
}  // namespace hftmon
