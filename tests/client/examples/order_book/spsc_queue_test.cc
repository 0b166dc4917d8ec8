#include "client/examples/order_book/spsc_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace hftmon::order_book {
namespace {

TEST(OrderBookQueueTest, AFullQueueTakesNothingAndLosesNothing) {
  SpscQueue<int> queue(3);
  ASSERT_EQ(queue.capacity(), 4u);
  int out = 0;
  EXPECT_FALSE(queue.TryPop(&out));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.TryPush(i));
    EXPECT_FALSE(queue.TryPush(99));
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(queue.TryPop(&out));
      EXPECT_EQ(out, i);
    }
    EXPECT_FALSE(queue.TryPop(&out));
  }
}

TEST(OrderBookQueueTest, WhatOneThreadPushesAnotherPopsWholeAndInOrder) {
  struct Pair {
    uint64_t number;
    uint64_t twice;
  };
  constexpr uint64_t kValues = 300'000;
  SpscQueue<Pair> queue(8);
  std::thread producer([&queue] {
    for (uint64_t i = 1; i <= kValues; ++i) {
      while (!queue.TryPush({i, 2 * i})) std::this_thread::yield();
    }
  });
  uint64_t wrong = 0;
  for (uint64_t i = 1; i <= kValues; ++i) {
    Pair pair{};
    while (!queue.TryPop(&pair)) std::this_thread::yield();
    wrong += pair.number != i || pair.twice != 2 * i;
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace hftmon::order_book
