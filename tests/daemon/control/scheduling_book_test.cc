#include "daemon/control/scheduling_book.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <map>

#include "tests/daemon/os/fixture_tree.h"
#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

constexpr int64_t kTickNs = 10'000'000;

// /proc/PID/task/TID/stat of a thread that began at its number's clock tick.
std::string StatOf(uint32_t tid, int cpu) {
  return fmt::format("{} (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 -1 {} 0 0 0\n", tid, tid, cpu);
}

// Threads with numbers 101, 102 … in slots 1, 2 …, each began at its number's clock tick.
class SchedulingBookTest : public testing::Test, public SchedulingQueries {
 protected:
  int GetAttributes(pid_t tid, SchedulingAttributes* attributes) override {
    ++reads_;
    *attributes = attributes_[tid];
    return 0;
  }
  int GetAffinity(pid_t tid, std::vector<int>* cpus) override {
    *cpus = cpus_[tid];
    return 0;
  }
  static ThreadKey KeyOf(uint32_t tid) { return {.tid = tid, .tgid = 100, .start_ns = tid * kTickNs}; }
  void Add(uint16_t slot, bool born_under_watch = false) {
    const uint32_t tid = 100u + slot;
    kernel_.Follow({.slot = slot, .tid = tid, .tgid = 100, .start_ns = KeyOf(tid).start_ns});
    kernel_.view().slots[slot].base_run_delay_ns = born_under_watch ? 0 : 1;
    tree_.Write(fmt::format("/proc/100/task/{}/stat", tid), StatOf(tid, 1));
    cpus_[static_cast<pid_t>(tid)] = {0, 1};
    highest_ = std::max<uint32_t>(highest_, slot);
  }
  // Turns of the control thread, for so long.
  void Pass(int64_t ns) {
    for (int64_t passed = 0; passed < ns; passed += SchedulingBook::kTurnNs) {
      book_.Turn();
      clock_.AdvanceNs(SchedulingBook::kTurnNs);
    }
  }

  FixtureTree tree_;
  FileRoot files_{tree_.root()};
  FakeMonotonicClock clock_;
  FakeKernelView kernel_{{.slots = 1'024}};
  std::map<pid_t, SchedulingAttributes> attributes_;
  std::map<pid_t, std::vector<int>> cpus_;
  uint32_t highest_ = 0;
  uint64_t reads_ = 0;
  SchedulingBook book_{kernel_.view().slots, [this] { return highest_; }, &files_, this, &clock_};
};

TEST_F(SchedulingBookTest, EachThreadIsLookedAtOnceASecond) {
  for (uint16_t slot = 1; slot <= 20; ++slot) Add(slot);
  Pass(SchedulingBook::kRoundNs);
  EXPECT_EQ(reads_, 20u);
  for (uint32_t tid = 101; tid <= 120; ++tid) {
    const auto seen = book_.Find(KeyOf(tid));
    ASSERT_TRUE(seen.has_value()) << tid;
    EXPECT_EQ(seen->scheduling.cpus_allowed, "0-1");
    EXPECT_EQ(seen->scheduling.priority, 120);
    EXPECT_EQ(seen->cpu, 1);
  }
  Pass(10 * SchedulingBook::kRoundNs);
  EXPECT_GE(reads_, 20u * 10);
  EXPECT_LE(reads_, 20u * 12);
}

TEST_F(SchedulingBookTest, LooksAreSpreadOverTheSecond) {
  for (uint16_t slot = 1; slot <= 1'000; ++slot) Add(slot);
  uint64_t most = 0;
  for (int turn = 0; turn < 100; ++turn) {
    const uint64_t before = reads_;
    Pass(SchedulingBook::kTurnNs);
    most = std::max(most, reads_ - before);
  }
  EXPECT_EQ(reads_, 1'000u);
  EXPECT_LE(most, 20u);
  // After a turn that came late: no more at once than the bound.
  Pass(SchedulingBook::kTurnNs);
  clock_.AdvanceNs(SchedulingBook::kRoundNs);
  const uint64_t before = reads_;
  Pass(SchedulingBook::kTurnNs);
  EXPECT_LE(reads_ - before, SchedulingBook::kReadsPerTurn);
}

TEST_F(SchedulingBookTest, AChangeIsBetweenTheTwoLooksThatFoundIt) {
  Add(1);
  Pass(SchedulingBook::kRoundNs);
  const int64_t first_look_ns = book_.Find(KeyOf(101))->read_mono_ns;
  attributes_[101] = {.policy = SCHED_FIFO, .realtime_priority = 80};
  cpus_[101] = {1};
  Pass(SchedulingBook::kRoundNs + SchedulingBook::kTurnNs);
  const SchedulingChanges found = book_.ChangesWithin(0, clock_.NowNs());
  EXPECT_FALSE(found.incomplete);
  ASSERT_EQ(found.changes.size(), 1u);
  const SchedulingChange& change = found.changes[0];
  EXPECT_EQ(change.thread, KeyOf(101));
  EXPECT_EQ(change.after_mono_ns, first_look_ns);
  EXPECT_EQ(change.before_mono_ns, book_.Find(KeyOf(101))->read_mono_ns);
  EXPECT_EQ(change.from.policy, SCHED_OTHER);
  EXPECT_EQ(change.from.cpus_allowed, "0-1");
  EXPECT_EQ(change.to.policy, SCHED_FIFO);
  EXPECT_EQ(change.to.realtime_priority, 80);
  EXPECT_EQ(change.to.cpus_allowed, "1");
  EXPECT_TRUE(book_.ChangesWithin(0, change.before_mono_ns).changes.empty());
  EXPECT_TRUE(book_.ChangesWithin(change.before_mono_ns + 1, clock_.NowNs()).changes.empty());
}

TEST_F(SchedulingBookTest, AnotherCpuAloneIsNoChange) {
  Add(1);
  Pass(SchedulingBook::kRoundNs);
  tree_.Write("/proc/100/task/101/stat", StatOf(101, 0));
  Pass(2 * SchedulingBook::kRoundNs);
  EXPECT_EQ(book_.Find(KeyOf(101))->cpu, 0);
  EXPECT_TRUE(book_.ChangesWithin(0, clock_.NowNs()).changes.empty());
}

TEST_F(SchedulingBookTest, AThreadThatEndedStaysAsItWasSeenUntilItsSlotIsAnothers) {
  Add(1);
  Pass(SchedulingBook::kRoundNs);
  kernel_.EndThread(1);
  Pass(SchedulingBook::kRoundNs);
  EXPECT_TRUE(book_.Find(KeyOf(101)).has_value());
  kernel_.Release(1);
  kernel_.Follow({.slot = 1, .tid = 202, .tgid = 100, .start_ns = 202 * kTickNs});
  kernel_.view().slots[1].base_run_delay_ns = 1;
  tree_.Write("/proc/100/task/202/stat", StatOf(202, 0));
  attributes_[202] = {.policy = SCHED_BATCH};
  Pass(SchedulingBook::kRoundNs + SchedulingBook::kTurnNs);
  EXPECT_FALSE(book_.Find(KeyOf(101)).has_value());
  EXPECT_TRUE(book_.Find(KeyOf(202)).has_value());
  EXPECT_TRUE(book_.ChangesWithin(0, clock_.NowNs()).changes.empty()) << "two threads are no change of one";
}

TEST_F(SchedulingBookTest, OldChangesGoAndWhoAsksForTheirTimeIsTold) {
  for (uint16_t slot = 1; slot <= 200; ++slot) Add(slot);
  Pass(SchedulingBook::kRoundNs);
  int policy = SCHED_OTHER;
  while (!book_.ChangesWithin(0, clock_.NowNs()).incomplete) {
    policy = policy == SCHED_OTHER ? SCHED_BATCH : SCHED_OTHER;
    for (pid_t tid = 101; tid <= 300; ++tid) attributes_[tid].policy = policy;
    Pass(SchedulingBook::kRoundNs);
    ASSERT_LT(clock_.NowNs(), 100 * SchedulingBook::kRoundNs);
  }
  EXPECT_EQ(book_.ChangesWithin(0, clock_.NowNs()).changes.size(), SchedulingBook::kChangesMax);
  EXPECT_FALSE(book_.ChangesWithin(clock_.NowNs() - SchedulingBook::kRoundNs, clock_.NowNs()).incomplete);
}

TEST_F(SchedulingBookTest, IsolatedCpusAreTheKernelsLists) {
  EXPECT_TRUE(book_.KeptFree().isolated.empty());
  tree_.Write("/sys/devices/system/cpu/isolated", "2-3\n");
  tree_.Write("/sys/devices/system/cpu/nohz_full", "(null)\n");
  EXPECT_EQ(book_.KeptFree().isolated, (std::vector<int>{2, 3}));
  EXPECT_TRUE(book_.KeptFree().nohz_full.empty());
}

TEST_F(SchedulingBookTest, AThreadBornUnderWatchIsLeftAloneForARound) {
  Add(1, true);
  Pass(SchedulingBook::kRoundNs);
  EXPECT_EQ(reads_, 0u) << "it may live for less";
  Pass(SchedulingBook::kRoundNs);
  EXPECT_GE(reads_, 1u);
  EXPECT_TRUE(book_.Find(KeyOf(101)).has_value());
}

}  // namespace
}  // namespace hftmon
