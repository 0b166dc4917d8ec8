// Captured: text of /proc of real kernels (tests/fixtures/numa). Ends the test where the file cannot be read.
#ifndef HFTMON_TESTS_DAEMON_NUMA_CAPTURED_H_
#define HFTMON_TESTS_DAEMON_NUMA_CAPTURED_H_

#include <gtest/gtest.h>

#include <string>

#include "daemon/os/file_root.h"

namespace hftmon {

inline std::string Captured(const std::string& name) {
  const auto text = FileRoot("tests/fixtures/numa").ReadFile("/" + name);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? *text : std::string();
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_NUMA_CAPTURED_H_
