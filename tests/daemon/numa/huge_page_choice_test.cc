#include "daemon/numa/huge_page_choice.h"

#include <gmock/gmock.h>

#include <random>
#include <string>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr char kBuddyinfo[] =
    "Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 \n"
    "Node 0, zone    DMA32      1      1      4      2      5      4      3      3      4      2    752 \n"
    "Node 0, zone   Normal  23479   5146   4475   2433    847    337    205    216    135     61    128 \n"
    "Node 1, zone   Normal    100    100    100    100    100    100    100    100    100      3      0 \n"
    "Node 10, zone  Normal      0      0      0      0      0      0      0      0      0      9      0 \n";
constexpr char kMadvise[] = "always defer defer+madvise [madvise] never\n";

TEST(HugePageChoiceTest, FreeBlocksAreThoseOf2MibAndMoreOfAllZonesOfTheNode) {
  EXPECT_EQ(FreeHugeBlocks(kBuddyinfo, 0), 1 + 2 + 61 + 2 * (3 + 752 + 128));
  EXPECT_EQ(FreeHugeBlocks(kBuddyinfo, 1), 3);
  EXPECT_EQ(FreeHugeBlocks(kBuddyinfo, 10), 9);
  EXPECT_EQ(FreeHugeBlocks(kBuddyinfo, 2), std::nullopt);
  EXPECT_EQ(FreeHugeBlocks("", 0), std::nullopt);
}

TEST(HugePageChoiceTest, AKernelWithLargerBlocksIsCountedAndOneWithoutSuchIsNot) {
  EXPECT_EQ(FreeHugeBlocks("Node 0, zone Normal 0 0 0 0 0 0 0 0 0 1 1 1\n", 0), 1 + 2 + 4);
  EXPECT_EQ(FreeHugeBlocks("Node 0, zone Normal 9 9 9 9\n", 0), std::nullopt);
  EXPECT_EQ(FreeHugeBlocks("Node 0, zone Normal 0 0 0 0 0 0 0 0 0 -1 0\n", 0), std::nullopt);
  EXPECT_EQ(FreeHugeBlocks("Node 0, zone Normal 0 0 0 0 0 0 0 0 0 99999999999999999999 0\n", 0), std::nullopt);
}

TEST(HugePageChoiceTest, DamagedTextNeverGivesMoreThanABound) {
  std::mt19937 random(1);
  for (int round = 0; round < 5'000; ++round) {
    std::string text = kBuddyinfo;
    for (int i = 0; i < 8; ++i) text[random() % text.size()] = static_cast<char>(random());
    EXPECT_LE(FreeHugeBlocks(text, 0).value_or(0), uint64_t{1} << 50);
  }
}

TEST(HugePageChoiceTest, WhereTheKernelCompactsForWhoAsksTwiceTheBlocksHaveToBeFree) {
  constexpr uint64_t kThreeBlocks = 3 * kHugePageBytes;
  for (const char* compacts : {kMadvise, "[always] defer defer+madvise madvise never\n", "always defer [defer+madvise] madvise never\n"}) {
    EXPECT_EQ(ChooseHugePages(compacts, kBuddyinfo, 0, kThreeBlocks), SmallPages::kNone);
    EXPECT_EQ(ChooseHugePages(compacts, kBuddyinfo, 1, kHugePageBytes), SmallPages::kNone);
    EXPECT_EQ(ChooseHugePages(compacts, kBuddyinfo, 1, 2 * kHugePageBytes), SmallPages::kWouldCompact) << "3 are free, and 4 are wanted";
    EXPECT_EQ(ChooseHugePages(compacts, kBuddyinfo, 1, kHugePageBytes + 1), SmallPages::kWouldCompact);
    EXPECT_EQ(ChooseHugePages(compacts, kBuddyinfo, 2, kThreeBlocks), SmallPages::kNotTold);
    EXPECT_EQ(ChooseHugePages(compacts, "", 0, kThreeBlocks), SmallPages::kNotTold);
  }
}

TEST(HugePageChoiceTest, WhereItCompactsForNobodyTheyAreAskedFor) {
  for (const char* idle : {"always [defer] defer+madvise madvise never\n", "always defer defer+madvise madvise [never]\n"}) {
    EXPECT_EQ(ChooseHugePages(idle, "", 1, uint64_t{1} << 40), SmallPages::kNone);
  }
  EXPECT_EQ(ChooseHugePages("", kBuddyinfo, 0, kHugePageBytes), SmallPages::kNotTold) << "a kernel without them";
  EXPECT_EQ(ChooseHugePages("]always[", kBuddyinfo, 0, kHugePageBytes), SmallPages::kNotTold);
}

TEST(HugePageChoiceTest, EachReasonHasItsWords) {
  EXPECT_EQ(SmallPagesReason(SmallPages::kNone, 0), "");
  EXPECT_THAT(SmallPagesReason(SmallPages::kWouldCompact, 3), HasSubstr("node 3 has too few free blocks of 2 MiB"));
  for (uint8_t why = 1; why <= kSmallPagesLast; ++why) EXPECT_NE(SmallPagesReason(static_cast<SmallPages>(why), 0), "") << int{why};
}

}  // namespace
}  // namespace hftmon
