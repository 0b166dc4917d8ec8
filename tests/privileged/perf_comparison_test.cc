// The same run seen by hftmon and by `perf sched record` + `perf sched timehist`: as many switches, the same waits.
//
// Where the two differ, and why:
//  - perf 6.1's `sch delay` counts only waits that begin with a wake-up; a thread that was preempted has 0 there and its wait in `wait
//  time`. hftmon's
//    run-queue latency holds both. So waits after a voluntary switch are compared with `sch delay`, the others with `wait time`.
//  - perf takes its own clock when the tracepoint runs. hftmon takes the run queue's clock, as the kernel's own run delay does (to the last
//  digit: see
//    exact_counts_test): it was read when the switch began, or at the wake-up or tick that led to it (the kernel saves the second reading).
//    A wait's two ends are early by different amounts, so its length differs by the length of that code: a few microseconds, tens on a
//    virtual machine that is interrupted in between. The moments of the switches carry CLOCK_MONOTONIC of the tracepoint in both tools and
//    agree as far as perf prints.
//  - perf prints milliseconds with three decimals: 1 us resolution.
#include <algorithm>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/perf_timehist.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

class PerfComparisonTest : public PrivilegedTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (const std::string why = PerfSched::WhyNot(); !why.empty()) GTEST_SKIP() << why;
  }
  int HousekeepingCpu() const { return daemon_.client().GetStatus()->loop().cpu(); }
};

// Of the median: between the two tools' readings of a clock lies the other's handler, and the machine may be taken away there.
constexpr int64_t kMomentToleranceNs = 10'000;
constexpr int64_t kWaitToleranceNs = 20'000;
// A virtual CPU may be taken away between the two tools' readings of their clocks: the same switch is the nearest one within this.
constexpr int64_t kSameSwitchNs = 1'000'000;

int64_t EndNs(const v1::SwitchEvent& event) {
  return event.start_monotonic_ns() + event.duration_ns();
}

// How far two tools are apart.
class Differences {
 public:
  void Add(int64_t difference_ns) { absolute_ns_.push_back(std::abs(difference_ns)); }
  int64_t MedianNs() {
    if (absolute_ns_.empty()) return INT64_MAX;
    const auto middle = absolute_ns_.begin() + static_cast<std::ptrdiff_t>(absolute_ns_.size() / 2);
    std::nth_element(absolute_ns_.begin(), middle, absolute_ns_.end());
    return *middle;
  }
  size_t count() const { return absolute_ns_.size(); }

 private:
  std::vector<int64_t> absolute_ns_;
};

// Off-CPU intervals of which both ends were seen, oldest first.
std::vector<const v1::SwitchEvent*> IntervalsOf(const v1::QueryContextSwitchesResponse& answer, pid_t tid) {
  std::vector<const v1::SwitchEvent*> events;
  for (const v1::SwitchEvent& event : answer.events()) {
    if (event.thread().tid() == tid && event.has_duration_ns()) events.push_back(&event);
  }
  return events;
}

TEST_F(PerfComparisonTest, CountsAreEqualAndWaitsAgreeWithinTheToolsResolution) {
  WorkloadRun run("two_spinners", {"--cpu", CpuArgument(), "--milliseconds", "1000"});
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  v1::AttachRequest attach;
  attach.add_pids(run.pid());
  attach.mutable_options()->set_spike_threshold_ns(1'000);
  attach.mutable_options()->set_blocked_threshold_ns(1'000);
  ASSERT_TRUE(daemon_.client().Attach(attach).ok());
  const SwitchWitness witness;
  PerfSched perf(daemon_.folder() + "/perf.data", HousekeepingCpu());
  ASSERT_TRUE(run.Act().is_object());
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  v1::QueryContextSwitchesRequest request;
  request.add_pids(run.pid());
  request.set_min_duration_ns(1'000);
  request.set_max_events(100'000);
  const auto answer = daemon_.client().QueryContextSwitches(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  perf.Stop();
  const std::vector<pid_t> tids = run.about()["tids"];
  const std::vector<TimehistLine> lines = perf.Timehist(tids);
  ASSERT_FALSE(lines.empty());
  if (perf.lost_events()) GTEST_SKIP() << "perf lost events: nothing to compare with";

  for (const pid_t tid : tids) {
    SCOPED_TRACE(tid);
    std::vector<TimehistLine> theirs;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(theirs), [tid](const auto& line) { return line.tid == tid; });
    const v1::ThreadSwitches* thread = FindThread(*answer, tid);
    ASSERT_NE(thread, nullptr);
    // One line of timehist is one switch-out.
    EXPECT_EQ(theirs.size(), thread->voluntary_count() + thread->involuntary_count());
    const std::vector<const v1::SwitchEvent*> ours = IntervalsOf(*answer, tid);
    Differences moments;
    Differences waits;
    uint64_t unmatched = 0;
    size_t next = 0;
    // The interval before each line's stretch; the first has none that both saw, and those below our threshold make no event.
    for (size_t i = 1; i < theirs.size(); ++i) {
      const TimehistLine& line = theirs[i];
      const int64_t in_ns = 1'000 * (line.out_us - line.run_us);
      const auto distance_ns = [&](size_t of) { return std::abs(EndNs(*ours[of]) - in_ns); };
      while (next + 1 < ours.size() && distance_ns(next + 1) < distance_ns(next)) ++next;
      if (next >= ours.size() || distance_ns(next) > kSameSwitchNs) {
        unmatched += line.wait_us > 1;
        continue;
      }
      moments.Add(EndNs(*ours[next]) - in_ns);
      const int64_t wait_ns = 1'000 * (ours[next]->voluntary() ? line.delay_us : line.wait_us);
      waits.Add(ours[next]->run_queue_ns() - wait_ns);
      ++next;
    }
    // perf's own programs run where BPF programs are not shown a switch: see SwitchWitness.
    EXPECT_LE(unmatched, witness.UnseenSwitchIns(tid));
    EXPECT_GT(moments.count(), 10u);
    EXPECT_LE(moments.MedianNs(), kMomentToleranceNs);
    EXPECT_LE(waits.MedianNs(), kWaitToleranceNs);
    RecordProperty("median_moment_difference_ns_" + std::to_string(tid), static_cast<int>(moments.MedianNs()));
    RecordProperty("median_wait_difference_ns_" + std::to_string(tid), static_cast<int>(waits.MedianNs()));
  }
}

TEST(ParseTimehistTest, LinesAreReadAndHeadingsSkipped) {
  const std::vector<TimehistLine> lines = ParseTimehist(
      "           time    cpu  task name                       wait time  sch delay   run time\n"
      "                        [tid/pid]                          (msec)     (msec)     (msec)\n"
      "--------------- ------  ------------------------------  ---------  ---------  ---------\n"
      "    2028.571968 [0000]  migration/0[18]                     0.000      0.011      0.027 \n"
      "    2028.573142 [0001]  two words[42/40]                    1.212      0.100      0.162 \n");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].tid, 18);
  EXPECT_EQ(lines[0].delay_us, 11);
  EXPECT_EQ(lines[0].out_us, 2'028'571'968);
  EXPECT_EQ(lines[1].tid, 42);
  EXPECT_EQ(lines[1].wait_us, 1'212);
  EXPECT_EQ(lines[1].run_us, 162);
}

}  // namespace
}  // namespace hftmon::testing
