#include "client/examples/order_book/order_book.h"

#include <gtest/gtest.h>

#include "client/examples/order_book/order_flow.h"
#include "tests/client/examples/order_book/reference_book.h"

namespace hftmon::order_book {
namespace {

OrderMessage Limit(OrderId id, Side side, Price price, Quantity quantity) {
  return {.sequence = id, .order_id = id, .quantity = quantity, .price = price, .kind = MessageKind::kLimit, .side = side};
}
OrderMessage Market(OrderId id, Side side, Quantity quantity) {
  return {.sequence = id, .order_id = id, .quantity = quantity, .kind = MessageKind::kMarket, .side = side};
}
OrderMessage Cancel(OrderId id) {
  return {.order_id = id, .kind = MessageKind::kCancel};
}
OrderMessage Modify(OrderId id, Price price, Quantity quantity) {
  return {.order_id = id, .quantity = quantity, .price = price, .kind = MessageKind::kModify};
}

std::vector<OrderId> RestingIds(const OrderBook& book) {
  std::vector<OrderId> ids;
  book.VisitAll([&ids](const Order& order) { ids.push_back(order.id); });
  return ids;
}

void ExpectSameOrders(const OrderBook& book, const ReferenceBook& reference) {
  std::vector<std::tuple<int, int32_t, OrderId, Quantity>> is, should;
  book.VisitAll([&is](const Order& order) { is.emplace_back(static_cast<int>(order.side), order.price, order.id, order.quantity); });
  for (auto level = reference.half(Side::kBid).rbegin(); level != reference.half(Side::kBid).rend(); ++level) {
    for (const auto& waiting : level->second) should.emplace_back(0, level->first, waiting.id, waiting.quantity);
  }
  for (const auto& [price, queue] : reference.half(Side::kAsk)) {
    for (const auto& waiting : queue) should.emplace_back(1, price, waiting.id, waiting.quantity);
  }
  EXPECT_EQ(is, should);
}

void ExpectSameTop(const TopOfBook& top, const ReferenceBook& reference) {
  const auto& bids = reference.half(Side::kBid);
  const auto& asks = reference.half(Side::kAsk);
  ASSERT_EQ(top.bid_price, bids.empty() ? -1 : bids.rbegin()->first);
  ASSERT_EQ(top.ask_price, asks.empty() ? kPriceTicks : asks.begin()->first);
  if (!bids.empty()) {
    ASSERT_EQ(top.bid_order_count, bids.rbegin()->second.size());
  }
  if (!asks.empty()) {
    ASSERT_EQ(top.ask_order_count, asks.begin()->second.size());
  }
}

TEST(OrderBookTest, AMillionSeededMessagesTradeAsInTheReference) {
  constexpr int kMessages = 1'000'000;
  OrderBook book(2 * OrderFlow::kLiveMax);
  ReferenceBook reference;
  OrderFlow flow(20'261'127);
  uint64_t trades = 0;
  OrderMessage message;
  for (int i = 0; i < kMessages; ++i) {
    flow.Next(&message);
    const Outcome outcome = book.Apply(message);
    const std::vector<Fill> should = reference.Apply(message);
    ASSERT_EQ(outcome.fill_count, should.size()) << "message " << i;
    for (size_t fill = 0; fill < should.size(); ++fill) {
      ASSERT_EQ(book.fills()[fill].resting_id, should[fill].resting_id) << "message " << i;
      ASSERT_EQ(book.fills()[fill].quantity, should[fill].quantity) << "message " << i;
      ASSERT_EQ(book.fills()[fill].price, should[fill].price) << "message " << i;
    }
    trades += should.size();
    ASSERT_EQ(book.resting_count(), reference.size()) << "message " << i;
    ASSERT_NO_FATAL_FAILURE(ExpectSameTop(book.top(), reference)) << "message " << i;
    if (i % 50'000 != 0 && i != kMessages - 1) continue;
    ASSERT_TRUE(book.Check().ok()) << book.Check() << " after message " << i;
    ExpectSameOrders(book, reference);
  }
  EXPECT_GT(trades, 10'000u);
  EXPECT_EQ(book.top().trade_count, trades);
}

// A narrow market in a small book: the pool runs out, levels empty all the time, modified orders cross.
TEST(OrderBookTest, AFullBookRefusesAndStaysSound) {
  OrderBook book(64);
  OrderFlow flow(7);
  uint64_t refused = 0;
  OrderMessage message;
  for (int i = 0; i < 100'000; ++i) {
    flow.Next(&message);
    refused += book.Apply(message).result == Result::kNoRoom;
    ASSERT_LE(book.resting_count(), 64u);
    if (i % 100 == 0) {
      ASSERT_TRUE(book.Check().ok()) << book.Check();
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST(OrderBookTest, TheBestPriceTradesFirstThenWhoWaitedLongest) {
  OrderBook book(16);
  book.Apply(Limit(1, Side::kAsk, 102, 5));
  book.Apply(Limit(2, Side::kAsk, 101, 5));
  book.Apply(Limit(3, Side::kAsk, 101, 5));
  const Outcome outcome = book.Apply(Limit(4, Side::kBid, 102, 12));
  EXPECT_EQ(outcome.result, Result::kFilled);
  ASSERT_EQ(book.fills().size(), 3u);
  EXPECT_EQ(book.fills()[0].resting_id, 2u);
  EXPECT_EQ(book.fills()[0].price, 101);
  EXPECT_EQ(book.fills()[1].resting_id, 3u);
  EXPECT_EQ(book.fills()[2].resting_id, 1u);
  EXPECT_EQ(book.fills()[2].quantity, 2u);
  EXPECT_EQ(book.fills()[2].price, 102);
  EXPECT_EQ(book.top().ask_quantity, 3u);
  EXPECT_EQ(book.top().bid_price, -1);
}

TEST(OrderBookTest, TheRestOfALimitOrderWaitsAtItsPrice) {
  OrderBook book(16);
  book.Apply(Limit(1, Side::kAsk, 100, 5));
  const Outcome outcome = book.Apply(Limit(2, Side::kBid, 100, 8));
  EXPECT_EQ(outcome.result, Result::kResting);
  EXPECT_EQ(outcome.traded, 5u);
  EXPECT_EQ(outcome.added, 3u);
  EXPECT_EQ(book.top().bid_price, 100);
  EXPECT_EQ(book.top().ask_price, kPriceTicks);
}

TEST(OrderBookTest, TheRestOfAMarketOrderIsDropped) {
  OrderBook book(16);
  book.Apply(Limit(1, Side::kBid, 0, 5));
  const Outcome outcome = book.Apply(Market(2, Side::kAsk, 8));
  EXPECT_EQ(outcome.result, Result::kDropped);
  EXPECT_EQ(outcome.traded, 5u);
  EXPECT_EQ(book.resting_count(), 0u);
  EXPECT_EQ(book.Apply(Market(3, Side::kBid, 8)).traded, 0u);
}

TEST(OrderBookTest, FewerAtTheSamePriceKeepTheirPlaceMoreLoseIt) {
  OrderBook book(16);
  for (OrderId id = 1; id <= 3; ++id) book.Apply(Limit(id, Side::kBid, 100, 10));
  EXPECT_EQ(book.Apply(Modify(1, 100, 4)).removed, 6u);
  EXPECT_EQ(RestingIds(book), (std::vector<OrderId>{1, 2, 3}));
  EXPECT_EQ(book.top().bid_quantity, 24u);
  EXPECT_EQ(book.Apply(Modify(1, 100, 11)).added, 11u);
  EXPECT_EQ(RestingIds(book), (std::vector<OrderId>{2, 3, 1}));
}

TEST(OrderBookTest, AModificationThatCrossesTrades) {
  OrderBook book(2);
  book.Apply(Limit(1, Side::kBid, 100, 10));
  book.Apply(Limit(2, Side::kAsk, 105, 10));
  const Outcome outcome = book.Apply(Modify(1, 105, 4));
  EXPECT_EQ(outcome.result, Result::kFilled);
  EXPECT_EQ(outcome.removed, 10u);
  EXPECT_EQ(book.fills()[0].resting_id, 2u);
  EXPECT_TRUE(book.Check().ok()) << book.Check();
}

TEST(OrderBookTest, WhatIsNotThereIsUnknown) {
  OrderBook book(16);
  book.Apply(Limit(1, Side::kBid, 100, 10));
  EXPECT_EQ(book.Apply(Cancel(2)).result, Result::kUnknownOrder);
  EXPECT_EQ(book.Apply(Cancel(1)).removed, 10u);
  EXPECT_EQ(book.Apply(Cancel(1)).result, Result::kUnknownOrder);
  EXPECT_EQ(book.Apply(Modify(1, 100, 1)).result, Result::kUnknownOrder);
}

TEST(OrderBookTest, WhatMakesNoSenseIsRefusedAndChangesNothing) {
  OrderBook book(16);
  book.Apply(Limit(1, Side::kBid, 100, 10));
  EXPECT_EQ(book.Apply(Limit(1, Side::kBid, 101, 10)).result, Result::kRefused) << "the id rests already";
  EXPECT_EQ(book.Apply(Limit(2, Side::kBid, 101, 0)).result, Result::kRefused);
  EXPECT_EQ(book.Apply(Limit(2, Side::kBid, kPriceTicks, 1)).result, Result::kRefused);
  EXPECT_EQ(book.Apply(Limit(2, Side::kBid, 101, kQuantityMax + 1)).result, Result::kRefused);
  EXPECT_EQ(book.Apply(Market(2, Side::kAsk, 0)).result, Result::kRefused);
  EXPECT_EQ(book.Apply(Modify(1, 100, 0)).result, Result::kRefused);
  EXPECT_EQ(book.resting_count(), 1u);
  EXPECT_EQ(book.top().bid_quantity, 10u);
  EXPECT_TRUE(book.Check().ok()) << book.Check();
}

TEST(OrderBookTest, TheFirstAndTheLastPriceAreUsable) {
  OrderBook book(16);
  book.Apply(Limit(1, Side::kBid, 0, 1));
  book.Apply(Limit(2, Side::kAsk, kPriceTicks - 1, 1));
  EXPECT_EQ(book.top().bid_price, 0);
  EXPECT_EQ(book.top().ask_price, kPriceTicks - 1);
  EXPECT_TRUE(book.Check().ok()) << book.Check();
  EXPECT_EQ(book.Apply(Market(3, Side::kBid, 1)).traded, 1u);
  EXPECT_EQ(book.Apply(Market(4, Side::kAsk, 1)).traded, 1u);
  EXPECT_TRUE(book.Check().ok()) << book.Check();
}

}  // namespace
}  // namespace hftmon::order_book
