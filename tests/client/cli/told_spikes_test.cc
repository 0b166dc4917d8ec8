#include "client/cli/told_spikes.h"

#include <gtest/gtest.h>

#include "tests/client/cli/answers.h"

namespace hftmon {
namespace {

v1::Spike InProgress(uint64_t id) {
  v1::Spike spike = SomeSpike(id);
  spike.set_in_progress(true);
  return spike;
}

TEST(ToldSpikesTest, WhatWasToldInProgressIsNewAtItsEndOnly) {
  ToldSpikes told;
  EXPECT_FALSE(told.Knows(InProgress(2)));
  told.Note(InProgress(2));
  EXPECT_TRUE(told.Knows(InProgress(2)));
  EXPECT_FALSE(told.Knows(SomeSpike(2)));
  told.Note(SomeSpike(2));
  EXPECT_TRUE(told.Knows(SomeSpike(2)));
  told.Note(InProgress(2));
  EXPECT_TRUE(told.Knows(SomeSpike(2))) << "its end was told";
  EXPECT_FALSE(told.Knows(SomeSpike(1))) << "a lower id may come later";
}

TEST(ToldSpikesTest, TheFirstOnesAreForgottenBeyondTheBound) {
  ToldSpikes told;
  v1::Spike spike;
  for (uint64_t id = 1; id <= ToldSpikes::kIdsMax + 2; ++id) {
    spike.set_id(id);
    told.Note(spike);
  }
  EXPECT_TRUE(told.Knows(spike));
  spike.set_id(3);
  EXPECT_TRUE(told.Knows(spike));
  spike.set_id(2);
  EXPECT_FALSE(told.Knows(spike));
}

}  // namespace
}  // namespace hftmon
