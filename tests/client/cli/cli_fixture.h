// CliFixture: the whole command line against a scripted daemon.
#ifndef HFTMON_TESTS_CLIENT_CLI_CLI_FIXTURE_H_
#define HFTMON_TESTS_CLIENT_CLI_CLI_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/cli/cli.h"
#include "tests/client/cli/string_console.h"
#include "tests/client/cpp/fake_monitor.h"

namespace hftmon {

class CliFixture : public ::testing::Test {
 protected:
  // The exit code of `hftmon --server ADDRESS words…`.
  int Run(std::vector<std::string> words, StringConsole& console) {
    words.insert(words.begin(), {"--server", monitor_.address()});
    return RunCli(words, console, absl::UTCTimeZone());
  }

  FakeMonitor monitor_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CLI_CLI_FIXTURE_H_
