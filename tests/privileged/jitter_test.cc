// How late periodic threads wake up, by hftmon and by cyclictest (rt-tests), whose own threads are watched: the same wake-ups, measured
// twice.
//
// Where the two differ, and why: hftmon takes CLOCK_MONOTONIC at the end of the system call that the thread slept in (probe group
// "returns"), cyclictest after it in user space: the kernel's last steps, the way out of it and a clock_gettime lie between. Without that
// group hftmon takes it in the scheduler, as the thread is switched in: the rest of the switch and of the call lie between too, about a
// microsecond, and what interrupts, or the host of a virtual machine, take there. A wake-up for which the thread did not sleep any more,
// because it was late already, is one of cyclictest's and of the returns, and none of the switches: there it is a missed period.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kUs = 1'000;
constexpr int64_t kPeriodNs = 1'000 * kUs;
// Of a percentile: what a switch and its return to user space may take, or a third where a busy or virtual machine makes all of it
// longer.
constexpr int64_t kToleranceNs = 2 * kUs;
constexpr double kToleranceShare = 1.0 / 3;
// A percentile is between those this far beside it in the other's order, too: the kernel hides some switches.
constexpr double kBesidePercent = 0.3;
// Wake-ups at its end that cyclictest does not print any more: it prints every ten of its intervals.
constexpr size_t kUnprintedMax = 40;
// Of a run's time: more of it stolen by the host, and what it did to either side of the switch-in decides the 99th of 100 wake-ups.
constexpr double kStolenShareMax = 0.005;

std::string FindProgram(const std::string& name) {
  std::istringstream path(std::getenv("PATH") == nullptr ? "/usr/bin:/bin" : std::getenv("PATH"));
  for (std::string folder; std::getline(path, folder, ':');) {
    if (access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
  }
  return "";
}

// What the host took from that CPU since boot, in seconds (in steps of a tick). Source: /proc/stat, steal.
double StolenSeconds(const std::string& cpu) {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name != "cpu" + cpu) continue;
    int64_t ticks = 0;
    for (int i = 0; i < 8; ++i) words >> ticks;  // user nice system idle iowait irq softirq steal
    return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  return 0;
}

// What cyclictest's one thread measured of each wake-up, in order.
struct CyclicFigures {
  std::vector<int64_t> late_ns;

  // Nearest rank, of the last `count`: those that were watched.
  int64_t PercentileNs(double percent, size_t count) const {
    std::vector<int64_t> sorted(late_ns.end() - static_cast<std::ptrdiff_t>(std::min(count, late_ns.size())), late_ns.end());
    if (sorted.empty()) return 0;
    std::sort(sorted.begin(), sorted.end());
    const double rank = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(sorted.size());
    return sorted[std::min(sorted.size() - 1, static_cast<size_t>(std::ceil(rank)) - (rank >= 1 ? 1 : 0))];
  }
};

// Of `cyclictest -v -N`: "thread: cycle: nanoseconds" a line, others are no figures.
CyclicFigures ParseCyclictest(const std::string& text) {
  CyclicFigures figures;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    int64_t cycle = 0;
    int64_t late_ns = 0;
    char first = 0;
    char second = 0;
    int thread = -1;
    if (words >> thread >> first >> cycle >> second >> late_ns && first == ':' && second == ':') figures.late_ns.push_back(late_ns);
  }
  return figures;
}

class JitterTest : public PrivilegedTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    program_ = FindProgram("cyclictest");
    if (program_.empty()) GTEST_SKIP() << "cyclictest is not installed (rt-tests)";
    cpu_ = CpuArgument();
  }

  struct Watch {
    int64_t blocked_ns = 20 * kUs;
    std::vector<std::string> groups = {"locks"};
  };
  // Runs it and asks for its threads at its end.
  void Run(const std::vector<std::string>& arguments, const Watch& watch) {
    std::vector<std::string> command = {program_, "-v", "-N", "-m", "-i", "1000", "-a", cpu_, "-D", std::to_string(seconds_)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ours_.Clear();
    theirs_ = {};
    const double stolen_before = StolenSeconds(cpu_);
    Subprocess process(command, Subprocess::Options{});
    v1::AttachRequest attach;
    attach.add_pids(process.pid());
    attach.mutable_options()->set_blocked_threshold_ns(watch.blocked_ns);
    for (const std::string& group : watch.groups) attach.mutable_options()->add_probe_groups(group);
    const auto attached = daemon_.client().Attach(attach);
    ASSERT_TRUE(attached.ok()) << attached.status();
    const std::string text = process.ReadAll();
    ASSERT_EQ(process.Wait(), 0) << process.ErrorText();
    stolen_share_ = (StolenSeconds(cpu_) - stolen_before) / static_cast<double>(seconds_);
    theirs_ = ParseCyclictest(text);
    ASSERT_FALSE(theirs_.late_ns.empty()) << "cyclictest wrote no figures";
    v1::QueryThreadsRequest request;
    request.add_pids(process.pid());
    request.mutable_percentiles()->Assign(kPercents.begin(), kPercents.end());
    const auto answer = daemon_.client().QueryThreads(request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    for (const v1::ScheduledThread& one : answer->threads()) {
      if (one.thread().tid() != process.pid()) ours_ = one;  // the first waits for the one that measures
    }
    ASSERT_TRUE(ours_.has_thread()) << "its thread is not in the answer: " << answer->DebugString();
  }
  static int64_t PercentileNs(const v1::DurationStatistics& lateness, double percent) {
    for (const v1::Percentile& one : lateness.percentiles()) {
      if (one.percent() == percent) return one.value_ns();
    }
    return -1;
  }
  int64_t OursNs(double percent) const { return PercentileNs(ours_.jitter().lateness(), percent); }
  // False, said, where a busy host let it run too seldom.
  bool HasEnough(double percent) const {
    if (OursNs(percent) >= 0) return true;
    const auto count = static_cast<double>(ours_.jitter().lateness().count());
    EXPECT_LT(count, 10 / (1 - percent / 100) + 1);
    std::printf("p%g: %g wake-ups are too few\n", percent, count);
    return false;
  }
  // The percentile, in the other's order too between those a little beside it.
  void ExpectAgreement(double percent) const {
    if (!HasEnough(percent)) return;
    const int64_t ours_ns = OursNs(percent);
    const int64_t high_ns = TheirsNs(percent + kBesidePercent);
    std::printf("p%g: %.1f us, cyclictest's %.1f us\n", percent, InUs(ours_ns), InUs(TheirsNs(percent)));
    EXPECT_GE(ours_ns, TheirsNs(percent - kBesidePercent) - ToleranceNs(high_ns)) << "p" << percent;
    EXPECT_LE(ours_ns, high_ns + ToleranceNs(high_ns)) << "p" << percent;
  }
  // The same of the returns, whose wake-ups are all of cyclictest's.
  void ExpectReturnsAgree(double percent) const {
    const v1::DurationStatistics& late = ours_.to_return().lateness();
    const int64_t ours_ns = PercentileNs(late, percent);
    if (ours_ns < 0) return;
    const int64_t theirs_ns = theirs_.PercentileNs(percent, late.count());
    const int64_t low_ns = theirs_.PercentileNs(percent - kBesidePercent, late.count());
    const int64_t high_ns = theirs_.PercentileNs(percent + kBesidePercent, late.count());
    std::printf("p%g: %.1f us at the return, cyclictest's %.1f us\n", percent, InUs(ours_ns), InUs(theirs_ns));
    EXPECT_GE(ours_ns, low_ns - ToleranceNs(high_ns)) << "p" << percent;
    EXPECT_LE(ours_ns, high_ns + ToleranceNs(high_ns)) << "p" << percent;
  }
  int64_t TheirsNs(double percent) const { return theirs_.PercentileNs(percent, ours_.jitter().lateness().count()); }
  static double InUs(int64_t ns) { return static_cast<double>(ns) / kUs; }
  static int64_t ToleranceNs(int64_t of_ns) {
    return std::max(kToleranceNs, static_cast<int64_t>(kToleranceShare * static_cast<double>(of_ns)));
  }
  bool HostStoleTime() const { return stolen_share_ > kStolenShareMax; }

  static constexpr std::array kPercents = {50.0, 99.0};
  const int64_t seconds_ = SizeFromEnvironment("HFTMON_TEST_CYCLIC_SECONDS", 3);
  std::string program_;
  std::string cpu_;
  CyclicFigures theirs_;
  v1::ScheduledThread ours_;
  double stolen_share_ = 0;
};

struct Policy {
  std::string name;
  std::vector<std::string> arguments;
};

class CyclictestPolicyTest : public JitterTest, public ::testing::WithParamInterface<Policy> {};

TEST_P(CyclictestPolicyTest, ItsOwnPercentilesAreThoseOfTheDaemon) {
  ASSERT_NO_FATAL_FAILURE(Run(GetParam().arguments, {.groups = {"locks", "returns"}}));
  SCOPED_TRACE(ours_.jitter().DebugString());
  ASSERT_TRUE(ours_.has_jitter()) << ours_.jitter_unavailable();
  const v1::Jitter& jitter = ours_.jitter();
  EXPECT_EQ(jitter.source(), "timer");
  EXPECT_EQ(jitter.period_ns(), kPeriodNs) << "its times are evenly spaced, to the nanosecond";
  EXPECT_LE(jitter.lateness().count(), theirs_.late_ns.size() + kUnprintedMax);
  EXPECT_GE(jitter.lateness().count(), theirs_.late_ns.size() * 3 / 4);
  if (HostStoleTime()) GTEST_SKIP() << "the host took " << 100 * stolen_share_ << " % of the time from this CPU (/proc/stat, steal)";
  for (const double percent : kPercents) ExpectAgreement(percent);
  ASSERT_TRUE(ours_.has_to_return()) << ours_.to_return_unavailable();
  EXPECT_GE(ours_.to_return().lateness().count(), jitter.lateness().count());
  EXPECT_LE(ours_.to_return().lateness().count(), theirs_.late_ns.size() + kUnprintedMax);
  for (const double percent : kPercents) ExpectReturnsAgree(percent);
}

INSTANTIATE_TEST_SUITE_P(Policies, CyclictestPolicyTest,
                         ::testing::Values(Policy{"fifo", {"-p", "80"}}, Policy{"other", {"--policy=other"}}),
                         [](const auto& policy) { return policy.param.name; });

TEST_F(JitterTest, WithoutTheTimesTheEnvelopeHasTheSameSpread) {
  ASSERT_NO_FATAL_FAILURE(Run({"-p", "80"}, {.groups = {}}));
  SCOPED_TRACE(ours_.jitter().DebugString());
  ASSERT_TRUE(ours_.has_jitter()) << ours_.jitter_unavailable();
  EXPECT_EQ(ours_.jitter().source(), "envelope");
  // Between its line and the clock lies what the earliest two of so many differ by.
  EXPECT_NEAR(static_cast<double>(ours_.jitter().period_ns()), kPeriodNs, kPeriodNs / 10'000);
  if (HostStoleTime()) GTEST_SKIP() << "the host took " << 100 * stolen_share_ << " % of the time from this CPU (/proc/stat, steal)";
  if (!HasEnough(99)) return;
  // The earliest wake-up may be late itself, and is another one in the other's order: so much is off all. What lies between percentiles is
  // not.
  EXPECT_LE(OursNs(50), TheirsNs(50) + ToleranceNs(TheirsNs(50)));
  const int64_t spread_ns = OursNs(99) - OursNs(50);
  const int64_t high_ns = TheirsNs(99 + kBesidePercent) - TheirsNs(50 - kBesidePercent);
  const int64_t low_ns = TheirsNs(99 - kBesidePercent) - TheirsNs(50 + kBesidePercent);
  std::printf("p99 - p50: %.1f us, cyclictest's %.1f us\n", InUs(spread_ns), InUs(TheirsNs(99) - TheirsNs(50)));
  EXPECT_GE(spread_ns, low_ns - ToleranceNs(high_ns));
  EXPECT_LE(spread_ns, high_ns + ToleranceNs(high_ns));
}

// The programs must not take what is no time of CLOCK_MONOTONIC for one.
TEST_F(JitterTest, TimesOfAnotherClockAndRelativeSleepsAreNotBelieved) {
  ASSERT_NO_FATAL_FAILURE(Run({"-p", "80", "-c", "1"}, {}));
  ASSERT_TRUE(ours_.has_jitter()) << ours_.jitter_unavailable();
  EXPECT_EQ(ours_.jitter().source(), "envelope") << "CLOCK_REALTIME";
  ASSERT_NO_FATAL_FAILURE(Run({"-p", "80", "-r"}, {}));
  EXPECT_NE(ours_.jitter().source(), "timer") << "a relative sleep";
}

TEST_F(JitterTest, WithoutARecordOfSleepsItSaysHowToHaveOne) {
  ASSERT_NO_FATAL_FAILURE(Run({"-p", "80"}, {.blocked_ns = 0, .groups = {}}));
  EXPECT_FALSE(ours_.has_jitter());
  EXPECT_THAT(ours_.jitter_unavailable(), HasSubstr("--blocked 20us --probes locks"));
}

}  // namespace
}  // namespace hftmon::testing
