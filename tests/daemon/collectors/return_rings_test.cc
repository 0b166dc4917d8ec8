#include "daemon/collectors/return_rings.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(ReturnRingsTest, TheyShareABoundAndEachHasAPowerOfTwo) {
  EXPECT_EQ(ReturnEntriesOf(1), HFT_RETURN_ENTRIES_MAX);
  for (const uint32_t cpus : {2u, 3u, 64u, 256u}) {
    const uint32_t entries = ReturnEntriesOf(cpus);
    EXPECT_EQ(entries & (entries - 1), 0u) << cpus;
    EXPECT_LE(uint64_t{entries} * cpus * sizeof(hft_timer_return), kReturnRingsBytes) << cpus;
  }
  EXPECT_EQ(ReturnEntriesOf(HFT_CPUS_MAX), kReturnEntriesMin) << "above the bound, rather than none";
}

}  // namespace
}  // namespace hftmon
