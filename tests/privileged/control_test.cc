// Options that change while the target runs.
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

class ControlTest : public PrivilegedTest {
 protected:
  absl::Status SetThreshold(pid_t pid, int64_t threshold_ns) const {
    v1::UpdateTargetRequest request;
    request.set_pid(pid);
    request.mutable_options()->set_spike_threshold_ns(threshold_ns);
    request.mutable_options_mask()->add_paths("spike_threshold_ns");
    return daemon_.client().UpdateTarget(request).status();
  }
  absl::Status SetState(pid_t pid, v1::TargetState state) const {
    v1::UpdateTargetRequest request;
    request.set_pid(pid);
    request.set_state(state);
    return daemon_.client().UpdateTarget(request).status();
  }
  // Switches of all threads within the window, by the daemon and by the kernel.
  uint64_t CountByDaemon(pid_t pid) const {
    const auto answer = daemon_.Switches(pid);
    EXPECT_TRUE(answer.ok()) << answer.status();
    uint64_t sum = 0;
    for (const v1::ThreadSwitches& thread : answer->threads()) sum += thread.voluntary_count() + thread.involuntary_count();
    return sum;
  }
  static uint64_t CountByKernel(pid_t pid) {
    EXPECT_TRUE(WaitUntilBlocked(pid));
    uint64_t sum = 0;
    for (const auto& thread : workload::ReadProcessCounts(pid)) sum += thread.voluntary_count + thread.involuntary_count;
    return sum;
  }
};

TEST_F(ControlTest, TheThresholdChangesWhileTheTargetRuns) {
  WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--count", "200", "--period-us", "10000"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  const pid_t spinner = run.about()["spinner_tid"];
  constexpr int64_t kHighNs = 1'000'000'000;
  constexpr int64_t kLowNs = 500'000;
  ASSERT_TRUE(daemon_.Attach(run.pid(), kHighNs).ok());
  const auto preempted = [&] { return workload::ReadThreadCounts(run.pid(), spinner)->involuntary_count; };
  const auto spikes = [&] { return daemon_.Spikes(run.pid(), kLowNs); };
  const uint64_t before = preempted();
  run.Say("go");
  ASSERT_TRUE(Eventually([&] { return preempted() > before + 20; }));
  const auto none = spikes();
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->spikes_size(), 0);
  EXPECT_TRUE(none->incomplete()) << "asked below the kernel's threshold, which must be said";
  EXPECT_EQ(none->floor_ns(), kHighNs);

  const int64_t lowered_ns = workload::NowNs();
  ASSERT_TRUE(SetThreshold(run.pid(), kLowNs).ok());
  ASSERT_TRUE(Eventually([&] { return spikes()->spikes_size() >= 5; }));
  ASSERT_TRUE(SetThreshold(run.pid(), kHighNs).ok());
  const int64_t raised_ns = workload::NowNs();
  ASSERT_TRUE(run.Read().is_object());
  const auto some = spikes();
  ASSERT_TRUE(some.ok()) << some.status();
  for (const v1::Spike& spike : some->spikes()) {
    EXPECT_GT(spike.start_monotonic_ns() + spike.duration_ns(), lowered_ns);
    EXPECT_LT(spike.start_monotonic_ns() + spike.duration_ns(), raised_ns);
    ExpectExactBudget(spike);
  }
}

TEST_F(ControlTest, PauseStopsCountingAndResumeGoesOnExactly) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(game.about().is_object());
  const uint64_t start = CountByKernel(game.pid());
  ASSERT_TRUE(daemon_.Attach(game.pid()).ok());
  ASSERT_TRUE(game.Act("2000").is_object());
  const uint64_t paused = CountByKernel(game.pid());
  ASSERT_TRUE(SetState(game.pid(), v1::TARGET_STATE_PAUSED).ok());
  EXPECT_EQ(daemon_.FindTarget(game.pid())->state(), v1::TARGET_STATE_PAUSED);
  EXPECT_EQ(CountByDaemon(game.pid()), paused - start);

  ASSERT_TRUE(game.Act("2000").is_object());
  const uint64_t resumed = CountByKernel(game.pid());
  EXPECT_GE(resumed - paused, 2000u);
  EXPECT_EQ(CountByDaemon(game.pid()), paused - start);

  ASSERT_TRUE(SetState(game.pid(), v1::TARGET_STATE_RUNNING).ok());
  ASSERT_TRUE(game.Act("2000").is_object());
  const uint64_t end = CountByKernel(game.pid());
  EXPECT_EQ(CountByDaemon(game.pid()), (paused - start) + (end - resumed));
}

}  // namespace
}  // namespace hftmon::testing
