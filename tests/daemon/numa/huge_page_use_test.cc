#include "daemon/numa/huge_page_use.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/daemon/numa/captured.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;

uint64_t HugeBytesAt(const std::vector<HugePageUse>& uses, uint64_t start) {
  const auto found = std::find_if(uses.begin(), uses.end(), [&](const HugePageUse& use) { return use.start == start; });
  EXPECT_NE(found, uses.end());
  return found == uses.end() ? 0 : found->huge_bytes;
}

TEST(HugePageUseTest, TransparentAndHugetlbPagesAreBothTold) {
  const std::vector<HugePageUse> uses = ParseHugePageUse(Captured("6.18-policies.smaps"));
  EXPECT_EQ(uses.size(), 20u);
  EXPECT_EQ(HugeBytesAt(uses, 0x200028000000), 6u << 20) << "AnonHugePages, of 8 MiB";
  EXPECT_EQ(HugeBytesAt(uses, 0x200080000000), 4u << 20) << "Private_Hugetlb";
  EXPECT_EQ(HugeBytesAt(uses, 0x200090000000), 2u << 20);
  EXPECT_EQ(HugeBytesAt(uses, 0x200000000000), 0u);
  const auto hugetlb = std::find_if(uses.begin(), uses.end(), [](const HugePageUse& use) { return use.start == 0x200080000000; });
  EXPECT_EQ(hugetlb->page_bytes, 2u << 20);
  EXPECT_EQ(hugetlb->end, 0x200080400000u);
}

TEST(HugePageUseTest, EachOfTheFiveKindsCounts) {
  EXPECT_THAT(
      ParseHugePageUse("1000-9000 rw-p 0 0 0\nAnonHugePages: 1 kB\nShmemPmdMapped: 2 kB\nFilePmdMapped: 4 kB\nShared_Hugetlb: 8 kB\n"
                       "Private_Hugetlb: 16 kB\nRss: 99 kB\nKernelPageSize: 4 kB\nVmFlags: rd wr\n"),
      ElementsAre(FieldsAre(0x1000u, 0x9000u, 31u << 10, 4096u)));
}

TEST(HugePageUseTest, EveryPrefixHoldsNoMoreThanTheWhole) {
  const std::string text = Captured("6.18-policies.smaps");
  const std::vector<HugePageUse> whole = ParseHugePageUse(text);
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::vector<HugePageUse> part = ParseHugePageUse(std::string_view(text).substr(0, size));
    ASSERT_LE(part.size(), whole.size());
    for (size_t i = 0; i < part.size(); ++i) ASSERT_LE(part[i].huge_bytes, whole[i].huge_bytes) << size;
  }
}

TEST(HugePageUseTest, WhatNoKernelWritesIsLeftOut) {
  EXPECT_THAT(ParseHugePageUse(""), IsEmpty());
  EXPECT_THAT(ParseHugePageUse("AnonHugePages: 4 kB\n9000-1000 rw-p\n-\n1000- r\nzz-zzz r\n"), IsEmpty());
  EXPECT_THAT(ParseHugePageUse("1000-2000 rw-p\nAnonHugePages: -4 kB\nAnonHugePages: 4\nAnonHugePages: 4 MB\nAnonHugePages:\n:\n"
                               "AnonHugePages: 18446744073709551615 kB\n"),
              ElementsAre(FieldsAre(0x1000u, 0x2000u, 0u, 0u)));
}

}  // namespace
}  // namespace hftmon
