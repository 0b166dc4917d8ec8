#include "daemon/os/syscall_names.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace hftmon {
namespace {

TEST(SyscallNames, NumbersOfThisMachineHaveTheirNames) {
  EXPECT_EQ(SyscallName(SYS_futex), "futex");
  EXPECT_EQ(SyscallName(SYS_clock_nanosleep), "clock_nanosleep");
  EXPECT_EQ(SyscallNumber("futex"), SYS_futex);
}

TEST(SyscallNames, NoCallHasNoName) {
  EXPECT_EQ(SyscallName(-1), "");
}

TEST(SyscallNames, AnUnknownNumberIsStillTold) {
  EXPECT_EQ(SyscallName(100'000), "syscall_100000");
  EXPECT_EQ(SyscallNumber("no_such_call"), -1);
}

}  // namespace
}  // namespace hftmon
