#include "daemon/pmu/process_counters.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>

#include "tests/daemon/pmu/counted_events.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr pid_t kProcess = 500;
constexpr int64_t kMs = 1'000'000;
constexpr uint64_t kEventsPerMs = FakePerfEvents::kEventsPerUs * 1'000;

class ProcessCountersTest : public ::testing::Test {
 protected:
  ProcessCountersTest() { Make(FakePerfEvents::Host(4)); }
  void Make(const FakePerfEvents::Kernel& rules) {
    kernel_ = std::make_unique<FakePerfEvents>(rules);
    for (const pid_t tid : {500, 501, 502}) kernel_->AddThread(tid, kProcess);
  }
  absl::StatusOr<ProcessCounters> Open(const ProcessCounters::Options& options = {}) {
    return ProcessCounters::Open(
        *kernel_, [this](pid_t pid) { return kernel_->ThreadsOf(pid); }, kProcess, std::vector{Cycles(), Instructions()}, options);
  }
  static uint64_t Sum(const ProcessCounters& counters) {
    const auto threads = counters.Read();
    EXPECT_TRUE(threads.ok()) << threads.status();
    uint64_t sum = 0;
    for (const ThreadReadings& thread : threads.value_or(std::vector<ThreadReadings>())) sum += thread.readings[0].value;
    return sum;
  }

  std::unique_ptr<FakePerfEvents> kernel_;
};

TEST_F(ProcessCountersTest, EveryThreadIsCountedOnceAndItsHeirsWithIt) {
  auto counters = Open();
  ASSERT_TRUE(counters.ok()) << counters.status();
  EXPECT_EQ(counters->thread_count(), 3u);
  EXPECT_THAT(counters->shortfall(), IsEmpty());
  kernel_->Run(501, 0, kMs);
  EXPECT_EQ(Sum(*counters), 0u) << "it is opened switched off";
  ASSERT_TRUE(counters->Enable().ok());
  kernel_->Clone(502, 503);
  kernel_->Clone(503, 504);
  kernel_->Fork(500, 600);
  for (const pid_t tid : {500, 501, 502, 503, 504, 600}) kernel_->Run(tid, 0, kMs);
  kernel_->EndThread(503);
  const auto threads = counters->Read();
  ASSERT_TRUE(threads.ok()) << threads.status();
  ASSERT_EQ(threads->size(), 3u);
  EXPECT_EQ((*threads)[2].tid, 502);
  EXPECT_EQ((*threads)[2].readings[0].value, 3 * kEventsPerMs);
  EXPECT_EQ(Sum(*counters), 5 * kEventsPerMs) << "a child process is another";
  ASSERT_TRUE(counters->Disable().ok());
  kernel_->Run(500, 0, kMs);
  EXPECT_EQ(Sum(*counters), 5 * kEventsPerMs);
}

TEST_F(ProcessCountersTest, AThreadMadeMeanwhileIsCountedOnceWhoeverMadeIt) {
  for (const pid_t parent : {500, 502}) {
    SCOPED_TRACE(parent);
    Make(FakePerfEvents::Host(4));
    // 500 has its counters by then, 502 has none yet.
    bool made = false;
    kernel_->BeforeOpen([&](const perf_event_attr&, pid_t tid) {
      if (tid != 501 || std::exchange(made, true)) return;
      kernel_->Clone(parent, 503);
    });
    auto counters = Open();
    ASSERT_TRUE(counters.ok()) << counters.status();
    EXPECT_EQ(counters->thread_count(), 4u);
    ASSERT_TRUE(counters->Enable().ok());
    kernel_->Run(503, 0, kMs);
    EXPECT_EQ(Sum(*counters), kEventsPerMs);
  }
}

TEST_F(ProcessCountersTest, AThreadThatEndsMeanwhileIsLeftOut) {
  kernel_->BeforeOpen([&](const perf_event_attr&, pid_t tid) {
    if (tid == 501) kernel_->EndThread(501);
  });
  const auto counters = Open();
  ASSERT_TRUE(counters.ok()) << counters.status();
  EXPECT_EQ(counters->thread_count(), 2u);
}

TEST_F(ProcessCountersTest, AProcessThatEndsMeanwhileIsNotFound) {
  kernel_->BeforeOpen([&](const perf_event_attr&, pid_t tid) { kernel_->EndThread(tid); });
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("process 500 ended"));
  EXPECT_TRUE(absl::IsNotFound(Open().status())) << "nor when it is not there to begin with";
}

TEST_F(ProcessCountersTest, AProcessThatMakesThreadsWithoutEndIsGivenUp) {
  pid_t next = 503;
  kernel_->BeforeOpen([&](const perf_event_attr&, pid_t tid) {
    if (tid == 502) kernel_->Clone(500, next++);
  });
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("count the events of its CPUs"));
  EXPECT_EQ(kernel_->open_count(), 0u);
}

TEST_F(ProcessCountersTest, WhatKernelsCannotInheritIsSaid) {
  FakePerfEvents::Kernel old = FakePerfEvents::Host(4);
  old.inherits_threads_only = false;
  Make(old);
  {
    auto counters = Open();
    ASSERT_TRUE(counters.ok()) << counters.status();
    EXPECT_EQ(counters->heirs(), CounterHeirs::kThreadsAndProcesses);
    EXPECT_THAT(counters->shortfall(), HasSubstr("process 500 makes from now on is in it"));
    EXPECT_EQ(counters->thread_count(), 3u);
  }
  old.inherits = false;
  Make(old);
  {
    auto counters = Open();
    ASSERT_TRUE(counters.ok()) << counters.status();
    EXPECT_EQ(counters->heirs(), CounterHeirs::kNobody);
    EXPECT_THAT(counters->shortfall(), HasSubstr("is not in it"));
    ASSERT_TRUE(counters->Enable().ok());
    kernel_->Clone(500, 503);
    kernel_->Run(503, 0, kMs);
    EXPECT_EQ(Sum(*counters), 0u);
  }
  const auto nobody = Open({.heirs = CounterHeirs::kNobody});
  ASSERT_TRUE(nobody.ok());
  EXPECT_THAT(nobody->shortfall(), IsEmpty()) << "it was not asked for";
}

TEST_F(ProcessCountersTest, AnEventThatIsRefusedWithAndWithoutHeirsKeepsItsReason) {
  const auto counters = ProcessCounters::Open(*kernel_, [this](pid_t pid) { return kernel_->ThreadsOf(pid); }, kProcess, RawEvents(5), {});
  EXPECT_TRUE(absl::IsOutOfRange(counters.status())) << counters.status();
  kernel_->FailOpens(std::deque<int>(6, EINVAL));
  EXPECT_TRUE(absl::IsInvalidArgument(Open().status())) << "an encoding";
}

TEST_F(ProcessCountersTest, DescriptorsAndThreadsAreBounded) {
  FakePerfEvents::Kernel few = FakePerfEvents::Host(4);
  few.descriptors_max = 5;
  Make(few);
  const absl::Status descriptors = Open().status();
  EXPECT_TRUE(absl::IsResourceExhausted(descriptors));
  EXPECT_THAT(std::string(descriptors.message()),
              AllOf(HasSubstr("3 threads of process 500 with 2 events each are 6 counters"), HasSubstr("LimitNOFILE")));
  EXPECT_EQ(kernel_->open_count(), 0u);
  const absl::Status threads = Open({.threads_max = 2}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(threads));
  EXPECT_THAT(std::string(threads.message()), HasSubstr("process 500 has 3 threads"));
}

}  // namespace
}  // namespace hftmon
