#include "daemon/os/file_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(FileRoot, ReadsBelowItsRoot) {
  FixtureTree tree;
  tree.Write("/sys/a", "text\n");
  EXPECT_EQ(*tree.root().ReadFile("/sys/a"), "text\n");
  EXPECT_EQ(*FileRoot(tree.path() + "//").ReadFile("/sys/a"), "text\n");
}

TEST(FileRoot, AMissingFileIsNotFoundAndNamed) {
  FixtureTree tree;
  const auto text = tree.root().ReadFile("/proc/none");
  EXPECT_EQ(text.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(text.status().message()), HasSubstr("/proc/none"));
  EXPECT_FALSE(tree.root().Exists("/proc/none"));
  EXPECT_FALSE(tree.root().CanRead("/proc/none"));
}

TEST(FileRoot, LinesHaveNoEndsAndTheLastNeedsNone) {
  FixtureTree tree;
  tree.Write("/lines", "a\n\nb");
  tree.Write("/empty", "");
  EXPECT_THAT(*tree.root().ReadLines("/lines"), ElementsAre("a", "", "b"));
  EXPECT_THAT(*tree.root().ReadLines("/empty"), IsEmpty());
}

TEST(FileRoot, AListIsSorted) {
  FixtureTree tree;
  tree.Write("/d/b", "");
  tree.Write("/d/a", "");
  EXPECT_THAT(*tree.root().List("/d"), ElementsAre("a", "b"));
  EXPECT_EQ(tree.root().List("/none").status().code(), absl::StatusCode::kNotFound);
}

TEST(FileRoot, AnOversizedFileIsRefused) {
  FixtureTree tree;
  tree.Write("/big", std::string(kFileBytesMax + 1, 'x'));
  tree.Write("/fits", std::string(kFileBytesMax, 'x'));
  EXPECT_EQ(tree.root().ReadFile("/big").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(tree.root().ReadFile("/fits")->size(), kFileBytesMax);
}

TEST(FileRoot, ADirectoryIsNoFile) {
  FixtureTree tree;
  tree.MakeDirectory("/d");
  EXPECT_FALSE(tree.root().ReadFile("/d").ok());
  EXPECT_TRUE(tree.root().Exists("/d"));
}

TEST(Trim, TakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(Trim(" \ta b\n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
}

}  // namespace
}  // namespace hftmon
