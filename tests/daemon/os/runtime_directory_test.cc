#include "daemon/os/runtime_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

TEST(RuntimeDirectoryTest, ItIsOpenToClientsWhateverTheUmask) {
  const FixtureTree tree;
  const mode_t before = ::umask(0077);
  const absl::Status made = MakeRuntimeDirectory(tree.path() + "/hftmon");
  ::umask(before);
  ASSERT_TRUE(made.ok()) << made;
  EXPECT_EQ(ModeOf(tree.path() + "/hftmon"), 0755u);
}

TEST(RuntimeDirectoryTest, WhatIsThereStaysAsItIs) {
  const FixtureTree tree;
  const std::string path = tree.path() + "/hftmon";
  tree.Write("/hftmon/hftmond.sock.lock", "1");
  ASSERT_EQ(::chmod(path.c_str(), 0750), 0);
  EXPECT_TRUE(MakeRuntimeDirectory(path).ok());
  EXPECT_EQ(ModeOf(path), 0750u);
  EXPECT_TRUE(std::filesystem::exists(path + "/hftmond.sock.lock"));
}

TEST(RuntimeDirectoryTest, OneThatCannotBeMadeNamesTheCommandThatMakesIt) {
  const FixtureTree tree;
  const absl::Status status = MakeRuntimeDirectory(tree.path() + "/none/hftmon");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("install -d -m 755 " + tree.path() + "/none/hftmon"));
}

}  // namespace
}  // namespace hftmon
