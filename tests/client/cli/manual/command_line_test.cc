// What can be said to hftmon, and what its help says: parsed by the definitions themselves, run by nobody.
#include "client/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_split.h"
#include "client/cli/cli.h"
#include "client/cli/verb_examples.h"
#include "tests/client/cli/string_console.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNobodyThere[] = "unix:/nonexistent/hftmond.sock";

// Without the program's name, and without what another program does behind a `|`.
std::vector<std::string> WordsOf(const VerbExample& example) {
  std::vector<std::string> words = absl::StrSplit(std::string(example.command), ' ');
  words.erase(words.begin());
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "|") words.resize(i);
  }
  return words;
}

TEST(VerbExamples, EachIsParsedForItsVerb) {
  for (const VerbExample& example : AllExamples()) {
    SCOPED_TRACE(std::string(example.command));
    const std::vector<std::string> words = WordsOf(example);
    CommandLine line;
    const auto parsed = line.Parse(words);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    ASSERT_NE(parsed->verb, nullptr);
    EXPECT_EQ(parsed->verb->app->get_name(), words[0]);
    EXPECT_EQ(parsed->verb->takes_command, !parsed->command.empty());
    EXPECT_THAT(std::string(example.meaning), Not(HasSubstr("\n")));
  }
}

// What the verb itself checks, such as ranges of durations, it checks before it asks anybody.
TEST(VerbExamples, EachHasValuesThatItsVerbTakes) {
  for (const VerbExample& example : AllExamples()) {
    std::vector<std::string> words = WordsOf(example);
    if (words[0] == "run") continue;  // would start the command
    SCOPED_TRACE(std::string(example.command));
    words.insert(words.begin(), {"--server", kNobodyThere, "--timeout", "2s"});
    StringConsole console;
    EXPECT_EQ(RunCli(words, console, absl::UTCTimeZone()), 3);
    EXPECT_THAT(console.err(),
                AnyOf(HasSubstr("/nonexistent/hftmond.sock"), HasSubstr("orders.csv: No such file"), HasSubstr("perf.data: No such file"),
                      HasSubstr("stalls.hftrec: No such file"), HasSubstr("is no terminal")));
  }
}

TEST(VerbExamples, EveryVerbHasOne) {
  const CommandLine line;
  for (const DeclaredVerb& verb : line.verbs()) EXPECT_FALSE(ExamplesOf(verb.app->get_name()).empty()) << verb.app->get_name();
  EXPECT_TRUE(ExamplesOf("nonsense").empty());
  EXPECT_TRUE(ExamplesOf("").empty());
}

TEST(Help, OfAVerbHasItsOptionsWithUnitsAndDefaultsExamplesAndExitCodes) {
  CommandLine line;
  const auto parsed = line.Parse({"help", "switches"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->verb, nullptr);
  EXPECT_THAT(parsed->text,
              AllOf(HasSubstr("Usage: hftmon switches [OPTIONS]"), HasSubstr("--window TIME=10s"), HasSubstr("--pid PID ..."),
                    HasSubstr("Examples:\n  hftmon switches --window 10s --percentiles 50,99,99.9\n      counts, run-queue latency"),
                    HasSubstr("Exit codes: 0 fine; 1 warnings"), HasSubstr("130 interrupted")));
}

TEST(Help, OfRunClaimsNoExitCodesOfItsOwn) {
  CommandLine line;
  const auto parsed = line.Parse({"run", "--help"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->text, AllOf(HasSubstr("The exit code is the command's"), Not(HasSubstr("Exit codes: 0 fine"))));
}

TEST(Help, OfNothingListsTheVerbsAndWhereMoreIsSaid) {
  CommandLine line;
  const auto parsed = line.Parse({"help"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->text, AllOf(HasSubstr("\n  spikes "), HasSubstr("`hftmon help VERB`"), HasSubstr("Exit codes: 0 fine")));
}

TEST(CommandLine, AnUnknownVerbIsToldWithTheNearestNames) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"spike"}, {"help", "spike"}}) {
    StringConsole console;
    EXPECT_EQ(RunCli(words, console, absl::UTCTimeZone()), 3);
    EXPECT_EQ(console.err(), "hftmon: 'spike': no such verb: did you mean spikes? see `hftmon --help`\n");
    EXPECT_EQ(console.out(), "");
  }
  StringConsole console;
  EXPECT_EQ(RunCli({"xxxxxxxxxx"}, console, absl::UTCTimeZone()), 3);
  EXPECT_EQ(console.err(), "hftmon: 'xxxxxxxxxx': no such verb: see `hftmon --help`\n");
}

}  // namespace
}  // namespace hftmon
