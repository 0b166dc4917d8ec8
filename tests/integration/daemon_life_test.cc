// The daemon's own end: in order or by a crash, the kernel is left as it was.
#include <csignal>
#include <set>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

class DaemonLifeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    before_ = OrphanedBpfObjects();
  }
  void ExpectNothingLeftInTheKernel() const { ExpectNoNewOrphans(before_); }
  std::set<std::string> before_;
};

TEST_F(DaemonLifeTest, SigtermEndsItInOrderAndLeavesNothing) {
  WorkloadRun sleeper("sleeper");
  DaemonUnderTest daemon;
  ASSERT_TRUE(daemon.Start().ok());
  EXPECT_GT(ReadBelongings(daemon.pid()).bpf_objects, 0);
  ASSERT_TRUE(daemon.Attach(sleeper.pid()).ok());
  EXPECT_EQ(daemon.Stop(), 0) << daemon.process().ErrorText();
  EXPECT_NE(access(daemon.address().substr(5).c_str(), F_OK), 0) << "the socket is still there";
  ExpectNothingLeftInTheKernel();
}

TEST_F(DaemonLifeTest, SigintDoesTheSame) {
  DaemonUnderTest daemon;
  ASSERT_TRUE(daemon.Start().ok());
  daemon.process().Signal(SIGINT);
  EXPECT_EQ(daemon.process().Wait(30'000), 0) << daemon.process().ErrorText();
  ExpectNothingLeftInTheKernel();
}

TEST_F(DaemonLifeTest, ACrashLeavesNothingInTheKernelAndItsSuccessorStarts) {
  WorkloadRun game("ping_pong");
  DaemonUnderTest daemon;
  ASSERT_TRUE(daemon.Start().ok());
  ASSERT_TRUE(daemon.Attach(game.pid()).ok());
  game.Say("200000");  // the crash comes while watched threads switch
  daemon.Kill();
  ExpectNothingLeftInTheKernel();
  ASSERT_TRUE(game.Read().is_object());
  const absl::Status again = daemon.Start();
  ASSERT_TRUE(again.ok()) << again;
  ASSERT_TRUE(daemon.Attach(game.pid()).ok());
  ASSERT_TRUE(game.Act("2000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto answer = daemon.Switches(game.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (const auto& thread : workload::ReadProcessCounts(game.pid())) {
    if (thread.tid == game.pid()) continue;
    ASSERT_NE(FindThread(*answer, thread.tid), nullptr);
    EXPECT_EQ(FindThread(*answer, thread.tid)->voluntary_total(), thread.voluntary_count);
  }
}

TEST_F(DaemonLifeTest, TwoDaemonsOnTheirOwnSocketsDoNotDisturbEachOther) {
  WorkloadRun game("ping_pong");
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  DaemonUnderTest first;
  DaemonUnderTest second;
  ASSERT_TRUE(first.Start().ok());
  ASSERT_TRUE(second.Start().ok());
  ASSERT_TRUE(first.Attach(game.pid()).ok());
  ASSERT_TRUE(second.Attach(game.pid()).ok());
  ASSERT_TRUE(game.Act("2000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  EXPECT_EQ(second.Stop(), 0);
  const auto answer = first.Switches(game.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (const auto& thread : workload::ReadProcessCounts(game.pid())) {
    if (thread.tid == game.pid()) continue;
    EXPECT_EQ(FindThread(*answer, thread.tid)->voluntary_total(), thread.voluntary_count);
  }
}

TEST_F(DaemonLifeTest, ClientsOfADaemonThatIsGoneAreToldSo) {
  DaemonUnderTest daemon;
  ASSERT_TRUE(daemon.Start().ok());
  EXPECT_EQ(daemon.Stop(), 0);
  EXPECT_EQ(daemon.client().GetStatus().status().code(), absl::StatusCode::kUnavailable);
  const CommandResult result = daemon.Hftmon({"status"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.error, ::testing::HasSubstr(daemon.address()));
}

}  // namespace
}  // namespace hftmon::testing
