#include "common/memory_access/line_place.h"

#include <gtest/gtest.h>

#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

TEST(LinePlaceTest, EachProcessHasItsOwnAddressesAndTheKernelItsOne) {
  MemoryAccess first = LoadAt(0x7fff00001000, 1);
  MemoryAccess second = first;
  second.pid = first.pid + 1;
  EXPECT_NE(VirtualPlace(first), VirtualPlace(second));
  first.address = second.address = 0xffff888000001000;
  EXPECT_EQ(VirtualPlace(first), VirtualPlace(second));
}

TEST(LinePlaceTest, WhatWasNotToldHasNoPlace) {
  EXPECT_FALSE(VirtualPlace(LoadAt(0, 1)).has_value());
  MemoryAccess access = LoadAt(0x1000, 1);
  EXPECT_FALSE(PhysicalPlace(access).has_value());
  access.physical_address = 0;  // the first byte of memory is a place
  EXPECT_TRUE(PhysicalPlace(access).has_value());
}

TEST(LinePlaceTest, PhysicalMemoryAndFilesAreTheSameForAllProcesses) {
  MemoryAccess first = LoadAt(0x1000, 1);
  MemoryAccess second = LoadAt(0x2000, 2);
  second.pid = first.pid + 1;
  first.physical_address = second.physical_address = 0x5000;
  EXPECT_EQ(PhysicalPlace(first), PhysicalPlace(second));
  EXPECT_EQ(SharedMappingPlace(8, 1, 77, 0x40), SharedMappingPlace(8, 1, 77, 0x40));
  EXPECT_NE(SharedMappingPlace(8, 1, 77, 0x40), SharedMappingPlace(8, 1, 78, 0x40));
  EXPECT_NE(SharedMappingPlace(8, 1, 77, 0x40), SharedMappingPlace(1, 8, 77, 0x40));
}

}  // namespace
}  // namespace hftmon
