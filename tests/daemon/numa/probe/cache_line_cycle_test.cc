#include "daemon/numa/probe/cache_line_cycle.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace hftmon {
namespace {

std::vector<size_t> OrderOf(const std::vector<CacheLine>& lines) {
  std::vector<size_t> order;
  const CacheLine* line = &lines.front();
  for (size_t i = 0; i < lines.size(); ++i) {
    order.push_back(static_cast<size_t>(line - lines.data()));
    line = line->next;
  }
  EXPECT_EQ(line, &lines.front()) << "it leads back after all of them";
  return order;
}

TEST(CacheLineCycleTest, EveryLineIsVisitedOnceAndThenComesTheFirst) {
  for (const size_t count : {1u, 2u, 3u, 64u, 4'097u, 1u << 17}) {
    std::vector<CacheLine> lines(count);
    MakeCycle(lines, 7);
    const std::vector<size_t> order = OrderOf(lines);
    EXPECT_EQ(std::set<size_t>(order.begin(), order.end()).size(), count);
  }
}

TEST(CacheLineCycleTest, NoStepIsLikeTheOneBeforeButByChance) {
  std::vector<CacheLine> lines(4'096);
  MakeCycle(lines, 7);
  const std::vector<size_t> order = OrderOf(lines);
  size_t equal_step_count = 0;
  size_t neighbour_count = 0;
  for (size_t i = 2; i < order.size(); ++i) {
    if (order[i] - order[i - 1] == order[i - 1] - order[i - 2]) ++equal_step_count;
    if (order[i] == order[i - 1] + 1) ++neighbour_count;
  }
  EXPECT_LT(equal_step_count, 16u);
  EXPECT_LT(neighbour_count, 16u);
}

TEST(CacheLineCycleTest, TheSeedDecidesTheCycle) {
  std::vector<CacheLine> one(512);
  std::vector<CacheLine> same(512);
  std::vector<CacheLine> other(512);
  MakeCycle(one, 1);
  MakeCycle(same, 1);
  MakeCycle(other, 2);
  EXPECT_EQ(OrderOf(one), OrderOf(same));
  EXPECT_NE(OrderOf(one), OrderOf(other));
}

TEST(CacheLineCycleTest, FlushingChangesNothingOfTheLines) {
  std::vector<CacheLine> lines(512);
  MakeCycle(lines, 3);
  const std::vector<size_t> before = OrderOf(lines);
  FlushFromCaches(lines);
  EXPECT_EQ(OrderOf(lines), before);
}

}  // namespace
}  // namespace hftmon
