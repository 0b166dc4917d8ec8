#include <gmock/gmock.h>

#include <limits>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr int32_t kFutex = 202;
constexpr uint8_t kHigh = 69;
constexpr uint8_t kLow = 89;
constexpr ThreadKey kOwner{.tid = 1002, .tgid = kPid, .start_ns = 300};

class InversionsRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    targets_.Add(kPid, {.blocked_threshold_ns = 20'000, .probe_groups = {"sched", "locks"}});
    targets_.SetFloors(50'000, 20'000);
    CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
  }
  grpc::Status Query(const v1::QueryInversionsRequest& request = {}) {
    response_.Clear();
    return stub_->QueryInversions(Context().get(), request, &response_);
  }

  // kThread waited that long, until then, for a lock of kOwner.
  Spike MakeWait(int64_t end_ns, int64_t blocked_ns, hft_owner_state state = HFT_OWNER_RUNNABLE) {
    Spike spike = MakeSpike(end_ns, blocked_ns, SpikeKind::kBlocked, kThread);
    spike.priority = kHigh;
    spike.out_syscall = kFutex;
    spike.causes[0] = {.kind = CauseKind::kBlocked, .syscall = kFutex, .duration_ns = blocked_ns};
    spike.unexplained_ns = 0;
    spike.call.state = HFT_CALL_KNOWN;
    spike.call.futex_command = 0;
    spike.call.futex_word_known = true;
    spike.call.arguments[0] = 0x1000;
    spike.call.arguments[1] = 128;
    spike.call.owner_tid = kOwner.tid;
    spike.call.owner_source = HFT_OWNER_GLIBC;
    spike.call.owner_state = state;
    spike.call.owner_priority = kLow;
    spike.call.owner_policy = 1;
    return spike;
  }
  void AppendWait(int64_t end_ns, int64_t blocked_ns, hft_owner_state state = HFT_OWNER_RUNNABLE) {
    Spike spike = MakeWait(end_ns, blocked_ns, state);
    spikes_.Append(&spike);
  }
  void AppendBoost(int64_t mono_ns, uint8_t from, uint8_t to, uint32_t donor, const ThreadKey& thread = kOwner) {
    BoostStep step;
    step.thread = thread;
    step.mono_ns = mono_ns;
    step.old_priority = from;
    step.new_priority = to;
    step.own_priority = kLow;
    step.donor_tid = donor;
    step.donor_tgid = donor == 0 ? 0 : kPid;
    boosts_.OnBoost(step);
  }

  v1::QueryInversionsResponse response_;
};

TEST_F(InversionsRpcTest, OneIsToldWithItsOwnerAndWhoHadTheCpu) {
  task_priorities_[kThread.tid] = {.priority = kHigh, .policy = 2};
  AppendSpike(kNowNs - 41'000'000, 3'000'000, SpikeKind::kPreempted, kOwner);
  AppendWait(kNowNs - 40'000'000, 5'000'000);
  const grpc::Status status = Query();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.inversions_size(), 1);
  const v1::PriorityInversion& inversion = response_.inversions(0);
  EXPECT_EQ(inversion.waiter().tid(), 1001);
  EXPECT_EQ(inversion.start_monotonic_ns(), kNowNs - 45'000'000);
  EXPECT_EQ(inversion.duration_ns(), 5'000'000);
  EXPECT_FALSE(inversion.in_progress());
  EXPECT_EQ(inversion.waiter_priority(), kHigh);
  EXPECT_EQ(inversion.waiter_policy(), "rr");
  EXPECT_EQ(inversion.spike_id(), 2u);
  EXPECT_FALSE(inversion.inherited());
  ASSERT_EQ(inversion.chain_size(), 1);
  const v1::InversionLink& link = inversion.chain(0);
  EXPECT_EQ(link.lock_address(), 0x1000u);
  EXPECT_FALSE(link.priority_inheritance());
  EXPECT_EQ(link.owner().tid(), 1002);
  EXPECT_EQ(link.owner().pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(link.owner_priority(), kLow);
  EXPECT_EQ(link.owner_policy(), "fifo");
  EXPECT_EQ(link.owner_state(), "runnable");
  EXPECT_EQ(inversion.owner_off_cpu_ns(), 3'000'000);
  EXPECT_EQ(inversion.preemptor().tid(), 55);
  EXPECT_EQ(inversion.preemptor().duration_ns(), 2'250'000);
  EXPECT_FALSE(response_.incomplete());
  EXPECT_EQ(response_.blocked_floor_ns(), 20'000);
  EXPECT_EQ(response_.unknown_owner_count(), 0u);
  EXPECT_FALSE(response_.older_left_out());
}

TEST_F(InversionsRpcTest, AWaitersPolicyThatIsNotThatOfThenIsItsClass) {
  AppendWait(kNowNs - 40'000'000, 5'000'000);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.inversions(0).waiter_policy(), "real_time") << "it has ended";
  task_priorities_[kThread.tid] = {.priority = 120, .policy = 0};
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.inversions(0).waiter_policy(), "real_time") << "it has changed";
}

TEST_F(InversionsRpcTest, ShortOnesAreLeftOutAndOfManyTheNewestStay) {
  for (int i = 0; i < 5; ++i) AppendWait(kNowNs - (60 - i) * 1'000'000, (i + 1) * 100'000);
  v1::QueryInversionsRequest request;
  request.set_min_duration_ns(200'000);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.inversions_size(), 4);
  EXPECT_EQ(response_.inversions(3).duration_ns(), 500'000) << "newest last";
  request.set_max_inversions(2);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.inversions_size(), 2);
  EXPECT_EQ(response_.inversions(0).duration_ns(), 400'000);
  EXPECT_TRUE(response_.older_left_out());
}

TEST_F(InversionsRpcTest, AnOwnersTimesBeforeTheWindowAndOfOtherTargetsCount) {
  constexpr ThreadKey kForeign{.tid = 2001, .tgid = 2000, .start_ns = 300};
  targets_.Add(2000);
  AppendSpike(kNowNs - 1'200'000'000, 300'000'000, SpikeKind::kPreempted, kForeign);
  Spike spike = MakeWait(kNowNs - 40'000'000, 1'960'000'000, HFT_OWNER_RUNNING);
  spike.call.owner_tid = kForeign.tid;
  spike.call.owner_source = HFT_OWNER_PI_WORD;
  spike.call.futex_command = 6;
  spike.call.arguments[1] = 6;
  spikes_.Append(&spike);
  v1::QueryInversionsRequest request;
  request.add_pids(kPid);
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.inversions_size(), 1);
  EXPECT_EQ(response_.inversions(0).owner_off_cpu_ns(), 300'000'000);
  EXPECT_EQ(response_.inversions(0).chain(0).owner().pid(), 2000);
}

TEST_F(InversionsRpcTest, WaitsForWhatIsNotKnownAreCounted) {
  Spike unowned = MakeWait(kNowNs - 50'000'000, 1'000'000);
  unowned.call.owner_tid = 0;
  unowned.call.futex_word = 2;
  spikes_.Append(&unowned);
  Spike condition = MakeWait(kNowNs - 49'000'000, 1'000'000);
  condition.call.owner_tid = 0;
  condition.call.futex_word = 7;
  spikes_.Append(&condition);
  Spike unread = MakeWait(kNowNs - 48'000'000, 1'000'000);
  unread.call.state = HFT_CALL_NO_REGISTERS;
  spikes_.Append(&unread);
  AppendWait(kNowNs - 47'000'000, 1'000'000, HFT_OWNER_STATE_UNKNOWN);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.inversions_size(), 0);
  EXPECT_EQ(response_.unknown_owner_count(), 3u) << "a condition variable is no lock";
}

TEST_F(InversionsRpcTest, OneThatGoesOnIsToldWithThePriorityOfNow) {
  Spike spike = MakeWait(kNowNs - 40'000'000, 5'000'000, HFT_OWNER_RUNNING);
  spike.in_progress = true;
  spike.slot = 3;
  spike.priority = 0;
  spikes_.NoteSleep(3, spike.id);
  spikes_.Append(&spike);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.inversions_size(), 0);
  EXPECT_EQ(response_.unknown_owner_count(), 1u) << "nobody tells its priority";
  task_priorities_[kThread.tid] = {.priority = kHigh, .policy = 1};
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.inversions_size(), 1);
  EXPECT_TRUE(response_.inversions(0).in_progress());
  EXPECT_EQ(response_.inversions(0).duration_ns(), 45'000'000) << "until now";
  EXPECT_EQ(response_.inversions(0).waiter_policy(), "fifo");
  // Its end comes, with the same id.
  spikes_.NoteSleep(3, 0);
  spike.in_progress = false;
  spike.priority = kHigh;
  spikes_.Append(&spike);
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.inversions_size(), 1);
  EXPECT_FALSE(response_.inversions(0).in_progress());
  EXPECT_EQ(response_.inversions(0).duration_ns(), 5'000'000);
}

TEST_F(InversionsRpcTest, BoostsAreToldAndMakeAnInversionInherited) {
  Spike spike = MakeWait(kNowNs - 40'000'000, 5'000'000);
  spike.call.futex_command = 6;
  spikes_.Append(&spike);
  AppendBoost(kNowNs - 45'100'000, kLow, kHigh, kThread.tid);
  AppendBoost(kNowNs - 40'100'000, kHigh, kLow, 0);
  AppendBoost(kNowNs - 30'000'000, kLow, 255, 77);
  AppendBoost(kNowNs - 20'000'000, kLow, kHigh, 77, {.tid = 9, .tgid = 9, .start_ns = 9});  // of no target
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(response_.inversions(0).inherited());
  EXPECT_TRUE(response_.inversions(0).chain(0).priority_inheritance());
  EXPECT_EQ(response_.boosts_unavailable(), "");
  ASSERT_EQ(response_.boosts_size(), 2);
  const v1::PriorityBoost& boost = response_.boosts(0);
  EXPECT_EQ(boost.thread().tid(), 1002);
  EXPECT_EQ(boost.start_monotonic_ns(), kNowNs - 45'100'000);
  EXPECT_EQ(boost.duration_ns(), 5'000'000);
  EXPECT_EQ(boost.own_priority(), kLow);
  EXPECT_EQ(boost.boosted_priority(), kHigh);
  EXPECT_EQ(boost.donor().tid(), 1001);
  EXPECT_EQ(boost.step_count(), 2u);
  EXPECT_FALSE(response_.boosts(1).has_duration_ns()) << "it goes on";
  EXPECT_EQ(response_.boosts(1).boosted_priority(), -1) << "SCHED_DEADLINE";
  v1::QueryInversionsRequest request;
  request.set_window_ns(10'000'000);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.boosts_size(), 1) << "the one that goes on";
  EXPECT_FALSE(response_.incomplete());
}

TEST_F(InversionsRpcTest, OverwrittenBoostsOfTheWindowMakeItIncomplete) {
  for (int i = 0; i < 100; ++i) AppendBoost(kNowNs - (200 - i) * 1'000'000, i % 2 == 0 ? kLow : kHigh, i % 2 == 0 ? kHigh : kLow, 77);
  v1::QueryInversionsRequest request;
  request.set_window_ns(110'000'000);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_FALSE(response_.incomplete()) << "what is kept reaches further back";
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.incomplete());
  EXPECT_EQ(response_.boosts_size(), 32);
}

TEST_F(InversionsRpcTest, WhereNoTargetAsksItIsIncompleteAndHasNoFloor) {
  targets_.Add(kPid, {.blocked_threshold_ns = 20'000});
  AppendWait(kNowNs - 40'000'000, 5'000'000);
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(response_.incomplete());
  EXPECT_FALSE(response_.has_blocked_floor_ns());
  targets_.Add(kPid, {.probe_groups = {"sched", "locks"}});
  targets_.SetFloors(50'000, std::numeric_limits<int64_t>::max());
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(response_.incomplete());
  EXPECT_FALSE(response_.has_blocked_floor_ns());
}

TEST_F(InversionsRpcTest, OverwrittenWaitsAndAFloorOfAPartMakeItIncomplete) {
  v1::QueryInversionsRequest request;
  request.set_window_ns(kSecondNs);
  targets_.SetPastFloors(kNowNs - kSecondNs / 2, 50'000, std::numeric_limits<int64_t>::max());
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.blocked_floor_ns(), 20'000);
  EXPECT_TRUE(response_.incomplete());
  targets_.SetFloors(50'000, 20'000);
  for (uint64_t i = 0; i <= kSpikeRingCapacity; ++i) AppendWait(kNowNs - 30'000'000, 30'000);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.incomplete());
  EXPECT_TRUE(response_.older_left_out()) << "1,000 without another number";
  EXPECT_EQ(response_.inversions_size(), 1'000);
}

TEST_F(InversionsRpcTest, StrangersAndValuesOutOfRangeAreRefused) {
  v1::QueryInversionsRequest stranger;
  stranger.add_pids(4711);
  EXPECT_EQ(Query(stranger).error_code(), grpc::StatusCode::NOT_FOUND);
  v1::QueryInversionsRequest bad;
  bad.set_window_ns(-1);
  bad.set_min_duration_ns(-1);
  bad.set_max_inversions(100'001);
  const grpc::Status refused = Query(bad);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("window_ns"));
  EXPECT_THAT(refused.error_message(), HasSubstr("min_duration_ns"));
  EXPECT_THAT(refused.error_message(), HasSubstr("max_inversions"));
}

class BoostsUnavailableTest : public InversionsRpcTest {
 protected:
  void SetUp() override {
    boosts_unavailable_ = "this kernel has no tracepoint sched_pi_setprio";
    InversionsRpcTest::SetUp();
  }
};

TEST_F(BoostsUnavailableTest, TheReasonIsSaidAndInheritanceTakenFromTheLock) {
  Spike spike = MakeWait(kNowNs - 40'000'000, 5'000'000);
  spike.call.futex_command = 6;
  spikes_.Append(&spike);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.boosts_unavailable(), boosts_unavailable_);
  EXPECT_TRUE(response_.inversions(0).inherited());
}

}  // namespace
}  // namespace hftmon
