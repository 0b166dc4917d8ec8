#include "daemon/store/seq_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace hftmon {

// Keeps the first `used` of some values: whole words, then half of one.
template <typename Keep>
void KeepValues(size_t offset, uint32_t used, Keep keep) {
  for (uint32_t i = 0; i + 1 < used; i += 2) keep(offset + i * sizeof(uint32_t), SeqRingBytes<8>());
  if (used % 2 == 1) keep(offset + (used - 1) * sizeof(uint32_t), SeqRingBytes<4>());
}

struct Tailed {
  uint32_t used = 0;
  uint32_t id = 0;
  std::array<uint32_t, 15> values{};
};

template <>
struct SeqRingParts<Tailed> {
  template <typename Keep>
  static void Each(const Tailed& entry, Keep keep) {
    keep(0, SeqRingBytes<offsetof(Tailed, values)>());
    KeepValues(offsetof(Tailed, values), entry.used, keep);
  }
  static void Complete(Tailed*) {}
};

// Two parts whose lengths have nothing to do with each other.
struct Parted {
  uint32_t front_used = 0;
  uint32_t id = 0;
  std::array<uint32_t, 6> front{};
  uint32_t back_used = 0;
  uint32_t padding = 0;
  std::array<uint32_t, 5> back{};
};

template <>
struct SeqRingParts<Parted> {
  template <typename Keep>
  static void Each(const Parted& entry, Keep keep) {
    keep(0, SeqRingBytes<offsetof(Parted, front)>());
    KeepValues(offsetof(Parted, front), entry.front_used, keep);
    keep(offsetof(Parted, back_used), SeqRingBytes<sizeof(entry.back_used)>());
    KeepValues(offsetof(Parted, back), entry.back_used, keep);
  }
  static void Complete(Parted* read) { read->padding = 0; }
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

TEST(SeqRingTest, EachPartOfAnEntryIsKeptByItsOwnLength) {
  SeqRing<Parted> ring(1);
  uint64_t n = 0;
  for (uint32_t front_used = 0; front_used <= 6; ++front_used) {
    for (uint32_t back_used = 0; back_used <= 5; ++back_used, ++n) {
      SCOPED_TRACE(::testing::Message() << front_used << " and " << back_used << " used");
      const uint32_t value = static_cast<uint32_t>(n) + 1;
      Parted entry{.front_used = front_used, .id = value, .back_used = back_used};
      entry.front.fill(value);
      entry.back.fill(value);
      ring.Append(entry);
      Parted read;
      read.front.fill(9999);
      read.back.fill(9999);
      read.padding = 9999;
      ASSERT_EQ(ring.Read(n, &read), SeqRead::kOk);
      EXPECT_EQ(read.id, value);
      EXPECT_EQ(read.front_used, front_used);
      EXPECT_EQ(read.back_used, back_used);
      EXPECT_EQ(read.padding, 0u) << "left by an earlier reading";
      for (uint32_t i = 0; i < 6; ++i) EXPECT_EQ(read.front[i], i < front_used ? value : 9999u) << i;
      for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(read.back[i], i < back_used ? value : 9999u) << i;
    }
  }
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
