#include "common/cpu_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <numeric>
#include <string>
#include <vector>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CpuList, RangesAndSingleCpusAreRead) {
  EXPECT_THAT(*ParseCpuList("2-5,8"), ElementsAre(2, 3, 4, 5, 8));
  EXPECT_THAT(*ParseCpuList("0"), ElementsAre(0));
  EXPECT_THAT(*ParseCpuList("7-7"), ElementsAre(7));
}

TEST(CpuList, TheKernelsTrailingNewlineAndSpacesAreIgnored) {
  EXPECT_THAT(*ParseCpuList("0-1\n"), ElementsAre(0, 1));
  EXPECT_THAT(*ParseCpuList(" 1 , 3 - 4 "), ElementsAre(1, 3, 4));
}

TEST(CpuList, AnEmptyListIsEmpty) {
  EXPECT_THAT(*ParseCpuList(""), IsEmpty());
  EXPECT_THAT(*ParseCpuList("\n"), IsEmpty());
}

TEST(CpuList, OrderAndRepetitionDoNotMatter) {
  EXPECT_THAT(*ParseCpuList("8,2-4,3,8"), ElementsAre(2, 3, 4, 8));
}

TEST(CpuList, BadItemsAreNamedTogetherWithAGoodList) {
  for (const char* bad : {"a", "1-", "-1", "5-2", "1,,2", "1,", ",", "1-2-3", "0x1", "1.5", "8192", "99999999999", "+1", "0-6:2/8"}) {
    const auto cpus = ParseCpuList(bad);
    ASSERT_FALSE(cpus.ok()) << bad;
    EXPECT_EQ(cpus.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(cpus.status().message()), HasSubstr("2-5,8")) << bad;
  }
  EXPECT_THAT(std::string(ParseCpuList("1,x7").status().message()), HasSubstr("'x7'"));
}

TEST(CpuList, AListThatRepeatsTheWholeRangeStaysBounded) {
  std::string text = "0-8191";
  for (int i = 0; i < 200; ++i) text += ",0-8191";
  const auto cpus = ParseCpuList(text);
  ASSERT_TRUE(cpus.ok());
  EXPECT_EQ(cpus->size(), 8192u);
  EXPECT_LE(cpus->capacity(), 65536u);
}

// Of this thread: how long others have the CPU does not matter.
double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

TEST(CpuList, AListOfManyRepeatedRangesGivesEachCpuOnceAndSoon) {
  std::string text;
  for (int i = 0; i < 150'000; ++i) text += "0-8191,";
  const double began = CpuSeconds();
  const auto cpus = ParseCpuList(text + "5");
  const double seconds = CpuSeconds() - began;
  ASSERT_TRUE(cpus.ok());
  std::vector<int> all(kCpuNumberLimit);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(*cpus, all);
  EXPECT_LT(seconds, 10) << "1 MiB of it took minutes where each repetition was sorted, and takes milliseconds where it is marked";
}

TEST(CpuList, AMaskBeginsWithItsHighestWord) {
  EXPECT_THAT(*ParseCpuMask("00000000,0000ffff,ff000000\n"),
              ElementsAre(24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47));
  EXPECT_THAT(*ParseCpuMask("3"), ElementsAre(0, 1));
  EXPECT_THAT(*ParseCpuMask("00000001,80000000"), ElementsAre(31, 32));
  EXPECT_TRUE(ParseCpuMask("0,00000000")->empty());
  EXPECT_TRUE(ParseCpuMask(" \n")->empty());
}

TEST(CpuList, WhatIsNoMaskNamesItsBadWord) {
  for (const char* text : {"g", "0x3", "-1", "1ffffffff", "1,,1", ",1", "1,", "1 2"}) {
    const auto cpus = ParseCpuMask(text);
    EXPECT_EQ(cpus.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_THAT(std::string(ParseCpuMask("12,zz,1").status().message()), HasSubstr("'zz'"));
  std::string words = "1";
  for (int word = 0; word < kCpuNumberLimit / 32; ++word) words += ",00000000";
  EXPECT_FALSE(ParseCpuMask(words).ok()) << "CPU 8192 is beyond every kernel";
}

TEST(CpuList, FormattingIsTheShortestFormAndReadsBack) {
  const std::vector<int> cpus = {8, 2, 3, 4, 5, 4};
  EXPECT_EQ(FormatCpuList(cpus), "2-5,8");
  EXPECT_THAT(*ParseCpuList(FormatCpuList(cpus)), ElementsAre(2, 3, 4, 5, 8));
  EXPECT_EQ(FormatCpuList({}), "");
  EXPECT_EQ(FormatCpuList(std::vector<int>{0, 2}), "0,2");
}

}  // namespace
}  // namespace hftmon
