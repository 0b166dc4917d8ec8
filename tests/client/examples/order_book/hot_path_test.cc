// The way of an order allocates nothing and makes no system call: gateway, queue, engine, book and marks, counted in the thread that runs
// them.
#include <gtest/gtest.h>

#include "client/examples/order_book/engine.h"
#include "client/examples/order_book/gateway.h"
#include "client/examples/order_book/order_book.h"
#include "tests/fakes/allocation_counter.h"
#include "tests/fakes/marker_directory.h"
#include "tests/fakes/system_call_ban.h"

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
  const MarkerDirectory directory;
  Marks marks({.level = MarkLevel::kAll, .directory = directory.path(), .ticks_per_second = 1e9});
  MarkThread* const thread = marks.OpenEngine();
  ASSERT_TRUE(marks.on()) << marks.reason();
  gateway.Start(ReadTsc(), ~uint64_t{0}, thread);
  engine.Start(thread);
  const uint64_t before = allocation_count;
  while (gateway.Step()) {
    engine.TurnAt(gateway.step_tsc());
    engine.Step();
  }
  while (engine.Step()) {
  }
  EXPECT_EQ(allocation_count - before, 0u);
  // Marks in the ring's first round, and in later ones.
  EXPECT_GT(marks.record_count(), 3 * kMessages);
  EXPECT_EQ(engine.latencies().count(), kMessages);
  EXPECT_GT(engine.totals().trade_count, 0u);
  // The counter counts: the same thread allocates now.
  delete new int(0);
  EXPECT_GT(allocation_count, before);
}

TEST(HotPathTest, NoSystemCallIsMade) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer makes system calls of its own";
#endif
  const MarkerDirectory directory;
  const int ended = WithoutSystemCalls([&] {
    LinearConversion clock;
    clock.multiplier = uint64_t{1} << LinearConversion::kShift;
    OrderQueue queue(32);
    OrderBook book(2 * OrderFlow::kLiveMax);
    Gateway gateway({.seed = 3, .messages_max = kMessages}, &queue);
    Engine engine(&queue, &book, {}, clock);
    Marks marks({.level = MarkLevel::kAll, .directory = directory.path(), .ticks_per_second = 1e9});
    MarkThread* const thread = marks.OpenEngine();
    if (!marks.on()) return 1;
    if (!ForbidSystemCalls()) return 77;
    gateway.Start(ReadTsc(), ~uint64_t{0}, thread);
    engine.Start(thread);
    while (gateway.Step()) {
      engine.TurnAt(gateway.step_tsc());
      engine.Step();
    }
    for (int i = 0; i < 1'000; ++i) engine.Step();
    _exit(marks.record_count() > 3 * kMessages && engine.latencies().count() == kMessages ? 42 : 2);
  });
  if (ended == 77) GTEST_SKIP() << "this kernel filters no system calls";
  EXPECT_EQ(ended, 42);
}

TEST(HotPathTest, AMessageThatFindsTheQueueFullWaitsForItsTurn) {
  OrderQueue queue(2);
  Gateway gateway({.seed = 3, .messages_max = 4}, &queue);
  MarkThread unmarked;
  gateway.Start(ReadTsc(), ~uint64_t{0}, &unmarked);
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
  MarkThread unmarked;
  gateway.Start(start_tsc, ~uint64_t{0}, &unmarked);
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
