// What pages and completion are told of the definitions.
#include "client/cli/manual/command_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "client/cli/cli.h"
#include "tests/client/cli/string_console.h"

namespace hftmon {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class CommandDescriptionTest : public ::testing::Test {
 protected:
  CommandDescription Of(const std::string& verb) const {
    for (const DeclaredVerb& declared : line_.verbs()) {
      if (declared.app->get_name() == verb) return DescribeVerb(declared);
    }
    ADD_FAILURE() << "no verb " << verb;
    return {};
  }
  static OptionDescription Find(const CommandDescription& command, const std::string& name) {
    for (const OptionDescription& option : command.options) {
      if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) return option;
    }
    ADD_FAILURE() << command.name << " has no " << name;
    return {};
  }

  CommandLine line_;
};

TEST_F(CommandDescriptionTest, WordsStandInTheTypeOrInASetThatIsChecked) {
  EXPECT_THAT(Find(Of("attach"), "--stacks").words, ElementsAre("none", "kernel", "user", "both"));
  EXPECT_FALSE(Find(Of("attach"), "--stacks").list);
  EXPECT_TRUE(Find(Of("attach"), "--probes").list);
  const CommandDescription quiet = Of("quiet");
  EXPECT_TRUE(std::any_of(quiet.options.begin(), quiet.options.end(), [](const OptionDescription& option) {
    return option.words == std::vector<std::string>{"on", "off"};
  }));
  EXPECT_THAT(Find(Of("import"), "--line-bytes").words, ElementsAre("16", "32", "64", "128", "256", "512", "1024"));
  EXPECT_THAT(Find(Of("spikes"), "--window").words, IsEmpty());
}

TEST_F(CommandDescriptionTest, ProcessesFilesAndFlagsAreTold) {
  const OptionDescription pid = Find(Of("attach"), "--pid");
  EXPECT_THAT(pid.names, ElementsAre("-p", "--pid"));
  EXPECT_TRUE(pid.takes_pid() && pid.by_place && pid.repeats && pid.takes_value);
  EXPECT_FALSE(Find(Of("attach"), "--json").takes_value);
  const CommandDescription import = Of("import");
  EXPECT_TRUE(std::any_of(import.options.begin(), import.options.end(),
                          [](const OptionDescription& option) { return option.takes_file() && option.by_place && option.required; }));
  EXPECT_EQ(Find(Of("switches"), "--window").default_value, "10s");
  EXPECT_EQ(Find(DescribeProgram(line_), "--server").environment, "HFTMON_SERVER");
}

TEST_F(CommandDescriptionTest, NotesAreParagraphsAndExitCodesStandApart) {
  const CommandDescription threads = Of("threads");
  EXPECT_THAT(threads.notes, Not(HasSubstr("Exit code")));
  EXPECT_THAT(threads.notes, Not(HasSubstr("\n")));
  EXPECT_THAT(threads.exit_notes, StartsWith("Exit code 1: records were lost"));
  EXPECT_THAT(Of("run").exit_notes, StartsWith("The exit code is the command's"));
  EXPECT_TRUE(Of("run").takes_command);
}

TEST_F(CommandDescriptionTest, AFirstClauseIsShort) {
  EXPECT_EQ(FirstClause("how long, 1ms to 10s (default: 1s)"), "how long, 1ms to 10s");
  EXPECT_EQ(FirstClause("one; two"), "one");
  EXPECT_LE(FirstClause(std::string(200, 'a') + " b").size(), 200u);
  EXPECT_LE(FirstClause("aaa " + std::string(60, 'b') + " " + std::string(60, 'c')).size(), 90u);
}

// A word of a type's name that the verb refuses, or one more that it takes, would be a second list that has drifted from the first.
TEST_F(CommandDescriptionTest, EachWordThatIsOfferedIsTakenAndAnotherIsNot) {
  for (const DeclaredVerb& declared : line_.verbs()) {
    const CommandDescription verb = DescribeVerb(declared);
    if (verb.takes_command) continue;  // its options are those of attach
    for (const OptionDescription& option : verb.options) {
      // What the daemon alone checks: the probe groups, and how its loop works.
      if (option.words.empty() || option.list || verb.name == "mode") continue;
      std::vector<std::string> offered = option.words;
      offered.push_back("nonsense");
      for (const std::string& word : offered) {
        SCOPED_TRACE(verb.name + " " + option.value + " " + word);
        std::vector<std::string> words = {"--server", "unix:/nonexistent/hftmond.sock", "--timeout", "2s", verb.name};
        if (!option.names.empty()) words.push_back(option.names.back());
        words.push_back(word);
        // What those verbs want besides.
        if (verb.name == "attach" || verb.name == "sharing") words.push_back("4711");
        if (verb.name == "import" || verb.name == "correlate") words.push_back("/nonexistent/file");
        if (verb.name == "targets") words.insert(words.end(), {"--set", "4711"});
        if (verb.name == "check") words.insert(words.end(), {"-p", "4711"});
        if (verb.name == "export") words.insert(words.end(), {"-o", "/nonexistent/folder/file"});
        if (word == "alpha" || word == "folded") words.insert(words.end(), {"--notional", "1", "--bps-per-us", "1"});
        if (verb.name == "cache") words.insert(words.end(), {"--rate", "100", "-p", "4711"});
        StringConsole console;
        EXPECT_EQ(RunCli(words, console, absl::UTCTimeZone()), 3);
        const auto asked = AnyOf(HasSubstr("/nonexistent/hftmond.sock"), HasSubstr("/nonexistent/file: No such"));
        if (word == "nonsense") {
          EXPECT_THAT(console.err(), Not(asked));
        } else {
          EXPECT_THAT(console.err(), asked);
        }
      }
    }
  }
}

}  // namespace
}  // namespace hftmon
