#include "daemon/pmu/counter_delta.h"

#include <gmock/gmock.h>

#include <string>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kTop48 = (uint64_t{1} << 48) - 1;

CounterReading At(uint64_t value, uint64_t ns) {
  return {.value = value, .enabled_ns = ns, .running_ns = ns};
}

TEST(CounterDeltaTest, ValueTimesAndLostSamplesAreOfTheTimeBetween) {
  const CounterReading before{.value = 10, .enabled_ns = 100, .running_ns = 40, .lost = 2};
  const CounterReading after{.value = 25, .enabled_ns = 300, .running_ns = 140, .lost = 7};
  const auto delta = CounterDelta(before, after);
  ASSERT_TRUE(delta.ok()) << delta.status();
  EXPECT_EQ(delta->value, 15u);
  EXPECT_EQ(delta->enabled_ns, 200u);
  EXPECT_EQ(delta->running_ns, 100u);
  EXPECT_EQ(delta->lost, 5u);
  EXPECT_EQ(delta->Scaled(), 30u) << "by the share of this time, not of all";
}

TEST(CounterDeltaTest, ARegisterOf48BitsMayTurnOverOnce) {
  const auto over = CounterDelta(At(kTop48 - 4, 10), At(5, 20), 48);
  ASSERT_TRUE(over.ok()) << over.status();
  EXPECT_EQ(over->value, 10u);
  const auto within = CounterDelta(At(5, 10), At(kTop48 / 2 + 5, 20), 48);
  ASSERT_TRUE(within.ok()) << within.status();
  EXPECT_EQ(within->value, kTop48 / 2);
  EXPECT_EQ(CounterDelta(At(0xfffffffe, 1), At(1, 2), 32)->value, 3u) << "and one of 32";
}

TEST(CounterDeltaTest, ValuesThatGoBackwardsAreNoHugeCount) {
  EXPECT_TRUE(absl::IsDataLoss(CounterDelta(At(100, 10), At(99, 20)).status()));
  EXPECT_TRUE(absl::IsDataLoss(CounterDelta(At(100, 10), At(99, 20), 48).status()));
  const absl::Status reset = CounterDelta(At(100, 10), At(0, 20)).status();
  EXPECT_TRUE(absl::IsDataLoss(reset));
  EXPECT_THAT(std::string(reset.message()), HasSubstr("value went from 100 to 0"));
}

TEST(CounterDeltaTest, TimeDoesNotGoBackwards) {
  EXPECT_THAT(std::string(CounterDelta(At(1, 10), {.value = 2, .enabled_ns = 9, .running_ns = 9}).status().message()),
              HasSubstr("time enabled went from 10 to 9"));
  EXPECT_THAT(std::string(CounterDelta(At(1, 10), {.value = 2, .enabled_ns = 12, .running_ns = 9}).status().message()),
              HasSubstr("time running went from 10 to 9"));
  CounterReading before = At(1, 10);
  before.lost = 3;
  CounterReading after = At(2, 20);
  after.lost = 2;
  EXPECT_TRUE(absl::IsDataLoss(CounterDelta(before, after).status()));
}

TEST(CounterDeltaTest, NoTimeIsNoValueAndWhatIsNotToldOnBothSidesIsNotTold) {
  CounterReading before = At(7, 10);
  CounterReading after = At(7, 10);
  after.lost = 4;
  after.sampled = true;
  const auto delta = CounterDelta(before, after);
  ASSERT_TRUE(delta.ok()) << delta.status();
  EXPECT_EQ(delta->Scaled(), std::nullopt);
  EXPECT_EQ(delta->lost, std::nullopt);
  EXPECT_TRUE(delta->sampled);
}

TEST(CounterDeltaTest, AWidthThatNoCounterHasAndAValueBeyondItAreRefused) {
  for (const int width : {-1, 0, 1, 65}) EXPECT_TRUE(absl::IsInvalidArgument(CounterDelta(At(0, 1), At(1, 2), width).status())) << width;
  EXPECT_TRUE(absl::IsInvalidArgument(CounterDelta(At(0, 1), At(kTop48 + 1, 2), 48).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CounterDelta(At(kTop48 + 1, 1), At(3, 2), 48).status()));
  EXPECT_TRUE(CounterDelta(At(0, 1), At(kTop48 + 1, 2)).ok());
}

}  // namespace
}  // namespace hftmon
