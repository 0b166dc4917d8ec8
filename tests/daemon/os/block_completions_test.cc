#include "daemon/os/block_completions.h"

#include <gmock/gmock.h>

#include "daemon/os/interrupt_coalescing.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::Optional;

TEST(BlockCompletionsTest, CompletedReadsWritesDiscardsAndFlushesAreCountedOfThoseWithADevice) {
  FixtureTree tree;
  tree.MakeDirectory("/sys/block/vda/device");
  tree.Write("/sys/block/vda/stat", "  10 1 200 3  20 2 400 5  0 7 8  300 1 9 2  4000 6\n");
  tree.MakeDirectory("/sys/block/vdb/device");
  tree.Write("/sys/block/vdb/stat", "10 1 200 3 20 2 400 5 0 7 8\n");
  tree.MakeDirectory("/sys/block/vdc/device");
  tree.Write("/sys/block/vdc/stat", "10 nothing\n");
  tree.Write("/sys/block/loop0/stat", "9 1 2 3 4 5 6 7 8 9 10\n");
  const auto read = ReadBlockDevices(tree.root());
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->devices.size(), 3u);
  EXPECT_EQ(read->devices[0].name, "vda");
  EXPECT_THAT(read->devices[0].completed_count, Optional(4330u));
  EXPECT_THAT(read->devices[1].completed_count, Optional(30u)) << "an older kernel's file";
  EXPECT_EQ(read->devices[2].completed_count, std::nullopt);
}

TEST(BlockCompletionsTest, BeyondTheBoundTheyAreCounted) {
  FixtureTree tree;
  for (size_t i = 0; i < kBlockDevicesMax + 2; ++i) tree.MakeDirectory("/sys/block/sd" + std::to_string(i) + "/device");
  const auto read = ReadBlockDevices(tree.root());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->devices.size(), kBlockDevicesMax);
  EXPECT_EQ(read->unread_count, 2u);
}

TEST(InterruptCoalescingTest, AnInterfaceWithoutSettingsSaysSoAndOneThatIsNoneIsAnError) {
  const auto loopback = SystemReadCoalescing("lo");
  EXPECT_TRUE(absl::IsUnimplemented(loopback.status())) << loopback.status();
  EXPECT_EQ(loopback.status().message(), "the driver of lo reports no settings");
  const auto stranger = SystemReadCoalescing("hft-none");
  EXPECT_FALSE(stranger.ok());
  EXPECT_FALSE(absl::IsUnimplemented(stranger.status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SystemReadCoalescing("sixteen-bytes-16").status()));
}

}  // namespace
}  // namespace hftmon
