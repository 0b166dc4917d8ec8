// How late threads are back in their program from sleeps until a time, against a workload that measures it right there.
//
// It takes its time after the program at the end of the system call, so each of its figures is later, by the way out of the kernel and a
// clock_gettime, and what interrupts that. The same wake-ups are measured: so are the counts, to the last one.
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kCount = 1'500;
// What lies between two looks at the clock, some 100 instructions apart, as a rule: of the figures that half of all are below.
constexpr double kRatioMax = 2;
constexpr int64_t kSlackNs = 3'000;
// The end of a wait is taken in the run queue's clock, and told in CLOCK_MONOTONIC.
constexpr int64_t kConversionNs = 2'000;

class ReturnsTest : public PrivilegedTest {
 protected:
  // The workload with more arguments, watched from before its first sleep to after its last. Tells its own figures.
  void Play(std::vector<std::string> arguments, const std::vector<std::string>& groups = {"locks", "returns"},
            std::vector<std::string> prefix = {}) {
    arguments.insert(arguments.end(), {"--cpu", CpuArgument(), "--count", std::to_string(kCount)});
    run_ = std::make_unique<WorkloadRun>("punctual", arguments, std::move(prefix));
    ASSERT_TRUE(run_->about().is_object());
    v1::AttachRequest attach;
    attach.add_pids(run_->pid());
    attach.mutable_options()->set_blocked_threshold_ns(1'000);
    for (const std::string& group : groups) attach.mutable_options()->add_probe_groups(group);
    const auto attached = daemon_.client().Attach(attach);
    ASSERT_TRUE(attached.ok()) << attached.status();
    const nlohmann::json result = run_->Act();
    ASSERT_TRUE(result.is_object());
    theirs_ns_ = result["late_ns"].get<std::vector<int64_t>>();
    interrupted_count_ = result["interrupted_count"];
    v1::QueryThreadsRequest request;
    request.add_pids(run_->pid());
    request.mutable_percentiles()->Assign(kPercents.begin(), kPercents.end());
    // An answer is of closed buckets.
    ASSERT_TRUE(Eventually([&] {
      const auto answer = daemon_.client().QueryThreads(request);
      if (!answer.ok() || answer->threads_size() != 1) return false;
      ours_ = answer->threads(0);
      return !ours_.has_to_return() || ours_.to_return().lateness().count() >= theirs_ns_.size();
    })) << ours_.DebugString();
  }
  static int64_t PercentileOf(const v1::DurationStatistics& lateness, double percent) {
    for (const v1::Percentile& one : lateness.percentiles()) {
      if (one.percent() == percent) return one.value_ns();
    }
    return -1;
  }
  // Nearest rank, as the daemon's.
  int64_t TheirsNs(double percent) const {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(theirs_ns_.size())));
    return theirs_ns_[std::max<size_t>(rank, 1) - 1];
  }
  uint64_t ReturnsSeen() const {
    const auto status = daemon_.client().GetStatus();
    EXPECT_TRUE(status.ok());
    for (const v1::ProbeStatus& probe : status->probes()) {
      if (probe.name() == "on_return") return probe.run_count();
    }
    return 0;
  }

  static constexpr std::array kPercents = {25.0, 50.0, 90.0, 99.0};
  std::unique_ptr<WorkloadRun> run_;
  std::vector<int64_t> theirs_ns_;
  uint64_t interrupted_count_ = 0;
  v1::ScheduledThread ours_;
};

TEST_F(ReturnsTest, EverySleepIsCountedAndNoneIsLaterThanItsThreadMeasured) {
  ASSERT_NO_FATAL_FAILURE(Play({}));
  ASSERT_TRUE(ours_.has_to_return()) << ours_.to_return_unavailable();
  const v1::DurationStatistics& late = ours_.to_return().lateness();
  EXPECT_EQ(late.count(), theirs_ns_.size());
  EXPECT_EQ(late.count(), static_cast<uint64_t>(kCount));
  EXPECT_EQ(ours_.to_return().interrupted_count(), 0u);
  EXPECT_EQ(ours_.to_return().time_lost_count(), 0u);
  // Each is earlier, so each of the ordered ones is.
  EXPECT_LE(late.max_ns(), theirs_ns_.back());
  EXPECT_LT(late.sum_ns(), std::accumulate(theirs_ns_.begin(), theirs_ns_.end(), int64_t{0}));
  for (const double percent : kPercents) {
    const int64_t ours_ns = PercentileOf(late, percent);
    const int64_t switch_ns = PercentileOf(ours_.jitter().lateness(), percent);
    std::printf("p%g: to the switch %.2f us, to the return %.2f us, the thread's own %.2f us\n", percent,
                static_cast<double>(switch_ns) / 1e3, static_cast<double>(ours_ns) / 1e3, static_cast<double>(TheirsNs(percent)) / 1e3);
    EXPECT_LE(ours_ns, TheirsNs(percent)) << "p" << percent;
    EXPECT_GT(ours_ns, 0) << "p" << percent;
    // Of the same wake-ups: else one or the other is of more.
    const bool same = ours_.jitter().lateness().count() == late.count();
    EXPECT_GE(ours_ns, same ? switch_ns - kConversionNs : 0) << "p" << percent;
    const double bound_ns = percent <= 50 ? kRatioMax * static_cast<double>(ours_ns) + kSlackNs : INFINITY;
    EXPECT_LE(static_cast<double>(TheirsNs(percent)), bound_ns) << "p" << percent;
  }
}

TEST_F(ReturnsTest, ATimeThatIsPastIsASleepToo) {
  ASSERT_NO_FATAL_FAILURE(Play({"--late-every", "5"}));
  ASSERT_TRUE(ours_.has_to_return()) << ours_.to_return_unavailable();
  EXPECT_EQ(ours_.to_return().lateness().count(), static_cast<uint64_t>(kCount));
  EXPECT_LE(ours_.jitter().lateness().count(), static_cast<uint64_t>(kCount * 4 / 5)) << "it left no CPU for these";
}

TEST_F(ReturnsTest, ASleepThatASignalEndsHasNoLateness) {
  ASSERT_NO_FATAL_FAILURE(Play({"--interrupt-every", "10"}));
  ASSERT_TRUE(ours_.has_to_return()) << ours_.to_return_unavailable();
  EXPECT_GT(interrupted_count_, 0u);
  EXPECT_EQ(ours_.to_return().interrupted_count(), interrupted_count_);
  EXPECT_EQ(ours_.to_return().lateness().count(), theirs_ns_.size());
  EXPECT_LE(ours_.to_return().lateness().max_ns(), theirs_ns_.back());
}

TEST_F(ReturnsTest, ACallThatTheKernelRefusesIsNoReturn) {
  constexpr uint64_t kCalls = 1'000;  // and as many that are refused
  WorkloadRun run("timed_calls", {"--cpu", CpuArgument(), "--sleeps", "--refused"});
  ASSERT_TRUE(run.about().is_object());
  v1::AttachRequest attach;
  attach.add_pids(run.pid());
  attach.mutable_options()->add_probe_groups("returns");
  ASSERT_TRUE(daemon_.client().Attach(attach).ok());
  ASSERT_TRUE(run.Act(std::to_string(kCalls)).is_object());
  v1::QueryThreadsRequest request;
  request.add_pids(run.pid());
  EXPECT_TRUE(Eventually([&] {
    const auto answer = daemon_.client().QueryThreads(request);
    if (!answer.ok() || answer->threads_size() != 1) return false;
    ours_ = answer->threads(0);
    return ours_.to_return().lateness().count() >= kCalls;
  })) << ours_.DebugString();
  EXPECT_EQ(ours_.to_return().lateness().count(), kCalls);
  EXPECT_EQ(ours_.to_return().interrupted_count(), 0u);
  EXPECT_EQ(ours_.to_return().time_lost_count(), 0u);
}

TEST_F(ReturnsTest, TimesOfAnotherClockAreNotTaken) {
  ASSERT_NO_FATAL_FAILURE(Play({"--clock", "realtime"}));
  EXPECT_FALSE(ours_.has_to_return());
  EXPECT_THAT(ours_.to_return_unavailable(), HasSubstr("no sleep until a time of CLOCK_MONOTONIC"));
}

TEST_F(ReturnsTest, AThreadsTimeNamespaceIsItsClock) {
  const std::vector<std::string> prefix = {"/usr/bin/unshare", "--time", "--monotonic", "100000"};
  std::vector<std::string> probe = prefix;
  probe.push_back("/bin/true");
  if (Subprocess(probe, Subprocess::Options{}).Wait() != 0) GTEST_SKIP() << "no time namespace can be made here (unshare --time)";
  ASSERT_NO_FATAL_FAILURE(Play({}, {"returns"}, prefix));
  ASSERT_TRUE(ours_.has_to_return()) << ours_.to_return_unavailable();
  EXPECT_EQ(ours_.to_return().lateness().count(), static_cast<uint64_t>(kCount));
  EXPECT_EQ(ours_.to_return().time_lost_count(), 0u);
  EXPECT_LE(ours_.to_return().lateness().max_ns(), theirs_ns_.back());
}

TEST_F(ReturnsTest, NoSystemCallRunsTheProgramUnlessSomebodyAsks) {
  ASSERT_NO_FATAL_FAILURE(Play({}, {"locks"}));
  EXPECT_FALSE(ours_.has_to_return());
  EXPECT_THAT(ours_.to_return_unavailable(), HasSubstr("--probes returns"));
  EXPECT_EQ(ReturnsSeen(), 0u);
  run_.reset();
  ASSERT_NO_FATAL_FAILURE(Play({}));
  EXPECT_GE(ReturnsSeen(), static_cast<uint64_t>(kCount));
}

}  // namespace
}  // namespace hftmon::testing
