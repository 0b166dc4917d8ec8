// How threads are scheduled and where their time went, against threads that know both.
#include <sched.h>

#include <fstream>
#include <map>
#include <string>

#include "common/cpu_list.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kMs = 1'000'000;

class ThreadsTest : public PrivilegedTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    run_ = std::make_unique<WorkloadRun>("scheduled", std::vector<std::string>{"--cpu", CpuArgument()});
    ASSERT_TRUE(run_->about().is_object());
    ASSERT_TRUE(run_->Act().is_object());
    const auto attached = daemon_.Attach(run_->pid());
    ASSERT_TRUE(attached.ok()) << attached.status();
  }
  pid_t Tid(const std::string& name) const { return run_->about()["threads"][name]["tid"]; }
  std::string Refused(const std::string& name) const { return run_->about()["threads"][name]["refused"]; }
  v1::QueryThreadsResponse Ask(int64_t window_ns = 0) const {
    v1::QueryThreadsRequest request;
    request.add_pids(run_->pid());
    request.set_window_ns(window_ns);
    const auto answer = daemon_.client().QueryThreads(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::QueryThreadsResponse();
  }
  v1::ScheduledThread ThreadOf(const v1::QueryThreadsResponse& answer, const std::string& name) const {
    for (const v1::ScheduledThread& thread : answer.threads()) {
      if (thread.thread().tid() == Tid(name)) return thread;
    }
    ADD_FAILURE() << "no thread " << name;
    return {};
  }
  // Every thread was looked at.
  v1::QueryThreadsResponse AskWhenSeen() const {
    v1::QueryThreadsResponse answer;
    EXPECT_TRUE(Eventually([&] {
      answer = Ask();
      return answer.threads_size() >= 11 && std::all_of(answer.threads().begin(), answer.threads().end(),
                                                        [](const v1::ScheduledThread& thread) { return thread.has_scheduling(); });
    }));
    return answer;
  }
  static int64_t SumOf(const v1::ScheduledThread& thread) {
    return thread.cpu_time_ns() + thread.run_queue_wait_ns() + thread.blocked_ns() + thread.interrupted_ns();
  }
  // The window lies whole within the time that everything is watched.
  void PassWatched(int64_t ns) const { workload::SleepUntil(workload::NowNs() + ns); }

  std::unique_ptr<WorkloadRun> run_;
};

TEST_F(ThreadsTest, PolicyPrioritiesAndAffinityAreWhatEachThreadAskedFor) {
  const v1::QueryThreadsResponse answer = AskWhenSeen();
  const std::string everywhere = FormatCpuList(run_->about()["cpus"].get<std::vector<int>>());
  struct Expected {
    std::string policy;
    int priority, nice, realtime_priority;
    std::string cpus;
  };
  const std::map<std::string, Expected> expected = {
      {"sleeper", {"other", 120, 0, 0, everywhere}},  {"fifo", {"fifo", 57, 0, 42, everywhere}},
      {"rr", {"rr", 96, 0, 3, everywhere}},           {"batch", {"batch", 120, 0, 0, everywhere}},
      {"nice", {"other", 115, -5, 0, everywhere}},    {"deadline", {"deadline", -1, 0, 0, everywhere}},
      {"pinned", {"other", 120, 0, 0, CpuArgument()}}};
  for (const auto& [name, truth] : expected) {
    SCOPED_TRACE(name);
    if (const std::string refused = Refused(name); !refused.empty()) {
      std::printf("%s is refused here: %s\n", name.c_str(), refused.c_str());
      continue;
    }
    const v1::Scheduling scheduling = ThreadOf(answer, name).scheduling();
    EXPECT_EQ(scheduling.policy(), truth.policy);
    EXPECT_EQ(scheduling.priority(), truth.priority);
    EXPECT_EQ(scheduling.nice(), truth.nice);
    EXPECT_EQ(scheduling.realtime_priority(), truth.realtime_priority);
    EXPECT_EQ(scheduling.cpus_allowed(), truth.cpus);
    EXPECT_EQ(scheduling.has_deadline(), truth.policy == "deadline");
  }
  if (Refused("deadline").empty()) {
    const v1::DeadlineParameters deadline = ThreadOf(answer, "deadline").scheduling().deadline();
    EXPECT_EQ(deadline.runtime_ns(), kMs);
    EXPECT_EQ(deadline.deadline_ns(), 50 * kMs);
    EXPECT_EQ(deadline.period_ns(), 100 * kMs);
  }
}

TEST_F(ThreadsTest, EachThreadsPartsSumToTheWindow) {
  PassWatched(700 * kMs);
  const v1::QueryThreadsResponse answer = Ask(500 * kMs);
  EXPECT_FALSE(answer.window().truncated());
  const int64_t window_ns = answer.window().end_monotonic_ns() - answer.window().begin_monotonic_ns();
  EXPECT_GE(window_ns, 500 * kMs);
  EXPECT_GE(answer.threads_size(), 11);
  double share = 0;
  for (const v1::ScheduledThread& thread : answer.threads()) {
    EXPECT_EQ(SumOf(thread), window_ns) << thread.ShortDebugString();
    EXPECT_GE(thread.cpu_time_ns(), 0);
    share += thread.cpu_time_share();
  }
  EXPECT_NEAR(share, 1, 1e-9);
}

TEST_F(ThreadsTest, WhoSleepsRunsNotAtAllAndTwoWhoSpinShareTheirCpu) {
  PassWatched(700 * kMs);
  const json before = run_->Act("count");
  PassWatched(1'000 * kMs);
  const v1::QueryThreadsResponse answer = Ask(900 * kMs);
  const json after = run_->Act("count");
  const int64_t window_ns = answer.window().end_monotonic_ns() - answer.window().begin_monotonic_ns();
  for (const char* name : {"sleeper", "pinned", "changer", "batch"}) {
    const v1::ScheduledThread thread = ThreadOf(answer, name);
    EXPECT_EQ(thread.cpu_time_ns(), 0) << name;
    EXPECT_EQ(thread.blocked_ns(), window_ns) << name;
    EXPECT_EQ(thread.cpus_size(), 0) << name;
  }
  const double length_ns = after["time_ns"].get<double>() - before["time_ns"].get<double>();
  for (const char* name : {"spinner", "rival"}) {
    SCOPED_TRACE(name);
    const v1::ScheduledThread thread = ThreadOf(answer, name);
    const json from = before["threads"][name];
    const json to = after["threads"][name];
    const double ran = (to["run_ns"].get<double>() - from["run_ns"].get<double>()) / length_ns;
    const double told = static_cast<double>(thread.cpu_time_ns() + thread.interrupted_ns()) / static_cast<double>(window_ns);
    std::printf("%s ran %.1f %% of the time by the kernel, %.1f %% by the answer, waited %.1f %%\n", name, 100 * ran, 100 * told,
                100.0 * static_cast<double>(thread.run_queue_wait_ns()) / static_cast<double>(window_ns));
    // The two stretches of time are not the same, and others want this CPU too: a twentieth of the time is nothing to tell apart.
    EXPECT_GT(told, ran / 2 - 0.05);
    EXPECT_LT(told, ran * 2 + 0.05);
    // Of the time one runs the other waits.
    EXPECT_GT(thread.run_queue_wait_ns(), window_ns / 10);
    EXPECT_LT(thread.blocked_ns(), window_ns / 10);
    ASSERT_EQ(thread.cpus_size(), 1) << thread.cpus_unavailable();
    EXPECT_EQ(std::to_string(thread.cpus(0).cpu()), CpuArgument());
    EXPECT_EQ(thread.cpus(0).cpu_time_ns(), thread.cpu_time_ns());
  }
  EXPECT_TRUE(answer.threads(0).thread().tid() == Tid("spinner") || answer.threads(0).thread().tid() == Tid("rival"))
      << "who ran most stands first";
}

TEST_F(ThreadsTest, AChangeOfPriorityAndOfAffinityIsFoundWithWhatWasBefore) {
  AskWhenSeen();
  const auto found = [this](const std::string& what, v1::SchedulingChange* change) {
    return Eventually([&] {
      const v1::QueryThreadsResponse answer = Ask();
      for (const v1::SchedulingChange& one : answer.changes()) {
        if (std::find(one.what().begin(), one.what().end(), what) == one.what().end() || one.thread().tid() != Tid("changer")) continue;
        *change = one;
      }
      return change->what_size() > 0;
    });
  };
  v1::SchedulingChange change;
  const int64_t before_ns = workload::NowNs();
  const json narrowed = run_->Act("narrow");
  ASSERT_EQ(narrowed["refused"], "");
  const std::string everywhere = FormatCpuList(run_->about()["cpus"].get<std::vector<int>>());
  if (everywhere != CpuArgument()) {
    ASSERT_TRUE(found("affinity", &change));
    EXPECT_EQ(change.from().cpus_allowed(), everywhere);
    EXPECT_EQ(change.to().cpus_allowed(), CpuArgument());
    EXPECT_LE(change.after_monotonic_ns(), narrowed["time_ns"].get<int64_t>());
    EXPECT_GE(change.before_monotonic_ns(), before_ns);
    EXPECT_EQ(change.what_size(), 1);
  } else {
    std::printf("one CPU only: its affinity cannot change\n");
  }
  const json raised = run_->Act("fifo");
  if (raised["refused"] != "") GTEST_SKIP() << "SCHED_FIFO is refused: " << raised["refused"];
  change = {};
  ASSERT_TRUE(found("policy", &change));
  EXPECT_EQ(change.from().policy(), "other");
  EXPECT_EQ(change.from().priority(), 120);
  EXPECT_EQ(change.to().policy(), "fifo");
  EXPECT_EQ(change.to().realtime_priority(), 7);
  EXPECT_EQ(change.to().priority(), 92);
  EXPECT_LE(change.after_monotonic_ns(), raised["time_ns"].get<int64_t>());
  EXPECT_LT(change.after_monotonic_ns(), change.before_monotonic_ns());
  EXPECT_EQ(ThreadOf(Ask(), "changer").scheduling().policy(), "fifo") << "and so it is seen";
}

TEST_F(ThreadsTest, IsolatedCpusAreThisKernels) {
  const auto line_of = [](const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line == "(null)" ? "" : line;
  };
  const v1::QueryThreadsResponse answer = AskWhenSeen();
  EXPECT_EQ(answer.isolated_cpus(), line_of("/sys/devices/system/cpu/isolated"));
  EXPECT_EQ(answer.nohz_full_cpus(), line_of("/sys/devices/system/cpu/nohz_full"));
  if (!answer.isolated_cpus().empty()) return;
  for (const v1::ScheduledThread& thread : answer.threads()) EXPECT_FALSE(thread.scheduling().isolated_only());
}

TEST_F(ThreadsTest, TheCommandShowsARowForEachThread) {
  AskWhenSeen();
  const CommandResult result = daemon_.Hftmon({"threads", "-p", std::to_string(run_->pid()), "--changes"});
  EXPECT_LE(result.exit_code, 1) << result.error;
  for (const char* name : {"sleeper", "spinner", "rival", "pinned"}) EXPECT_THAT(result.output, ::testing::HasSubstr(name));
  std::printf("%s", result.output.c_str());
  const json answer = daemon_.HftmonJson({"threads", "-p", std::to_string(run_->pid())});
  ASSERT_TRUE(answer.is_object());
  EXPECT_GE(answer["threads"].size(), 11u);
}

}  // namespace
}  // namespace hftmon::testing
