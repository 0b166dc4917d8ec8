#include "daemon/os/kernel_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/timex.h>

#include <cerrno>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

// A kernel that refuses to be changed.
AdjustClock Answering(const timex& answer, int state) {
  return [answer, state](timex* clock) {
    EXPECT_EQ(clock->modes, 0u) << "only ever read";
    *clock = answer;
    return state;
  };
}

timex SomeAnswer() {
  timex answer{};
  answer.maxerror = 1'500;
  answer.esterror = 12;
  answer.freq = -(5 << 16) / 2;
  answer.tick = 10'000;
  answer.tai = 37;
  answer.status = STA_PLL | STA_NANO;
  return answer;
}

TEST(KernelClockTest, UnitsAreNanosecondsAndPartsPerMillion) {
  const KernelClock clock = ReadKernelClock(Answering(SomeAnswer(), TIME_OK));
  EXPECT_TRUE(clock.available);
  EXPECT_EQ(clock.reason, "");
  EXPECT_TRUE(clock.synchronised);
  EXPECT_EQ(clock.max_error_ns, 1'500'000);
  EXPECT_EQ(clock.estimated_error_ns, 12'000);
  EXPECT_DOUBLE_EQ(clock.frequency_ppm, -2.5);
  EXPECT_EQ(clock.tai_offset_ns, 37'000'000'000);
  EXPECT_EQ(clock.leap_second, "");
}

TEST(KernelClockTest, AChangedTickIsPartOfTheFrequency) {
  timex answer = SomeAnswer();
  answer.tick = 10'001;
  EXPECT_DOUBLE_EQ(ReadKernelClock(Answering(answer, TIME_OK)).frequency_ppm, 97.5);
}

TEST(KernelClockTest, UnsynchronisedIsSaidByStatusOrByState) {
  timex answer = SomeAnswer();
  EXPECT_FALSE(ReadKernelClock(Answering(answer, TIME_ERROR)).synchronised);
  answer.status |= STA_UNSYNC;
  EXPECT_FALSE(ReadKernelClock(Answering(answer, TIME_OK)).synchronised);
}

TEST(KernelClockTest, APendingLeapSecondIsSaid) {
  EXPECT_EQ(ReadKernelClock(Answering(SomeAnswer(), TIME_INS)).leap_second, "insert");
  EXPECT_EQ(ReadKernelClock(Answering(SomeAnswer(), TIME_DEL)).leap_second, "delete");
  EXPECT_EQ(ReadKernelClock(Answering(SomeAnswer(), TIME_OOP)).leap_second, "in_progress");
}

TEST(KernelClockTest, ARefusalIsUnavailableWithItsMend) {
  const KernelClock clock = ReadKernelClock(Answering({}, -EPERM));
  EXPECT_FALSE(clock.available);
  EXPECT_THAT(clock.reason, HasSubstr("ProtectClock=no"));
}

TEST(KernelClockTest, ThisHostAnswersOrSaysWhyNot) {
  const KernelClock clock = ReadKernelClock(SystemAdjustClock());
  EXPECT_EQ(clock.available, clock.reason.empty()) << clock.reason;
}

}  // namespace
}  // namespace hftmon
