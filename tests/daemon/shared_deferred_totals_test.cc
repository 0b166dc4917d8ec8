#include "daemon/shared_deferred_totals.h"

#include <gmock/gmock.h>

#include <cstring>

#include "daemon/collectors/begun_deferrals.h"
#include "tests/daemon/os/fixture_tree.h"
#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SharedDeferredTotalsTest : public ::testing::Test {
 protected:
  SharedDeferredTotalsTest() {
    host_.Write("/proc/kallsyms", "ffffffff81000200 t flush_to_ldisc\nffffffff81000300 t vmstat_update\nffffffff81000400 t tx_tasklet\n");
  }
  hft_cpu_deferred& Cpu(size_t cpu) { return kernel_.view().deferred[cpu]; }
  SharedDeferredTotals Totals() {
    return SharedDeferredTotals({.view = kernel_.view(),
                                 .collecting = [this] { return collecting_; },
                                 .refusal = refusal_,
                                 .missing = {"tasklets: none"},
                                 .functions = &functions_});
  }

  FakeKernelView kernel_;
  FixtureTree host_;
  KernelFunctions functions_{host_.root()};
  bool collecting_ = true;
  std::string refusal_;
};

TEST_F(SharedDeferredTotalsTest, SoftirqsTellRaisesRunsAndHowLongTheyWaited) {
  hft_softirq_delay& net_rx = Cpu(1).softirqs[3];
  net_rx.raise_count = 9;
  net_rx.run_count = 5;
  net_rx.unraised_count = 1;
  net_rx.delay.count = 4;
  net_rx.delay.sum_ns = 9'000;
  net_rx.delay.longest_ns = 5'000;
  net_rx.delay.buckets[0] = 1;
  net_rx.delay.buckets[5] = 3;
  net_rx.duration.count = 5;
  net_rx.duration.longest_ns = 7'000;
  net_rx.duration.buckets[6] = 5;
  net_rx.overlapped_count = 2;
  net_rx.interrupted_count = 8;
  const DeferredTotal total = Totals().Read();
  EXPECT_TRUE(total.collecting);
  EXPECT_THAT(total.missing, ElementsAre("tasklets: none"));
  ASSERT_EQ(total.cpus.size(), 2u);
  EXPECT_EQ(total.cpus[0].softirqs[3].run_count, 0u);
  const SoftirqDelayTotal& told = total.cpus[1].softirqs[3];
  EXPECT_EQ(told.raise_count, 9u);
  EXPECT_EQ(told.unraised_count, 1u);
  EXPECT_EQ(told.delay.longest_ns, 5'000);
  ASSERT_EQ(told.delay.buckets.size(), 2u);
  EXPECT_EQ(told.delay.buckets[0].upper_ns, 128);
  EXPECT_EQ(told.delay.buckets[1].upper_ns, 320) << "256 to 319 ns";
  EXPECT_EQ(told.delay.buckets[1].count, 3u);
  EXPECT_EQ(told.duration.count, 5u);
  EXPECT_EQ(told.duration.longest_ns, 7'000);
  ASSERT_EQ(told.duration.buckets.size(), 1u);
  EXPECT_EQ(told.duration.buckets[0].upper_ns, 384);
  EXPECT_EQ(told.overlapped_count, 2u);
  EXPECT_EQ(told.interrupted_count, 8u);
}

TEST_F(SharedDeferredTotalsTest, HandlersAreInTheOrderOfTheirLinesAndThoseOfOneNameAreOne) {
  const auto fill = [this](size_t row, uint64_t action, uint32_t irq, const char* name, int64_t longest_ns) {
    hft_handler_row& handler = Cpu(1).handlers[row];
    handler.action = action;
    handler.irq = irq;
    std::strcpy(handler.name, name);
    handler.duration.count = 2;
    handler.duration.sum_ns = 700;
    handler.duration.longest_ns = static_cast<uint64_t>(longest_ns);
    handler.duration.buckets[row] = 2;
  };
  fill(4, 0x10, 36, "virtio1-req.0", 500);
  fill(5, 0x20, 9, "acpi", 400);
  fill(6, 0x30, 36, "virtio1-req.0", 600);  // requested anew
  fill(7, 0x40, 36, "other", 300);          // shares the line
  Cpu(1).handlers[8].action = 0x50;         // taken just now
  Cpu(1).handlers[0].duration.count = 1;
  const DeferredTotal total = Totals().Read();
  EXPECT_THAT(total.cpus[0].handlers, IsEmpty());
  const std::vector<HandlerTotal>& handlers = total.cpus[1].handlers;
  ASSERT_EQ(handlers.size(), 4u);
  EXPECT_EQ(handlers[0].irq, 9u);
  EXPECT_EQ(handlers[1].name, "other");
  EXPECT_EQ(handlers[2].name, "virtio1-req.0");
  EXPECT_EQ(handlers[2].duration.count, 4u);
  EXPECT_EQ(handlers[2].duration.sum_ns, 1'400);
  EXPECT_EQ(handlers[2].duration.longest_ns, 600);
  ASSERT_EQ(handlers[2].duration.buckets.size(), 2u);
  EXPECT_LT(handlers[2].duration.buckets[0].upper_ns, handlers[2].duration.buckets[1].upper_ns);
  EXPECT_EQ(handlers[3].irq, 0u) << "the others are behind";
  EXPECT_EQ(handlers[3].name, "");
}

TEST_F(SharedDeferredTotalsTest, BucketsFollowEachOtherAndWidenByAtMostAQuarter) {
  for (size_t bucket = 1; bucket < HFT_DELAY_BUCKETS - 3; ++bucket) {
    const int64_t lower_ns = DelayBucketUpperNs(bucket - 1);
    EXPECT_GT(DelayBucketUpperNs(bucket), lower_ns);
    EXPECT_LE(DelayBucketUpperNs(bucket) * 4, lower_ns * 5) << bucket;
  }
  EXPECT_EQ(DelayBucketUpperNs(124), static_cast<int64_t>(HFT_DELAY_TOP_NS)) << "the last one in use";
}

TEST_F(SharedDeferredTotalsTest, FunctionsHaveNamesOnceTheyWereLearnedAndThoseThatTookLongestAreFirst) {
  Cpu(0).works[0] = {.function = 0, .begin_count = 7, .end_count = 7, .duration_ns = 90'000};
  Cpu(0).works[9] = {.function = 0xffffffff81000200,
                     .begin_count = 4,
                     .delay_count = 3,
                     .delay_ns = 600,
                     .delay_longest_ns = 300,
                     .end_count = 4,
                     .duration_ns = 1'000,
                     .duration_longest_ns = 400};
  Cpu(0).works[20] = {.function = 0xffffffff81000300, .begin_count = 1, .end_count = 1, .duration_ns = 5'000};
  Cpu(0).works[21] = {.function = 0xffffffff81000999};
  Cpu(0).tasklets[2] = {.function = 0xffffffff81000400, .count = 2, .duration_ns = 50, .longest_ns = 30};
  const SharedDeferredTotals totals = Totals();
  EXPECT_EQ(totals.Read().cpus[0].works[0].function, "0xffffffff81000300");
  totals.LearnNames();
  const DeferredTotal total = totals.Read();
  EXPECT_EQ(total.names_problem, "");
  const std::vector<WorkTotal>& works = total.cpus[0].works;
  ASSERT_EQ(works.size(), 3u) << "a row without a run is none";
  EXPECT_EQ(works[0].function, "vmstat_update");
  EXPECT_EQ(works[1].function, "flush_to_ldisc");
  EXPECT_EQ(works[1].delay_count, 3u);
  EXPECT_EQ(works[1].delay_longest_ns, 300);
  EXPECT_EQ(works[1].duration_longest_ns, 400);
  EXPECT_EQ(works[2].function, "") << "the others are behind";
  ASSERT_EQ(total.cpus[0].tasklets.size(), 1u);
  EXPECT_EQ(total.cpus[0].tasklets[0].function, "tx_tasklet");
}

TEST_F(SharedDeferredTotalsTest, ThreadsOfInterruptsAreInTheOrderOfTheirLines) {
  kernel_.view().irq_threads[5] = {
      .tid = 70, .irq = 30, .wake_count = 9, .running_count = 2, .waiting_count = 1, .delay_count = 6, .delay_ns = 600};
  std::strcpy(kernel_.view().irq_threads[5].name, "nvme0q1");
  kernel_.view().irq_threads[40] = {.tid = 71, .irq = 24, .wake_count = 1};
  kernel_.view().irq_threads[41] = {.tid = 72, .irq = 25};
  Cpu(0).unlisted_thread_count = 2;
  Cpu(1).unlisted_thread_count = 1;
  const DeferredTotal total = Totals().Read();
  ASSERT_EQ(total.threads.size(), 2u) << "one that was never woken is not told";
  EXPECT_EQ(total.threads[0].irq, 24u);
  EXPECT_EQ(total.threads[1].name, "nvme0q1");
  EXPECT_EQ(total.threads[1].running_count, 2u);
  EXPECT_EQ(total.unlisted_thread_count, 3u);
}

TEST_F(SharedDeferredTotalsTest, WithoutTheProgramsTheReasonIsToldAndSumsStay) {
  Cpu(0).queued_count = 3;
  collecting_ = false;
  EXPECT_THAT(Totals().Read().reason, HasSubstr("attach one with --probes irq"));
  EXPECT_EQ(Totals().Read().cpus[0].queued_count, 3u);
  refusal_ = "softirqs: none here";
  EXPECT_EQ(Totals().Read().reason, "softirqs: none here");
}

TEST_F(SharedDeferredTotalsTest, WhatHadBegunIsForgottenAndSumsStay) {
  Cpu(1).softirqs[3] = {.raise_count = 4, .raised_ns = 77, .started_ns = 78, .overlapped_count = 2};
  Cpu(1).tasklet_start_ns = 5;
  Cpu(1).handler_start_ns = 6;
  kernel_.view().softirqs_running[3].count = 1;
  kernel_.view().begun_works[8000] = 1;
  kernel_.view().begun_workers[2000] = 1;
  kernel_.view().irq_threads[5] = {.tid = 70, .wake_count = 9, .woken_ns = 1};
  *kernel_.view().irq_threads_waiting = 1;
  ForgetBegunDeferrals(kernel_.view());
  EXPECT_EQ(Cpu(1).softirqs[3].raised_ns, 0u);
  EXPECT_EQ(Cpu(1).softirqs[3].raise_count, 4u);
  EXPECT_EQ(Cpu(1).softirqs[3].started_ns, 0u);
  EXPECT_EQ(Cpu(1).softirqs[3].overlapped_count, 2u);
  EXPECT_EQ(Cpu(1).handler_start_ns, 0u);
  EXPECT_EQ(kernel_.view().softirqs_running[3].count, 0u);
  EXPECT_EQ(Cpu(1).tasklet_start_ns, 0u);
  EXPECT_EQ(kernel_.view().begun_works[8000], 0u);
  EXPECT_EQ(kernel_.view().begun_workers[2000], 0u);
  EXPECT_EQ(kernel_.view().irq_threads[5].woken_ns, 0u);
  EXPECT_EQ(kernel_.view().irq_threads[5].wake_count, 9u);
  EXPECT_EQ(*kernel_.view().irq_threads_waiting, 0u);
}

}  // namespace
}  // namespace hftmon
