#include "daemon/numa/pacer.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(PacerTest, WhoIsStoppedGivesUpAtTheNextPause) {
  std::stop_source stop;
  SystemPacer pacer(stop.get_token(), 0);
  EXPECT_TRUE(pacer.Pause());
  EXPECT_TRUE(pacer.Pause());
  stop.request_stop();
  EXPECT_FALSE(pacer.Pause());
  SystemPacer nobody_stops({}, 0);
  EXPECT_TRUE(nobody_stops.Pause());
}

}  // namespace
}  // namespace hftmon
