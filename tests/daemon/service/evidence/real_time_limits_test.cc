#include "daemon/service/evidence/real_time_limits.h"

#include <gtest/gtest.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

class RealTimeLimitsTest : public testing::Test {
 protected:
  RealTimeLimitsTest() { tree_.Write("/proc/sys/kernel/sched_rt_runtime_us", "950000\n"); }
  void RunsOn(const std::string& release) { tree_.Write("/proc/sys/kernel/osrelease", release + "\n"); }
  void FairServerHas(int cpu, const std::string& runtime_ns) {
    tree_.Write("/sys/kernel/debug/sched/fair_server/cpu" + std::to_string(cpu) + "/runtime", runtime_ns + "\n");
  }
  std::string Limiter(const CpuList& cpus = {2}) const { return LimiterOf(ReadRealTimeLimits(tree_.root()), cpus); }

  FixtureTree tree_;
};

TEST_F(RealTimeLimitsTest, BeforeTheFairServerItIsTheLimit) {
  RunsOn("6.1.0-rt15");
  EXPECT_EQ(Limiter(), "rt_limit");
  RunsOn("6.11");
  EXPECT_EQ(Limiter(), "rt_limit");
}

TEST_F(RealTimeLimitsTest, WithTheFairServerAndWithoutGroupSchedulingItIsTheFairServer) {
  RunsOn("6.12.9-amd64");
  tree_.Write("/boot/config-6.12.9-amd64", "CONFIG_SMP=y\n# CONFIG_RT_GROUP_SCHED is not set\n");
  EXPECT_EQ(Limiter(), "fair_server");
}

TEST_F(RealTimeLimitsTest, WithBothNobodyCanTellThemApart) {
  RunsOn("6.12.9-amd64");
  EXPECT_EQ(Limiter(), "either") << "how the kernel was built is not known";
  tree_.Write("/boot/config-6.12.9-amd64", "CONFIG_RT_GROUP_SCHED=y\n");
  EXPECT_EQ(Limiter(), "either");
}

TEST_F(RealTimeLimitsTest, WithoutALimitItIsTheFairServer) {
  RunsOn("6.18.5");
  tree_.Write("/proc/sys/kernel/sched_rt_runtime_us", "-1\n");
  EXPECT_EQ(Limiter(), "fair_server");
}

TEST_F(RealTimeLimitsTest, WhereTheFairServerIsOffItIsTheLimit) {
  RunsOn("6.18.5");
  FairServerHas(2, "0");
  FairServerHas(3, "50000000");
  EXPECT_EQ(Limiter({2}), "rt_limit");
  EXPECT_EQ(Limiter({2, 3}), "either") << "on one of them it runs";
}

TEST_F(RealTimeLimitsTest, AnOlderKernelThatHasTheFairServerAllTheSameIsNotSure) {
  RunsOn("6.6.1-vendor");
  FairServerHas(2, "50000000");
  EXPECT_EQ(Limiter(), "either");
}

TEST_F(RealTimeLimitsTest, OfAHostThatTellsNothingNothingIsClaimed) {
  const FixtureTree nothing;
  EXPECT_EQ(LimiterOf(ReadRealTimeLimits(nothing.root()), {2}), "either");
}

}  // namespace
}  // namespace hftmon
