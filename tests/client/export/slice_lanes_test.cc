// Spans on lanes: those of one lane never overlap, and no lane is opened without need.
#include "client/export/slice_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SliceLanesTest, SpansThatTouchShareALane) {
  EXPECT_THAT(LanesOf({{0, 10}, {10, 20}, {20, 20}, {21, 30}}), ElementsAre(0, 0, 0, 0));
}

TEST(SliceLanesTest, SpansThatOverlapDoNot) {
  EXPECT_THAT(LanesOf({{0, 100}, {10, 20}, {15, 40}, {20, 30}, {100, 120}}), ElementsAre(0, 1, 2, 1, 0));
}

TEST(SliceLanesTest, TwoOfNoLengthAtOneTimeDoNotStandInEachOther) {
  EXPECT_THAT(LanesOf({{5, 5}, {5, 5}}), ElementsAre(0, 1));
  EXPECT_THAT(LanesOf({}), IsEmpty());
}

}  // namespace
}  // namespace hftmon
