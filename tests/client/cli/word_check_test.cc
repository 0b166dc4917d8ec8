// What no word may hold, in whichever option or verb it stands.
#include "client/cli/word_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class WordCheckTest : public CliFixture {
 protected:
  std::string ErrorOf(const std::vector<std::string>& words) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 3) << console.out();
    EXPECT_EQ(console.out(), "");
    return console.err();
  }
};

TEST(CheckWordTest, TextIsFine) {
  for (const char* word : {"", "matcher", "--name=h\xc3\xb6rer", "a b", "2-5,8"}) EXPECT_TRUE(CheckWord(word).ok()) << word;
}

TEST_F(WordCheckTest, BytesThatNoMessageCarriesAreRefusedWhereverTheyStand) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"attach", "--name", "\xff\xfe"}, {"attach", "--probes", "\xff", "5"}, {"network", "--interface=\xff"}}) {
    EXPECT_THAT(ErrorOf(words), AllOf(HasSubstr("not UTF-8"), HasSubstr("\\xff"), Not(HasSubstr("\xff"))));
  }
}

TEST_F(WordCheckTest, ControlCharactersDoNotReachTheTerminal) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"attach", "\033[2J5"},
                                                {"--pid-namespace", "\033[2J", "targets"},
                                                {"network", "--interface", "\033[2J"},
                                                {"\033[2J"}}) {
    EXPECT_THAT(ErrorOf(words), AllOf(HasSubstr("control characters"), HasSubstr("\\033[2J"), Not(HasSubstr("\033"))));
  }
}

TEST_F(WordCheckTest, AnEmptyValueIsNotTheSameAsNone) {
  EXPECT_THAT(ErrorOf({"--pid-namespace", "", "attach", "5"}), HasSubstr("--pid-namespace '': empty"));
  EXPECT_THAT(ErrorOf({"attach", "5", "--pid-namespace="}), HasSubstr("--pid-namespace"));
  EXPECT_THAT(ErrorOf({"network", "--interface", ""}), HasSubstr("--interface '': empty"));
  EXPECT_THAT(ErrorOf({"irqs", "--cpus", ""}), HasSubstr("--cpus '': empty"));
  EXPECT_THAT(ErrorOf({"attach", "--probes", "", "5"}), HasSubstr("--probes '': empty"));
}

TEST_F(WordCheckTest, WhatADaemonRepeatsOfOthersNamesDoesNotReachTheTerminalEither) {
  monitor_.attach = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::NOT_FOUND, "\033[2J is gone", "NO_SUCH_PROCESS");
  };
  EXPECT_THAT(ErrorOf({"attach", "--json", "5"}), AllOf(HasSubstr("is gone"), Not(HasSubstr("\033"))));
}

}  // namespace
}  // namespace hftmon
