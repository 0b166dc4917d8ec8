#include "daemon/collectors/drop_reasons.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace hftmon {
namespace {

TEST(DropReasonsTest, AReasonIsCalledAsTheKernelDoesWithoutItsPrefix) {
  const DropReasons reasons({{6, "SKB_DROP_REASON_SOCKET_RCVBUFF"}, {9, "OTHERWISE"}});
  EXPECT_EQ(reasons.NameOf(6), "SOCKET_RCVBUFF");
  EXPECT_EQ(reasons.NameOf(9), "OTHERWISE");
}

TEST(DropReasonsTest, WhatHasNoNameIsANumber) {
  const DropReasons reasons;
  EXPECT_EQ(reasons.NameOf(77), "reason 77");
  EXPECT_EQ(reasons.NameOf(2u << 16 | 5), "subsystem 2 reason 5");
  EXPECT_EQ(reasons.NameOf(0), "not told (Linux before 5.17)");
}

TEST(DropReasonsTest, AFileThatIsNoneGivesNoNames) {
  EXPECT_EQ(DropReasons::Read("/no/such/file").NameOf(6), "reason 6");
}

TEST(DropReasonsTest, ThisKernelsTypesNameThem) {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) GTEST_SKIP() << "this kernel shows no types";
  const DropReasons reasons = DropReasons::Read("/sys/kernel/btf/vmlinux");
  int named = 0;
  for (uint32_t reason = 1; reason < 64; ++reason) named += reasons.NameOf(reason) == "SOCKET_RCVBUFF" ? 1 : 0;
  if (named == 0) GTEST_SKIP() << "a kernel before 5.17";
  EXPECT_EQ(named, 1);
}

}  // namespace
}  // namespace hftmon
