#include <gmock/gmock.h>

#include <future>

#include "common/histogram.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

class SwitchesQueryTest : public ServiceFixture {
 protected:
  grpc::Status Query(const v1::QueryContextSwitchesRequest& request) {
    response_.Clear();
    return stub_->QueryContextSwitches(Context().get(), request, &response_);
  }
  void AppendEvent(int64_t end_ns, int64_t off_cpu_ns, int64_t wait_ns, const ThreadKey& thread = kThread) {
    SwitchEvent event;
    event.thread = thread;
    event.end_mono_ns = end_ns;
    event.off_cpu_ns = off_cpu_ns;
    event.wait_ns = wait_ns;
    event.out_kind = HFT_SWITCH_BLOCKED_SYSCALL;
    event.out_syscall = 202;
    event.prev_tid = 55;
    event.cpu_out = 1;
    event.cpu_in = 2;
    event.depth = 3;
    switch_events_.Append(event);
  }
  v1::QueryContextSwitchesResponse response_;
};

TEST_F(SwitchesQueryTest, CountsStatisticsAndTotalsOfAThread) {
  totals_.totals.push_back({.thread = kThread, .voluntary_count = 900, .involuntary_count = 90, .run_delay_ns = 12'345, .alive = true});
  CloseBucket(98 * kSecondNs, 99 * kSecondNs, 30);
  CloseBucket(99 * kSecondNs, 100 * kSecondNs, 70);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(2 * kSecondNs);
  const grpc::Status status = Query(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.window().begin_monotonic_ns(), 98 * kSecondNs);
  EXPECT_EQ(response_.window().end_monotonic_ns(), 100 * kSecondNs);
  EXPECT_EQ(response_.window().requested_ns(), 2 * kSecondNs);
  EXPECT_FALSE(response_.window().truncated());
  EXPECT_FALSE(response_.window().late());
  EXPECT_EQ(response_.time().realtime_ns() - response_.time().monotonic_ns(), 1'000'000);
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::ThreadSwitches& thread = response_.threads(0);
  EXPECT_EQ(thread.thread().tid(), 1001);
  EXPECT_EQ(thread.thread().pid(), 1000);
  EXPECT_EQ(thread.thread().comm(), "thread1001");
  EXPECT_EQ(thread.voluntary_count(), 100u);
  EXPECT_EQ(thread.involuntary_count(), 4u);
  EXPECT_EQ(thread.migration_count(), 6u);
  EXPECT_EQ(thread.voluntary_total(), 900u);
  EXPECT_EQ(thread.involuntary_total(), 90u);
  EXPECT_EQ(thread.run_delay_total_ns(), 12'345);
  EXPECT_TRUE(thread.alive());
  EXPECT_EQ(thread.run_queue_latency().count(), 100u);
  EXPECT_EQ(thread.run_queue_latency().sum_ns(), 100'000);
  EXPECT_EQ(thread.off_cpu().sum_ns(), 500'000);
  EXPECT_EQ(thread.kinds().at("yield"), 100u);
  EXPECT_EQ(thread.run_queue_depth().count(), 100u);
  EXPECT_EQ(thread.run_queue_depth().p50(), 2u);
  // 100 samples carry p50 alone of the default 50, 95, 99, 99.9.
  ASSERT_EQ(thread.run_queue_latency().percentiles_size(), 1);
  EXPECT_EQ(thread.run_queue_latency().percentiles(0).percent(), 50);
}

TEST_F(SwitchesQueryTest, OnlyTheAskedPercentilesAreAnswered) {
  CloseBucket(99 * kSecondNs, kNowNs, 1'000);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(kSecondNs);
  request.add_percentiles(25);
  request.add_percentiles(99);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  ASSERT_EQ(response_.threads(0).off_cpu().percentiles_size(), 2);
  EXPECT_EQ(response_.threads(0).off_cpu().percentiles(0).percent(), 25);
  EXPECT_EQ(response_.threads(0).off_cpu().percentiles(1).percent(), 99);
}

TEST_F(SwitchesQueryTest, PercentilesAreExactWhileTheirEventsAreKeptAndTheFloorsAreSaid) {
  for (int i = 0; i < 30; ++i) {
    SwitchEvent event;
    event.thread = kThread;
    event.end_mono_ns = 99 * kSecondNs + 500'000'000 + i;
    event.wait_ns = 80'000 + i;
    event.off_cpu_ns = -1;
    switch_events_.Append(event);
  }
  CloseBucket(99 * kSecondNs, kNowNs, 30, static_cast<uint32_t>(BucketOf(80'000)));
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.run_queue_floor_ns(), 50'000);
  EXPECT_FALSE(response_.has_off_cpu_floor_ns());
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::DurationStatistics& waits = response_.threads(0).run_queue_latency();
  ASSERT_EQ(waits.percentiles_size(), 1);
  EXPECT_TRUE(waits.percentiles(0).exact());
  EXPECT_EQ(waits.percentiles(0).value_ns(), 80'014);
  EXPECT_FALSE(response_.threads(0).off_cpu().percentiles(0).exact());
}

TEST_F(SwitchesQueryTest, AWatchedThreadWithoutActivityIsListedWithZeroCounts) {
  totals_.totals.push_back({.thread = {.tid = 1002, .tgid = kPid, .start_ns = 300}, .voluntary_count = 5, .alive = true});
  CloseBucket(99 * kSecondNs, kNowNs, 10);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.threads_size(), 2);
  EXPECT_EQ(response_.threads(1).thread().tid(), 1002);
  EXPECT_EQ(response_.threads(1).voluntary_count(), 0u);
  EXPECT_EQ(response_.threads(1).voluntary_total(), 5u);
  EXPECT_FALSE(response_.threads(1).off_cpu().has_max_ns());
}

TEST_F(SwitchesQueryTest, TotalsOfAThreadWhoseSlotWasGivenBackAreAbsent) {
  CloseBucket(99 * kSecondNs, kNowNs, 10);
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_FALSE(response_.threads(0).has_voluntary_total());
  EXPECT_FALSE(response_.threads(0).has_run_delay_total_ns());
  EXPECT_FALSE(response_.threads(0).alive());
}

TEST_F(SwitchesQueryTest, PidsAndTidsRestrictTheAnswer) {
  targets_.Add(2000);
  const ThreadKey second{.tid = 1003, .tgid = kPid, .start_ns = 200};
  const ThreadKey other{.tid = 2001, .tgid = 2000, .start_ns = 200};
  const ThreadKey stranger{.tid = 3001, .tgid = 3000, .start_ns = 200};
  const ThreadKey earlier_process{.tid = 1009, .tgid = kPid, .start_ns = 50};
  for (const ThreadKey& thread : {second, other, stranger, earlier_process}) {
    ThreadDelta delta{
        .thread = thread, .slot = static_cast<uint16_t>(thread.tid % 64), .begin_mono_ns = 99 * kSecondNs, .end_mono_ns = kNowNs};
    delta.voluntary_count = 1;
    windows_.OnThreadDelta(delta);
  }
  CloseBucket(99 * kSecondNs, kNowNs, 10);
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.threads_size(), 3) << "threads of targets alone, not of an older process with the same pid";
  v1::QueryContextSwitchesRequest request;
  request.add_pids(2000);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_EQ(response_.threads(0).thread().tid(), 2001);
  request.clear_pids();
  request.add_tids(1003);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_EQ(response_.threads(0).thread().tid(), 1003);
}

TEST_F(SwitchesQueryTest, AProcessThatIsNoTargetIsNotFoundAndTheMendIsNamed) {
  v1::QueryContextSwitchesRequest request;
  request.add_pids(777);
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("hftmon attach 777"));
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_TARGET");
}

TEST_F(SwitchesQueryTest, AThreadThatIsNotWatchedIsNotFound) {
  CloseBucket(99 * kSecondNs, kNowNs, 10);
  v1::QueryContextSwitchesRequest request;
  request.add_tids(1001);
  request.add_tids(9999);
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("thread 9999"));
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_THREAD");
}

TEST_F(SwitchesQueryTest, TheAnswerWaitsForTheBucketThatHoldsTheCallsArrival) {
  targets_.sampling_interval_ns = 60 * kSecondNs;
  targets_.Add(kPid);
  CloseBucket(98 * kSecondNs, 99 * kSecondNs, 10);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(2 * kSecondNs);
  const int asked = status_.asked();
  std::future<grpc::Status> answer = std::async(std::launch::async, [&] { return Query(request); });
  status_.AwaitAsked(asked + 1);  // the call has arrived, at 100 s
  CloseBucket(99 * kSecondNs, 101 * kSecondNs, 25);
  ASSERT_TRUE(answer.get().ok());
  EXPECT_EQ(response_.window().end_monotonic_ns(), 101 * kSecondNs);
  EXPECT_FALSE(response_.window().late());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_EQ(response_.threads(0).voluntary_count(), 35u);
}

TEST_F(SwitchesQueryTest, ABucketThatDoesNotCloseMakesTheAnswerLateNotSilent) {
  targets_.sampling_interval_ns = 1'000'000;
  targets_.Add(kPid);
  CloseBucket(98 * kSecondNs, 99 * kSecondNs, 10);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(10 * kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.window().late());
  EXPECT_EQ(response_.window().end_monotonic_ns(), 99 * kSecondNs);
}

TEST_F(SwitchesQueryTest, TheCallersDeadlineEndsTheWait) {
  targets_.sampling_interval_ns = 60 * kSecondNs;
  targets_.Add(kPid);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  const grpc::Status status = stub_->QueryContextSwitches(&context, {}, &response_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(SwitchesQueryTest, StoppingEndsTheWaitWithUnavailable) {
  targets_.sampling_interval_ns = 60 * kSecondNs;
  targets_.Add(kPid);
  const int asked = status_.asked();
  std::future<grpc::Status> answer = std::async(std::launch::async, [&] { return Query({}); });
  status_.AwaitAsked(asked + 1);
  server_->Shutdown(60 * kSecondNs);
  EXPECT_EQ(answer.get().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(SwitchesQueryTest, ManyQueriesWaitTogetherWhileBucketsClose) {
  targets_.sampling_interval_ns = 60 * kSecondNs;
  targets_.Add(kPid);
  CloseBucket(98 * kSecondNs, 99 * kSecondNs, 1);
  constexpr int kQueries = 40;
  const int asked = status_.asked();
  std::vector<std::future<int64_t>> answers;
  for (int i = 0; i < kQueries; ++i) {
    answers.push_back(std::async(std::launch::async, [this] {
      v1::QueryContextSwitchesResponse response;
      const grpc::Status status = stub_->QueryContextSwitches(Context().get(), {}, &response);
      return status.ok() ? response.window().end_monotonic_ns() : -1;
    }));
  }
  status_.AwaitAsked(asked + kQueries);
  CloseBucket(99 * kSecondNs, 101 * kSecondNs, 1);
  for (auto& answer : answers) EXPECT_EQ(answer.get(), 101 * kSecondNs);
}

TEST_F(SwitchesQueryTest, WithoutTargetsTheAnswerIsEmptyAndAtOnce) {
  v1::DetachRequest detach;
  detach.set_all(true);
  v1::DetachResponse detached;
  ASSERT_TRUE(stub_->Detach(Context().get(), detach, &detached).ok());
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.threads_size(), 0);
}

TEST_F(SwitchesQueryTest, AWindowFromBeforeTheAttachmentIsTruncated) {
  targets_.attached_mono_ns = 95 * kSecondNs;
  targets_.Add(kPid);
  CloseBucket(90 * kSecondNs, 99 * kSecondNs, 10);
  CloseBucket(99 * kSecondNs, kNowNs, 10);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(8 * kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.window().truncated());
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_FALSE(response_.window().truncated());
}

TEST_F(SwitchesQueryTest, AChildBornWithinTheWindowTruncatesNothing) {
  targets_.attached_mono_ns = 95 * kSecondNs;
  targets_.parent_pid = kPid;
  targets_.watched_from_birth = true;
  targets_.Add(kPid + 1);
  CloseBucket(90 * kSecondNs, 99 * kSecondNs, 10);
  CloseBucket(99 * kSecondNs, kNowNs, 10);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(8 * kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_FALSE(response_.window().truncated());
  targets_.watched_from_birth = false;  // adopted after `off`, or after lost events
  targets_.Add(kPid + 2);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.window().truncated());
}

TEST_F(SwitchesQueryTest, LostRecordsAreThoseOfTheWindow) {
  status_.lost_at_ns = 99 * kSecondNs + 1;
  CloseBucket(98 * kSecondNs, 99 * kSecondNs, 1);
  CloseBucket(99 * kSecondNs, kNowNs, 1);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.lost_records(), 7u);
}

TEST_F(SwitchesQueryTest, ThreadsWithoutASlotAreThoseOfTheTargetsAskedFor) {
  CloseBucket(99 * kSecondNs, kNowNs, 1);
  targets_.unslotted_thread_count = 3;
  targets_.Add(77);
  targets_.Add(78);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.unslotted_thread_count(), 6u);
  v1::QueryContextSwitchesRequest request;
  request.add_pids(77);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.unslotted_thread_count(), 3u);
}

TEST_F(SwitchesQueryTest, ThreadsThatHadNoSlotInTheWindowAreSaidThoughTheyHaveOneNow) {
  CloseBucket(98 * kSecondNs, 99 * kSecondNs, 1);
  CloseBucket(99 * kSecondNs, kNowNs, 1);
  targets_.unslotted_peak_count = 3;
  targets_.unslotted_mono_ns = 98 * kSecondNs + 1;
  targets_.Add(77);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(2 * kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.unslotted_thread_count(), 3u);
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.unslotted_thread_count(), 0u);
}

TEST_F(SwitchesQueryTest, EventsAreThoseOfTheWindowAtLeastAsLong) {
  targets_.SetFloors(50'000, 1'000'000);
  CloseBucket(98 * kSecondNs, kNowNs, 1);
  AppendEvent(97 * kSecondNs, 9'000'000, 0);                                            // before the window
  AppendEvent(99 * kSecondNs, 1'999'999, 100'000);                                      // too short
  AppendEvent(99 * kSecondNs + 1, 2'000'000, 300'000);                                  // exactly as long
  AppendEvent(99 * kSecondNs + 2, 9'000'000, 0, {.tid = 9, .tgid = 8, .start_ns = 1});  // not ours
  AppendEvent(99 * kSecondNs + 3, -1, 2'500'000);                                       // beginning not seen
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(2 * kSecondNs);
  request.set_min_duration_ns(2'000'000);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.events_size(), 2);
  const v1::SwitchEvent& event = response_.events(0);
  EXPECT_EQ(event.duration_ns(), 2'000'000);
  EXPECT_EQ(event.start_monotonic_ns(), 99 * kSecondNs + 1 - 2'000'000);
  EXPECT_EQ(event.run_queue_ns(), 300'000);
  EXPECT_EQ(event.kind(), "blocked_syscall");
  EXPECT_TRUE(event.voluntary());
  EXPECT_FALSE(event.syscall().empty());
  EXPECT_EQ(event.preemptor_comm(), "thread55");
  EXPECT_FALSE(response_.events(1).has_duration_ns());
  EXPECT_EQ(response_.events(1).run_queue_ns(), 2'500'000);
  EXPECT_FALSE(response_.events_incomplete());
  EXPECT_EQ(response_.events_floor_ns(), 1'000'000);
}

TEST_F(SwitchesQueryTest, MigrationsComeWithFromToAndReason) {
  CloseBucket(99 * kSecondNs, kNowNs, 1);
  SwitchEvent migration{.thread = kThread,
                        .end_mono_ns = kNowNs - 5,
                        .cpu_out = 4,
                        .cpu_in = 6,
                        .is_migration = true,
                        .migration_reason = HFT_MIGRATION_AFFINITY};
  switch_events_.Append(migration);
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(kSecondNs);
  request.set_min_duration_ns(1'000);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.events_size(), 1);
  EXPECT_EQ(response_.events(0).kind(), "migration");
  EXPECT_EQ(response_.events(0).migration_reason(), "affinity");
  EXPECT_EQ(response_.events(0).cpu_out(), 4);
  EXPECT_EQ(response_.events(0).cpu_in(), 6);
}

TEST_F(SwitchesQueryTest, BelowTheKernelsFloorTheEventsAreIncomplete) {
  targets_.SetFloors(50'000, 1'000'000);
  CloseBucket(99 * kSecondNs, kNowNs, 1);
  v1::QueryContextSwitchesRequest request;
  request.set_min_duration_ns(999'999);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.events_incomplete());
  EXPECT_EQ(response_.events_floor_ns(), 1'000'000);
  targets_.SetFloors(50'000, kNoFloorNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.events_incomplete());
  EXPECT_FALSE(response_.has_events_floor_ns()) << "no threshold was in force";
}

TEST_F(SwitchesQueryTest, OverwrittenEventsMakeTheListIncompleteAndMaxEventsKeepsTheNewest) {
  targets_.SetFloors(1, 1);
  CloseBucket(99 * kSecondNs, kNowNs, 1);
  for (int i = 0; i < 100; ++i) AppendEvent(99 * kSecondNs + 1'000 + i, 5'000, 0);  // the ring keeps 64
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(kSecondNs);
  request.set_min_duration_ns(1'000);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.events_size(), 64);
  EXPECT_TRUE(response_.events_incomplete());
  request.set_max_events(3);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.events_size(), 3);
  EXPECT_EQ(response_.events(2).start_monotonic_ns() + 5'000, 99 * kSecondNs + 1'099) << "newest last";
}

}  // namespace
}  // namespace hftmon
