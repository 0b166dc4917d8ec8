#include "client/check/check_json.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

nlohmann::json JsonOf(const CheckInputs& inputs) {
  return nlohmann::json::parse(CheckJson(MakeReport(inputs, {}, CheckLimits())));
}

TEST(CheckJsonTest, HasTheKeysThatScriptsRelyOn) {
  const nlohmann::json json = JsonOf(QuietInputs());
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["exit_code"], 0);
  for (const char* module : {"isolation", "irq", "memory", "syscall", "network"}) {
    ASSERT_TRUE(json.contains(module)) << module;
    EXPECT_EQ(json[module]["verdict"], "PASS");
    EXPECT_EQ(json[module]["violations"], 0);
    EXPECT_TRUE(json[module]["upper_bounds"].is_array());
  }
  for (const char* key : {"p50_runqueue_ns", "p99_runqueue_ns", "p99_999_runqueue_ns"})
    EXPECT_TRUE(json["isolation"][key].is_number()) << key;
}

TEST(CheckJsonTest, APercentileWithTooFewSamplesStandsInUpperBounds) {
  CheckInputs inputs = QuietInputs();
  inputs.switches->mutable_threads(0)->mutable_run_queue_latency()->set_count(3);
  inputs.switches->mutable_threads(0)->mutable_run_queue_latency()->set_max_ns(30'000);
  const nlohmann::json json = JsonOf(inputs);
  EXPECT_EQ(json["isolation"]["p99_999_runqueue_ns"], 30'000);
  const auto bounds = json["isolation"]["upper_bounds"].get<std::vector<std::string>>();
  EXPECT_NE(std::find(bounds.begin(), bounds.end(), "p99_999_runqueue_ns"), bounds.end());
  EXPECT_EQ(std::find(bounds.begin(), bounds.end(), "involuntary_count"), bounds.end());
}

TEST(CheckJsonTest, WhatWasNotMeasuredIsAWordWithItsReason) {
  CheckInputs inputs = QuietInputs();
  inputs.switches = absl::UnavailableError("the loop is away");
  const nlohmann::json json = JsonOf(inputs);
  EXPECT_EQ(json["isolation"]["p99_999_runqueue_ns"], "unavailable");
  EXPECT_EQ(json["isolation"]["unavailable"]["p99_999_runqueue_ns"], "the loop is away");
  EXPECT_EQ(json["exit_code"], 1);
}

TEST(CheckJsonTest, TheWorstEventAndTheAdviceAreThere) {
  CheckInputs inputs = QuietInputs();
  AddSpike("interrupted", 120'000, "hard_irq", "eth0-rx-0", &inputs);
  const nlohmann::json irq = JsonOf(inputs)["irq"];
  EXPECT_EQ(irq["worst"]["duration_ns"], 120'000);
  EXPECT_EQ(irq["worst"]["start_ns"], kBeginNs + 1'000'000'000);
  EXPECT_EQ(irq["worst"]["cause"], "hard_irq");
  EXPECT_EQ(irq["worst"]["actor"], "eth0-rx-0");
  ASSERT_EQ(irq["findings"].size(), 1u);
  EXPECT_EQ(irq["findings"][0]["severity"], "FAIL");
  EXPECT_TRUE(irq["findings"][0]["advice"]["command"].is_string());
}

TEST(CheckJsonTest, NamesThatAreNoUtf8AreReplaced) {
  CheckInputs inputs = QuietInputs();
  AddSpike("interrupted", 120'000, "hard_irq", "eth\xff", &inputs);
  EXPECT_FALSE(JsonOf(inputs).is_discarded());
}

// What a gate of `jq -e FILTER` says of a report: 0 it holds, 1 it does not; -1: there is no jq.
int Gate(const CheckInputs& inputs, const std::string& filter) {
  if (std::system("command -v jq > /dev/null") != 0) return -1;
  const std::string path = ::testing::TempDir() + "check_json_gate.json";
  std::ofstream(path) << CheckJson(MakeReport(inputs, {}, CheckLimits()));
  const int status = std::system(("jq -e '" + filter + "' " + path + " > /dev/null").c_str());
  std::remove(path.c_str());
  return WEXITSTATUS(status);
}

TEST(CheckJsonTest, AGateOfJqHoldsBothWaysAndNeverOnNothing) {
  CheckInputs inputs = QuietInputs();
  inputs.switches->mutable_threads(0)->mutable_run_queue_latency()->set_count(3);
  inputs.switches->mutable_threads(0)->mutable_run_queue_latency()->set_max_ns(30'000);
  const int passes = Gate(inputs, ".isolation.p99_999_runqueue_ns < 30001");
  if (passes == -1) GTEST_SKIP() << "jq is not installed: apt-get install jq";
  EXPECT_EQ(passes, 0);
  EXPECT_EQ(Gate(inputs, ".isolation.p99_999_runqueue_ns < 30000"), 1);
  inputs.switches = absl::UnavailableError("the loop is away");
  EXPECT_EQ(Gate(inputs, ".isolation.p99_999_runqueue_ns < 1000000000"), 1) << "it passes on nothing";
}

}  // namespace
}  // namespace hftmon
