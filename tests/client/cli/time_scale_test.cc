#include "client/cli/time_scale.h"

#include <gtest/gtest.h>

#include "tests/client/cli/answers.h"

namespace hftmon {
namespace {

void AddEpoch(uint32_t number, int64_t begin_ns, int64_t realtime_ns, v1::DetectSpikesResponse* response) {
  v1::ClockEpoch* epoch = response->add_epochs();
  epoch->set_number(number);
  epoch->set_begin_monotonic_ns(begin_ns);
  epoch->mutable_time()->set_monotonic_ns(begin_ns);
  epoch->mutable_time()->set_realtime_ns(realtime_ns);
  epoch->mutable_time()->set_epoch(number);
}

TEST(PairInForceTest, ASpikeBeforeAStepKeepsTheWallTimeOfThen) {
  v1::DetectSpikesResponse response;
  AddEpoch(4, 1'000, 1'001'000, &response);
  AddEpoch(5, 2'000, 9'002'000, &response);
  EXPECT_EQ(RealtimeNs(1'500, PairInForce(response, 1'500)), 1'001'500);
  EXPECT_EQ(RealtimeNs(2'500, PairInForce(response, 2'500)), 9'002'500);
  EXPECT_EQ(PairInForce(response, 1'999).epoch(), 4u);
  EXPECT_EQ(PairInForce(response, 2'000).epoch(), 5u);
  EXPECT_EQ(PairInForce(response, 10).epoch(), 4u) << "before all that is kept: the oldest";
}

TEST(PairInForceTest, AnAnswerWithoutEpochsHasItsOwnPair) {
  v1::DetectSpikesResponse response;
  *response.mutable_time() = SomeTime();
  EXPECT_EQ(PairInForce(response, 5).realtime_ns(), SomeTime().realtime_ns());
}

TEST(FormatTimeTest, WithoutWallTimeOnlyTheMonotonicOneIsShown) {
  for (const TimeScale scale : {TimeScale::kLocal, TimeScale::kUtc, TimeScale::kTai}) {
    EXPECT_EQ(FormatTime(1'500'000'000, {}, absl::UTCTimeZone(), scale), "1500000000 ns");
  }
  EXPECT_EQ(FormatTime(1'500'000'000, {}, absl::UTCTimeZone(), TimeScale::kMono), "1.500000000");
}

}  // namespace
}  // namespace hftmon
