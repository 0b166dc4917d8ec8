// OrderMessage: what the gateway sends to the engine. Passive data, 32 bytes: two in a cache line, none across two.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_MESSAGE_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_MESSAGE_H_

#include <cstddef>
#include <cstdint>

namespace hftmon::order_book {

using Price = uint16_t;     // in ticks, below kPriceTicks
using Quantity = uint32_t;  // 1 … kQuantityMax in a message
using OrderId = uint64_t;   // from 1 on: the sequence of the message that made the order

inline constexpr int32_t kPriceTicks = 16'384;
inline constexpr Quantity kQuantityMax = 1'000'000;

enum class Side : uint8_t { kBid, kAsk };
enum class MessageKind : uint8_t { kLimit, kMarket, kCancel, kModify };
inline constexpr size_t kMessageKinds = 4;

struct OrderMessage {
  uint64_t intended_tsc = 0;  // when the gateway meant to send it; latency counts from here
  uint64_t sequence = 0;      // of messages, from 1 on
  OrderId order_id = 0;       // the order it makes, or is about
  Quantity quantity = 0;      // not of a cancel
  Price price = 0;            // of a limit order, or what a modified one has from now on
  MessageKind kind = MessageKind::kLimit;
  Side side = Side::kBid;  // of limit and market orders
};
static_assert(sizeof(OrderMessage) == 32);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_MESSAGE_H_
