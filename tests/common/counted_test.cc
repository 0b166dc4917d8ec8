#include "common/counted.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(CountedTest, OneIsSingularAndAllElsePlural) {
  EXPECT_EQ(Counted(0, "target"), "0 targets");
  EXPECT_EQ(Counted(1, "target"), "1 target");
  EXPECT_EQ(Counted(2, "target"), "2 targets");
}

TEST(CountedTest, AnIrregularPluralIsGiven) {
  EXPECT_EQ(Counted(1, "rule is", "rules are"), "1 rule is");
  EXPECT_EQ(Counted(2, "process", "processes"), "2 processes");
}

}  // namespace
}  // namespace hftmon
