// FixtureTree: a temporary directory that stands in for a host's root, removed at the end of the test.
#ifndef HFTMON_TESTS_DAEMON_OS_FIXTURE_TREE_H_
#define HFTMON_TESTS_DAEMON_OS_FIXTURE_TREE_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "daemon/os/file_root.h"

namespace hftmon {

class FixtureTree {
 public:
  FixtureTree() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hftmon-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~FixtureTree() { std::filesystem::remove_all(path_); }
  FixtureTree(const FixtureTree&) = delete;
  FixtureTree& operator=(const FixtureTree&) = delete;

  // `path` as on a host: "/proc/self/stat".
  void Write(std::string_view path, std::string_view text) const {
    const std::filesystem::path file = path_ + std::string(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  // A symbolic link that says `text`, which need not exist.
  void Link(std::string_view path, std::string_view text) const {
    const std::filesystem::path link = path_ + std::string(path);
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink(text, link);
  }
  void MakeDirectory(std::string_view path) const { std::filesystem::create_directories(path_ + std::string(path)); }

  const std::string& path() const { return path_; }
  FileRoot root() const { return FileRoot(path_); }

 private:
  std::string path_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_OS_FIXTURE_TREE_H_
