// Threads, children, exec, exit and recycled pids of watched processes.
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using workload::ThreadCounts;

class LifeCycleTest : public PrivilegedTest {
 protected:
  bool HasState(pid_t pid, v1::TargetState state) const {
    const std::optional<v1::Target> target = daemon_.FindTarget(pid);
    return target && target->state() == state;
  }
  // Every living thread of a blocked process is counted to the last digit.
  void ExpectTotalsEqualProc(pid_t pid) const {
    SCOPED_TRACE("process " + std::to_string(pid));
    ASSERT_TRUE(WaitUntilBlocked(pid));
    const auto answer = daemon_.Switches(pid);
    ASSERT_TRUE(answer.ok()) << answer.status();
    for (const ThreadCounts& now : workload::ReadProcessCounts(pid)) {
      SCOPED_TRACE(now.comm + " " + std::to_string(now.tid));
      const v1::ThreadSwitches* thread = FindThread(*answer, now.tid);
      ASSERT_NE(thread, nullptr) << answer->DebugString();
      EXPECT_EQ(thread->voluntary_total(), now.voluntary_count);
      EXPECT_EQ(thread->involuntary_total(), now.involuntary_count);
      EXPECT_EQ(thread->run_delay_total_ns(), now.run_delay_ns);
      EXPECT_EQ(thread->thread().comm(), now.comm);
      EXPECT_TRUE(thread->alive());
    }
  }
};

TEST_F(LifeCycleTest, ThreadsAndChildrenAreFollowedAndEndedOnesAreListedAsEnded) {
  WorkloadRun run("life");
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ExpectTotalsEqualProc(run.pid());
  const auto own = daemon_.Switches(run.pid());
  ASSERT_TRUE(own.ok());
  for (const json& tid : truth["brief_tids"]) {
    const v1::ThreadSwitches* thread = FindThread(*own, tid);
    ASSERT_NE(thread, nullptr) << tid;
    EXPECT_FALSE(thread->alive());
    EXPECT_GE(thread->voluntary_count(), truth["sleeps_each"].get<uint64_t>());
    EXPECT_EQ(thread->kinds().count("exit") ? thread->kinds().at("exit") : 0, 1u);
  }
  for (const json& child : truth["children"]) {
    SCOPED_TRACE(child.dump());
    const pid_t pid = child["pid"];
    if (child["kind"] == "brief") {
      EXPECT_TRUE(Eventually([&] { return HasState(pid, v1::TARGET_STATE_ENDED); }));
      continue;
    }
    ASSERT_TRUE(Eventually([&] { return HasState(pid, v1::TARGET_STATE_RUNNING); }));
    EXPECT_EQ(daemon_.FindTarget(pid)->parent_pid(), run.pid());
    EXPECT_TRUE(Eventually([&] { return daemon_.FindTarget(pid)->thread_count() == static_cast<int>(child["tids"].size()); }));
    ExpectTotalsEqualProc(pid);
  }
  run.End();
  EXPECT_TRUE(Eventually([&] { return HasState(run.pid(), v1::TARGET_STATE_ENDED); }));
  for (const json& child : truth["children"]) {
    EXPECT_TRUE(Eventually([&] { return HasState(child["pid"], v1::TARGET_STATE_ENDED); })) << child;
  }
}

TEST_F(LifeCycleTest, ChildrenAreLeftAloneWhenNotAskedFor) {
  WorkloadRun run("life");
  v1::AttachRequest request;
  request.add_pids(run.pid());
  request.mutable_options()->set_follow_children(false);
  ASSERT_TRUE(daemon_.client().Attach(request).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ExpectTotalsEqualProc(run.pid());
  for (const json& child : truth["children"]) EXPECT_FALSE(daemon_.FindTarget(child["pid"])) << child;
}

class ExecTest : public LifeCycleTest, public ::testing::WithParamInterface<bool> {};

TEST_P(ExecTest, ATargetThatExecsStaysATarget) {
  std::vector<std::string> arguments;
  if (GetParam()) arguments.push_back("--by-thread");
  WorkloadRun run("execer", arguments);
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object()) << run.process().ErrorText();
  ASSERT_TRUE(HasState(run.pid(), v1::TARGET_STATE_RUNNING));
  // The name that exec gave it; that it renamed itself afterwards is the thread's business.
  EXPECT_TRUE(Eventually([&] { return daemon_.FindTarget(run.pid())->comm() != "first"; })) << daemon_.FindTarget(run.pid())->comm();
  EXPECT_TRUE(Eventually([&] { return daemon_.FindTarget(run.pid())->thread_count() == 1; }));
  ExpectTotalsEqualProc(run.pid());
  run.End();
  EXPECT_TRUE(Eventually([&] { return HasState(run.pid(), v1::TARGET_STATE_ENDED); }));
}

INSTANTIATE_TEST_SUITE_P(ByLeaderAndByThread, ExecTest, ::testing::Bool(),
                         [](const auto& by_thread) { return by_thread.param ? "ByThread" : "ByLeader"; });

TEST_F(LifeCycleTest, ARecycledPidIsNoTarget) {
  WorkloadRun run("pid_recycler");
  ASSERT_TRUE(run.about().is_object());
  const pid_t pid = run.about()["first_pid"];
  ASSERT_TRUE(daemon_.Attach(pid).ok());
  const int64_t start_ns = daemon_.FindTarget(pid)->start_boottime_ns();
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  if (truth["refused"] != "") GTEST_SKIP() << truth["refused"];
  ASSERT_EQ(truth["second_pid"], pid);
  ASSERT_TRUE(WaitUntilBlocked(pid));
  // Its predecessor ended; it has slept 50 times since, unwatched.
  EXPECT_TRUE(Eventually([&] { return HasState(pid, v1::TARGET_STATE_ENDED); }));
  EXPECT_EQ(daemon_.FindTarget(pid)->start_boottime_ns(), start_ns);
  const auto answer = daemon_.Switches(pid);
  ASSERT_TRUE(answer.ok()) << answer.status();
  uint64_t switches = 0;
  for (const v1::ThreadSwitches& thread : answer->threads()) {
    EXPECT_EQ(thread.thread().start_boottime_ns(), start_ns);
    switches += thread.voluntary_count() + thread.involuntary_count();
  }
  EXPECT_LT(switches, truth["sleeps"].get<uint64_t>());
  // It may be attached in its own right.
  const auto attached = daemon_.Attach(pid);
  ASSERT_TRUE(attached.ok()) << attached.status();
  EXPECT_GT(attached->targets(0).start_boottime_ns(), start_ns);
  EXPECT_EQ(attached->targets(0).state(), v1::TARGET_STATE_RUNNING);
}

TEST_F(LifeCycleTest, AttachingTwiceIsOneTargetAndDetachingEndsIt) {
  WorkloadRun run("sleeper");
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const auto list = daemon_.client().ListTargets();
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->targets_size(), 1);
  EXPECT_TRUE(daemon_.Detach(run.pid()).ok());
  EXPECT_EQ(daemon_.client().ListTargets()->targets_size(), 0);
  EXPECT_EQ(daemon_.Detach(run.pid()).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace hftmon::testing
