#include "daemon/os/perf_event_facts.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

#include <cerrno>
#include <set>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

// A kernel that opens counters, or refuses all of them.
class Counters : public PerfEventCalls {
 public:
  explicit Counters(int error) : error_(error) {}
  ~Counters() override { EXPECT_EQ(open_, 0); }
  int Open(const perf_event_attr&, pid_t, int, int, unsigned long) override {
    if (error_ != 0) return -error_;
    ++open_;
    return 7;
  }
  ssize_t Read(int, std::span<std::byte>) override { return -EBADF; }
  int Control(int, unsigned long, unsigned long) override { return -EBADF; }
  void Close(int descriptor) override {
    EXPECT_EQ(descriptor, 7);
    --open_;
  }

 private:
  const int error_;
  int open_ = 0;
};

HasCapability Having(std::set<unsigned> capabilities) {
  return [capabilities](unsigned one) { return capabilities.contains(one); };
}

TEST(PerfEventFactsTest, WhoNeedNotMindTheLevelDependsOnItAndOnCapabilities) {
  EXPECT_FALSE(IsExemptFromParanoidLevel(1, Having({})));
  EXPECT_TRUE(IsExemptFromParanoidLevel(2, Having({CAP_PERFMON})));
  EXPECT_FALSE(IsExemptFromParanoidLevel(3, Having({CAP_PERFMON}))) << "kernels that know this level ask for more";
  EXPECT_TRUE(IsExemptFromParanoidLevel(3, Having({CAP_SYS_ADMIN})));
}

TEST(PerfEventFactsTest, LevelRightsAndPmuAreRead) {
  FixtureTree host;
  host.Write("/proc/sys/kernel/perf_event_paranoid", "3\n");
  Counters some(0);
  const PerfEventRefusalFacts facts = ReadPerfEventFacts(host.root(), Having({CAP_SYS_ADMIN}), some);
  EXPECT_EQ(facts.paranoid_level, 3);
  EXPECT_TRUE(facts.exempt);
  EXPECT_EQ(facts.hardware_pmu, true);
}

TEST(PerfEventFactsTest, WhatCannotBeReadIsAbsent) {
  FixtureTree host;
  Counters none(ENOENT);
  const PerfEventRefusalFacts facts = ReadPerfEventFacts(host.root(), Having({CAP_SYS_ADMIN}), none);
  EXPECT_FALSE(facts.paranoid_level.has_value());
  EXPECT_EQ(facts.hardware_pmu, false);
}

}  // namespace
}  // namespace hftmon
