#include "daemon/service/evidence/watched_visits.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

using ::testing::IsEmpty;

ThreadPiece Piece(int64_t begin_ns, int64_t end_ns, uint32_t in_count) {
  return {.thread = {}, .begin_mono_ns = begin_ns, .end_mono_ns = end_ns, .in_count = in_count};
}

TEST(WatchedVisitsTest, WithoutMovesAllSwitchesAreOnTheCpuItWasSeenOn) {
  const auto visits = VisitsByCpu({Piece(0, 10, 3), Piece(10, 20, 4)}, {}, 2, 0);
  ASSERT_EQ(visits.size(), 1u);
  EXPECT_EQ(visits.at(2).count, 7);
  EXPECT_EQ(visits.at(2).cpu, 2);
  EXPECT_FALSE(visits.at(2).at_least);
}

TEST(WatchedVisitsTest, WhatBeganBeforeTheWindowIsNotOfIt) {
  EXPECT_THAT(VisitsByCpu({Piece(0, 10, 3)}, {}, 2, 5), IsEmpty());
  EXPECT_THAT(VisitsByCpu({Piece(0, 10, 3)}, {{.mono_ns = 7, .from_cpu = 0, .to_cpu = 2}}, 2, 5), IsEmpty());
}

TEST(WatchedVisitsTest, AMoveTellsWhereItWasBeforeAndAfter) {
  const auto visits =
      VisitsByCpu({Piece(0, 10, 3), Piece(10, 20, 9), Piece(20, 30, 5)}, {{.mono_ns = 15, .from_cpu = 1, .to_cpu = 2}}, 0, 0);
  ASSERT_EQ(visits.size(), 2u);
  EXPECT_EQ(visits.at(1).count, 3);
  EXPECT_FALSE(visits.at(1).at_least);
  EXPECT_EQ(visits.at(2).count, 6) << "the move itself, and all after it";
  EXPECT_TRUE(visits.at(2).at_least);
}

TEST(WatchedVisitsTest, MovesBetweenPiecesCount) {
  const auto visits = VisitsByCpu({Piece(0, 10, 3), Piece(50, 60, 4)}, {{.mono_ns = 30, .from_cpu = 1, .to_cpu = 2}}, 0, 0);
  EXPECT_EQ(visits.at(1).count, 3);
  EXPECT_EQ(visits.at(2).count, 4);
}

TEST(WatchedVisitsTest, WhereItWasIsNotKnownNothingIsTold) {
  EXPECT_THAT(VisitsByCpu({Piece(0, 10, 3)}, {}, -1, 0), IsEmpty());
}

TEST(WatchedVisitsTest, WhoIsBoundToTheRulesCpusIsNoVisitor) {
  TargetInfo target;
  EXPECT_FALSE(IsVisitor(target, {0, 1})) << "attached by its number";
  target.spike_cpus = {1, 2};
  EXPECT_TRUE(IsVisitor(target, {0, 1}));
  EXPECT_TRUE(IsVisitor(target, {})) << "not known";
  EXPECT_FALSE(IsVisitor(target, {1}));
  target.kernel_thread = true;
  EXPECT_TRUE(IsVisitor(target, {1}));
}

}  // namespace
}  // namespace hftmon
