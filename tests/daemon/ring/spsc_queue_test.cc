#include "daemon/ring/spsc_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace hftmon {
namespace {

struct Value {
  uint64_t number;
  uint64_t inverse;
};

TEST(SpscQueueTest, ValuesComeInTheirOrder) {
  SpscQueue<int> queue(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.TryPush(i));
  int value = -1;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(queue.TryPop(&value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(queue.TryPop(&value));
}

TEST(SpscQueueTest, WhatDoesNotFitIsDroppedAndCounted) {
  SpscQueue<int> queue(3);  // rounded up to 4
  EXPECT_EQ(queue.capacity(), 4u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(queue.TryPush(i), i < 4);
  EXPECT_EQ(queue.dropped_count(), 6u);
  int value = -1;
  ASSERT_TRUE(queue.TryPop(&value));
  EXPECT_EQ(value, 0);
  EXPECT_TRUE(queue.TryPush(10));
  for (const int expected : {1, 2, 3, 10}) {
    ASSERT_TRUE(queue.TryPop(&value));
    EXPECT_EQ(value, expected);
  }
}

TEST(SpscQueueTest, TwoThreadsLoseAndTearNothing) {
  constexpr uint64_t kValues = 200'000;
  SpscQueue<Value> queue(64);
  uint64_t refused = 0;
  std::thread producer([&] {
    for (uint64_t i = 0; i < kValues;) {
      if (queue.TryPush({i, ~i})) {
        ++i;
      } else {
        ++refused;
        std::this_thread::yield();
      }
    }
  });
  Value value{};
  for (uint64_t i = 0; i < kValues;) {
    if (!queue.TryPop(&value)) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(value.number, i);
    ASSERT_EQ(value.inverse, ~i);
    ++i;
  }
  producer.join();
  EXPECT_EQ(queue.dropped_count(), refused);
  EXPECT_FALSE(queue.TryPop(&value));
}

}  // namespace
}  // namespace hftmon
