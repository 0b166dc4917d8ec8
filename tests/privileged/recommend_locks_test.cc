// Advice about locks and sleeps, end to end: quiet, injected with the right owner and numbers, mended as advised, silent afterwards.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/privileged/advice_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using Question = AdviceRig::Question;
using Match = AdviceRig::Match;

constexpr int64_t kBlockedNs = 200'000;

class RecommendLocksTest : public AdviceTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (workload::InheritedCpus().size() < 2) GTEST_SKIP() << "one CPU: whoever has a lock cannot run beside who waits for it";
  }
  static v1::TargetOptions Options() {
    v1::TargetOptions options;
    options.set_operation_threshold_ns(500'000);
    options.set_blocked_threshold_ns(kBlockedNs);
    options.add_probe_groups("locks");
    return options;
  }
  absl::Status AttachBooks() const {
    v1::AttachRequest request;
    request.add_selectors()->set_name("order_book");
    *request.mutable_options() = Options();
    return daemon_.client().Attach(request).status();
  }
  absl::Status AttachPid(pid_t pid) const {
    v1::AttachRequest request;
    request.add_pids(pid);
    *request.mutable_options() = Options();
    return daemon_.client().Attach(request).status();
  }
  // To its end, its report. Of real time for less than a second: longer would be throttled.
  json RunBook(std::vector<std::string> more, const std::string& duration = "900ms") const {
    std::vector<std::string> command = {
        BinaryPath("order_book"), "--threads", "1", "--cpus", CpuArgument(), "--rate", "20000", "--duration", duration, "--json"};
    command.insert(command.end(), more.begin(), more.end());
    const CommandResult run = RunCommand(command);
    EXPECT_EQ(run.exit_code, 0) << run.error;
    return json::parse(run.output, nullptr, false);
  }
  static std::vector<std::string> Inject(const std::string& kind) {
    return {"--inject", kind, "--inject-every", "30ms", "--inject-length", "2ms", "--inject-count", "20", "--until-injected"};
  }
  static pid_t EngineOf(const json& report) { return report["threads"]["engine"]["tid"]; }
};

TEST_F(RecommendLocksTest, AnInversionWithoutInheritanceIsToldAndEndsWithAPiMutex) {
  ASSERT_TRUE(AttachBooks().ok());
  Question question{.rule = "inversion-without-pi", .since_ns = workload::NowNs()};
  const json quiet = RunBook({"--priority", "10"});
  ASSERT_TRUE(quiet.is_object());
  ExpectSilent(question, AdviceRig::OfThread(EngineOf(quiet)), "without an inversion");

  question.since_ns = workload::NowNs();
  std::vector<std::string> arguments = Inject("priority_inversion");
  arguments.insert(arguments.end(), {"--priority", "10"});
  const json inverted = RunBook(arguments);
  ASSERT_TRUE(inverted.is_object());
  const json& injection = inverted["injections"][0];
  const auto advice = rig_.AwaitAdvice(question, AdviceRig::OfThread(EngineOf(inverted)));
  ASSERT_TRUE(advice.ok()) << advice.status();
  EXPECT_LE(advice->evidence().count(), injection["events"].size());
  EXPECT_GE(2 * advice->evidence().count(), injection["events"].size());
  EXPECT_TRUE(AdviceRig::WithValue("lock_address", fmt::format("{:#x}", injection["detail"]["mutex_address"].get<uint64_t>()))(*advice));
  EXPECT_EQ(AdviceRig::NumberOf(*advice, "owner_tid"), injection["detail"]["low_tid"].get<int>());
  EXPECT_THAT(advice->evidence().sentences(), Contains(HasSubstr("\"ob_medium\"")));
  EXPECT_THAT(advice->action().code_hint(), HasSubstr("PTHREAD_PRIO_INHERIT"));
  ExpectKnownSpikes(daemon_, *advice, 1);

  question.since_ns = workload::NowNs();
  arguments.emplace_back("--pi-mutex");
  const json mended = RunBook(arguments);
  ASSERT_TRUE(mended.is_object());
  EXPECT_GT(mended["injections"][0]["events"].size(), 0u) << "the lock was never waited for: silence proves nothing";
  ExpectSilent(question, AdviceRig::OfThread(EngineOf(mended)), "with a mutex that inherits");
}

// Both of real time: compilers beside them would else make true inversions of the holds, or let the waiter come too late.
TEST_F(RecommendLocksTest, AConvoyBehindAHolderThatRunsIsNoInversionAndEndsWithShortHolds) {
  const auto run_holding = [this](const std::string& hold_us) {
    auto run = std::make_unique<WorkloadRun>("lock_waiter",
                                             std::vector<std::string>{"--cpu", CpuArgument(), "--count", "30", "--hold-us", hold_us});
    EXPECT_TRUE(run->about().is_object());
    const sched_param high{.sched_priority = 50};
    for (const char* player : {"holder", "waiter"}) EXPECT_EQ(sched_setscheduler(run->about()[player], SCHED_FIFO, &high), 0);
    EXPECT_TRUE(AttachPid(run->pid()).ok());
    return run;
  };
  const auto run = run_holding("5000");
  const Match match = [address = fmt::format("{:#x}", run->about()["address"].get<uint64_t>())](const v1::Recommendation& one) {
    return AdviceRig::WithValue("lock_address", address)(one);
  };
  Question question{.rule = "futex-convoy", .pids = {run->pid()}, .since_ns = workload::NowNs()};
  ExpectSilent(question, match, "while nobody asks for the lock");

  question.since_ns = workload::NowNs();
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const auto advice = rig_.AwaitAdvice(question, match);
  ASSERT_TRUE(advice.ok()) << advice.status();
  EXPECT_EQ(advice->thread().tid(), truth["waiter"].get<int>());
  EXPECT_EQ(AdviceRig::NumberOf(*advice, "owner_tid"), truth["holder"].get<int>());
  EXPECT_THAT(advice->cause(), HasSubstr("\"lock_holder\""));
  EXPECT_LE(advice->evidence().count(), truth["turns"].size());
  int64_t waited_ns = 0;
  for (const json& turn : truth["turns"]) waited_ns += turn["got_ns"].get<int64_t>() - turn["ask_ns"].get<int64_t>();
  EXPECT_LE(advice->evidence().sum_ns(), waited_ns);
  ExpectKnownSpikes(daemon_, *advice, 1);
  ExpectSilent({.rule = "inversion-without-pi", .pids = {run->pid()}, .since_ns = question.since_ns}, match, "as an inversion");
  EXPECT_EQ(run->End(), 0);

  question.since_ns = workload::NowNs();
  const auto mended = run_holding("100");
  ASSERT_TRUE(mended->Act().is_object());
  question.pids = {mended->pid()};
  ExpectSilent(
      question, [](const v1::Recommendation&) { return true; }, "with short holds");
  EXPECT_EQ(mended->End(), 0);
}

// The owner of what a condition variable sleeps on is nobody: idle waits are no convoy, however many.
TEST_F(RecommendLocksTest, WaitsForAConditionAreNoConvoy) {
  ASSERT_TRUE(AttachPid(getpid()).ok());
  const Question question{.rule = "futex-convoy", .pids = {getpid()}, .since_ns = workload::NowNs()};
  std::mutex mutex;
  std::condition_variable woken;
  int turn = 0;
  std::thread waiter([&] {
    std::unique_lock lock(mutex);
    while (turn < 20) {
      const int seen = turn;
      woken.wait(lock, [&] { return turn != seen; });
    }
  });
  for (int i = 0; i < 20; ++i) {
    workload::SleepUntil(workload::NowNs() + 3'000'000);
    {
      const std::lock_guard lock(mutex);
      ++turn;
    }
    woken.notify_one();
  }
  waiter.join();
  ExpectSilent(
      question, [](const v1::Recommendation&) { return true; }, "of idle waits");
  // They were seen.
  v1::QueryLocksRequest request;
  request.add_pids(getpid());
  const auto locks = daemon_.client().QueryLocks(request);
  ASSERT_TRUE(locks.ok()) << locks.status();
  uint64_t unowned = 0;
  for (const v1::ContendedLock& lock : locks->locks()) unowned += lock.unknown_owner_count();
  EXPECT_GE(unowned, 10u);
}

TEST_F(RecommendLocksTest, ASleepInAnOperationIsToldByItsCallAndIsNoConditionWait) {
  ASSERT_TRUE(AttachBooks().ok());
  Question question{.rule = "sleep-in-hot-path", .since_ns = workload::NowNs()};
  const json quiet = RunBook({}, "2s");
  ASSERT_TRUE(quiet.is_object());
  ExpectSilent(question, AdviceRig::OfThread(EngineOf(quiet)), "without a sleep");

  question.since_ns = workload::NowNs();
  const json sleeping = RunBook(Inject("sleep"), "5s");
  ASSERT_TRUE(sleeping.is_object());
  const Match match = AdviceRig::OfThread(EngineOf(sleeping));
  const auto advice = rig_.AwaitAdvice(question, match);
  ASSERT_TRUE(advice.ok()) << advice.status();
  EXPECT_LE(advice->evidence().count(), sleeping["injections"][0]["events"].size());
  EXPECT_THAT(advice->cause(), HasSubstr("nanosleep"));
  EXPECT_THAT(advice->action().code_hint(), HasSubstr("nanosleep"));
  ExpectKnownSpikes(daemon_, *advice, 1);
  ExpectSilent({.rule = "condition-wait-in-hot-path", .since_ns = question.since_ns}, match, "as a condition");

  question.since_ns = workload::NowNs();
  const json mended = RunBook({}, "2s");
  ASSERT_TRUE(mended.is_object());
  ExpectSilent(question, AdviceRig::OfThread(EngineOf(mended)), "with the sleep taken out");
}

// A lock that somebody holds is a lock's case, not a hand-over's. The book asks for it between two orders most of the time.
TEST_F(RecommendLocksTest, ALockThatAMarkedLoopWaitsForIsNoConditionWait) {
  ASSERT_TRUE(AttachBooks().ok());
  const Question question{.rule = "condition-wait-in-hot-path", .since_ns = workload::NowNs()};
  std::vector<std::string> arguments = Inject("lock_convoy");
  arguments.insert(arguments.end(), {"--priority", "10"});  // else it seldom asks while the lock is held
  const json convoy = RunBook(arguments);
  ASSERT_TRUE(convoy.is_object());
  const pid_t engine = EngineOf(convoy);
  v1::DetectSpikesRequest request;
  request.set_max_spikes(100'000);
  ASSERT_TRUE(Eventually([&] {
    const auto answer = daemon_.client().DetectSpikes(request);
    if (!answer.ok()) return false;
    return std::any_of(answer->spikes().begin(), answer->spikes().end(), [&](const v1::Spike& spike) {
      const bool is_marked = spike.kind() == "operation" || spike.kind() == "gap";
      return spike.thread().tid() == engine && is_marked && spike.causes_size() > 0 && spike.causes(0).kind() == "blocked";
    });
  })) << "neither an order nor the loop waited for the lock";
  ExpectSilent(question, AdviceRig::OfThread(engine), "of a lock");
}

}  // namespace
}  // namespace hftmon::testing
