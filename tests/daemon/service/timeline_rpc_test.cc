#include <gmock/gmock.h>

#include <string>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;

class TimelineRpcTest : public ServiceFixture {
 protected:
  TimelineRpcTest() {
    totals_.totals.push_back({.thread = kThread, .alive = true});
    targets_.sampling_interval_ns = 0;  // nothing to wait for
  }
  grpc::Status Query(const v1::QueryTimelineRequest& request) {
    response_.Clear();
    return stub_->QueryTimeline(Context().get(), request, &response_);
  }
  v1::QueryTimelineRequest Window(int64_t window_ns) const {
    v1::QueryTimelineRequest request;
    request.set_window_ns(window_ns);
    return request;
  }
  void AppendInterval(int64_t end_ns, int64_t off_cpu_ns, int64_t wait_ns, const ThreadKey& thread = kThread) {
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
    switch_events_.Append(event);
  }
  void AppendEnd(int64_t at_ns, const ThreadKey& thread) {
    SwitchEvent event;
    event.thread = thread;
    event.end_mono_ns = at_ns;
    event.is_end = true;
    switch_events_.Append(event);
  }
  // "running@1 0-40, …": milliseconds since the window's beginning.
  std::string Text(int thread = 0) const {
    std::string text;
    const int64_t begin_ns = response_.window().begin_monotonic_ns();
    for (const v1::TimelinePiece& piece : response_.threads(thread).pieces()) {
      if (!text.empty()) text += ", ";
      text += piece.state();
      if (piece.has_cpu()) text += "@" + std::to_string(piece.cpu());
      if (!piece.detail().empty()) text += "(" + piece.detail() + ")";
      const int64_t start_ns = piece.start_monotonic_ns() - begin_ns;
      text += " " + std::to_string(start_ns / kMs) + "-" + std::to_string((start_ns + piece.duration_ns()) / kMs);
    }
    return text;
  }

  v1::QueryTimelineResponse response_;
};

TEST_F(TimelineRpcTest, AThreadsPiecesComeFromTheHistory) {
  AppendInterval(kNowNs - 50 * kMs, 30 * kMs, 10 * kMs);
  ASSERT_TRUE(Query(Window(100 * kMs)).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_EQ(Text(), "running@1 0-20, blocked(futex) 20-40, waiting@2(thread55) 40-50, running@2 50-100");
  EXPECT_EQ(response_.threads(0).pieces(2).other_tid(), 55);
  EXPECT_FALSE(response_.threads(0).truncated());
  EXPECT_FALSE(response_.pieces_left_out());
  EXPECT_EQ(response_.window().end_monotonic_ns(), kNowNs);
  EXPECT_EQ(response_.window().requested_ns(), 100 * kMs);
  EXPECT_EQ(response_.run_queue_floor_ns(), 50'000);
  EXPECT_FALSE(response_.has_off_cpu_floor_ns());
}

TEST_F(TimelineRpcTest, SpikesGiveStretchesAndNumbers) {
  AppendInterval(kNowNs - 50 * kMs, 30 * kMs, 10 * kMs);
  AppendSpike(kNowNs - 50 * kMs, 10 * kMs, SpikeKind::kRunQueue);
  Spike stretch = MakeSpike(kNowNs - 20 * kMs, 5 * kMs, SpikeKind::kInterrupted);
  stretch.causes[0] = {.kind = CauseKind::kHardIrq, .source = HFT_SOURCE_LOCAL_TIMER, .duration_ns = 5 * kMs};
  spikes_.Append(&stretch);
  ASSERT_TRUE(Query(Window(100 * kMs)).ok());
  EXPECT_EQ(Text(),
            "running@1 0-20, blocked(futex) 20-40, waiting@2(thread55) 40-50, running@2 50-75, interrupted@3(local_timer) 75-80, "
            "running@2 80-100");
  EXPECT_EQ(response_.threads(0).pieces(2).spike_id(), 1u);
  EXPECT_EQ(response_.threads(0).pieces(4).spike_id(), 2u);
}

TEST_F(TimelineRpcTest, WhatTheSlotSaysOnArrivalIsTheLastPiece) {
  time_.run_queue_offset_ns = 7;
  totals_.totals[0].departure =
      ThreadDeparture{.out_clock_ns = kNowNs - 30 * kMs - 7, .cpu = 4, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .syscall = 35};
  ASSERT_TRUE(Query(Window(100 * kMs)).ok());
  EXPECT_EQ(Text(), "running@4 0-70, blocked(nanosleep) 70-100");
  // It slept already when watching began.
  totals_.totals[0].departure = ThreadDeparture{.out_clock_ns = -(kNowNs - 60 * kMs), .syscall = 35};
  ASSERT_TRUE(Query(Window(100 * kMs)).ok());
  EXPECT_EQ(Text(), "running@0 0-40, blocked(nanosleep) 40-100");
}

TEST_F(TimelineRpcTest, AThreadThatEndedHasPiecesUntilThen) {
  const ThreadKey gone{.tid = 1002, .tgid = kPid, .start_ns = kNowNs - 80 * kMs};
  AppendInterval(kNowNs - 60 * kMs, 10 * kMs, 1 * kMs, gone);
  AppendEnd(kNowNs - 40 * kMs, gone);
  ASSERT_TRUE(Query(Window(100 * kMs)).ok());
  ASSERT_EQ(response_.threads_size(), 2);
  EXPECT_EQ(Text(1), "running@1 20-30, blocked(futex) 30-39, waiting@2(thread55) 39-40, running@2 40-60");
  EXPECT_FALSE(response_.threads(1).truncated()) << "it was born then";
}

TEST_F(TimelineRpcTest, OneWhoseEndWasNotSeenIsUnknownAfterItsLastEvent) {
  AppendInterval(kNowNs - 60 * kMs, 10 * kMs, 1 * kMs, {.tid = 1002, .tgid = kPid, .start_ns = 300});
  ASSERT_TRUE(Query(Window(100 * kMs)).ok());
  ASSERT_EQ(response_.threads_size(), 2);
  EXPECT_THAT(Text(1), testing::EndsWith("unknown 40-100"));
}

TEST_F(TimelineRpcTest, BeforeItsAttachmentNothingIsKnownOfAThread) {
  targets_.attached_mono_ns = kNowNs - 60 * kMs;
  targets_.Add(2000);
  totals_.totals.push_back({.thread = {.tid = 2001, .tgid = 2000, .start_ns = 300}, .alive = true});
  v1::QueryTimelineRequest request = Window(100 * kMs);
  request.add_pids(2000);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_EQ(Text(), "running 40-100");
  EXPECT_TRUE(response_.threads(0).truncated());
  EXPECT_TRUE(response_.window().truncated());
}

TEST_F(TimelineRpcTest, WhatIsOverwrittenShortensTheTimelines) {
  for (int64_t i = 0; i < 200; ++i) AppendInterval(kNowNs - (200 - i) * kMs, 100'000, 10'000);
  ASSERT_TRUE(Query(Window(150 * kMs)).ok());
  EXPECT_TRUE(response_.pieces_left_out());
  EXPECT_TRUE(response_.threads(0).truncated());
  EXPECT_TRUE(response_.window().truncated());
  EXPECT_EQ(response_.window().begin_monotonic_ns(), kNowNs - 64 * kMs);
  EXPECT_EQ(response_.threads(0).pieces(0).start_monotonic_ns(), kNowNs - 64 * kMs);
}

TEST_F(TimelineRpcTest, LossesAndOffPeriodsAreUnknown) {
  AppendInterval(kNowNs - 90 * kMs, 1 * kMs, 1 * kMs);
  status_.losses = {{.span = {kNowNs - 80 * kMs, kNowNs - 70 * kMs}, .cpu = 2}};
  status_.off_begin_ns = kNowNs - 40 * kMs;
  status_.off_end_ns = kNowNs - 20 * kMs;
  ASSERT_TRUE(Query(Window(100 * kMs)).ok());
  EXPECT_THAT(Text(), testing::EndsWith("unknown 10-80, running@2 80-100"));
  EXPECT_EQ(response_.window().off_ns(), 20 * kMs);
}

TEST_F(TimelineRpcTest, AWindowInThePastSeesWhatEndedAfterIt) {
  AppendInterval(kNowNs - 50 * kMs, 30 * kMs, 10 * kMs);
  v1::QueryTimelineRequest request = Window(20 * kMs);
  request.set_end_monotonic_ns(kNowNs - 70 * kMs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(Text(), "running@1 0-10, blocked(futex) 10-20");
}

TEST_F(TimelineRpcTest, TheNewestPiecesAreKept) {
  for (int64_t i = 10; i > 0; --i) AppendInterval(kNowNs - i * 10 * kMs, 1 * kMs, 1 * kMs);
  v1::QueryTimelineRequest request = Window(200 * kMs);
  request.set_max_pieces(3);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.threads(0).pieces_size(), 3);
  EXPECT_TRUE(response_.threads(0).truncated());
  EXPECT_TRUE(response_.pieces_left_out());
  const v1::TimelinePiece& last = response_.threads(0).pieces(2);
  EXPECT_EQ(last.start_monotonic_ns() + last.duration_ns(), kNowNs);
}

TEST_F(TimelineRpcTest, WhatIsAskedForIsChecked) {
  EXPECT_EQ(Query(Window(999)).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Query(Window(60 * kSecondNs + 1)).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::QueryTimelineRequest request;
  request.set_end_monotonic_ns(kNowNs + 1);
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_end_monotonic_ns(-1);
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.clear_end_monotonic_ns();
  request.set_max_pieces(100'001);
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.clear_max_pieces();
  request.add_tids(4'000'000);
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_THREAD");
}

}  // namespace
}  // namespace hftmon
