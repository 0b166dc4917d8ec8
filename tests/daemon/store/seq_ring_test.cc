#include "daemon/store/seq_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace hftmon {

struct Tailed {
  uint32_t used = 0;
  uint32_t id = 0;
  std::array<uint32_t, 15> values{};
};

template <>
struct SeqRingUsedBytes<Tailed> {
  static size_t Of(const Tailed& entry) { return offsetof(Tailed, values) + entry.used * sizeof(uint32_t); }
};

namespace {

TEST(SeqRingTest, CapacityIsRoundedUpToAPowerOfTwo) {
  EXPECT_EQ(SeqRing<uint64_t>(1).capacity(), 1u);
  EXPECT_EQ(SeqRing<uint64_t>(5).capacity(), 8u);
}

TEST(SeqRingTest, AnEntryNotYetAppendedIsNotRead) {
  SeqRing<uint64_t> ring(4);
  uint64_t value = 77;
  EXPECT_EQ(ring.Read(0, &value), SeqRead::kNotYet);
  EXPECT_EQ(value, 77u);
}

TEST(SeqRingTest, TheNewestEntriesAreReadAndOlderOnesAreOverwritten) {
  SeqRing<uint64_t> ring(4);
  for (uint64_t i = 0; i < 10; ++i) ring.Append(i * i);
  EXPECT_EQ(ring.begin(), 6u);
  EXPECT_EQ(ring.end(), 10u);
  for (uint64_t n = 0; n < 10; ++n) {
    uint64_t value = 0;
    if (n < 6) {
      EXPECT_EQ(ring.Read(n, &value), SeqRead::kOverwritten);
    } else {
      ASSERT_EQ(ring.Read(n, &value), SeqRead::kOk);
      EXPECT_EQ(value, n * n);
    }
  }
}

TEST(SeqRingTest, AnEntryWhoseSizeIsNoMultipleOfAWordIsReadWhole) {
  struct Odd {
    std::array<uint8_t, 13> bytes;
  };
  SeqRing<Odd> ring(2);
  Odd odd;
  for (size_t i = 0; i < odd.bytes.size(); ++i) odd.bytes[i] = static_cast<uint8_t>(i + 1);
  ring.Append(odd);
  Odd read{};
  ASSERT_EQ(ring.Read(0, &read), SeqRead::kOk);
  EXPECT_EQ(read.bytes, odd.bytes);
}

TEST(SeqRingTest, TheUnusedTailOfAnEntryIsNeitherKeptNorShown) {
  SeqRing<Tailed> ring(1);
  Tailed full{.used = 15, .id = 1};
  full.values.fill(111);
  ring.Append(full);
  for (uint32_t used = 0; used <= 15; ++used) {
    Tailed entry{.used = used, .id = used + 2};
    entry.values.fill(used);
    ring.Append(entry);
    Tailed read;
    read.values.fill(9999);
    ASSERT_EQ(ring.Read(used + 1, &read), SeqRead::kOk);
    EXPECT_EQ(read.id, used + 2);
    for (uint32_t i = 0; i < 15; ++i) EXPECT_EQ(read.values[i], i < used ? used : 9999u) << used << " used, value " << i;
  }
}

}  // namespace
}  // namespace hftmon
