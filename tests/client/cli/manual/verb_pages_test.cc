#include "client/cli/manual/verb_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const DeclaredVerb& Find(const CommandLine& line, const std::string& verb) {
  for (const DeclaredVerb& declared : line.verbs()) {
    if (declared.app->get_name() == verb) return declared;
  }
  throw std::out_of_range(verb);
}

TEST(ProgramPage, NamesEveryVerbTheEnvironmentExitCodesAndFiles) {
  const CommandLine line;
  const std::string page = ProgramPage(line);
  for (const DeclaredVerb& verb : line.verbs()) {
    EXPECT_THAT(page, HasSubstr("\n.TP\n\\fB" + verb.app->get_name() + "\\fR\n"));
    EXPECT_THAT(page, HasSubstr("see hftmon\\-" + verb.app->get_name() + "(1)"));
  }
  EXPECT_THAT(page,
              AllOf(HasSubstr("\\fBHFTMON_SERVER\\fR\n"), HasSubstr("\\fBNO_COLOR\\fR\n"), HasSubstr("\\fB130\\fR\ninterrupted"),
                    HasSubstr("\\fB/run/hftmon/hftmond.sock\\fR\n"), HasSubstr("\\fB\\-\\-timeout TIME\\fR\nof each call (default: 5s)")));
}

TEST(VerbPage, HasSynopsisOptionsExitCodesAndExamples) {
  const CommandLine line;
  const std::string page = VerbPage(line, Find(line, "import"));
  EXPECT_THAT(page, AllOf(HasSubstr("\\fBhftmon\\fR import [OPTION]... FILE\n"), HasSubstr("(default: cycles)"),
                          HasSubstr("\\fB\\-\\-line\\-bytes 16|32|64|128|256|512|1024\\fR\n"),
                          HasSubstr(".SH EXAMPLES\n.TP\n\\fBhftmon import perf.data\\fR\n")));
}

TEST(VerbPage, OfRunEndsAsItsCommandDid) {
  const CommandLine line;
  const std::string page = VerbPage(line, Find(line, "run"));
  EXPECT_THAT(page, AllOf(HasSubstr("run [OPTION]... \\-\\- COMMAND [ARGUMENT]...\n"), HasSubstr("The exit code is the command\\(aqs"),
                          Not(HasSubstr("\\fB130\\fR"))));
}

TEST(VerbPage, HasNoLineThatTroffWouldTakeForAnotherMacro) {
  const CommandLine line;
  for (const DeclaredVerb& verb : line.verbs()) {
    const std::string page = VerbPage(line, verb);
    for (size_t at = page.find("\n."); at != std::string::npos; at = page.find("\n.", at + 1)) {
      const std::string macro = page.substr(at + 2, 2);
      EXPECT_THAT(macro, ::testing::AnyOf("SH", "SS", "PP", "TP", "nf", "fi", "nh", "ad")) << verb.app->get_name();
    }
  }
}

}  // namespace
}  // namespace hftmon
