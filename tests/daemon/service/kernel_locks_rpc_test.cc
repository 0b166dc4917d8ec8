// The part of QueryLocks that tells of the kernel's own locks, and the spikes that waits for them are.
#include <gmock/gmock.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};

class KernelLocksRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
  }
  grpc::Status Query(const v1::QueryLocksRequest& request = {}) { return stub_->QueryLocks(Context().get(), request, &response_); }

  void AppendWait(int64_t end_ns, int64_t duration_ns, uint64_t address, uint32_t owner_tid, const ThreadKey& thread = kThread) {
    Spike spike = MakeSpike(end_ns, duration_ns, SpikeKind::kKernelLock, thread);
    spike.cause_count = 1;
    spike.causes[0] = {.kind = CauseKind::kKernelLock, .duration_ns = duration_ns};
    spike.unexplained_ns = 0;
    spike.stall.known = true;
    spike.stall.what = HFT_KERNEL_LOCK;
    spike.stall.lock_type = HFT_LOCK_RWSEM;
    spike.stall.lock_flags = HFT_LOCK_FOR_WRITING;
    spike.stall.address = address;
    spike.stall.owner_tid = owner_tid;
    spike.stall.owner_tgid = owner_tid == 0 ? 0 : kPid;
    spikes_.Append(&spike);
  }
  void AddThread(ThreadKernelLockTotal total) {
    ThreadCallTotal calls;
    calls.thread = kThread;
    calls_.threads.push_back(calls);
    total.thread = kThread;
    kernel_locks_.threads.push_back(total);
  }

  v1::QueryLocksResponse response_;
};

TEST_F(KernelLocksRpcTest, SumsAreToldByTypeLargestFirst) {
  ThreadKernelLockTotal total;
  total.types[HFT_LOCK_SPIN] = {.count = 9, .duration_ns = 900, .off_cpu_ns = 0, .longest_ns = 200};
  total.types[HFT_LOCK_MUTEX] = {.count = 2, .duration_ns = 70'000, .off_cpu_ns = 60'000, .longest_ns = 50'000};
  total.unended_count = 4;
  AddThread(total);
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::KernelLocksOfThread& locks = response_.threads(0).kernel_locks();
  EXPECT_TRUE(locks.available());
  EXPECT_EQ(locks.unended_count(), 4u);
  ASSERT_EQ(locks.sums_size(), 2);
  EXPECT_EQ(locks.sums(0).type(), "mutex");
  EXPECT_EQ(locks.sums(0).count(), 2u);
  EXPECT_EQ(locks.sums(0).duration_ns(), 70'000);
  EXPECT_EQ(locks.sums(0).off_cpu_ns(), 60'000);
  EXPECT_EQ(locks.sums(0).longest_ns(), 50'000);
  EXPECT_EQ(locks.sums(1).type(), "spinlock");
}

TEST_F(KernelLocksRpcTest, AThreadWithoutFiguresSaysWhy) {
  ThreadKernelLockTotal total;
  total.unavailable = "its target does not ask: attach it";
  AddThread(total);
  ASSERT_TRUE(Query().ok());
  EXPECT_FALSE(response_.threads(0).kernel_locks().available());
  EXPECT_EQ(response_.threads(0).kernel_locks().reason(), "its target does not ask: attach it");
}

TEST_F(KernelLocksRpcTest, WaitsAreSummedByLockWithTheirHolders) {
  AppendWait(kNowNs - 4'000'000, 100'000, 0xff01, 77);
  AppendWait(kNowNs - 3'000'000, 300'000, 0xff01, 78, kOther);
  AppendWait(kNowNs - 2'000'000, 50'100, 0xff01, 0);
  AppendWait(kNowNs - 1'000'000, 900'000, 0xff02, 0);
  AppendWait(kNowNs - 500'000, 40'000, 0xff03, 0);  // below the floor: told of some targets only
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.kernel_lock_floor_ns(), 50'000);
  ASSERT_EQ(response_.kernel_locks_size(), 2);
  EXPECT_EQ(response_.kernel_locks(0).address(), 0xff02u);
  const v1::ContendedKernelLock& lock = response_.kernel_locks(1);
  EXPECT_EQ(lock.address(), 0xff01u);
  EXPECT_EQ(lock.type(), "rwsem");
  EXPECT_EQ(lock.count(), 3u);
  EXPECT_EQ(lock.duration_ns(), 450'100);
  EXPECT_EQ(lock.longest_ns(), 300'000);
  EXPECT_EQ(lock.longest_spike_id(), 2u);
  EXPECT_THAT(lock.waiter_tids(), ElementsAre(1001, 1002));
  EXPECT_EQ(lock.unknown_holder_count(), 1u);
  ASSERT_EQ(lock.holders_size(), 2);
  EXPECT_EQ(lock.holders(0).holder().tid(), 78);
  EXPECT_EQ(lock.holders(0).count(), 1u);
  EXPECT_EQ(lock.holders(0).duration_ns(), 300'000);
}

TEST_F(KernelLocksRpcTest, LocksCountAsRowsOfTheAnswer) {
  AppendWait(kNowNs - 4'000'000, 100'000, 0xff01, 77);
  AppendWait(kNowNs - 3'000'000, 100'000, 0xff02, 77);
  server_->SetLimits({.answer_rows_max = 1});
  const grpc::Status large = Query();
  EXPECT_EQ(large.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(large).reason(), "ANSWER_LIMIT");
  server_->SetLimits({.answer_rows_max = 2});
  EXPECT_TRUE(Query().ok());
}

TEST_F(KernelLocksRpcTest, ASpikeOfAWaitSaysForWhatAndWhoHeldIt) {
  AppendWait(kNowNs - 4'000'000, 100'000, 0xff01, 77);
  AppendWait(kNowNs - 3'000'000, 100'000, 0xff01, 0);
  v1::DetectSpikesRequest request;
  v1::DetectSpikesResponse response;
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), request, &response).ok());
  ASSERT_EQ(response.spikes_size(), 2);
  const v1::Spike& spike = response.spikes(0);
  EXPECT_EQ(spike.kind(), "kernel_lock");
  EXPECT_EQ(spike.kernel_lock().type(), "rwsem");
  EXPECT_EQ(spike.kernel_lock().access(), "writing");
  EXPECT_EQ(spike.kernel_lock().address(), 0xff01u);
  EXPECT_EQ(spike.kernel_lock().holder().tid(), 77);
  EXPECT_EQ(spike.kernel_lock().holder().pid(), static_cast<int32_t>(kPid));
  EXPECT_FALSE(spike.has_fault());
  EXPECT_EQ(spike.causes(0).kind(), "kernel_lock");
  EXPECT_THAT(spike.causes(0).evidence(), HasSubstr("rwsem at 0xff01 (for writing)"));
  EXPECT_FALSE(response.spikes(1).kernel_lock().has_holder());
}

}  // namespace
}  // namespace hftmon
