#include "client/check/check_scope.h"

#include <gtest/gtest.h>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

TEST(CheckScopeTest, ThreadsThatAreBoundAreJudgedAndTheirCpusChecked) {
  const CheckScope scope = ScopeOf(QuietInputs());
  ASSERT_EQ(scope.threads.size(), 1u);
  EXPECT_EQ(scope.threads[0].tid, kTid);
  EXPECT_EQ(scope.cpus, std::set<int>{2});
  EXPECT_EQ(scope.left_out_thread_count, 1);
  EXPECT_TRUE(scope.Covers(kTid, 0)) << "wherever it was";
  EXPECT_FALSE(scope.Covers(kIdleTid, 2));
}

TEST(CheckScopeTest, CpusThatWereNamedAreCheckedBesideTheThreads) {
  CheckInputs inputs = QuietInputs();
  inputs.cpus = {1, 3};
  EXPECT_EQ(ScopeOf(inputs).cpus, (std::set<int>{1, 3}));
  EXPECT_EQ(ScopeOf(inputs).threads.size(), 1u);
}

TEST(CheckScopeTest, OfCpusAloneThoseThatMayRunNowhereElseAreJudged) {
  CheckInputs inputs = QuietInputs();
  inputs.pids.clear();
  inputs.cpus = {2, 3};
  const CheckScope scope = ScopeOf(inputs);
  ASSERT_EQ(scope.threads.size(), 1u);
  EXPECT_EQ(scope.threads[0].tid, kTid);
  EXPECT_TRUE(scope.Covers(999, 3)) << "whoever was there";
  EXPECT_FALSE(scope.Covers(kTid, 0));
}

TEST(CheckScopeTest, ThreadsThatAreNotKnownSayWhy) {
  CheckInputs inputs = QuietInputs();
  inputs.threads = absl::NotFoundError("no such process");
  EXPECT_EQ(ScopeOf(inputs).threads_unknown, "no such process");
}

}  // namespace
}  // namespace hftmon
