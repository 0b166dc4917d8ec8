#include "daemon/shared_counter_totals.h"

#include <gmock/gmock.h>

#include <functional>
#include <vector>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr uint32_t kTgid = 40;

class SharedCounterTotalsTest : public ::testing::Test {
 protected:
  SharedCounterTotalsTest() {
    set_.number = 3;
    set_.choice.events = {{.name = "page-faults"}, {.name = "l1d_misses", .metric = "l1d_misses", .counts = "retired"}};
    set_.interval_ns = 1'000;
    Thread(1, 41);
  }
  SharedCounterTotals::Parts Parts() {
    KernelView view = kernel_.view();
    view.cpu_counters = cpus_;
    view.thread_counters = threads_;
    return {.view = view,
            .high_water = [] { return 63u; },
            .set = [this] { return set_; },
            .attached = [this] { return attached_; },
            .cross_calls = [this] { return cross_calls_; },
            .read_now = [this](int cpu) -> absl::StatusOr<hft_counter_values> {
              if (!refusal_.ok()) return refusal_;
              ++cross_calls_;
              if (on_read_) on_read_(cpu);
              return now_;
            }};
  }
  void Thread(uint32_t slot, uint32_t tid) {
    hft_thread_slot& words = kernel_.view().slots[slot];
    words.state = HFT_SLOT_LIVE;
    words.tid = tid;
    words.tgid = kTgid;
    words.generation = 5;
    words.wishes.probes = HFT_COUNTING;
    kernel_.view().slot_of_tid[tid] = static_cast<uint16_t>(slot);
    kernel_.view().watched_bits[kTgid / 64] |= uint64_t{1} << (kTgid % 64);
  }
  ThreadCounterTotal Total() {
    const auto totals = SharedCounterTotals(Parts()).ThreadsOf(kTgid);
    return totals.size() == 1 ? totals.front() : ThreadCounterTotal{.unavailable = "no thread"};
  }
  void Runs(size_t cpu, uint32_t slot) {
    cpus_[cpu].epoch = cpus_[cpu].begun_epoch = 9;
    cpus_[cpu].set = 3;
    cpus_[cpu].task = 0xffff;
    cpus_[cpu].slot = slot;
    cpus_[cpu].generation = 5;
    cpus_[cpu].last = {.mono_ns = 100, .enabled_ns = 10, .running_ns = 10, .counted = 3, .values = {7, 70}};
    now_ = {.mono_ns = 150, .enabled_ns = 60, .running_ns = 35, .counted = 3, .values = {9, 75}};
  }

  FakeKernelView kernel_;
  std::vector<hft_cpu_counters> cpus_{2};
  std::vector<hft_thread_counters> threads_{4};
  CounterPrograms::Set set_;
  bool attached_ = true;
  uint64_t cross_calls_ = 0;
  hft_counter_values now_ = {};
  absl::Status refusal_;
  std::function<void(int cpu)> on_read_;
};

TEST_F(SharedCounterTotalsTest, AThreadsSumIsToldWithWhatItIsOf) {
  threads_[1] = {.generation = 5, .set = 3, .begun_count = 8, .ended_count = 8};
  threads_[1].reading_count = 7;
  threads_[1].sum = {
      .begin_ns = 100, .end_ns = 900, .on_cpu_ns = 300, .enabled_ns = 290, .running_ns = 145, .counted = 3, .values = {6, 60}};
  const ThreadCounterTotal total = Total();
  EXPECT_EQ(total.unavailable, "");
  EXPECT_EQ(total.thread.tid, 41u);
  EXPECT_EQ(total.reading_count, 7u);
  EXPECT_EQ(total.last_mono_ns, 900);
  EXPECT_EQ(total.sum.set, 3u);
  EXPECT_EQ(total.sum.begin_mono_ns, 100);
  EXPECT_EQ(total.sum.on_cpu_ns, 300);
  EXPECT_EQ(total.sum.running_ns, 145);
  EXPECT_EQ(total.sum.counted, 3);
  EXPECT_EQ(total.sum.values[1], 60u);
  threads_[1].sum.running_ns = 0;
  EXPECT_EQ(Total().sum.counted, 3) << "it was to be counted, and never had a counter";
  EXPECT_EQ(Total().sum.running_ns, 0);
}

TEST_F(SharedCounterTotalsTest, WhatIsNotThisThreadsOrNotOfThisSetIsUnavailableWithTheReason) {
  threads_[1] = {.generation = 4, .set = 3};
  threads_[1].sum.begin_ns = 1;
  EXPECT_THAT(Total().unavailable, HasSubstr("not read twice yet"));
  EXPECT_TRUE(Total().unread);
  threads_[1].generation = 5;
  threads_[1].set = 2;
  EXPECT_THAT(Total().unavailable, HasSubstr("not read twice yet"));
  EXPECT_TRUE(Total().unread);
  threads_[1].set = 3;
  threads_[1].begun_count = 1;  // a program stands still in the middle of it
  EXPECT_THAT(Total().unavailable, HasSubstr("ask again"));
  kernel_.view().slots[1].wishes.probes = 0;
  EXPECT_THAT(Total().unavailable, HasSubstr("--counters"));
  kernel_.view().slots[1].state = HFT_SLOT_FREE;
  Thread(4, 44);
  EXPECT_THAT(Total().unavailable, HasSubstr("first 3 watched threads"));
  attached_ = false;
  kernel_.view().slots[4].state = HFT_SLOT_FREE;
  Thread(1, 41);
  EXPECT_THAT(Total().unavailable, HasSubstr("nothing is counted"));
}

TEST_F(SharedCounterTotalsTest, TheStateHasTheSetAndWhyTheRestIsMissing) {
  set_.choice.unavailable = {{"l2_misses", "no counter left"}};
  set_.refused_cpus = {{1, "too many descriptors"}};
  cross_calls_ = 12;
  const CounterTotals::State state = SharedCounterTotals(Parts()).state();
  EXPECT_EQ(state.reason, "");
  EXPECT_EQ(state.set.number, 3u);
  EXPECT_EQ(state.set.interval_ns, 1'000);
  ASSERT_EQ(state.set.events.size(), 2u);
  EXPECT_EQ(state.set.events[1].metric, "l1d_misses");
  EXPECT_EQ(state.set.events[1].counts, "retired");
  EXPECT_THAT(state.unavailable, ElementsAre(Pair("l2_misses", "no counter left"), Pair("CPU 1", "too many descriptors")));
  EXPECT_EQ(state.cross_call_count, 12u);
  attached_ = false;
  EXPECT_THAT(SharedCounterTotals(Parts()).state().reason, HasSubstr("--cache"));
}

TEST_F(SharedCounterTotalsTest, ReadNowIsTheRiseSinceTheLastReadingOfWhoRuns) {
  Runs(1, 1);
  SharedCounterTotals totals(Parts());
  const auto now = totals.ReadNow(kTgid);
  ASSERT_TRUE(now.ok()) << now.status();
  ASSERT_EQ(now->spans.size(), 1u);
  EXPECT_EQ(now->cross_call_count, 1u) << "the CPU where it does not run is left alone";
  EXPECT_EQ(now->spans[0].cpu, 1);
  EXPECT_EQ(now->spans[0].thread.tid, 41u);
  EXPECT_EQ(now->spans[0].begin_mono_ns, 100);
  EXPECT_EQ(now->spans[0].end_mono_ns, 150);
  EXPECT_EQ(now->spans[0].enabled_ns, 50);
  EXPECT_EQ(now->spans[0].running_ns, 25);
  EXPECT_EQ(now->spans[0].counted, 3);
  EXPECT_EQ(now->spans[0].values[0], 2u);
  EXPECT_EQ(now->spans[0].values[1], 5u);
}

TEST_F(SharedCounterTotalsTest, AValueThatFellIsNone) {
  Runs(0, 1);
  now_.values[1] = 3;
  const auto now = SharedCounterTotals(Parts()).ReadNow(kTgid);
  EXPECT_EQ(now->spans.at(0).counted, 1);
  EXPECT_EQ(now->spans.at(0).values[1], 0u);
}

TEST_F(SharedCounterTotalsTest, WhoSwitchedOrWasTickedMeanwhileIsLeftOutAfterOneInterrupt) {
  Runs(0, 1);
  on_read_ = [this](int) {
    on_read_ = nullptr;
    cpus_[0].begun_count = cpus_[0].ended_count = 2;
    cpus_[0].last.values[0] = 8;
  };
  SharedCounterTotals totals(Parts());
  auto now = totals.ReadNow(kTgid);
  EXPECT_TRUE(now->spans.empty());
  EXPECT_EQ(now->cross_call_count, 1u);
  now = totals.ReadNow(kTgid);
  EXPECT_EQ(now->spans.at(0).values[0], 1u);
  refusal_ = absl::FailedPreconditionError("quiet");
  EXPECT_TRUE(absl::IsFailedPrecondition(totals.ReadNow(kTgid).status()));
  refusal_ = absl::OkStatus();
  attached_ = false;
  EXPECT_TRUE(absl::IsFailedPrecondition(totals.ReadNow(kTgid).status()));
}

TEST_F(SharedCounterTotalsTest, AStretchOfBeforeAPauseIsNotBelieved) {
  Runs(0, 1);
  uint64_t& bits = kernel_.view().watched_bits[kTgid / 64];
  bits = 0;
  EXPECT_TRUE(SharedCounterTotals(Parts()).ReadNow(kTgid)->spans.empty()) << "nobody sees it leave";
  bits = uint64_t{1} << (kTgid % 64);
  kernel_.view().slot_of_tid[41] = 2;  // resumed: it has another slot, and has not been seen yet
  EXPECT_TRUE(SharedCounterTotals(Parts()).ReadNow(kTgid)->spans.empty());
  EXPECT_EQ(cross_calls_, 0u);
}

TEST_F(SharedCounterTotalsTest, AStretchOfEventsThatWereOpenedAnewIsNotBelieved) {
  Runs(0, 1);
  cpus_[0].epoch = 10;
  EXPECT_TRUE(SharedCounterTotals(Parts()).ReadNow(kTgid)->spans.empty());
  EXPECT_EQ(cross_calls_, 0u);
}

}  // namespace
}  // namespace hftmon
