#include <gmock/gmock.h>
#include <sched.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kWidth = 100 * kMs;
constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};
constexpr ThreadKey kLate{.tid = 1003, .tgid = kPid, .start_ns = kNowNs - 350 * kMs};

// The last second in ten buckets, of threads that are watched from then on.
class ThreadsRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    totals_.totals = {{.thread = kThread, .alive = true}, {.thread = kOther, .alive = true}};
  }
  // What the thread did in the bucket that begins so long before now, and how its slot then stood.
  struct Did {
    uint32_t in = 0;
    uint32_t out = 0;
    int64_t off_ns = 0;
    int64_t wait_ns = 0;
    int64_t interrupted_ns = 0;
    uint64_t migration_count = 0;
    uint64_t out_clock_ns = 0;
    hft_switch_kind kind = HFT_SWITCH_BLOCKED_SYSCALL;
  };
  void Delta(const ThreadKey& thread, uint16_t slot, int64_t ago_ns, const Did& did) { deltas_.push_back({thread, slot, ago_ns, did}); }
  // One bucket until a second ago, then one each 100 ms; the last closes after the call's arrival, which does not wait.
  void CloseUntilNow() {
    PlayDeltas(20 * kSecondNs, kSecondNs);
    CloseBucket(kNowNs - 20 * kSecondNs, kNowNs - kSecondNs);
    for (int64_t ago_ns = kSecondNs; ago_ns > 0; ago_ns -= kWidth) {
      PlayDeltas(ago_ns, ago_ns - kWidth);
      CloseBucket(kNowNs - ago_ns, kNowNs - ago_ns + kWidth);
    }
    status_.SetNow(kNowNs - 1);
  }
  grpc::Status Query(int64_t window_ns = kSecondNs, std::vector<int32_t> tids = {}) {
    v1::QueryThreadsRequest request;
    request.set_window_ns(window_ns);
    for (const int32_t tid : tids) request.add_tids(tid);
    return stub_->QueryThreads(Context().get(), request, &response_);
  }
  v1::ScheduledThread ThreadOf(const ThreadKey& key) const {
    for (const v1::ScheduledThread& thread : response_.threads()) {
      if (thread.thread().tid() == static_cast<int32_t>(key.tid)) return thread;
    }
    ADD_FAILURE() << "no thread " << key.tid;
    return {};
  }
  int64_t WindowNs() const { return response_.window().end_monotonic_ns() - response_.window().begin_monotonic_ns(); }

  v1::QueryThreadsResponse response_;

 private:
  struct Recorded {
    ThreadKey thread;
    uint16_t slot = 0;
    int64_t ago_ns = 0;
    Did did;
  };
  // Those of a bucket, before it closes.
  void PlayDeltas(int64_t begin_ago_ns, int64_t end_ago_ns) {
    for (const auto& [thread, slot, ago_ns, did] : deltas_) {
      if (ago_ns > begin_ago_ns || ago_ns <= end_ago_ns) continue;
      ThreadDelta delta{.thread = thread, .slot = slot, .begin_mono_ns = kNowNs - begin_ago_ns, .end_mono_ns = kNowNs - end_ago_ns};
      delta.off_cpu_count = did.in;
      delta.off_cpu_ns = static_cast<uint64_t>(did.off_ns);
      delta.run_delay_ns = static_cast<uint64_t>(did.wait_ns);
      delta.interrupted_ns[HFT_LEVEL_HARD] = static_cast<uint64_t>(did.interrupted_ns);
      delta.migration_count = did.migration_count;
      delta.kind_count[did.kind] = did.out;
      delta.depth[1] = did.in;
      slots_[slot].out_clock_ns = did.out_clock_ns;
      slots_[slot].out.cpu = 3;
      slots_[slot].out.kind = did.kind;
      thread_states_.OnThreadDelta(delta);
    }
  }

  std::vector<Recorded> deltas_;
};

TEST_F(ThreadsRpcTest, WhoDidNothingIsWhatItsSlotSays) {
  // One went to sleep long ago, of the other no program has seen anything: it spins.
  targets_.attached_mono_ns = 5 * kSecondNs;
  targets_.Add(kPid);
  Delta(kThread, 1, 9 * kSecondNs, {.out = 1, .out_clock_ns = 5});
  totals_.totals[1].seen = false;
  scheduling_.seen[kOther.tid] = {.scheduling = {.policy = SCHED_FIFO, .priority = 19, .realtime_priority = 80, .cpus_allowed = "3"},
                                  .cpu = 3,
                                  .read_mono_ns = kNowNs - 3 * kSecondNs};
  CloseUntilNow();
  const grpc::Status status = Query();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.threads_size(), 2);
  EXPECT_EQ(response_.threads(0).thread().tid(), static_cast<int32_t>(kOther.tid)) << "who ran most stands first";
  const v1::ScheduledThread spinner = ThreadOf(kOther);
  EXPECT_EQ(spinner.cpu_time_ns(), WindowNs());
  EXPECT_EQ(spinner.cpu_time_share(), 1);
  ASSERT_EQ(spinner.cpus_size(), 1);
  EXPECT_EQ(spinner.cpus(0).cpu(), 3);
  EXPECT_EQ(spinner.scheduling().policy(), "fifo");
  EXPECT_EQ(spinner.scheduling().realtime_priority(), 80);
  EXPECT_EQ(spinner.scheduling_read_monotonic_ns(), kNowNs - 3 * kSecondNs);
  const v1::ScheduledThread sleeper = ThreadOf(kThread);
  EXPECT_EQ(sleeper.cpu_time_ns(), 0);
  EXPECT_EQ(sleeper.blocked_ns(), WindowNs());
  EXPECT_EQ(sleeper.cpus_size(), 0);
  EXPECT_EQ(sleeper.cpus_unavailable(), "");
  EXPECT_FALSE(sleeper.has_scheduling()) << "it was not looked at yet";
}

TEST_F(ThreadsRpcTest, WhoWasFoundAsleepWhenItWasAttachedStillSleeps) {
  totals_.totals[0].seen = false;
  totals_.totals[0].found_asleep_mono_ns = kNowNs - 5 * kSecondNs;
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(ThreadOf(kThread).blocked_ns(), WindowNs());
}

TEST_F(ThreadsRpcTest, ThePartsAreSplitAndSumToTheWindow) {
  Delta(kThread, 1, 800 * kMs, {.in = 1, .out = 1, .off_ns = 30 * kMs, .wait_ns = 10 * kMs, .interrupted_ns = 4 * kMs});
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  const v1::ScheduledThread thread = ThreadOf(kThread);
  EXPECT_EQ(thread.run_queue_wait_ns(), 10 * kMs);
  EXPECT_EQ(thread.blocked_ns(), 20 * kMs);
  EXPECT_EQ(thread.interrupted_ns(), 4 * kMs);
  EXPECT_EQ(thread.cpu_time_ns(), WindowNs() - 34 * kMs);
  EXPECT_EQ(thread.run_queue_depth().count(), 1u);
}

TEST_F(ThreadsRpcTest, APreemptedThreadThatHasNotItsCpuBackWaits) {
  // In the last second's first bucket it lost its CPU.
  Delta(kThread, 1, kSecondNs, {.out = 1, .out_clock_ns = 77, .kind = HFT_SWITCH_USER_PREEMPTION});
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  const v1::ScheduledThread thread = ThreadOf(kThread);
  EXPECT_EQ(thread.blocked_ns(), 0);
  EXPECT_EQ(thread.cpu_time_ns(), kWidth / 2) << "when in the bucket is not known: its middle";
  EXPECT_EQ(thread.run_queue_wait_ns(), WindowNs() - kWidth / 2);
}

TEST_F(ThreadsRpcTest, AThreadLivesInItsPartOfTheWindow) {
  totals_.totals.push_back({.thread = kLate, .alive = false});
  Delta(kLate, 4, 400 * kMs, {.in = 1, .out = 1, .wait_ns = 0, .out_clock_ns = 99, .kind = HFT_SWITCH_EXIT});
  thread_states_.OnLife({.kind = LifeKind::kEnded, .thread = kLate, .mono_ns = kNowNs - 310 * kMs});
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  const v1::ScheduledThread late = ThreadOf(kLate);
  EXPECT_FALSE(late.alive());
  EXPECT_EQ(late.cpu_time_ns() + late.run_queue_wait_ns() + late.blocked_ns() + late.interrupted_ns(), 40 * kMs);
}

TEST_F(ThreadsRpcTest, WhoWasBornAndHasNotRunYetWaits) {
  totals_.totals.push_back({.thread = kLate, .alive = true, .seen = false});
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(ThreadOf(kLate).run_queue_wait_ns(), 350 * kMs);
  EXPECT_EQ(ThreadOf(kLate).cpu_time_ns(), 0);
}

TEST_F(ThreadsRpcTest, RunningTimeIsSharedOutByMovesOrSaidNotToBeKnown) {
  Delta(kThread, 1, 500 * kMs, {.in = 1, .out = 1, .off_ns = kMs, .migration_count = 1});
  switch_events_.Append({.thread = kThread, .end_mono_ns = kNowNs - 450 * kMs, .cpu_out = 2, .cpu_in = 5, .is_migration = true});
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  v1::ScheduledThread thread = ThreadOf(kThread);
  EXPECT_EQ(thread.migration_count(), 1u);
  ASSERT_EQ(thread.cpus_size(), 2) << thread.cpus_unavailable();
  EXPECT_EQ(thread.cpus(0).cpu(), 2) << "largest first";
  EXPECT_EQ(thread.cpus(1).cpu(), 5);
  EXPECT_EQ(thread.cpus(0).cpu_time_ns() + thread.cpus(1).cpu_time_ns(), thread.cpu_time_ns());
  EXPECT_NEAR(static_cast<double>(thread.cpus(0).cpu_time_ns()), 550.0 * kMs, kWidth);
  // In a window of few buckets, most of what it ran is where it moved.
  ASSERT_TRUE(Query(500 * kMs).ok());
  EXPECT_THAT(ThreadOf(kThread).cpus_unavailable(), HasSubstr("shorter interval"));
}

TEST_F(ThreadsRpcTest, AMoveWithoutItsRecordMakesTheCpusUnknown) {
  Delta(kThread, 1, 500 * kMs, {.in = 1, .out = 1, .off_ns = kMs, .migration_count = 2});
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  EXPECT_THAT(ThreadOf(kThread).cpus_unavailable(), HasSubstr("of 2 moves 0 are kept"));
  status_.lost_at_ns = kNowNs - 500 * kMs;
  ASSERT_TRUE(Query().ok());
  EXPECT_THAT(ThreadOf(kThread).cpus_unavailable(), HasSubstr("records were lost"));
  EXPECT_EQ(response_.lost_records(), 7u);
}

TEST_F(ThreadsRpcTest, ChangesAreToldWithWhatTheyAre) {
  scheduling_.kept_free = {.isolated = {2, 3}, .nohz_full = {3}};
  scheduling_.seen[kThread.tid] = {.scheduling = {.cpus_allowed = "2-3"}};
  scheduling_.seen[kOther.tid] = {.scheduling = {.cpus_allowed = "0-3"}};
  SchedulingChange change{.thread = kThread, .after_mono_ns = kNowNs - 600 * kMs, .before_mono_ns = kNowNs - 500 * kMs};
  change.from = {.policy = SCHED_OTHER, .priority = 115, .nice = -5, .cpus_allowed = "0-3"};
  change.to = {.policy = SCHED_FIFO, .priority = 19, .realtime_priority = 80, .cpus_allowed = "2-3"};
  scheduling_.changes.push_back(change);
  change.thread = {.tid = 7, .tgid = 6, .start_ns = 1};  // of nobody that is asked for
  scheduling_.changes.push_back(change);
  scheduling_.incomplete = true;
  CloseUntilNow();
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.isolated_cpus(), "2-3");
  EXPECT_EQ(response_.nohz_full_cpus(), "3");
  EXPECT_TRUE(response_.changes_incomplete());
  ASSERT_EQ(response_.changes_size(), 1);
  const v1::SchedulingChange& told = response_.changes(0);
  EXPECT_EQ(told.thread().tid(), static_cast<int32_t>(kThread.tid));
  EXPECT_EQ(told.after_monotonic_ns(), kNowNs - 600 * kMs);
  EXPECT_EQ(told.before_monotonic_ns(), kNowNs - 500 * kMs);
  EXPECT_THAT(told.what(), ElementsAre("policy", "priority", "nice", "realtime_priority", "affinity"));
  EXPECT_EQ(told.from().policy(), "other");
  EXPECT_TRUE(told.from().isolated_partly());
  EXPECT_TRUE(told.to().isolated_only());
  EXPECT_TRUE(ThreadOf(kThread).scheduling().isolated_only());
  EXPECT_FALSE(ThreadOf(kThread).scheduling().isolated_partly());
  EXPECT_TRUE(ThreadOf(kOther).scheduling().isolated_partly());
}

TEST_F(ThreadsRpcTest, OnlyThreadsAskedForAreToldAndUnknownOnesRefused) {
  CloseUntilNow();
  ASSERT_TRUE(Query(kSecondNs, {1002}).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_EQ(response_.threads(0).thread().tid(), 1002);
  const grpc::Status status = Query(kSecondNs, {77});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_THREAD");
}

TEST_F(ThreadsRpcTest, AllThatIsWrongWithARequestIsSaidAtOnce) {
  v1::QueryThreadsRequest request;
  request.add_pids(-1);
  request.set_window_ns(-5);
  request.set_period_ns(10);
  request.add_percentiles(100);
  const grpc::Status status = stub_->QueryThreads(Context().get(), request, &response_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const char* field : {"pids", "window_ns", "period_ns", "percentiles"}) EXPECT_THAT(status.error_message(), HasSubstr(field));
}

}  // namespace
}  // namespace hftmon
