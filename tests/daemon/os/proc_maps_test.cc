#include "daemon/os/proc_maps.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace hftmon {
namespace {

constexpr char kMaps[] =
    "55d0c0000000-55d0c0010000 r-xp 00002000 fd:00 1234                       /usr/bin/a program with spaces\n"
    "55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]\n"
    "7f0000000000-7f0000200000 rw-p 00000000 00:00 0 \n"
    "7f0000200000-7f0000400000 rw-s 00100000 00:01 77                         /dev/shm/ring (deleted)\n"
    "no mapping\n"
    "7f0000500000-7f0000400000 rw-p 00000000 00:00 0 \n";

TEST(ProcMapsTest, TheMappingThatHoldsTheAddressIsFound) {
  const ProcMaps maps = ProcMaps::Parse(kMaps);
  const ProcMapping* program = maps.Find(0x55d0c0000000);
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(program->name, "/usr/bin/a program with spaces");
  EXPECT_EQ(program->file_offset, 0x2000u);
  EXPECT_FALSE(program->shared);
  EXPECT_EQ(maps.Find(0x55d0c1020fff)->name, "[heap]");
  EXPECT_EQ(maps.Find(0x7f00001fffff)->name, "");
  ASSERT_NE(maps.Find(0x7f0000200000), nullptr);
  EXPECT_TRUE(maps.Find(0x7f0000200000)->shared);
  EXPECT_EQ(maps.Find(0x7f0000200000)->name, "/dev/shm/ring (deleted)");
}

TEST(ProcMapsTest, BetweenMappingsAndInBrokenLinesThereIsNone) {
  const ProcMaps maps = ProcMaps::Parse(kMaps);
  EXPECT_EQ(maps.Find(0), nullptr);
  EXPECT_EQ(maps.Find(0x55d0c0010000), nullptr) << "one past the last byte";
  EXPECT_EQ(maps.Find(0x7f0000450000), nullptr);
  EXPECT_EQ(ProcMaps::Parse("").Find(1), nullptr);
  EXPECT_EQ(ProcMaps::Parse("-\n- - - - -\nffffffffffffffffff-1 rw-p 0 0 0\n10-20 rw 0 0 0").Find(0x10), nullptr);
}

TEST(ProcMapsTest, WhatTheProcessMayNotAccessIsThereAndSaysSo) {
  const ProcMaps maps = ProcMaps::Parse(
      "7f0000200000-7f0000400000 rw-p 00000000 00:00 0 \n7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n");
  ASSERT_EQ(maps.mappings().size(), 3u);
  EXPECT_EQ(maps.mappings()[0].start, 0x7f0000000000u) << "in the order of addresses";
  EXPECT_FALSE(maps.mappings()[0].accessible);
  EXPECT_TRUE(maps.mappings()[1].accessible);
  EXPECT_TRUE(maps.mappings()[2].accessible);
}

TEST(ProcMapsTest, ThisProcessesOwnStackIsItsStack) {
  const absl::StatusOr<ProcMaps> maps = ProcMaps::Read(FileRoot(), getpid());
  ASSERT_TRUE(maps.ok()) << maps.status();
  const int here = 0;
  ASSERT_NE(maps->Find(reinterpret_cast<uintptr_t>(&here)), nullptr);
  EXPECT_FALSE(ProcMaps::Read(FileRoot(), -1).ok());
}

}  // namespace
}  // namespace hftmon
