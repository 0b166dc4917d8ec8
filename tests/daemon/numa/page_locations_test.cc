#include "daemon/numa/page_locations.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace hftmon {
namespace {

TEST(PageLocationsTest, WhatTheKernelIsNeverToBeAskedIsRefused) {
  SystemPageLocations locations;
  const std::vector<uint64_t> addresses(kLocatedPagesMax + 1);
  std::vector<int> nodes(kLocatedPagesMax + 1, 77);
  EXPECT_EQ(locations.Locate(getpid(), addresses, nodes), -E2BIG);
  EXPECT_EQ(locations.Locate(getpid(), std::span(addresses).first(2), std::span(nodes).first(1)), -E2BIG);
  EXPECT_EQ(locations.Locate(0, std::span(addresses).first(1), std::span(nodes).first(1)), -E2BIG) << "the kernel takes 0 for the caller";
  EXPECT_EQ(locations.Locate(-1, std::span(addresses).first(1), std::span(nodes).first(1)), -E2BIG);
  for (const int node : nodes) EXPECT_EQ(node, 77);
}

TEST(PageLocationsTest, OwnPagesAreThereOnceTouched) {
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = ::mmap(nullptr, 3 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ::madvise(memory, 3 * page_bytes, MADV_NOHUGEPAGE);
  auto* bytes = static_cast<volatile char*>(memory);
  bytes[0] = 1;
  static_cast<void>(bytes[page_bytes]);  // read only: the zero page
  const auto start = reinterpret_cast<uintptr_t>(memory);
  const std::array<uint64_t, 4> addresses = {start, start + page_bytes, start + 2 * page_bytes, page_bytes};
  std::array<int, 4> nodes = {-77, 77, 77, 77};
  SystemPageLocations locations;
  const int error = locations.Locate(getpid(), addresses, nodes);
  ::munmap(memory, 3 * page_bytes);
  if (error == -ENOSYS || error == -EPERM) GTEST_SKIP() << "move_pages is not to be had here: errno " << -error;
  ASSERT_EQ(error, 0);
  EXPECT_GE(nodes[0], 0);
  EXPECT_LT(nodes[1], 0) << "the zero page";
  EXPECT_LT(nodes[2], 0) << "never touched";
  EXPECT_LT(nodes[3], 0) << "not mapped";
}

}  // namespace
}  // namespace hftmon
