#include "daemon/collectors/stack_map.h"

#include <gtest/gtest.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

TEST(StackMapTest, AStackIsNoLongerThanTheKernelAllows) {
  const FixtureTree tree;
  EXPECT_EQ(StackMapBytes(tree.root(), 32), 256u) << "a kernel that does not say";
  tree.Write("/proc/sys/kernel/perf_event_max_stack", "127\n");
  EXPECT_EQ(StackMapBytes(tree.root(), 32), 256u);
  tree.Write("/proc/sys/kernel/perf_event_max_stack", "16\n");
  EXPECT_EQ(StackMapBytes(tree.root(), 32), 128u);
  tree.Write("/proc/sys/kernel/perf_event_max_stack", "0\n");
  EXPECT_EQ(StackMapBytes(tree.root(), 32), 8u);
}

TEST(StackMapTest, WithoutAMapThereIsNone) {
  EXPECT_TRUE(ReadStackMap(-1, 7, 32).empty());
}

}  // namespace
}  // namespace hftmon
