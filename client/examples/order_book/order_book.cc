#include "client/examples/order_book/order_book.h"

#include <fmt/format.h>

#include <algorithm>

namespace hftmon::order_book {
namespace {

Side OtherSide(Side side) {
  return side == Side::kBid ? Side::kAsk : Side::kBid;
}

bool IsSound(const OrderMessage& message) {
  return message.quantity >= 1 && message.quantity <= kQuantityMax && message.price < kPriceTicks;
}

}  // namespace

OrderBook::OrderBook(uint32_t capacity) : pool_(capacity), index_(&pool_), levels_(kPriceTicks), fills_(capacity) {}

Outcome OrderBook::Apply(const OrderMessage& message) {
  fill_count_ = 0;
  switch (message.kind) {
    case MessageKind::kLimit:
      if (!IsSound(message) || index_.Find(message.order_id) != kNoSlot) return {};
      return Enter(message, message.side);
    case MessageKind::kMarket:
      return Market(message);
    case MessageKind::kCancel:
      return Cancel(message.order_id);
    case MessageKind::kModify:
      return Modify(message);
  }
  return {};
}

Outcome OrderBook::Enter(const OrderMessage& message, Side side) {
  Outcome outcome;
  const Quantity left = Match(side, message.price, message.quantity);
  outcome.traded = message.quantity - left;
  outcome.fill_count = static_cast<uint32_t>(fill_count_);
  if (left == 0) {
    outcome.result = Result::kFilled;
  } else if (Rest(message, side, left)) {
    outcome.result = Result::kResting;
    outcome.added = left;
  } else {
    outcome.result = Result::kNoRoom;
  }
  return outcome;
}

Outcome OrderBook::Market(const OrderMessage& message) {
  Outcome outcome;
  if (message.quantity < 1 || message.quantity > kQuantityMax) return outcome;
  const Quantity left = Match(message.side, message.side == Side::kBid ? kPriceTicks - 1 : 0, message.quantity);
  outcome.traded = message.quantity - left;
  outcome.fill_count = static_cast<uint32_t>(fill_count_);
  outcome.result = left == 0 ? Result::kFilled : Result::kDropped;
  return outcome;
}

Outcome OrderBook::Cancel(OrderId id) {
  Outcome outcome;
  const Slot slot = index_.Find(id);
  outcome.result = slot == kNoSlot ? Result::kUnknownOrder : Result::kCancelled;
  if (slot == kNoSlot) return outcome;
  outcome.removed = pool_[slot].quantity;
  Remove(slot);
  return outcome;
}

Outcome OrderBook::Modify(const OrderMessage& message) {
  if (!IsSound(message)) return {};
  Outcome outcome;
  const Slot slot = index_.Find(message.order_id);
  if (slot == kNoSlot) {
    outcome.result = Result::kUnknownOrder;
    return outcome;
  }
  Order& order = pool_[slot];
  if (message.price == order.price && message.quantity <= order.quantity) {
    outcome.result = Result::kResting;
    outcome.removed = order.quantity - message.quantity;
    levels_[order.price].quantity -= outcome.removed;
    order.quantity = message.quantity;
    CopyTop(order.side);
    return outcome;
  }
  const Side side = order.side;
  const Quantity removed = order.quantity;
  Remove(slot);
  outcome = Enter(message, side);
  outcome.removed = removed;
  return outcome;
}

Quantity OrderBook::Match(Side taker, int32_t limit, Quantity quantity) {
  const Side maker = OtherSide(taker);
  while (quantity > 0) {
    const bool crosses = taker == Side::kBid ? top_.ask_price <= limit : top_.bid_price >= limit;
    // No bid is -1, which is not above a limit of 0 or more; no ask is kPriceTicks, above every limit.
    if (!crosses) break;
    const Price price = static_cast<Price>(taker == Side::kBid ? top_.ask_price : top_.bid_price);
    PriceLevel& level = levels_[price];
    quantity = FillLevel(level, price, quantity);
    if (level.order_count == 0) {
      RetreatBest(maker, price);
    } else {
      CopyTop(maker);
    }
  }
  return quantity;
}

Quantity OrderBook::FillLevel(PriceLevel& level, Price price, Quantity quantity) {
  while (quantity > 0 && level.head != kNoSlot) {
    const Slot slot = level.head;
    Order& order = pool_[slot];
    const Quantity traded = std::min(quantity, order.quantity);
    fills_[fill_count_++] = {order.id, traded, price};
    ++top_.trade_count;
    top_.traded_quantity += traded;
    top_.last_price = price;
    top_.last_quantity = traded;
    quantity -= traded;
    if (traded == order.quantity) {
      index_.Erase(order.id);
      level.Remove(pool_, slot);
      pool_.GiveBack(slot);
    } else {
      order.quantity -= traded;
      level.quantity -= traded;
    }
  }
  return quantity;
}

bool OrderBook::Rest(const OrderMessage& message, Side side, Quantity quantity) {
  const Slot slot = pool_.Take();
  if (slot == kNoSlot) return false;
  Order& order = pool_[slot];
  order.id = message.order_id;
  order.quantity = quantity;
  order.price = message.price;
  order.side = side;
  levels_[message.price].Append(pool_, slot);
  index_.Insert(slot);
  bits_[static_cast<size_t>(side)].Set(message.price);
  if (side == Side::kBid) {
    top_.bid_price = std::max<int32_t>(top_.bid_price, message.price);
  } else {
    top_.ask_price = std::min<int32_t>(top_.ask_price, message.price);
  }
  CopyTop(side);
  return true;
}

void OrderBook::Remove(Slot slot) {
  const Order order = pool_[slot];
  PriceLevel& level = levels_[order.price];
  index_.Erase(order.id);
  level.Remove(pool_, slot);
  pool_.GiveBack(slot);
  if (level.order_count == 0) {
    RetreatBest(order.side, order.price);
  } else {
    CopyTop(order.side);
  }
}

void OrderBook::RetreatBest(Side side, Price emptied) {
  PriceBitmap& bits = bits_[static_cast<size_t>(side)];
  bits.Clear(emptied);
  if (side == Side::kBid) {
    if (top_.bid_price == emptied) top_.bid_price = bits.HighestUpTo(emptied);
  } else {
    if (top_.ask_price == emptied) top_.ask_price = bits.LowestFrom(emptied);
  }
  CopyTop(side);
}

void OrderBook::CopyTop(Side side) {
  if (side == Side::kBid) {
    const PriceLevel none;
    const PriceLevel& level = top_.bid_price >= 0 ? levels_[static_cast<size_t>(top_.bid_price)] : none;
    top_.bid_quantity = level.quantity;
    top_.bid_order_count = level.order_count;
  } else {
    const PriceLevel none;
    const PriceLevel& level = top_.ask_price < kPriceTicks ? levels_[static_cast<size_t>(top_.ask_price)] : none;
    top_.ask_quantity = level.quantity;
    top_.ask_order_count = level.order_count;
  }
}

absl::Status OrderBook::CheckLevel(int32_t price, uint64_t* order_count) const {
  const PriceLevel& level = levels_[static_cast<size_t>(price)];
  const bool bid = bits_[0].Has(static_cast<Price>(price));
  const bool ask = bits_[1].Has(static_cast<Price>(price));
  if (bid && ask) return absl::InternalError(fmt::format("price {} has bids and asks", price));
  if ((bid || ask) != (level.order_count > 0)) return absl::InternalError(fmt::format("price {}: its bit and its queue differ", price));
  uint64_t quantity = 0;
  uint32_t count = 0;
  Slot previous = kNoSlot;
  for (Slot slot = level.head; slot != kNoSlot; previous = slot, slot = pool_[slot].next) {
    const Order& order = pool_[slot];
    if (++count > level.order_count) return absl::InternalError(fmt::format("price {}: its queue is longer than its count", price));
    if (order.previous != previous || order.price != price || order.quantity == 0 || (order.side == Side::kBid) != bid) {
      return absl::InternalError(fmt::format("order {} does not fit into the queue of price {}", order.id, price));
    }
    if (index_.Find(order.id) != slot) return absl::InternalError(fmt::format("order {} is not in the index", order.id));
    quantity += order.quantity;
  }
  if (count != level.order_count || quantity != level.quantity || previous != level.tail) {
    return absl::InternalError(fmt::format("price {}: its sums are not those of its queue", price));
  }
  *order_count += count;
  return absl::OkStatus();
}

absl::Status OrderBook::Check() const {
  uint64_t order_count = 0;
  for (int32_t price = 0; price < kPriceTicks; ++price) {
    if (absl::Status status = CheckLevel(price, &order_count); !status.ok()) return status;
  }
  if (order_count != pool_.taken_count()) {
    return absl::InternalError(fmt::format("{} orders are queued, {} slots of the pool are taken", order_count, pool_.taken_count()));
  }
  if (top_.bid_price >= top_.ask_price) return absl::InternalError(fmt::format("crossed: bid {}, ask {}", top_.bid_price, top_.ask_price));
  if (top_.bid_price != bits_[0].HighestUpTo(kPriceTicks - 1) || top_.ask_price != bits_[1].LowestFrom(0)) {
    return absl::InternalError("the best prices are not those of the levels");
  }
  const PriceLevel none;
  const PriceLevel& bid = top_.bid_price >= 0 ? levels_[static_cast<size_t>(top_.bid_price)] : none;
  const PriceLevel& ask = top_.ask_price < kPriceTicks ? levels_[static_cast<size_t>(top_.ask_price)] : none;
  if (top_.bid_quantity != bid.quantity || top_.ask_quantity != ask.quantity || top_.bid_order_count != bid.order_count ||
      top_.ask_order_count != ask.order_count) {
    return absl::InternalError("the top of the book is not what its levels hold");
  }
  return absl::OkStatus();
}

uint64_t OrderBook::resting_quantity() const {
  uint64_t sum = 0;
  for (const PriceLevel& level : levels_) sum += level.quantity;
  return sum;
}

}  // namespace hftmon::order_book
