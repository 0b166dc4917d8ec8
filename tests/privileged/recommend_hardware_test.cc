// Rules about hardware, counters and nodes on this machine: what it cannot tell is not judged, with the reason that the daemon gives for it
// elsewhere too; what it can tell is judged.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

class RecommendHardwareTest : public PrivilegedTest {
 protected:
  // By rule: the reason of the first entry; rules that are judged are not in it.
  std::map<std::string, std::string> NotJudged(pid_t pid) const {
    v1::RecommendRequest request;
    request.add_pids(pid);
    std::map<std::string, std::string> reasons;
    // Sums are judged as soon as two snapshots of them are there.
    EXPECT_TRUE(Eventually([&] {
      const auto answer = daemon_.client().Recommend(request);
      EXPECT_TRUE(answer.ok()) << answer.status();
      if (!answer.ok()) return true;
      reasons.clear();
      for (const v1::NotJudged& one : answer->not_judged()) {
        // On a loaded machine some may be; that is no fact about the host.
        if (one.reason().find("records were lost") == std::string::npos) reasons.emplace(one.rule(), one.reason());
      }
      return !reasons.contains("irq-on-watched-core");
    }));
    return reasons;
  }
  // Of the daemon's own capability, source or part; empty: it is there.
  std::string CapabilityReason(const std::string& name) const {
    const auto answer = daemon_.client().GetCapabilities();
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return "";
    for (const v1::Capability& one : answer->capabilities()) {
      if (one.name() == name) return one.available() ? "" : one.reason();
    }
    ADD_FAILURE() << "no capability " << name;
    return "";
  }
  std::string SourceReason(const std::string& name) const {
    const auto answer = daemon_.client().QueryHardware();
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return "";
    for (const v1::HardwareSource& one : answer->sources()) {
      if (one.name() == name) return one.available() ? "" : one.reason();
    }
    ADD_FAILURE() << "no source " << name;
    return "";
  }
  static void ExpectReason(const std::map<std::string, std::string>& told, const std::string& rule, const std::string& reason) {
    const auto found = told.find(rule);
    EXPECT_EQ(found != told.end(), !reason.empty()) << rule << ": " << (found == told.end() ? reason : found->second);
    if (found == told.end()) return;
    EXPECT_EQ(found->second, reason);
    std::printf("%s: %s\n", rule.c_str(), reason.c_str());
  }
};

TEST_F(RecommendHardwareTest, WhatThisHostCannotTellIsNotJudgedForTheHostsOwnReason) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "10"});
  ASSERT_TRUE(run.about().is_object());
  v1::AttachRequest attach;
  attach.add_pids(run.pid());
  for (const char* group : {"memory", "hardware", "locks"}) attach.mutable_options()->add_probe_groups(group);
  ASSERT_TRUE(daemon_.client().Attach(attach).ok());
  ASSERT_TRUE(run.Act().is_object());
  const std::map<std::string, std::string> told = NotJudged(run.pid());
  ExpectReason(told, "smi", SourceReason("smi"));
  ExpectReason(told, "steal", SourceReason("steal"));
  ExpectReason(told, "c-state-exit", SourceReason("c_states"));
  ExpectReason(
      told, "false-sharing",
      CapabilityReason("sharing").empty()
          ? "no sampling of memory accesses lies in the window: they are made only when asked for, each sample interrupts the thread"
          : CapabilityReason("sharing"));
  const std::string no_pmu = CapabilityReason("hardware_pmu");
  if (!no_pmu.empty()) ExpectReason(told, "cache-hit-low", no_pmu);
  EXPECT_TRUE(told.contains("cache-hit-low")) << "nobody asked for counters";
}

TEST_F(RecommendHardwareTest, SiblingsAndNodesAreJudgedWhereTheHostHasSome) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "10"});
  ASSERT_TRUE(run.about().is_object());
  v1::AttachRequest attach;
  attach.add_pids(run.pid());
  for (const char* group : {"memory", "hardware"}) attach.mutable_options()->add_probe_groups(group);
  ASSERT_TRUE(daemon_.client().Attach(attach).ok());
  ASSERT_TRUE(run.Act().is_object());
  const std::map<std::string, std::string> told = NotJudged(run.pid());
  std::ifstream file("/sys/devices/system/cpu/cpu" + CpuArgument() + "/topology/thread_siblings_list");
  std::string siblings;
  file >> siblings;
  EXPECT_EQ(told.contains("busy-sibling"), siblings == CpuArgument()) << siblings;
  std::ifstream setting("/proc/sys/kernel/numa_balancing");
  int balancing = 0;
  setting >> balancing;
  const bool balanced = balancing != 0 && std::filesystem::exists("/sys/devices/system/node/node1");
  EXPECT_EQ(told.contains("numa-balancing-faults"), !balanced);
}

TEST_F(RecommendHardwareTest, WithoutTheProbeGroupTheMendIsToAttachIt) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "10"});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  v1::RecommendRequest request;
  request.add_pids(run.pid());
  request.add_rules("c-state-exit");
  const auto answer = daemon_.client().Recommend(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const std::string mend = "hftmon attach " + std::to_string(run.pid()) + " --probes hardware";
  EXPECT_TRUE(std::any_of(answer->not_judged().begin(), answer->not_judged().end(), [&](const v1::NotJudged& one) {
    return one.rule() == "c-state-exit" && one.mend() == mend;
  })) << answer->ShortDebugString();
}

}  // namespace
}  // namespace hftmon::testing
