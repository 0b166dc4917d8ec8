#include "daemon/demand_cost.h"

#include <gtest/gtest.h>

#include <vector>

namespace hftmon {
namespace {

class DemandCostTest : public testing::Test {
 protected:
  QuietGate gate_;
  std::vector<bool> switched_;
  DemandCost cost_{&gate_, [this](bool on) {
                     switched_.push_back(on);
                     return absl::OkStatus();
                   }};
};

TEST_F(DemandCostTest, ItIsMeasuredOnceAndForOneTurn) {
  cost_.Turn(0);
  EXPECT_TRUE(switched_.empty());
  cost_.Turn(1);
  EXPECT_EQ(switched_, std::vector<bool>{true});
  cost_.Turn(1);
  cost_.Turn(1);
  EXPECT_EQ(switched_, (std::vector<bool>{true, false}));
}

TEST_F(DemandCostTest, QuietModeEndsAMeasurementAtOnceAndItIsMadeAgainAfterwards) {
  cost_.Turn(1);
  gate_.Close(true);
  cost_.EndForQuiet();
  EXPECT_EQ(switched_, (std::vector<bool>{true, false}));
  cost_.Turn(1);
  EXPECT_EQ(switched_.size(), 2u) << "nothing is switched in quiet mode";
  gate_.Close(false);
  cost_.Turn(1);
  cost_.Turn(1);
  EXPECT_EQ(switched_, (std::vector<bool>{true, false, true, false}));
}

TEST_F(DemandCostTest, AGroupThatIsAttachedLaterIsMeasuredToo) {
  cost_.Turn(1);
  cost_.Turn(3);
  EXPECT_EQ(switched_, (std::vector<bool>{true, false})) << "it came while the first one was measured";
  cost_.Turn(3);
  cost_.Turn(3);
  cost_.Turn(2);
  EXPECT_EQ(switched_, (std::vector<bool>{true, false, true, false}));
}

TEST_F(DemandCostTest, WithoutAMeasurementQuietModeSwitchesNothing) {
  cost_.EndForQuiet();
  EXPECT_TRUE(switched_.empty());
}

TEST(DemandCostRefusalTest, WhatTheKernelRefusesIsNotTriedAgain) {
  QuietGate gate;
  int tries = 0;
  DemandCost cost(&gate, [&](bool) {
    ++tries;
    return absl::PermissionDeniedError("no");
  });
  cost.Turn(1);
  cost.Turn(1);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace hftmon
