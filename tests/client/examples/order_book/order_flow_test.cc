#include "client/examples/order_book/order_flow.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>

namespace hftmon::order_book {
namespace {

TEST(OrderFlowTest, TheSameSeedSendsTheSameMessages) {
  OrderFlow first(5), second(5), other(6);
  uint64_t differ = 0;
  OrderMessage a{}, b{}, c{};
  for (int i = 0; i < 10'000; ++i) {
    first.Next(&a);
    second.Next(&b);
    other.Next(&c);
    ASSERT_EQ(std::memcmp(&a, &b, sizeof(a)), 0) << "message " << i;
    differ += std::memcmp(&a, &c, sizeof(a)) != 0;
  }
  EXPECT_GT(differ, 5'000u);
}

TEST(OrderFlowTest, MessagesAreSoundAndMixedAndLiveOrdersBounded) {
  constexpr int kMessages = 400'000;
  OrderFlow flow(1);
  std::array<int, kMessageKinds> kinds{};
  std::set<OrderId> live;
  OrderMessage message;
  for (int i = 0; i < kMessages; ++i) {
    flow.Next(&message);
    ++kinds[static_cast<size_t>(message.kind)];
    ASSERT_EQ(message.sequence, static_cast<uint64_t>(i) + 1);
    ASSERT_LT(message.price, kPriceTicks);
    if (message.kind == MessageKind::kLimit) {
      ASSERT_EQ(message.order_id, message.sequence);
      live.insert(message.order_id);
    }
    if (message.kind == MessageKind::kCancel) {
      ASSERT_EQ(live.erase(message.order_id), 1u) << "of an order that was made, and once";
    }
    if (message.kind == MessageKind::kModify) {
      ASSERT_TRUE(live.contains(message.order_id));
    }
    if (message.kind != MessageKind::kCancel) {
      ASSERT_GE(message.quantity, 1u);
      ASSERT_LE(message.quantity, 64u);
    }
    ASSERT_LE(live.size(), OrderFlow::kLiveMax);
  }
  const auto share = [&kinds](MessageKind kind) { return static_cast<double>(kinds[static_cast<size_t>(kind)]) / kMessages; };
  EXPECT_NEAR(share(MessageKind::kLimit), 0.45, 0.05);
  EXPECT_NEAR(share(MessageKind::kCancel), 0.43, 0.05);
  EXPECT_NEAR(share(MessageKind::kModify), 0.08, 0.01);
  EXPECT_NEAR(share(MessageKind::kMarket), 0.04, 0.01);
}

}  // namespace
}  // namespace hftmon::order_book
