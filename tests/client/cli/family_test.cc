#include "client/cli/family.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

v1::ListTargetsResponse Targets(const std::vector<std::pair<int32_t, int32_t>>& pid_and_parent) {
  v1::ListTargetsResponse response;
  for (const auto& [pid, parent] : pid_and_parent) {
    v1::Target* target = response.add_targets();
    target->set_pid(pid);
    target->set_parent_pid(parent);
  }
  return response;
}

TEST(FamilyTest, GrandchildrenBelongStrangersDoNot) {
  Family family(10);
  family.Learn(Targets({{10, 0}, {11, 10}, {12, 11}, {99, 0}}));
  EXPECT_TRUE(family.Contains(12));
  EXPECT_FALSE(family.Contains(99));
  EXPECT_TRUE(family.Contains(11));
  EXPECT_TRUE(family.Contains(10));
}

TEST(FamilyTest, LinksOfTargetsThatWentStayKnown) {
  Family family(10);
  family.Learn(Targets({{11, 10}}));
  family.Learn(Targets({{12, 11}}));
  EXPECT_TRUE(family.Contains(12));
}

TEST(FamilyTest, CircleOfRecycledPidsEnds) {
  Family family(10);
  family.Learn(Targets({{20, 21}, {21, 20}}));
  EXPECT_FALSE(family.Contains(20));
}

TEST(FamilyTest, RootIsKnownFromTheStart) {
  const Family family(10);
  EXPECT_TRUE(family.Knows(10));
  EXPECT_FALSE(family.Knows(11));
}

}  // namespace
}  // namespace hftmon
