#include "daemon/waker_cost.h"

#include <gtest/gtest.h>

#include <vector>

namespace hftmon {
namespace {

class WakerCostTest : public testing::Test {
 protected:
  QuietGate gate_;
  std::vector<bool> switched_;
  WakerCost cost_{&gate_, [this](bool on) {
                    switched_.push_back(on);
                    return absl::OkStatus();
                  }};
};

TEST_F(WakerCostTest, ItIsMeasuredOnceAndForOneTurn) {
  cost_.Turn(false);
  EXPECT_TRUE(switched_.empty());
  cost_.Turn(true);
  EXPECT_EQ(switched_, std::vector<bool>{true});
  cost_.Turn(true);
  cost_.Turn(true);
  EXPECT_EQ(switched_, (std::vector<bool>{true, false}));
}

TEST_F(WakerCostTest, QuietModeEndsAMeasurementAtOnceAndItIsMadeAgainAfterwards) {
  cost_.Turn(true);
  gate_.Close(true);
  cost_.EndForQuiet();
  EXPECT_EQ(switched_, (std::vector<bool>{true, false}));
  cost_.Turn(true);
  EXPECT_EQ(switched_.size(), 2u) << "nothing is switched in quiet mode";
  gate_.Close(false);
  cost_.Turn(true);
  cost_.Turn(true);
  EXPECT_EQ(switched_, (std::vector<bool>{true, false, true, false}));
}

TEST_F(WakerCostTest, WithoutAMeasurementQuietModeSwitchesNothing) {
  cost_.EndForQuiet();
  EXPECT_TRUE(switched_.empty());
}

TEST(WakerCostRefusalTest, WhatTheKernelRefusesIsNotTriedAgain) {
  QuietGate gate;
  int tries = 0;
  WakerCost cost(&gate, [&](bool) {
    ++tries;
    return absl::PermissionDeniedError("no");
  });
  cost.Turn(true);
  cost.Turn(true);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace hftmon
