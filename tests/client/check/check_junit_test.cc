#include "client/check/check_junit.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

// What a parser of XML says: empty when it takes it and `xpath` counts as often as it should; "-" without a parser.
std::string Parse(const std::string& xml, const std::string& expression) {
  if (std::system("command -v python3 > /dev/null") != 0) return "-";
  const std::string path = ::testing::TempDir() + "check_junit.xml";
  std::ofstream(path) << xml;
  const std::string program =
      "import sys, xml.etree.ElementTree as e; r = e.parse(sys.argv[1]).getroot(); assert " + expression + ", e.tostring(r)";
  const int status = std::system(("python3 -c '" + program + "' " + path).c_str());
  std::remove(path.c_str());
  return WEXITSTATUS(status) == 0 ? "" : "python3 refused it: " + xml;
}

TEST(CheckJunitTest, EachModuleIsACaseAndAPassHasNoFailure) {
  const std::string xml = CheckJunit(MakeReport(QuietInputs(), {}, CheckLimits()));
  const std::string fault = Parse(xml,
                                  "r.tag == \"testsuites\" and len(r.findall(\".//testcase\")) == 5 and not r.findall(\".//failure\") and "
                                  "r.attrib[\"failures\"] == \"0\" and r.attrib[\"tests\"] == \"5\"");
  if (fault == "-") GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(fault, "");
}

TEST(CheckJunitTest, AFailureHasItsReasonAndAWarningIsNone) {
  CheckInputs inputs = QuietInputs();
  inputs.switches->mutable_threads(0)->set_involuntary_count(2);
  inputs.network->mutable_threads(0)->clear_sockets();
  const std::string xml = CheckJunit(MakeReport(inputs, {}, CheckLimits()));
  const std::string fault =
      Parse(xml,
            "[c.attrib[\"name\"] for c in r.iter(\"testcase\") if c.find(\"failure\") is not None] == [\"isolation\"] and "
            "\"max-involuntary\" in r.find(\".//failure\").attrib[\"message\"] and "
            "[c for c in r.iter(\"testcase\") if \"WARN\" in c.find(\"system-out\").text][0].attrib[\"name\"] == \"network\"");
  if (fault == "-") GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(fault, "");
}

TEST(CheckJunitTest, NamesCannotBreakTheXml) {
  CheckInputs inputs = QuietInputs();
  inputs.switches = absl::UnavailableError("]]><x a=\"&'\x01\x1b\xff\xEF\xBF\xBE\n</system-out>");
  const std::string fault = Parse(CheckJunit(MakeReport(inputs, {}, CheckLimits())), "len(r.findall(\".//testcase\")) == 5");
  if (fault == "-") GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(fault, "");
}

}  // namespace
}  // namespace hftmon
