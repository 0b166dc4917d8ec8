#include "daemon/shared_state_sampling.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kUs = 1'000;

TEST(WhoSharesLoopCpuTest, OnlyWhoHasNowhereElseToGoCounts) {
  EXPECT_THAT(WhoSharesLoopCpu({.loop_cpu = 0}, {0, 1}), IsEmpty()) << "few CPUs alone are no reason: it is a second, and was asked for";
  EXPECT_THAT(WhoSharesLoopCpu({.loop_cpu = 5, .loop_cpu_reserved = true}, {0, 1}), IsEmpty());
  EXPECT_THAT(WhoSharesLoopCpu({.loop_cpu = 2}, {2}), AllOf(HasSubstr("CPU 2 is the only one"), HasSubstr("AllowedCPUs=")));
  EXPECT_THAT(WhoSharesLoopCpu({.loop_cpu = 0, .watched_pinned_here = true}, {0, 1}), HasSubstr("a watched thread is pinned"));
  EXPECT_THAT(WhoSharesLoopCpu({.loop_cpu = 0, .core_shared = true}, {0, 1}), HasSubstr("isolated"));
  EXPECT_THAT(WhoSharesLoopCpu({.loop_cpu = 5, .loop_cpu_reserved = true, .core_shared = true}, {0, 1}), IsEmpty())
      << "the operator gave it that CPU";
}

class SharedStateSamplingTest : public ::testing::Test {
 protected:
  SharedStateSampling Sampling() {
    return SharedStateSampling({.sampler = &sampler_,
                                .view = kernel_.view(),
                                .online_cpus =
                                    [] {
                                      return std::vector<int>{0, 1, 2};
                                    },
                                .shared = [this] { return shared_; },
                                .loop_cpu = [] { return 0; }});
  }
  static StateSamplingPlan Plan(std::vector<int> cpus, int64_t interval_ns = kUs) {
    return {.cpus = std::move(cpus), .duration_ns = 10 * interval_ns, .interval_ns = interval_ns};
  }
  static std::string ReasonOf(const absl::Status& status) { return std::string(status.GetPayload("hftmon/reason").value_or(absl::Cord())); }
  void Watch(uint16_t slot, uint32_t tid) {
    kernel_.Follow({.slot = slot, .tid = tid, .tgid = 90});
    kernel_.view().slot_of_tid[tid] = slot;
    kernel_.view().watched_bits[90 / 64] |= 1ull << (90 % 64);
  }
  void Run(uint32_t cpu, uint32_t tid) {
    hft_cpu& state = kernel_.view().cpus[cpu];
    state.log[state.position % HFT_CPU_LOG_ENTRIES] = {.clock_ns = 1, .tid = tid, .tgid = 90};
    ++state.position;
  }
  const StateSamples* Finish() {
    for (int i = 0; i < 20 && sampler_.result() == nullptr; ++i) {
      sampler_.Look(clock_.NowNs());
      sampler_.TickIfDue();
      clock_.AdvanceNs(100 * kUs);
    }
    return sampler_.result();
  }

  FakeMonotonicClock clock_;
  FakeKernelView kernel_{{.cpus = 4}};
  StateSampler sampler_{kernel_.view(), &clock_, nullptr};
  std::string shared_;
};

TEST_F(SharedStateSamplingTest, ASharedCpuTakesSlowTicksOnly) {
  shared_ = "CPU 0 is the only one";
  SharedStateSampling sampling = Sampling();
  const absl::Status refused = sampling.Begin(Plan({1}, 99'999));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "SHARED_CPU");
  EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("CPU 0 is the only one"), HasSubstr("100 us or more")));
  ASSERT_TRUE(sampling.Begin(Plan({1}, 100'000)).ok());
  sampler_.Look(clock_.NowNs());
  EXPECT_TRUE(sampler_.active());
  EXPECT_FALSE(sampler_.spins());
  sampling.End();
  sampler_.Look(clock_.NowNs());
  shared_ = "";
  ASSERT_TRUE(sampling.Begin(Plan({1})).ok());
  sampler_.Look(clock_.NowNs());
  EXPECT_TRUE(sampler_.spins());
}

TEST_F(SharedStateSamplingTest, WithoutANamedCpuItIsThoseOfWatchedThreads) {
  SharedStateSampling sampling = Sampling();
  EXPECT_EQ(ReasonOf(sampling.Begin(Plan({}))), "NO_CPU");
  Watch(1, 100);
  Run(2, 100);
  Run(1, 200);  // a stranger
  Watch(2, 101);
  kernel_.view().slots[2].out_clock_ns = 5;
  kernel_.view().slots[2].out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
  ASSERT_TRUE(sampling.Begin(Plan({})).ok());
  const StateSamples* samples = Finish();
  ASSERT_NE(samples, nullptr);
  std::vector<int> cpus;
  for (const CpuSamples& cpu : samples->cpus) cpus.push_back(cpu.cpu);
  EXPECT_THAT(cpus, ElementsAre(0, 2));
}

TEST_F(SharedStateSamplingTest, CpusThatAreNotThereAreNamed) {
  SharedStateSampling sampling = Sampling();
  EXPECT_THAT(std::string(sampling.Begin(Plan({3})).message()), HasSubstr("CPU 3 is not online: give CPUs of 0-2"));
  const absl::Status none = sampling.Begin(Plan({0, 4}));
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.message()), HasSubstr("CPU 4 is none of this host's"));
}

TEST_F(SharedStateSamplingTest, OneAtATimeAndNotWhileTheProgramsAreOff) {
  SharedStateSampling sampling = Sampling();
  kernel_.view().controls->off = 1;
  EXPECT_EQ(ReasonOf(sampling.Begin(Plan({1}))), "OFF");
  kernel_.view().controls->off = 0;
  ASSERT_TRUE(sampling.Begin(Plan({1})).ok());
  const absl::Status second = sampling.Begin(Plan({1}));
  EXPECT_EQ(second.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(second), "SAMPLING");
}

TEST_F(SharedStateSamplingTest, WhatCannotBeHadIsNamedWithItsReason) {
  SharedStateSampling sampling = Sampling();
  ASSERT_TRUE(sampling.Begin(Plan({0, 1}, 100 * kUs)).ok());
  Run(0, 100);
  const StateSamples* samples = Finish();
  ASSERT_NE(samples, nullptr);
  std::vector<std::string> names;
  std::string unknown;
  for (const UnsampledState& state : sampling.Unsampled(*samples)) {
    EXPECT_FALSE(state.reason.empty()) << state.name;
    names.push_back(state.name);
    if (state.name == "running_thread") unknown = state.reason;
  }
  EXPECT_THAT(names, ElementsAre("run_queue_depth", "waiting_woken", "system_call", "nmi", "interrupts", "running_thread", "loop_cpu"));
  EXPECT_THAT(unknown, HasSubstr("CPU 1 had not switched"));
}

}  // namespace
}  // namespace hftmon
