// ReferenceBook: the rules of a limit order book written as plainly as can be: two lists, searched from end to end. What the real one is
// compared with.
#ifndef HFTMON_TESTS_CLIENT_EXAMPLES_ORDER_BOOK_REFERENCE_BOOK_H_
#define HFTMON_TESTS_CLIENT_EXAMPLES_ORDER_BOOK_REFERENCE_BOOK_H_

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "client/examples/order_book/order_book.h"

namespace hftmon::order_book {

class ReferenceBook {
 public:
  struct Waiting {
    OrderId id = 0;
    Quantity quantity = 0;
  };
  // By price; in each the one that came first in front.
  using Half = std::map<int32_t, std::deque<Waiting>>;

  // The trades of the message, in their order.
  std::vector<Fill> Apply(const OrderMessage& message) {
    switch (message.kind) {
      case MessageKind::kLimit:
        return Enter(message.order_id, message.side, message.price, message.quantity);
      case MessageKind::kMarket: {
        Quantity quantity = message.quantity;
        return Match(message.side, message.side == Side::kBid ? kPriceTicks : -1, &quantity);
      }
      case MessageKind::kCancel:
        Take(message.order_id);
        return {};
      case MessageKind::kModify:
        return Modify(message);
    }
    return {};
  }

  const Half& half(Side side) const { return side == Side::kBid ? bids_ : asks_; }
  size_t size() const { return places_.size(); }

 private:
  struct Place {
    Side side = Side::kBid;
    int32_t price = 0;
  };

  Half& MutableHalf(Side side) { return side == Side::kBid ? bids_ : asks_; }

  std::vector<Fill> Enter(OrderId id, Side side, int32_t price, Quantity quantity) {
    std::vector<Fill> fills = Match(side, price, &quantity);
    if (quantity > 0) {
      MutableHalf(side)[price].push_back({id, quantity});
      places_[id] = {side, price};
    }
    return fills;
  }

  std::vector<Fill> Match(Side side, int32_t limit, Quantity* quantity) {
    std::vector<Fill> fills;
    Half& half = side == Side::kBid ? asks_ : bids_;
    while (*quantity > 0 && !half.empty()) {
      const auto best = side == Side::kBid ? half.begin() : std::prev(half.end());
      if (side == Side::kBid ? best->first > limit : best->first < limit) break;
      Waiting& first = best->second.front();
      const Quantity traded = std::min(*quantity, first.quantity);
      fills.push_back({first.id, traded, static_cast<Price>(best->first)});
      *quantity -= traded;
      first.quantity -= traded;
      if (first.quantity == 0) Take(first.id);
    }
    return fills;
  }

  // The quantity that it had; 0 when it is not there.
  Quantity Take(OrderId id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return 0;
    Half& half = MutableHalf(found->second.side);
    const auto level = half.find(found->second.price);
    Quantity quantity = 0;
    for (auto waiting = level->second.begin(); waiting != level->second.end(); ++waiting) {
      if (waiting->id != id) continue;
      quantity = waiting->quantity;
      level->second.erase(waiting);
      break;
    }
    if (level->second.empty()) half.erase(level);
    places_.erase(found);
    return quantity;
  }

  std::vector<Fill> Modify(const OrderMessage& message) {
    const auto found = places_.find(message.order_id);
    if (found == places_.end()) return {};
    const Place place = found->second;
    if (place.price == message.price) {
      for (Waiting& waiting : MutableHalf(place.side)[place.price]) {
        if (waiting.id != message.order_id || message.quantity > waiting.quantity) continue;
        waiting.quantity = message.quantity;
        return {};
      }
    }
    Take(message.order_id);
    return Enter(message.order_id, place.side, message.price, message.quantity);
  }

  Half bids_;
  Half asks_;
  std::map<OrderId, Place> places_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_TESTS_CLIENT_EXAMPLES_ORDER_BOOK_REFERENCE_BOOK_H_
