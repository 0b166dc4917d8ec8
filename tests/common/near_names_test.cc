#include "common/near_names.h"

#include <gmock/gmock.h>

#include <string>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kKnown[] = {"cache-misses", "cache-references", "branch-misses", "cycles"};

TEST(NearNamesTest, TheNearestStandFirst) {
  EXPECT_THAT(NearNames("cycle", kKnown, 3), ElementsAre("cycles"));
  EXPECT_THAT(NearNames("cache", kKnown, 3), ElementsAre("cache-misses", "cache-references"));
  EXPECT_THAT(NearNames("misses", kKnown, 1), ElementsAre("cache-misses"));
}

TEST(NearNamesTest, WhatIsFarOrNoNameHasNone) {
  EXPECT_THAT(NearNames("temperature", kKnown, 3), IsEmpty());
  EXPECT_THAT(NearNames("", kKnown, 3), IsEmpty());
  EXPECT_THAT(NearNames(std::string(1'000'000, 'c'), kKnown, 3), IsEmpty());
}

}  // namespace
}  // namespace hftmon
