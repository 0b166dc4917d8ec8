// HostFixture: a host's files out of one text file of tests/fixtures/hosts, unpacked into a FixtureTree.
// The text: "file PATH N" and the file's N lines, "link PATH TARGET", and comments that begin with '#' between them.
#ifndef HFTMON_TESTS_DAEMON_OS_HOST_FIXTURE_H_
#define HFTMON_TESTS_DAEMON_OS_HOST_FIXTURE_H_

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {

// A line that is none of these fails the test.
inline void UnpackHost(const std::string& name, const FixtureTree& tree) {
  const std::string path = "tests/fixtures/hosts/" + name + ".tree";
  std::ifstream packed(path);
  EXPECT_TRUE(packed.is_open()) << path;
  for (std::string line; std::getline(packed, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string kind, target, third;
    words >> kind >> target >> third;
    if (kind == "link" && !third.empty()) {
      tree.Link(target, third);
    } else if (kind == "file" && !third.empty()) {
      std::string text;
      for (int left = std::stoi(third); left > 0; --left) {
        std::string of_file;
        EXPECT_TRUE(std::getline(packed, of_file)) << path << " ends within " << target;
        text += of_file + "\n";
      }
      tree.Write(target, text);
    } else {
      ADD_FAILURE() << path << " has the line '" << line << "'";
      return;
    }
  }
}

struct HostFixture : FixtureTree {
  explicit HostFixture(const std::string& name) { UnpackHost(name, *this); }
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_OS_HOST_FIXTURE_H_
