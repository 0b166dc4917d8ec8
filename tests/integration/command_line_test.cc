// The verbs of hftmon against a real daemon: exit codes, and the JSON that scripts rely on.
#include <map>
#include <set>
#include <string>

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

TEST_F(CommandLineTest, LossesAndBoundsOfCountersAndWhoSamplesAccessesAreTold) {
  const json status = daemon_.HftmonJson({"status"});
  std::map<std::string, json> told;
  for (const char* list : {"drops", "bounds"}) {
    for (const json& entry : status[list]) told[entry["name"]] = entry;
  }
  for (const char* drop : {"counter_spans_lost", "counter_readings_failed", "counter_values_discarded"}) {
    ASSERT_TRUE(told.contains(drop)) << drop;
    EXPECT_EQ(told[drop]["count"], 0) << "nothing is counted here";
  }
  for (const char* bound : {"counter_history", "counter_threads", "access_samplings"}) {
    ASSERT_TRUE(told.contains(bound)) << bound;
    EXPECT_LT(told[bound]["used"], told[bound]["limit"]) << bound;
  }
  std::set<std::string> names;
  const json doctor = daemon_.HftmonJson({"doctor"});
  for (const json& capability : doctor["capabilities"]) {
    const std::string name = capability["name"];
    names.insert(name);
    if (name != "counters" && name != "sharing") continue;
    EXPECT_NE(capability["available"] == true, !capability.value("mend", "").empty()) << capability;
  }
  EXPECT_TRUE(names.contains("counters") && names.contains("sharing"));
}

// CLOCK_REALTIME minus CLOCK_MONOTONIC as this process reads them; slewing does not change it.
int64_t OwnWallOffsetNs() {
  timespec monotonic;
  timespec realtime;
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_REALTIME, &realtime);
  return (int64_t{realtime.tv_sec} - monotonic.tv_sec) * 1'000'000'000 + realtime.tv_nsec - monotonic.tv_nsec;
}

TEST_F(CommandLineTest, StatusTellsTheHostsClocksAndTheirEpochs) {
  json status;
  // Read once a second, first when the control thread starts.
  const auto read = [&] {
    status = daemon_.HftmonJson({"status"});
    return status["clock"]["kernel_clock"].value("reason", "") != "not read yet";
  };
  ASSERT_TRUE(Eventually(read)) << status;
  const json& clock = status["clock"];
  ExpectKeys(clock, {"source", "error_ns", "epochs", "run_queue_clocks", "kernel_clock", "ptp_clocks"});
  ASSERT_FALSE(clock["epochs"].empty());
  EXPECT_EQ(clock["epochs"][0]["number"], 1);
  EXPECT_EQ(clock["epochs"][0]["reason"], "start");
  for (const json& epoch : clock["epochs"]) {
    // Nobody sets this host's clock or suspends it; a machine that stood still for a second is not ours to judge.
    EXPECT_TRUE(epoch["reason"] == "start" || epoch["reason"] == "stopped") << epoch;
    const int64_t wall_offset_ns = epoch["time"]["realtime_ns"].get<int64_t>() - epoch["time"]["monotonic_ns"].get<int64_t>();
    EXPECT_NEAR(static_cast<double>(wall_offset_ns - OwnWallOffsetNs()), 0, 1e6) << "each pair converts to this host's wall time";
  }
  EXPECT_EQ(status["time"]["epoch"], clock["epochs"].back()["number"]);
  EXPECT_FALSE(clock["epochs"].back().contains("end_ns"));
  EXPECT_TRUE(clock["kernel_clock"]["available"] == true || !clock["kernel_clock"].value("reason", "").empty()) << clock;
  EXPECT_TRUE(!clock["ptp_clocks"].empty() || !clock.value("ptp_reason", "").empty()) << clock;
}

TEST_F(CommandLineTest, SpikesArePlacedInTimeAndTheRunQueuesClocksAreMeasured) {
  WorkloadRun run("preempted_spinner",
                  {"--cpu", CpuArgument(), "--count", "70", "--duration-us", "1000", "--period-us", "11000", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  ASSERT_TRUE(run.Act().is_object());
  const auto answer = daemon_.Spikes(run.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_GE(answer->spikes_size(), 70);
  ASSERT_FALSE(answer->epochs().empty());
  int measured_count = 0;
  for (const v1::Spike& spike : answer->spikes()) {
    // Of waits whose end a record told with both clocks; what interrupts took is on one clock alone.
    const bool told_with_both = spike.kind() != "interrupted" && !spike.in_progress() && spike.detection_ns() > 0;
    ASSERT_EQ(spike.has_start_error_ns(), told_with_both) << spike.DebugString();
    if (!told_with_both) continue;
    EXPECT_GT(spike.start_error_ns(), 0);
    measured_count += !spike.start_error_estimated();
  }
  EXPECT_GE(measured_count, answer->spikes_size() / 2) << "70 records over 0.77 s leave anchors near most of them";
  const json clocks = daemon_.HftmonJson({"status"})["clock"]["run_queue_clocks"];
  ASSERT_FALSE(clocks.empty());
  uint64_t pair_count = 0;
  for (const json& clock : clocks) pair_count += clock["pair_count"].get<uint64_t>();
  EXPECT_GE(pair_count, 70u);
  // Three ways to say one moment.
  const auto first_word = [&](const std::string& scale) {
    const std::string text = daemon_.Hftmon({"spikes", "--window", "all", "--limit", "1", "--time", scale}).output;
    return text.substr(0, text.find("  "));
  };
  EXPECT_THAT(first_word("utc"), ::testing::MatchesRegex("20..-..-..T..:..:..[.].........Z"));
  EXPECT_THAT(first_word("mono"), ::testing::MatchesRegex("[0-9]+[.]........."));
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
