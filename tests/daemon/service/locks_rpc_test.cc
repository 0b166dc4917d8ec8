#include <gmock/gmock.h>

#include <limits>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int32_t kFutex = 202;
constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};

class LocksRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
  }
  grpc::Status Query(const v1::QueryLocksRequest& request) { return stub_->QueryLocks(Context().get(), request, &response_); }

  // A wait for the lock at `address`, held by `owner_tid` (0: not known), that ended then.
  void AppendWait(int64_t end_ns, int64_t blocked_ns, uint64_t address, uint32_t owner_tid, hft_owner_state state,
                  const ThreadKey& thread = kThread) {
    Spike spike = MakeSpike(end_ns, blocked_ns + 1'000, SpikeKind::kBlocked, thread);
    spike.out_syscall = kFutex;
    spike.cause_count = 2;
    spike.causes[0] = {.kind = CauseKind::kBlocked, .syscall = kFutex, .duration_ns = blocked_ns};
    spike.causes[1] = {.kind = CauseKind::kWaking, .duration_ns = 1'000};
    spike.unexplained_ns = 0;
    spike.call.state = HFT_CALL_KNOWN;
    spike.call.futex_command = 0;
    spike.call.futex_word_known = true;
    spike.call.arguments[0] = address;
    spike.call.owner_tid = owner_tid;
    spike.call.owner_source = owner_tid != 0 ? HFT_OWNER_GLIBC : HFT_OWNER_UNKNOWN;
    spike.call.owner_state = state;
    spikes_.Append(&spike);
  }

  v1::QueryLocksResponse response_;
};

TEST_F(LocksRpcTest, CallsAreToldByThreadLargestFirstWithTheRestAsOne) {
  ThreadCallTotal total;
  total.thread = kThread;
  total.calls.push_back({.syscall = 0, .count = 3, .blocked_ns = 9'000, .wait_ns = 100, .longest_ns = 5'000});
  total.calls.push_back({.syscall = kFutex, .count = 7, .blocked_ns = 70'000, .wait_ns = 200, .longest_ns = 20'000});
  total.others = CallTotal{.count = 2, .blocked_ns = 50, .wait_ns = 5, .longest_ns = 40};
  calls_.threads.push_back(total);
  const grpc::Status status = Query({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::ThreadCalls& thread = response_.threads(0);
  EXPECT_EQ(thread.thread().tid(), 1001);
  EXPECT_TRUE(thread.available());
  ASSERT_EQ(thread.calls_size(), 2);
  EXPECT_EQ(thread.calls(0).name(), "futex");
  EXPECT_EQ(thread.calls(0).number(), kFutex);
  EXPECT_EQ(thread.calls(0).count(), 7u);
  EXPECT_EQ(thread.calls(0).blocked_ns(), 70'000);
  EXPECT_EQ(thread.calls(0).wait_ns(), 200);
  EXPECT_EQ(thread.calls(0).longest_ns(), 20'000);
  EXPECT_EQ(thread.calls(1).name(), "read");
  ASSERT_TRUE(thread.has_others());
  EXPECT_EQ(thread.others().name(), "");
  EXPECT_EQ(thread.others().count(), 2u);
}

TEST_F(LocksRpcTest, AThreadWithoutFiguresSaysWhy) {
  ThreadCallTotal total;
  total.thread = kThread;
  total.unavailable = "its target does not ask: attach it";
  calls_.threads.push_back(total);
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_FALSE(response_.threads(0).available());
  EXPECT_EQ(response_.threads(0).reason(), "its target does not ask: attach it");
  EXPECT_EQ(response_.threads(0).calls_size(), 0);
}

TEST_F(LocksRpcTest, WaitsAreSummedByLockAndOwner) {
  AppendWait(kNowNs - 50'000'000, 3'000, 0x1000, 41, HFT_OWNER_RUNNING);
  AppendWait(kNowNs - 40'000'000, 9'000, 0x1000, 41, HFT_OWNER_RUNNABLE, kOther);
  AppendWait(kNowNs - 30'000'000, 4'000, 0x1000, 42, HFT_OWNER_BLOCKED);
  AppendWait(kNowNs - 20'000'000, 2'000, 0x1000, 0, HFT_OWNER_STATE_UNKNOWN);
  AppendWait(kNowNs - 10'000'000, 90'000, 0x2000, 41, HFT_OWNER_RUNNING);
  AppendWait(kNowNs - 6'000'000, 900'000, 0x3000, 0, HFT_OWNER_STATE_UNKNOWN);
  AppendSpike(kNowNs - 5'000'000, 70'000, SpikeKind::kBlocked);  // in no futex
  const grpc::Status status = Query({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.locks_size(), 3);
  EXPECT_EQ(response_.locks(2).address(), 0x3000u) << "without an owner it may be no lock: last, however long";
  EXPECT_EQ(response_.locks(0).address(), 0x2000u);
  EXPECT_EQ(response_.locks(0).blocked_ns(), 90'000);
  const v1::ContendedLock& lock = response_.locks(1);
  EXPECT_EQ(lock.pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(lock.address(), 0x1000u);
  EXPECT_EQ(lock.count(), 4u);
  EXPECT_EQ(lock.blocked_ns(), 18'000);
  EXPECT_EQ(lock.longest_ns(), 9'000);
  EXPECT_EQ(lock.longest_spike_id(), 2u);
  EXPECT_THAT(lock.waiter_tids(), ElementsAre(1001, 1002));
  EXPECT_EQ(lock.unknown_owner_count(), 1u);
  ASSERT_EQ(lock.owners_size(), 2);
  EXPECT_EQ(lock.owners(0).owner().tid(), 41);
  EXPECT_EQ(lock.owners(0).owner().source(), "glibc_mutex");
  EXPECT_EQ(lock.owners(0).owner().state(), "runnable") << "as in the longest wait";
  EXPECT_EQ(lock.owners(0).count(), 2u);
  EXPECT_EQ(lock.owners(0).blocked_ns(), 12'000);
  EXPECT_EQ(lock.owners(0).running_count(), 1u);
  EXPECT_EQ(lock.owners(0).runnable_count(), 1u);
  EXPECT_EQ(lock.owners(1).owner().state(), "blocked");
  EXPECT_FALSE(response_.incomplete());
}

TEST_F(LocksRpcTest, OnlyWaitsOfTheWindowCountAndOverwrittenOnesMakeItIncomplete) {
  AppendWait(kNowNs - 3 * kSecondNs, 3'000, 0x1000, 41, HFT_OWNER_RUNNING);
  AppendWait(kNowNs - 40'000'000, 9'000, 0x1000, 41, HFT_OWNER_RUNNING);
  v1::QueryLocksRequest request;
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.locks_size(), 1);
  EXPECT_EQ(response_.locks(0).count(), 1u);
  EXPECT_FALSE(response_.incomplete());
  for (uint64_t i = 0; i < kSpikeRingCapacity; ++i) AppendWait(kNowNs - 30'000'000, 9'000, 0x1000, 41, HFT_OWNER_RUNNING);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_TRUE(response_.incomplete());
}

TEST_F(LocksRpcTest, TheFloorIsThatOfTheWindowOrSaidToBeOfAPart) {
  ASSERT_TRUE(Query({}).ok());
  EXPECT_FALSE(response_.has_blocked_floor_ns()) << "nobody asks";
  EXPECT_FALSE(response_.incomplete());
  targets_.SetFloors(50'000, 20'000);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.blocked_floor_ns(), 20'000);
  EXPECT_FALSE(response_.floor_of_part());
  targets_.SetPastFloors(kNowNs - kSecondNs / 2, 50'000, std::numeric_limits<int64_t>::max());
  v1::QueryLocksRequest request;
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.blocked_floor_ns(), 20'000);
  EXPECT_TRUE(response_.floor_of_part());
  EXPECT_TRUE(response_.incomplete());
}

TEST_F(LocksRpcTest, AWaitWhoseWordCouldNotBeReadIsCountedWhereItsTargetAsks) {
  Spike spike = MakeSpike(kNowNs - 5'000'000, 70'000, SpikeKind::kBlocked);
  spike.out_syscall = kFutex;
  spikes_.Append(&spike);
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.unlocated_wait_count(), 0u);
  targets_.Add(kPid, {.probe_groups = {"sched", "locks"}});
  ASSERT_TRUE(Query({}).ok());
  EXPECT_EQ(response_.unlocated_wait_count(), 1u);
}

TEST_F(LocksRpcTest, TheSpikeItselfTellsItsCall) {
  AppendWait(kNowNs - 50'000'000, 300'000, 0x1000, 41, HFT_OWNER_RUNNING);
  v1::DetectSpikesRequest request;
  request.set_blocked_threshold_ns(1'000);
  v1::DetectSpikesResponse answer;
  const grpc::Status status = stub_->DetectSpikes(Context().get(), request, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(answer.spikes_size(), 1);
  const v1::BlockedCall& call = answer.spikes(0).call();
  EXPECT_EQ(call.name(), "futex");
  EXPECT_TRUE(call.arguments_known());
  EXPECT_FALSE(call.has_file_descriptor());
  EXPECT_EQ(call.futex().address(), 0x1000u);
  EXPECT_EQ(call.futex().command(), "wait");
  EXPECT_EQ(call.futex().owner().tid(), 41);
  EXPECT_EQ(call.futex().owner().state(), "running");
}

TEST_F(LocksRpcTest, StrangersAndBadWindowsAreRefused) {
  v1::QueryLocksRequest stranger;
  stranger.add_tids(4711);
  const grpc::Status not_found = Query(stranger);
  EXPECT_EQ(not_found.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(not_found).reason(), "NOT_A_THREAD");
  EXPECT_THAT(not_found.error_message(), HasSubstr("hftmon locks"));
  v1::QueryLocksRequest bad;
  bad.set_window_ns(-1);
  EXPECT_EQ(Query(bad).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

constexpr int32_t kRead = 0;
constexpr int32_t kPoll = 7;

class BlockedFilesTest : public LocksRpcTest {
 protected:
  void AppendRead(int64_t end_ns, int64_t blocked_ns, uint64_t descriptor, const ThreadKey& thread = kThread, int32_t syscall = kRead) {
    Spike spike = MakeSpike(end_ns, blocked_ns + 1'000, SpikeKind::kBlocked, thread);
    spike.out_syscall = syscall;
    spike.cause_count = 2;
    spike.causes[0] = {.kind = CauseKind::kBlocked, .syscall = syscall, .duration_ns = blocked_ns};
    spike.causes[1] = {.kind = CauseKind::kWaking, .duration_ns = 1'000};
    spike.unexplained_ns = 0;
    spike.call.state = HFT_CALL_KNOWN;
    spike.call.futex_command = HFT_NO_FUTEX;
    spike.call.arguments[0] = descriptor;
    spikes_.Append(&spike);
  }
};

TEST_F(BlockedFilesTest, WaitsAreSummedByFileAndNamedAsTheDescriptorsAreNow) {
  files_[{1001, 7}] = "/run/orders";
  files_[{1002, 8}] = "socket:[4711]";
  AppendRead(kNowNs - 50'000'000, 3'000, 7);
  AppendRead(kNowNs - 40'000'000, 9'000, 7, kOther);
  AppendRead(kNowNs - 30'000'000, 4'000, 7);
  AppendRead(kNowNs - 20'000'000, 70'000, 8, kOther);
  AppendRead(kNowNs - 10'000'000, 5'000, 9);
  AppendRead(kNowNs - 9'000'000, 900'000, 7, kThread, kPoll);  // which has no descriptor
  const grpc::Status status = Query({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.files_size(), 3);
  EXPECT_EQ(response_.files(0).file(), "socket:[4711]");
  const v1::BlockedFile& orders = response_.files(1);
  EXPECT_EQ(orders.pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(orders.call(), "read");
  EXPECT_EQ(orders.file_descriptor(), 7);
  EXPECT_EQ(orders.file(), "") << "of the thread that waited longest, which has it not open";
  EXPECT_EQ(orders.count(), 3u);
  EXPECT_EQ(orders.blocked_ns(), 16'000);
  EXPECT_EQ(orders.longest_ns(), 9'000);
  EXPECT_EQ(orders.longest_spike_id(), 2u);
  EXPECT_THAT(orders.tids(), ElementsAre(1001, 1002));
  EXPECT_EQ(response_.files(2).file(), "") << "it is not open";
}

TEST_F(BlockedFilesTest, TheLongestWaitOfACallIsNamedWithItsFile) {
  files_[{1001, 7}] = "/run/orders";
  ThreadCallTotal total;
  total.thread = kThread;
  total.calls.push_back({.syscall = kRead, .count = 3, .blocked_ns = 9'000, .wait_ns = 100, .longest_ns = 5'000, .longest_descriptor = 7});
  total.calls.push_back({.syscall = kPoll, .count = 3, .blocked_ns = 8'000, .wait_ns = 100, .longest_ns = 5'000, .longest_descriptor = 7});
  total.calls.push_back({.syscall = 1, .count = 3, .blocked_ns = 7'000, .wait_ns = 100, .longest_ns = 5'000, .longest_descriptor = -1});
  calls_.threads.push_back(total);
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::ThreadCalls& thread = response_.threads(0);
  EXPECT_EQ(thread.calls(0).longest_file_descriptor(), 7);
  EXPECT_EQ(thread.calls(0).longest_file(), "/run/orders");
  EXPECT_FALSE(thread.calls(1).has_longest_file_descriptor()) << "poll's first argument is none";
  EXPECT_FALSE(thread.calls(2).has_longest_file_descriptor()) << "its registers were not known";
}

TEST_F(BlockedFilesTest, ASpikeNamesItsFileAndAThreadThatHadTheNumberBeforeIsNotLookedInto) {
  files_[{1001, 7}] = "/run/orders";
  AppendRead(kNowNs - 50'000'000, 3'000'000, 7);
  ThreadKey older = kThread;
  older.start_ns = 101;
  v1::DetectSpikesRequest request;
  request.set_blocked_threshold_ns(1'000);
  v1::DetectSpikesResponse response;
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), request, &response).ok());
  ASSERT_EQ(response.spikes_size(), 1);
  EXPECT_EQ(response.spikes(0).call().file_descriptor(), 7);
  EXPECT_EQ(response.spikes(0).call().file(), "/run/orders");
  TargetSelection selection;
  ASSERT_TRUE(selection.Select(targets_, google::protobuf::RepeatedField<int32_t>()).ok());
  int read_count = 0;
  const FileLookup::Reader read = [&read_count](uint32_t, uint32_t, int32_t) -> absl::StatusOr<std::string> {
    ++read_count;
    return "/run/orders";
  };
  FileLookup lookup(&read, &selection);
  EXPECT_EQ(lookup.Find(kThread, 7), "/run/orders");
  EXPECT_EQ(lookup.Find(kThread, 7), "/run/orders");
  EXPECT_EQ(read_count, 1) << "each once";
  older.start_ns = 99;  // the target's own start is 100
  EXPECT_EQ(lookup.Find(older, 7), "");
  EXPECT_EQ(lookup.Find(kThread, -1), "");
  older = kThread;
  older.tgid = 4;  // no target
  EXPECT_EQ(lookup.Find(older, 7), "");
}

}  // namespace
}  // namespace hftmon
