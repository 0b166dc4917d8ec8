// The verbs of hftmon against a real daemon: exit codes, and the JSON that scripts rely on.
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

class CommandLineTest : public PrivilegedTest {};

void ExpectKeys(const json& object, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) EXPECT_TRUE(object.contains(key)) << key << " is missing in " << object;
}

TEST_F(CommandLineTest, StatusAndDoctorPrintTheirContract) {
  const json status = daemon_.HftmonJson({"status"});
  ExpectKeys(status, {"schema_version", "daemon", "lost_records", "targets", "probes"});
  ExpectKeys(status["daemon"], {"pid", "uptime_ns", "rss_bytes", "cpu_share"});
  EXPECT_EQ(status["daemon"]["pid"], daemon_.pid());
  ASSERT_FALSE(status["probes"].empty());
  for (const json& probe : status["probes"]) ExpectKeys(probe, {"name", "run_count"});
  const json doctor = daemon_.HftmonJson({"doctor"});
  ExpectKeys(doctor, {"schema_version", "capabilities"});
  for (const json& capability : doctor["capabilities"]) {
    ExpectKeys(capability, {"name", "available"});
    EXPECT_TRUE(capability["available"] == true || !capability.value("reason", "").empty()) << capability;
  }
}

TEST_F(CommandLineTest, TargetsAreListedUntilTheyAreDetached) {
  WorkloadRun sleeper("sleeper");
  const std::string pid = std::to_string(sleeper.pid());
  EXPECT_EQ(daemon_.Hftmon({"attach", pid}).exit_code, 0);
  const json targets = daemon_.HftmonJson({"targets"});
  ASSERT_TRUE(targets.is_object());
  ASSERT_EQ(targets["targets"].size(), 1u) << targets;
  EXPECT_EQ(targets["targets"][0]["pid"], sleeper.pid());
  EXPECT_EQ(targets["targets"][0]["comm"], "sleeper");
  EXPECT_EQ(daemon_.Hftmon({"detach", pid}).exit_code, 0);
  EXPECT_EQ(daemon_.Hftmon({"detach", pid}).exit_code, 3);
  EXPECT_TRUE(daemon_.HftmonJson({"targets"})["targets"].empty());
}

TEST_F(CommandLineTest, RunReturnsTheCommandsExitCode) {
  EXPECT_EQ(daemon_.Hftmon({"run", "--quiet", "--", "sh", "-c", "exit 7"}).exit_code, 7);
  EXPECT_EQ(daemon_.Hftmon({"run", "--quiet", "--", "/nonexistent/program"}).exit_code, 127);
  EXPECT_EQ(daemon_.Hftmon({"run", "--"}).exit_code, 3);
}

TEST_F(CommandLineTest, RunWatchesThroughExec) {
  // The shell becomes the sleeper: one process, two programs.
  const CommandResult result = daemon_.Hftmon({"run", "--json", "--", "sh", "-c", "exec " + BinaryPath("tests/sleeper") + " --count 30"});
  EXPECT_EQ(result.exit_code, 0);
  const json truth = json::parse(result.output, nullptr, false);
  ASSERT_TRUE(truth.is_object()) << result.output;
  const auto answer = daemon_.Switches(truth["pid"]);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::ThreadSwitches* thread = FindThread(*answer, truth["pid"]);
  ASSERT_NE(thread, nullptr);
  EXPECT_GE(thread->voluntary_count(), 30u);
  EXPECT_FALSE(thread->alive());
}

TEST_F(CommandLineTest, AnUnknownVerbOrOptionIsAnErrorWithAHint) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"frobnicate"}, {"status", "--frobnicate"}, {}}) {
    const CommandResult result = daemon_.Hftmon(arguments);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_FALSE(result.error.empty());
  }
}

}  // namespace
}  // namespace hftmon::testing
