// The way of an order allocates nothing: gateway, queue, engine and book, counted in the thread that runs them.
#include <gtest/gtest.h>

#include "client/examples/order_book/engine.h"
#include "client/examples/order_book/gateway.h"
#include "client/examples/order_book/order_book.h"
#include "tests/fakes/allocation_counter.h"

namespace hftmon::order_book {
namespace {

constexpr uint64_t kMessages = 300'000;

TEST(HotPathTest, NothingIsAllocated) {
  LinearConversion clock;
  clock.multiplier = uint64_t{1} << LinearConversion::kShift;
  OrderQueue queue(32);
  OrderBook book(2 * OrderFlow::kLiveMax);
  Gateway gateway({.seed = 3, .messages_max = kMessages}, &queue);
  Engine engine(&queue, &book, {}, clock);
  gateway.Start(ReadTsc(), ~uint64_t{0}, {});
  engine.Start({});
  const uint64_t before = allocation_count;
  while (gateway.Step()) engine.Step();
  while (engine.Step()) {
  }
  EXPECT_EQ(allocation_count - before, 0u);
  EXPECT_EQ(engine.latencies().count(), kMessages);
  EXPECT_GT(engine.totals().trade_count, 0u);
  // The counter counts: the same thread allocates now.
  delete new int(0);
  EXPECT_GT(allocation_count, before);
}

TEST(HotPathTest, AMessageThatFindsTheQueueFullWaitsForItsTurn) {
  OrderQueue queue(2);
  Gateway gateway({.seed = 3, .messages_max = 4}, &queue);
  gateway.Start(ReadTsc(), ~uint64_t{0}, {});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(gateway.Step());
  EXPECT_EQ(gateway.sent_count(), 2u);
  EXPECT_EQ(gateway.full_count(), 1u);
  OrderMessage message;
  for (uint64_t sequence = 1; sequence <= 4; ++sequence) {
    ASSERT_TRUE(queue.TryPop(&message));
    EXPECT_EQ(message.sequence, sequence);
    gateway.Step();
  }
  EXPECT_FALSE(gateway.Step());
  EXPECT_EQ(gateway.sent_count(), 4u);
}

TEST(HotPathTest, AnOpenLoopCountsFromWhenItMeantToSend) {
  OrderQueue queue(16);
  // Due every 1,000 cycles since long ago: all are late, and each keeps its own time.
  Gateway gateway({.seed = 3, .ticks_per_message = 1'000, .messages_max = 10}, &queue);
  const uint64_t start_tsc = ReadTsc() - 1'000'000'000;
  gateway.Start(start_tsc, ~uint64_t{0}, {});
  while (gateway.Step()) {
  }
  OrderMessage message;
  for (uint64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue.TryPop(&message));
    EXPECT_EQ(message.intended_tsc, start_tsc + 1'000 * i);
  }
  EXPECT_GE(gateway.late_max_ticks(), 900'000'000u);
}

}  // namespace
}  // namespace hftmon::order_book
