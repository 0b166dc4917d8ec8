#include "daemon/os/swap_areas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kHeading[] = "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n";

TEST(SwapAreas, EachLineBelowTheHeadingIsOne) {
  const auto areas = ParseSwapAreas(std::string(kHeading) + "/dev/dm-2                               partition\t131068\t176\t-2\n" +
                                    "/var/swap\\040file\\040(deleted) file 8 0 5");
  ASSERT_TRUE(areas.ok()) << areas.status();
  ASSERT_THAT(*areas, SizeIs(2));
  EXPECT_EQ((*areas)[0].path, "/dev/dm-2");
  EXPECT_EQ((*areas)[0].type, "partition");
  EXPECT_EQ((*areas)[0].size_bytes, 131068 * 1024);
  EXPECT_EQ((*areas)[0].used_bytes, 176 * 1024);
  EXPECT_EQ((*areas)[1].path, "/var/swap\\040file\\040(deleted)");
}

TEST(SwapAreas, NoneIsAnAnswer) {
  EXPECT_THAT(*ParseSwapAreas(kHeading), IsEmpty());
  EXPECT_THAT(*ParseSwapAreas(""), IsEmpty());
  const FixtureTree without;
  EXPECT_THAT(*ReadSwapAreas(without.root()), IsEmpty());
}

TEST(SwapAreas, ALineThatIsNoneIsShown) {
  for (const char* line :
       {"/dev/dm-2", "/dev/dm-2 partition x 0 -2", "/dev/dm-2 partition 8 -1 -2", "/dev/dm-2 partition 9223372036854775807 0 -2"}) {
    const FixtureTree tree;
    tree.Write("/proc/swaps", std::string(kHeading) + line + "\n");
    const auto areas = ReadSwapAreas(tree.root());
    EXPECT_EQ(areas.status().code(), absl::StatusCode::kInternal) << line;
    EXPECT_THAT(std::string(areas.status().message()), HasSubstr("/proc/swaps: '/dev/dm-2")) << line;
  }
}

}  // namespace
}  // namespace hftmon
