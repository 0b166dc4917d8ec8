#include "daemon/numa/share_interval.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

// Wilson (1927) as in the textbooks: 10 of 20 lies within 0.299 and 0.701, 1 of 10 within 0.018 and 0.404.
TEST(ShareIntervalTest, TheBoundsAreThoseOfTheBooks) {
  EXPECT_NEAR(WilsonInterval(10, 20).low, 0.2993, 0.0001);
  EXPECT_NEAR(WilsonInterval(10, 20).high, 0.7007, 0.0001);
  EXPECT_NEAR(WilsonInterval(1, 10).low, 0.0179, 0.0001);
  EXPECT_NEAR(WilsonInterval(1, 10).high, 0.4042, 0.0001);
}

TEST(ShareIntervalTest, NoneAndAllReachTheEndsAndMoreSamplesAreNarrower) {
  EXPECT_EQ(WilsonInterval(0, 16).low, 0);
  EXPECT_EQ(WilsonInterval(16, 16).high, 1);
  EXPECT_NEAR(WilsonInterval(0, 16).high, 0.1936, 0.0001);
  EXPECT_LT(WilsonInterval(0, 1024).high, 0.004);
  EXPECT_EQ(WilsonInterval(0, 0).low, 0);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1);
  for (uint64_t hits = 0; hits <= 256; ++hits) {
    const ShareInterval interval = WilsonInterval(hits, 256);
    const double share = static_cast<double>(hits) / 256;
    ASSERT_LE(interval.low, share);
    ASSERT_GE(interval.high, share);
    ASSERT_LT(interval.high - interval.low, 0.125);
  }
}

}  // namespace
}  // namespace hftmon
