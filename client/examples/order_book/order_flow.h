// OrderFlow: the messages of a made-up market, the same for the same seed whatever the time and the book do. One thread, no allocation
// after construction.
//
// Prices stand around a middle that wanders by a tick every 4,096 messages or so, most within a few ticks of it, one in thirty beyond it so
// that it trades. Of 100 messages 88 are limit orders and cancellations, half of each once the book is full, 8 modifications (half of
// them to fewer at the same price) and 4 market orders. The flow never hears of trades, so some of what it cancels or modifies has been
// filled by then, as in a real market. Bound: orders that are neither cancelled nor known to it do not exist: at most kLiveMax rest at any
// time.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_FLOW_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_FLOW_H_

#include <cstdint>
#include <vector>

#include "client/examples/order_book/order_message.h"

namespace hftmon::order_book {

class OrderFlow {
 public:
  static constexpr uint32_t kLiveMax = 16'384;

  explicit OrderFlow(uint64_t seed);

  // All but intended_tsc.
  void Next(OrderMessage* message);

 private:
  // What the flow remembers of an order that it made and did not cancel.
  struct Live {
    OrderId id = 0;
    Quantity quantity = 0;
    Price price = 0;
    Side side = Side::kBid;
  };

  uint64_t Draw();
  Price PriceNear(Side side, uint64_t bits) const;
  void WanderMiddle(uint64_t bits);
  void MakeLimit(uint64_t bits, OrderMessage* message);
  void MakeCancel(uint32_t at, OrderMessage* message);
  void MakeModify(uint32_t at, uint64_t bits, OrderMessage* message);

  uint64_t state_;
  uint64_t sequence_ = 0;
  int32_t middle_ = kPriceTicks / 2;
  uint32_t live_count_ = 0;
  std::vector<Live> live_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_FLOW_H_
