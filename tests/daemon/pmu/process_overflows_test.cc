#include "daemon/pmu/process_overflows.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <map>

#include "tests/daemon/pmu/overflowing_threads.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr pid_t kProcess = 500;

class ProcessOverflowsTest : public ::testing::Test {
 protected:
  ProcessOverflows::Parts Parts() {
    return {.calls = &threads_.kernel,
            .memory = &threads_.kernel,
            .clock = &clock_,
            .threads = [this](pid_t) { return threads_.kernel.List(); },
            .go_on = go_on_};
  }
  absl::StatusOr<ProcessOverflows> Open(const ProcessOverflows::Options& options = {.rate_hz = 1'000}) {
    return ProcessOverflows::Open(Parts(), kProcess, OverflowingThreads::Overflow(), OverflowingThreads::Members(), options);
  }
  ProcessOverflows MustBegin(const ProcessOverflows::Options& options = {.rate_hz = 1'000}) {
    auto process = Open(options);
    EXPECT_TRUE(process.ok()) << process.status();
    EXPECT_TRUE(process->Begin().ok());
    return *std::move(process);
  }
  auto Add() {
    return [this](size_t thread, const OverflowSpan& span) {
      faults_[thread] += span.values[0];
      ++span_counts_[thread];
    };
  }
  bool Overflow(pid_t tid, uint64_t at) {
    return threads_.Overflow(tid, clock_.NowNs(), {.enabled_ns = at, .running_ns = at, .values = {at, at}});
  }

  OverflowingThreads threads_{{500, 501}};
  std::function<absl::Status()> go_on_;
  FakeMonotonicClock clock_;
  std::map<size_t, uint64_t> faults_;  // by the place of the thread
  std::map<size_t, int> span_counts_;
};

TEST_F(ProcessOverflowsTest, EachThreadHasItsOwnSpansAndTheCostIsTold) {
  ProcessOverflows process = MustBegin();
  ASSERT_TRUE(Overflow(500, 10));
  ASSERT_TRUE(Overflow(500, 25));
  ASSERT_TRUE(Overflow(501, 7));
  process.Drain(Add());
  ASSERT_TRUE(process.End(Add()).ok());
  EXPECT_EQ(faults_[0], 25u);
  EXPECT_EQ(faults_[1], 7u);
  EXPECT_EQ(span_counts_[0], 3) << "the rest is one";
  EXPECT_EQ(process.counts().thread_count, 2u);
  EXPECT_EQ(process.counts().event_count, 6u);
  EXPECT_EQ(process.counts().cross_call_count_max, 2u * (2 * 3 + 2));
  EXPECT_EQ(process.counts().ring_bytes, 2u * (1 + 8) * 4'096);
  std::vector<uint64_t> samples;
  for (const ThreadOverflowFigures& thread : process.threads()) samples.push_back(thread.counts.interrupt_count());
  EXPECT_THAT(samples, ElementsAre(2u, 1u));
}

TEST_F(ProcessOverflowsTest, RingsGrowWithTheRateAndTogetherHaveABound) {
  EXPECT_EQ(MustBegin({.rate_hz = 1}).counts().ring_bytes, 2u * (1 + 8) * 4'096);
  EXPECT_EQ(MustBegin({.rate_hz = 100'000}).counts().ring_bytes, 2u * (1 + 256) * 4'096) << "50 ms of 120 bytes each";
  for (pid_t tid = 1'000; tid < 1'500; ++tid) threads_.kernel.threads.insert(tid);
  const ProcessOverflows many = MustBegin({.rate_hz = 100'000});
  EXPECT_LE(many.counts().ring_bytes, ProcessOverflows::kRingBytesTotal + many.counts().thread_count * 4'096);
}

TEST_F(ProcessOverflowsTest, AThreadThatIsBornIsCountedFromTheLookThatFindsItOn) {
  ProcessOverflows process = MustBegin();
  threads_.kernel.threads.insert(502);
  ASSERT_TRUE(process.Look().ok());
  ASSERT_TRUE(Overflow(502, 9));
  ASSERT_TRUE(process.Look().ok());
  ASSERT_TRUE(process.End(Add()).ok());
  EXPECT_EQ(faults_[2], 9u);
  EXPECT_EQ(process.counts().thread_count, 3u);
  EXPECT_EQ(process.counts().born_thread_count, 1u);
  ASSERT_EQ(process.threads().size(), 3u);
  EXPECT_TRUE(process.threads().back().born);
  EXPECT_FALSE(process.threads().front().born);
}

TEST_F(ProcessOverflowsTest, AThreadThatEndsKeepsItsSpans) {
  ProcessOverflows process = MustBegin();
  ASSERT_TRUE(Overflow(501, 4));
  threads_.kernel.threads.erase(501);
  ASSERT_TRUE(process.Look().ok());
  ASSERT_TRUE(process.End(Add()).ok());
  EXPECT_EQ(faults_[1], 4u);
  threads_.kernel.threads.clear();
  EXPECT_TRUE(absl::IsNotFound(process.Look()));
}

TEST_F(ProcessOverflowsTest, ABornThreadThatIsRefusedIsCountedWithTheReasonAndTheOthersGoOn) {
  ProcessOverflows process = MustBegin();
  threads_.kernel.threads.insert({502, 503, 504});
  threads_.kernel.open_errors = {EMFILE, ESRCH};
  ASSERT_TRUE(process.Look().ok());
  EXPECT_EQ(process.counts().unsampled_thread_count, 1u);
  EXPECT_THAT(process.counts().unsampled_reason, HasSubstr("LimitNOFILE"));
  EXPECT_EQ(process.counts().born_thread_count, 1u) << "one had ended, one is counted";
  ASSERT_TRUE(process.Look().ok());
  EXPECT_EQ(process.counts().unsampled_thread_count, 1u) << "it is tried once";
  EXPECT_EQ(process.counts().cross_call_count_max, 3u * 8 + 2u * 6) << "what was refused may have been opened in part";
  ASSERT_TRUE(process.End(Add()).ok());
}

TEST_F(ProcessOverflowsTest, ThreadsThatAreBornDoNotRaiseWhatRingsHaveTogether) {
  ProcessOverflows process = MustBegin({.rate_hz = 100'000, .threads_max = 3'000});
  // Each look finds as many as there are: each would have half of all.
  for (pid_t next = 502; next < 1'500;) {
    const size_t count = process.counts().thread_count;
    for (size_t i = 0; i < count; ++i) threads_.kernel.threads.insert(next++);
    ASSERT_TRUE(process.Look().ok());
  }
  const ProcessOverflowCounts counts = process.counts();
  EXPECT_GE(counts.thread_count, 1'000u);
  EXPECT_EQ(counts.thread_count, counts.born_thread_count + 2);
  const size_t floors = counts.thread_count * (1 + ProcessOverflows::kRingPagesMin) * 4'096;
  EXPECT_LE(counts.ring_bytes, ProcessOverflows::kRingBytesTotal + floors);
}

TEST_F(ProcessOverflowsTest, WhetherItMayGoOnIsAskedEachSixtyFourThreads) {
  for (pid_t tid = 1'000; tid < 1'128; ++tid) threads_.kernel.threads.insert(tid);
  int asked = 0;
  int refused_at = 0;
  go_on_ = [&] { return ++asked == refused_at ? absl::FailedPreconditionError("quiet") : absl::OkStatus(); };
  {
    auto process = Open();
    ASSERT_TRUE(process.ok()) << process.status();
    EXPECT_EQ(asked, 3) << "130 threads";
    EXPECT_TRUE(process->Begin().ok());
    EXPECT_EQ(asked, 6);
    refused_at = asked + 1;
    for (pid_t tid = 2'000; tid < 2'064; ++tid) threads_.kernel.threads.insert(tid);
    EXPECT_EQ(process->Look().message(), "quiet");
  }
  asked = 0;
  refused_at = 2;
  size_t opened = 0;
  threads_.kernel.before_open = [&](pid_t) { ++opened; };
  EXPECT_EQ(Open().status().message(), "quiet");
  EXPECT_EQ(opened, 64u * 3);
  EXPECT_TRUE(threads_.kernel.events().empty());
}

TEST_F(ProcessOverflowsTest, TwoThreadsOfOneNumberHaveTheirOwnSpans) {
  ProcessOverflows process = MustBegin();
  ASSERT_TRUE(Overflow(501, 4));
  threads_.kernel.threads.erase(501);
  ASSERT_TRUE(process.Look().ok());
  threads_.kernel.threads.insert(501);
  ASSERT_TRUE(process.Look().ok());
  process.Drain(Add());
  EXPECT_EQ(faults_[1], 4u);
  ASSERT_EQ(process.threads().size(), 3u);
  EXPECT_EQ(process.threads()[1].tid, process.threads()[2].tid);
  EXPECT_EQ(faults_.count(2), 0u);
}

TEST_F(ProcessOverflowsTest, ThreadsBeyondTheBoundAreToldAsNotCounted) {
  ProcessOverflows process = MustBegin({.rate_hz = 1'000, .threads_max = 3});
  threads_.kernel.threads.insert({502, 503, 504});
  ASSERT_TRUE(process.Look().ok());
  EXPECT_EQ(process.counts().thread_count, 3u);
  EXPECT_EQ(process.counts().unsampled_thread_count, 2u);
  EXPECT_THAT(process.counts().unsampled_reason, HasSubstr("3 may be"));
  ASSERT_TRUE(process.End(Add()).ok());
}

TEST_F(ProcessOverflowsTest, ThreadsThatComeAndGoWhileItOpensAreMetOnce) {
  bool came = false;
  threads_.kernel.before_open = [&](pid_t tid) {
    if (tid == 500 && !std::exchange(came, true)) {
      threads_.kernel.threads.insert(502);
      threads_.kernel.threads.erase(501);
    }
  };
  const auto process = Open();
  ASSERT_TRUE(process.ok()) << process.status();
  std::vector<pid_t> tids;
  for (const ThreadOverflowFigures& thread : process->threads()) tids.push_back(thread.tid);
  EXPECT_THAT(tids, ElementsAre(500, 502));
}

TEST_F(ProcessOverflowsTest, WhoMakesThreadsFasterThanTheyAreOpenedIsRefused) {
  pid_t newest = 501;
  threads_.kernel.before_open = [&](pid_t tid) {
    if (tid == newest) threads_.kernel.threads.insert(++newest);
  };
  EXPECT_TRUE(absl::IsAborted(Open().status()));
}

TEST_F(ProcessOverflowsTest, ThreadsHaveABoundAndARefusalLeavesNothingOpen) {
  const absl::Status many = Open({.rate_hz = 1, .threads_max = 1}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(many));
  EXPECT_THAT(std::string(many.message()), AllOf(HasSubstr("2 threads"), HasSubstr("at most 1")));
  threads_.kernel.open_errors = {0, 0, 0, 0, EBUSY};
  EXPECT_TRUE(absl::IsResourceExhausted(Open().status()));
  EXPECT_TRUE(threads_.kernel.events().empty());
  threads_.kernel.threads.clear();
  EXPECT_TRUE(absl::IsNotFound(Open().status()));
}

}  // namespace
}  // namespace hftmon
