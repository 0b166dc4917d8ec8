#include "daemon/numa/probe/node_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/os/file_root.h"
#include "daemon/os/numa_nodes.h"

namespace hftmon {
namespace {

constexpr size_t kBytes = 2 * NodeMemory::kAlignment;

TEST(NodeMemoryTest, EveryPageIsFoundOnTheNodeOnceItWasTouched) {
  const absl::StatusOr<NumaNodes> nodes = ReadNumaNodes(FileRoot());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  const int node = nodes->nodes.front().node;
  absl::StatusOr<NodeMemory> memory = NodeMemory::Map(kBytes, node, true);
  ASSERT_TRUE(memory.ok()) << memory.status();
  ASSERT_EQ(memory->lines().size(), kBytes / sizeof(CacheLine));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->lines().data()) % NodeMemory::kAlignment, 0u);
  const auto before = memory->Locate();
  if (!before.ok()) GTEST_SKIP() << before.status();
  EXPECT_EQ(before->on_node_count, 0u) << "nothing of it was touched";
  MakeCycle(memory->lines(), 1);
  const auto located = memory->Locate();
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_EQ(located->page_count, kBytes / static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  if (nodes->nodes.size() > 1) GTEST_SKIP() << "with several nodes the first may have no room";
  EXPECT_EQ(located->on_node_count, located->page_count);
}

TEST(NodeMemoryTest, ANodeThatIsNotThereIsRefused) {
  EXPECT_EQ(NodeMemory::Map(kBytes, -1, true).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(NodeMemory::Map(kBytes, 4'000, true).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(NodeMemoryTest, MemoryThatWasNotTouchedIsNotHuge) {
  absl::StatusOr<NodeMemory> memory = NodeMemory::Map(kBytes, 0, true);
  if (!memory.ok()) GTEST_SKIP() << memory.status();
  EXPECT_FALSE(memory->IsHuge());
}

TEST(NodeMemoryTest, WhereNoHugePagesAreWantedNoneComesWhateverTheHostsSettingsAre) {
  absl::StatusOr<NodeMemory> memory = NodeMemory::Map(kBytes, 0, false);
  if (!memory.ok()) GTEST_SKIP() << memory.status();
  MakeCycle(memory->lines(), 1);
  EXPECT_FALSE(memory->IsHuge());
}

}  // namespace
}  // namespace hftmon
