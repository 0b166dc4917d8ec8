#include "client/top/top_queue.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/client/top/top_answers.h"

namespace hftmon {
namespace {

bool Readable(const TopQueue& queue) {
  pollfd fd{queue.fd(), POLLIN, 0};
  return poll(&fd, 1, 0) == 1;
}

TEST(TopQueueTest, IsReadableWhileThereIsSomething) {
  TopQueue queue;
  EXPECT_FALSE(Readable(queue));
  queue.Push(TopConnection{"gone"});
  EXPECT_TRUE(Readable(queue));
  EXPECT_EQ(queue.Take().size(), 1u);
  EXPECT_FALSE(Readable(queue));
  EXPECT_TRUE(queue.Take().empty());
}

TEST(TopQueueTest, KeepsTheNewestSnapshotOfEachKindAndSaysThatOneWasMissed) {
  TopQueue queue;
  queue.Push(TopSnapshot(true, 5));
  queue.Push(TopSnapshot(false, 6));
  queue.Push(TopSnapshot(true, 7));
  const std::vector<TopUpdate> updates = queue.Take();
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_FALSE(std::get<TopMetrics>(updates[0]).per_thread);
  EXPECT_FALSE(std::get<TopMetrics>(updates[0]).missed_before);
  EXPECT_TRUE(std::get<TopMetrics>(updates[1]).per_thread);
  EXPECT_TRUE(std::get<TopMetrics>(updates[1]).missed_before);
}

TEST(TopQueueTest, DropsTheOldestSpikesAndCountsThem) {
  TopQueue queue;
  for (uint64_t id = 1; id <= TopQueue::kSpikesMax + 3; ++id) queue.Push(TopSpike{1, TopSpikeOf(id).spike, TopTime()});
  const std::vector<TopUpdate> updates = queue.Take();
  ASSERT_EQ(updates.size(), TopQueue::kSpikesMax);
  EXPECT_EQ(std::get<TopSpike>(updates.front()).spike.id(), 4u);
  EXPECT_EQ(queue.dropped_count(), 3u);
}

}  // namespace
}  // namespace hftmon
