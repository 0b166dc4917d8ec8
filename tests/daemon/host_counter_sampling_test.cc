#include "daemon/host_counter_sampling.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "absl/synchronization/notification.h"
#include "daemon/service/rich_error.h"
#include "tests/daemon/pmu/overflowing_threads.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr uint32_t kPid = 500;
constexpr int64_t kStartNs = 77;
constexpr int64_t kLongNs = 60'000'000'000;

std::string ReasonOf(const absl::Status& status) {
  return std::string(status.GetPayload(kErrorReasonPayload).value_or(absl::Cord()));
}

class SteadyClock : public MonotonicClock {
 public:
  int64_t NowNs() const override { return std::chrono::steady_clock::now().time_since_epoch().count(); }
};

// The kernel is one sampling's thread's: the test reads of it before it begins and after it is over.
class HostCounterSamplingTest : public ::testing::Test {
 protected:
  HostCounterSampling::Parts Parts() {
    HostCounterSampling::Parts parts;
    parts.calls = &threads_.kernel;
    parts.memory = &threads_.kernel;
    parts.clock = &clock_;
    parts.threads = [this](pid_t) { return threads_.kernel.List(); };
    parts.facts = [] { return PerfEventRefusalFacts{}; };
    parts.events = [this](const PerfEventRefusalFacts&, const CounterSamplingPlan& plan) -> absl::StatusOr<OverflowEvents> {
      if (!no_events_.ok()) return no_events_;
      OverflowEvents events{.overflow = OverflowingThreads::Overflow(plan.rate_hz), .members = OverflowingThreads::Members()};
      for (const CountedEvent& member : events.members) events.events.push_back({.name = member.name});
      events.unavailable = {{"l3_misses", "no PMU"}};
      return events;
    };
    parts.sample_rate_max = [] { return std::optional<int64_t>(63'000); };
    parts.admit = [this] { return refused_.load(std::memory_order_seq_cst) ? Quiet() : absl::OkStatus(); };
    parts.look_at = [this](uint32_t pid, int64_t start_ns) {
      if (on_runs_) on_runs_();
      return pid == kPid && start_ns == kStartNs ? process_.load(std::memory_order_seq_cst) : SampledProcess::kEnded;
    };
    return parts;
  }
  static absl::Status Quiet() {
    absl::Status quiet = absl::FailedPreconditionError("refused in quiet mode");
    quiet.SetPayload(kErrorReasonPayload, absl::Cord("QUIET"));
    return quiet;
  }
  static CounterSamplingPlan Plan(int64_t duration_ns = 1'000'000) {
    return {.pid = kPid, .start_boottime_ns = kStartNs, .duration_ns = duration_ns, .rate_hz = 1'000};
  }
  // Waits until it is over; only a failing test waits a minute.
  static absl::StatusOr<CounterSamples> ResultOf(const CounterSamplingRun& run) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (run.Result() == nullptr && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
    return run.Result() == nullptr ? absl::DeadlineExceededError("not over") : *run.Result();
  }
  absl::StatusOr<CounterSamples> Sample(int64_t duration_ns = 1'000'000) {
    HostCounterSampling sampling(Parts());
    auto run = sampling.Begin(Plan(duration_ns));
    return run.ok() ? ResultOf(**run) : run.status();
  }
  // Called each time somebody asks whether the process runs: first when all is open, then with the events on, at last when the time is
  // over.
  void OnceOn(std::function<void()> act) {
    on_runs_ = [this, act = std::move(act), done = false]() mutable {
      const bool on = !threads_.kernel.events().empty() && threads_.kernel.events().begin()->second.on;
      if (on && !std::exchange(done, true)) act();
    };
  }

  OverflowingThreads threads_{{500, 501}};
  SteadyClock clock_;
  absl::Status no_events_;
  std::function<void()> on_runs_;
  std::atomic<bool> refused_{false};
  std::atomic<SampledProcess> process_{SampledProcess::kRuns};
};

TEST_F(HostCounterSamplingTest, SpansAddUpToWindowsOfRatesAndTheRestIsInTheCountsAlone) {
  int64_t first_end_ns = 0;
  OnceOn([this, &first_end_ns] {
    // Faults of 10 and 30 for each millisecond of a spin, then 5 behind the last overflow.
    int64_t now_ns = clock_.NowNs();
    ASSERT_TRUE(threads_.Overflow(500, now_ns, {.enabled_ns = 1'000'000, .running_ns = 1'000'000, .values = {0, 10, 1}}));
    first_end_ns = now_ns;
    ASSERT_TRUE(threads_.Overflow(500, now_ns + 1'000, {.enabled_ns = 2'000'000, .running_ns = 2'000'000, .values = {0, 40, 1}}));
    threads_.counts[500] = {.enabled_ns = 2'000'100, .running_ns = 2'000'100, .lost = 0, .values = {0, 45, 2}};
  });
  const auto samples = Sample();
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_FALSE(samples->process_ended);
  EXPECT_GE(samples->end_mono_ns - samples->begin_mono_ns, 1'000'000);
  EXPECT_EQ(samples->overflow_event, "cpu-clock");
  EXPECT_EQ(samples->overflow_period, 1'000'000u);
  EXPECT_EQ(samples->sample_rate_max_hz, 63'000);
  EXPECT_THAT(samples->unavailable, ElementsAre(Pair("l3_misses", "no PMU")));
  ASSERT_EQ(samples->rates.size(), 2u);
  EXPECT_EQ(samples->rates[0].name, "page-faults_per_second");
  ASSERT_EQ(samples->threads.size(), 2u);
  const SampledCounters& spinning = samples->threads[0];
  EXPECT_EQ(spinning.tid, 500u);
  EXPECT_EQ(spinning.window.span_count, 3u);
  EXPECT_EQ(spinning.window.on_cpu_ns, 2'000'100);
  EXPECT_EQ(spinning.window.events[0].value, 45u);
  EXPECT_EQ(spinning.window.events[1].value, 2u);
  EXPECT_EQ(spinning.window.rates[0].span_count, 2u);
  EXPECT_DOUBLE_EQ(spinning.window.rates[0].lowest, 10'000);
  EXPECT_DOUBLE_EQ(spinning.window.rates[0].highest, 30'000);
  EXPECT_EQ(spinning.widths.count, 2u) << "what follows the last overflow is no span between two";
  EXPECT_EQ(spinning.widths.narrowest_ns, 1'000);
  EXPECT_EQ(spinning.widths.sum_ns, spinning.widths.widest_ns + 1'000);
  EXPECT_LE(spinning.widths.widest_ns, first_end_ns - samples->begin_mono_ns);
  EXPECT_EQ(spinning.counts.interrupt_count(), 2u);
  EXPECT_EQ(samples->threads[1].window.span_count, 0u) << "it did not run";
  EXPECT_EQ(samples->counts.event_count, 6u);
  EXPECT_GT(samples->daemon_cpu_ns, 0);
}

TEST_F(HostCounterSamplingTest, SpansThatWereHeldBackAreInTheCountsAndInNoRate) {
  OnceOn([this] {
    const int64_t now_ns = clock_.NowNs();
    ASSERT_TRUE(threads_.Throttle(500, now_ns, true));
    ASSERT_TRUE(threads_.Overflow(500, now_ns + 1, {.enabled_ns = 1'000, .running_ns = 1'000, .values = {0, 10}}));
    ASSERT_TRUE(threads_.Throttle(500, now_ns + 100, false));
    ASSERT_TRUE(threads_.Overflow(500, now_ns + 200, {.enabled_ns = 2'000, .running_ns = 2'000, .values = {0, 11}}));
  });
  const auto samples = Sample();
  ASSERT_TRUE(samples.ok()) << samples.status();
  const SampledCounters& thread = samples->threads[0];
  EXPECT_EQ(thread.window.events[0].value, 11u);
  EXPECT_EQ(thread.window.rates[0].span_count, 1u);
  EXPECT_EQ(thread.throttled_span_count, 1u);
  EXPECT_EQ(thread.counts.throttle_count, 1u);
}

TEST_F(HostCounterSamplingTest, WhatSharedItsCounterIsEstimated) {
  OnceOn([this] {
    ASSERT_TRUE(threads_.Overflow(500, clock_.NowNs(), {.enabled_ns = 1'000'000, .running_ns = 250'000, .values = {0, 10}}));
  });
  const auto samples = Sample();
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_TRUE(samples->threads[0].window.events[0].estimated());
  EXPECT_DOUBLE_EQ(samples->threads[0].window.events[0].Scaled().value(), 40);
  EXPECT_DOUBLE_EQ(samples->threads[0].window.rates[0].highest, 40'000);
}

TEST_F(HostCounterSamplingTest, AHostThatCountsNothingOfItGivesTheReason) {
  no_events_ = absl::FailedPreconditionError("no PMU in this guest");
  absl::Status status = Sample().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(ReasonOf(status), "NO_COUNTERS");
  EXPECT_THAT(std::string(status.message()), HasSubstr("no PMU in this guest"));
  no_events_ = absl::OkStatus();
  threads_.kernel.open_errors = {ENOENT};
  status = Sample().status();
  EXPECT_EQ(ReasonOf(status), "NO_COUNTERS");
  threads_.kernel.open_errors = {EACCES};
  EXPECT_TRUE(absl::IsPermissionDenied(Sample().status()));
}

TEST_F(HostCounterSamplingTest, OneIsSampledByOneAndFourAtOnceAndTheBoundSaysSo) {
  HostCounterSampling sampling(Parts());
  // The others fail at once, and keep their places as long as they are there.
  no_events_ = absl::FailedPreconditionError("none");
  std::vector<std::unique_ptr<CounterSamplingRun>> runs;
  for (uint32_t pid = 1; pid <= HostCounterSampling::kRunsMax; ++pid) {
    CounterSamplingPlan plan = Plan();
    plan.pid = pid;
    auto run = sampling.Begin(plan);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_FALSE(ResultOf(**run).ok());
    runs.push_back(*std::move(run));
    const absl::Status again = sampling.Begin(plan).status();
    EXPECT_EQ(ReasonOf(again), "SAMPLING");
    EXPECT_THAT(std::string(again.message()), HasSubstr("sampled already"));
    EXPECT_EQ(sampling.bound().used, static_cast<int64_t>(pid));
  }
  EXPECT_EQ(sampling.bound().limit, 4);
  EXPECT_THAT(std::string(sampling.Begin(Plan()).status().message()), HasSubstr("4 processes are sampled"));
  runs.clear();
  EXPECT_EQ(sampling.bound().used, 0);
  EXPECT_TRUE(sampling.Begin(Plan()).ok());
}

TEST_F(HostCounterSamplingTest, QuietModeRefusesItAndEndsOneThatGoesOn) {
  HostCounterSampling sampling(Parts());
  refused_.store(true, std::memory_order_seq_cst);
  EXPECT_EQ(ReasonOf(sampling.Begin(Plan()).status()), "QUIET");
  refused_.store(false, std::memory_order_seq_cst);
  auto run = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(run.ok()) << run.status();
  refused_.store(true, std::memory_order_seq_cst);
  EXPECT_EQ(ReasonOf(ResultOf(**run).status()), "QUIET");
}

TEST_F(HostCounterSamplingTest, WhoCancelsNeedNotWaitForTheEnd) {
  absl::Notification opened;
  on_runs_ = [&opened] {
    if (!opened.HasBeenNotified()) opened.Notify();
  };
  HostCounterSampling sampling(Parts());
  auto run = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(run.ok()) << run.status();
  opened.WaitForNotification();
  (*run)->Cancel();
  EXPECT_TRUE(absl::IsCancelled(ResultOf(**run).status()));
  run->reset();
  EXPECT_TRUE(threads_.kernel.events().empty()) << "nothing is left open";
}

TEST_F(HostCounterSamplingTest, AProcessThatEndsEndsItWithWhatWasCounted) {
  OnceOn([this] {
    ASSERT_TRUE(threads_.Overflow(500, clock_.NowNs(), {.enabled_ns = 10, .running_ns = 10, .values = {0, 3}}));
    process_.store(SampledProcess::kEnded, std::memory_order_seq_cst);
  });
  const auto samples = Sample(kLongNs);
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_TRUE(samples->process_ended);
  EXPECT_EQ(samples->threads[0].window.events[0].value, 3u);
}

TEST_F(HostCounterSamplingTest, AProcessThatIsDetachedIsNotToldAsEnded) {
  OnceOn([this] { process_.store(SampledProcess::kNotTarget, std::memory_order_seq_cst); });
  const absl::Status meanwhile = Sample(kLongNs).status();
  EXPECT_TRUE(absl::IsNotFound(meanwhile));
  EXPECT_EQ(ReasonOf(meanwhile), "NOT_A_TARGET");
  EXPECT_THAT(std::string(meanwhile.message()), HasSubstr("detached"));
  on_runs_ = nullptr;
  EXPECT_EQ(ReasonOf(Sample(kLongNs).status()), "NOT_A_TARGET") << "before it began";
}

TEST_F(HostCounterSamplingTest, QuietModeWhileThreadsAreOpenedSwitchesNothingOn) {
  HostCounterSampling sampling(Parts());
  bool was_on = false;
  threads_.kernel.before_open = [this](pid_t) { refused_.store(true, std::memory_order_seq_cst); };
  on_runs_ = [this, &was_on] {
    for (const auto& [descriptor, event] : threads_.kernel.events()) was_on |= event.leader == -1 && event.on;
  };
  auto run = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(ReasonOf(ResultOf(**run).status()), "QUIET");
  run->reset();
  EXPECT_FALSE(was_on);
  EXPECT_TRUE(threads_.kernel.events().empty());
}

TEST_F(HostCounterSamplingTest, ThreadsThatHadNoCounterAreToldWithWhoMayHoldThem) {
  OnceOn([this] { threads_.counts[501] = {.enabled_ns = 1'000, .running_ns = 0, .lost = 0, .values = {}}; });
  auto samples = Sample();
  ASSERT_TRUE(samples.ok()) << samples.status();
  ASSERT_EQ(samples->unavailable.size(), 2u);
  EXPECT_EQ(samples->unavailable[1].first, "1 of 2 threads");
  EXPECT_THAT(samples->unavailable[1].second, AllOf(HasSubstr("had no counter"), HasSubstr("name fewer events")));
  // As of pinned groups that found none.
  threads_.kernel.reading = [](int) { return std::vector<uint64_t>(); };
  on_runs_ = nullptr;
  samples = Sample();
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_EQ(samples->unavailable.back().first, "2 of 2 threads");
  EXPECT_TRUE(samples->threads[0].counts.starved);
}

TEST_F(HostCounterSamplingTest, AnotherProcessOfThatNumberIsNotSampled) {
  HostCounterSampling sampling(Parts());
  CounterSamplingPlan plan = Plan();
  plan.start_boottime_ns = kStartNs - 1;
  auto run = sampling.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(ReasonOf(ResultOf(**run).status()), "ENDED");
}

}  // namespace
}  // namespace hftmon
