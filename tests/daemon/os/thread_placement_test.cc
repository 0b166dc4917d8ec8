#include "daemon/os/thread_placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cerrno>
#include <string>
#include <thread>

namespace hftmon {
namespace {

using ::testing::_;
using ::testing::DoAll;
using ::testing::HasSubstr;
using ::testing::Return;
using ::testing::SetArgPointee;
using ::testing::StrictMock;

class FakeCalls : public SchedulingCalls {
 public:
  MOCK_METHOD(int, GetAffinity, (std::vector<int>*), (override));
  MOCK_METHOD(int, SetAffinity, (const std::vector<int>&), (override));
  MOCK_METHOD(int, GetNice, (int*), (override));
  MOCK_METHOD(int, SetNice, (int), (override));
  MOCK_METHOD(int, GetPolicy, (int*, int*), (override));
  MOCK_METHOD(int, SetPolicy, (int, int), (override));
};

using Calls = StrictMock<FakeCalls>;

TEST(ThreadPlacement, PinningIsCheckedAgainstWhatWasGranted) {
  Calls calls;
  EXPECT_CALL(calls, SetAffinity(std::vector<int>{3})).WillRepeatedly(Return(0));
  EXPECT_CALL(calls, GetAffinity(_))
      .WillOnce(DoAll(SetArgPointee<0>(std::vector<int>{3}), Return(0)))
      .WillOnce(DoAll(SetArgPointee<0>(std::vector<int>{0, 1}), Return(0)));
  EXPECT_TRUE(PinCurrentThread(3, calls).ok());
  EXPECT_THAT(std::string(PinCurrentThread(3, calls).message()), HasSubstr("may run on 0-1"));
}

TEST(ThreadPlacement, ACpuThatIsNotAllowedIsNamedWithTheMend) {
  Calls calls;
  EXPECT_CALL(calls, SetAffinity(_)).WillOnce(Return(EINVAL));
  const absl::Status pinned = PinCurrentThread(9, calls);
  EXPECT_EQ(pinned.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(pinned.message()), HasSubstr("CPUs '9'"));
  EXPECT_THAT(std::string(pinned.message()), HasSubstr("AllowedCPUs"));
}

TEST(ThreadPlacement, ANiceValueThatIsRefusedNamesTheCapability) {
  Calls calls;
  EXPECT_CALL(calls, SetPolicy(SCHED_OTHER, 0)).WillOnce(Return(0));
  EXPECT_CALL(calls, SetNice(-20)).WillOnce(Return(EACCES));
  EXPECT_THAT(std::string(UseSchedOther(-20, calls).message()), HasSubstr("CAP_SYS_NICE, or LimitNICE=-20"));
}

TEST(ThreadPlacement, FifoThatIsRefusedNamesTheCapability) {
  Calls calls;
  EXPECT_CALL(calls, SetPolicy(SCHED_FIFO, 10)).WillOnce(Return(EPERM));
  const absl::Status fifo = UseSchedFifo(10, calls);
  EXPECT_EQ(fifo.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(fifo.message()), HasSubstr("LimitRTPRIO=10"));
}

TEST(ThreadPlacement, ValuesThatDoNotExistAreRefusedBeforeAnyCall) {
  Calls calls;  // strict: no call is expected
  EXPECT_EQ(UseSchedOther(-21, calls).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(UseSchedOther(20, calls).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(UseSchedFifo(0, calls).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(UseSchedFifo(100, calls).code(), absl::StatusCode::kInvalidArgument);
}

TEST(ThreadPlacement, SchedulingIsDescribed) {
  Calls calls;
  EXPECT_CALL(calls, GetPolicy(_, _))
      .WillOnce(DoAll(SetArgPointee<0>(SCHED_OTHER), SetArgPointee<1>(0), Return(0)))
      .WillOnce(DoAll(SetArgPointee<0>(SCHED_FIFO), SetArgPointee<1>(10), Return(0)));
  EXPECT_CALL(calls, GetNice(_)).WillOnce(DoAll(SetArgPointee<0>(-20), Return(0)));
  EXPECT_EQ(DescribeScheduling(calls), "SCHED_OTHER nice -20");
  EXPECT_EQ(DescribeScheduling(calls), "SCHED_FIFO priority 10");
}

// On a thread of its own: what it sets ends with it, and needs no privilege.
TEST(ThreadPlacement, TheRealCallsPinAndSlowDownTheCallingThreadOnly) {
  SystemSchedulingCalls calls;
  const auto before = CurrentAffinity(calls);
  ASSERT_TRUE(before.ok());
  std::thread other([&before] {
    SystemSchedulingCalls own;
    const int cpu = before->back();
    EXPECT_TRUE(PinCurrentThread(cpu, own).ok());
    EXPECT_EQ(*CurrentAffinity(own), std::vector<int>{cpu});
    EXPECT_EQ(::sched_getcpu(), cpu);
    EXPECT_TRUE(UseSchedOther(19, own).ok());
    EXPECT_EQ(DescribeScheduling(own), "SCHED_OTHER nice 19");
    EXPECT_FALSE(PinCurrentThread(8191, own).ok());
    EXPECT_FALSE(PinCurrentThread(-1, own).ok());
  });
  other.join();
  EXPECT_EQ(*CurrentAffinity(calls), *before);
  EXPECT_NE(DescribeScheduling(calls), "SCHED_OTHER nice 19");
}

}  // namespace
}  // namespace hftmon
