// Clients that are many, silent, killed or restless, and a daemon that is stopped: the others are served, nothing leaks, losses are said.
// HFTMON_TEST_SUBSCRIBERS (default 200) and HFTMON_TEST_ROUNDS (default 150) choose the sizes; 1000 are the figures that the README states.
#include <signal.h>

#include "tests/client/cpp/crowd.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

class AbuseTest : public PrivilegedTest {
 protected:
  int64_t LatenessP50Ns() const {
    const auto status = daemon_.client().GetStatus();
    if (!status.ok() || status->loop().lateness().percentiles().empty()) return -1;
    return status->loop().lateness().percentiles(0).value_ns();
  }
  static bool IsPreemptionBy(const v1::Spike& spike, pid_t victim, pid_t actor) {
    return spike.kind() == "preempted" && spike.thread().tid() == victim && spike.duration_ns() > 1'000'000 && spike.causes_size() > 0 &&
           spike.causes(0).actor().tid() == actor;
  }
  // Of those that a query finds; the victim's other long ones are printed.
  int PreemptionsOf(pid_t pid, pid_t victim, pid_t actor) {
    const auto answer = daemon_.Spikes(pid, 500'000);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return 0;
    int count = 0;
    for (const v1::Spike& spike : answer->spikes()) {
      if (IsPreemptionBy(spike, victim, actor)) {
        ++count;
      } else if (spike.thread().tid() == victim) {
        std::printf("no preemption by the other thread: %s\n", spike.ShortDebugString().c_str());
      }
    }
    return count;
  }
};

TEST_F(AbuseTest, ManySubscribersOfWhomSomeNeverReadAreServedAndForgotten) {
  const int subscribers = static_cast<int>(SizeFromEnvironment("HFTMON_TEST_SUBSCRIBERS", 200));
  constexpr int kSilent = 10;
  WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--count", "40", "--period-us", "10000", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  const pid_t victim = run.about()["spinner_tid"];
  const pid_t actor = run.about()["fifo_tid"];
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const ProcessBelongings before = ReadBelongings(daemon_.pid());
  const int64_t lateness_ns = LatenessP50Ns();
  {
    v1::StreamSpikesRequest request;
    request.set_threshold_ns(500'000);
    Crowd crowd(daemon_.address(), request, [=](const v1::Spike& spike) { return IsPreemptionBy(spike, victim, actor); });
    crowd.Join(subscribers - kSilent, kSilent);
    EXPECT_EQ(daemon_.Used("spike_streams"), subscribers);
    const ProcessBelongings crowded = ReadBelongings(daemon_.pid());
    ASSERT_TRUE(run.Act().is_object());
    // A hypervisor that takes the CPU away may leave single preemptions without the actor as their first cause: what a query finds counts.
    const int told = PreemptionsOf(run.pid(), victim, actor);
    EXPECT_GE(told, 38) << "of 40";
    EXPECT_TRUE(Eventually([&] { return crowd.Received().first == told; }, 60'000'000'000)) << crowd.Received().first << " of " << told;
    EXPECT_EQ(crowd.Received().second, told);
    EXPECT_EQ(crowd.DroppedOfReaders(), 0u);
    EXPECT_EQ(crowd.EndedEarly(), 0);
    // A query beside them is answered.
    EXPECT_TRUE(daemon_.Switches(run.pid()).ok());
    std::printf(
        "%d subscribers, %d of them silent: %lld KiB and %d threads before, %lld KiB and %d with them; lateness p50 %lld and %lld ns\n",
        subscribers, kSilent, static_cast<long long>(before.rss_bytes >> 10), before.threads,
        static_cast<long long>(crowded.rss_bytes >> 10), crowded.threads, static_cast<long long>(lateness_ns),
        static_cast<long long>(LatenessP50Ns()));
    const auto status = daemon_.client().GetStatus();
    ASSERT_TRUE(status.ok());
    EXPECT_EQ(status->lost_records(), 0u);
  }
  EXPECT_TRUE(Eventually([&] { return daemon_.Used("spike_streams") == 0; })) << daemon_.Used("spike_streams");
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= before.fds + 2; }))
      << before.fds << " before, now " << ReadBelongings(daemon_.pid()).fds;
}

TEST_F(AbuseTest, ClientsKilledInMidStreamLeaveNothing) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(daemon_.Attach(game.pid()).ok());
  ASSERT_TRUE(daemon_.Spikes(game.pid()).ok());
  const ProcessBelongings before = ReadBelongings(daemon_.pid());
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Subprocess>> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(std::make_unique<Subprocess>(std::vector<std::string>{BinaryPath("hftmon"), "--server", daemon_.address(), "spikes",
                                                                              "--follow", "--threshold", "1us", "--json"}));
    }
    EXPECT_TRUE(Eventually([&] { return daemon_.Used("spike_streams") == 8; })) << daemon_.Used("spike_streams");
    game.Say("20000");  // each wait above 1 us is on its way to each of them
    for (auto& client : clients) {
      EXPECT_TRUE(client->ReadLine(10'000).has_value());
      kill(client->pid(), SIGKILL);
      client->Wait();
    }
    ASSERT_TRUE(game.Read().is_object());
    EXPECT_TRUE(Eventually([&] { return daemon_.Used("spike_streams") == 0; })) << daemon_.Used("spike_streams");
  }
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= before.fds; }))
      << before.fds << " before, now " << ReadBelongings(daemon_.pid()).fds;
  EXPECT_TRUE(daemon_.Switches(game.pid()).ok());
}

TEST_F(AbuseTest, AttachingAndDetachingWhileItSwitchesLeavesNothingAndCountsExactlyAfterwards) {
  const int64_t rounds = SizeFromEnvironment("HFTMON_TEST_ROUNDS", 150);
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  WorkloadRun neighbour("sleeper");
  ASSERT_TRUE(daemon_.Attach(neighbour.pid()).ok());
  const auto round = [&] {
    ASSERT_TRUE(daemon_.Attach(game.pid()).ok());
    ASSERT_TRUE(daemon_.Detach(game.pid()).ok());
  };
  const int64_t switches_a_round = 2'000;
  game.Say(std::to_string(rounds * switches_a_round));
  for (int i = 0; i < 20; ++i) round();
  const ProcessBelongings before = ReadBelongings(daemon_.pid());
  for (int64_t i = 20; i < rounds; ++i) round();
  ASSERT_TRUE(game.Read().is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= before.fds; }));
  EXPECT_EQ(ReadBelongings(daemon_.pid()).bpf_objects, before.bpf_objects);
  EXPECT_TRUE(Eventually([&] { return daemon_.Used("threads") == 1; }))
      << daemon_.Used("threads") << " places are taken, and the neighbour has one thread";
  // As if nothing had been.
  ASSERT_TRUE(daemon_.Attach(game.pid()).ok());
  ASSERT_TRUE(game.Act("10000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto answer = daemon_.Switches(game.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  ExpectTotalsOfProc(game.pid(), *answer);
}

class StoppedDaemonTest : public ::testing::Test {
 protected:
  static DaemonUnderTest::Options SmallRings() {
    DaemonUnderTest::Options options;
    options.arguments = {"--rings-bytes", "65536"};
    return options;
  }
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    const absl::Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  DaemonUnderTest daemon_{SmallRings()};
};

// Stopped by SIGSTOP while more records are made than the rings hold.
TEST_F(StoppedDaemonTest, LossesAreCountedSpikesAreInconclusiveAndCountsStayExact) {
  WorkloadRun game("ping_pong", {"--cpu", std::to_string(daemon_.WorkloadCpu())});
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  ASSERT_TRUE(daemon_.Attach(game.pid(), 1'000).ok());
  const int64_t seconds = SizeFromEnvironment("HFTMON_TEST_STOPPED_SECONDS", 1);
  ASSERT_EQ(kill(daemon_.pid(), SIGSTOP), 0);
  const int64_t until_ns = workload::NowNs() + seconds * 1'000'000'000LL;
  int64_t switches = 0;
  do {
    ASSERT_TRUE(game.Act("20000").is_object());
    switches += 20'000;
  } while (workload::NowNs() < until_ns);
  ASSERT_EQ(kill(daemon_.pid(), SIGCONT), 0);
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto answer = daemon_.Switches(game.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  ExpectTotalsOfProc(game.pid(), *answer);
  const auto status = daemon_.client().GetStatus();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_GT(status->lost_records(), 0u);
  EXPECT_GT(status->loop().gap_max_ns(), seconds * 900'000'000LL) << "its own pause is said";
  const auto spikes = daemon_.Spikes(game.pid(), 1'000);
  ASSERT_TRUE(spikes.ok()) << spikes.status();
  EXPECT_GT(spikes->lost_records(), 0u);
  int conclusive = 0;
  for (const v1::Spike& spike : spikes->spikes()) {
    ExpectExactBudget(spike);
    if (spike.inconclusive()) {
      EXPECT_NE(spike.inconclusive_reason(), "");  // records lost, or an epoch in which the daemon stood still
    }
    conclusive += spike.inconclusive() ? 0 : 1;
  }
  std::printf("%lld switches while it was stopped, %llu records lost, %d spikes, %d of them conclusive\n", static_cast<long long>(switches),
              static_cast<unsigned long long>(status->lost_records()), spikes->spikes_size(), conclusive);
  EXPECT_LT(conclusive, spikes->spikes_size()) << "none of the spikes is said to be inconclusive";
  // And it goes on.
  ASSERT_TRUE(game.Act("1000").is_object());
  EXPECT_TRUE(daemon_.Spikes(game.pid(), 1'000).ok());
}

}  // namespace
}  // namespace hftmon::testing
