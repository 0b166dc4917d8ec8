#include "client/examples/order_book/order_flow.h"

#include <algorithm>
#include <bit>

namespace hftmon::order_book {
namespace {

// The middle turns back here: even the furthest order is a valid price.
constexpr int32_t kMiddleLowest = kPriceTicks / 4;
constexpr int32_t kMiddleHighest = kPriceTicks * 3 / 4;

constexpr uint64_t kMessagesPerMove = 4'096;  // of the middle, on average; a power of two

// `bits` as a number below `end`, from their upper half.
uint32_t Below(uint64_t bits, uint32_t end) {
  return static_cast<uint32_t>(((bits >> 32) * end) >> 32);
}

}  // namespace

OrderFlow::OrderFlow(uint64_t seed) : state_(seed), live_(kLiveMax) {}

// splitmix64: any seed is a good one.
uint64_t OrderFlow::Draw() {
  uint64_t mixed = (state_ += 0x9E37'79B9'7F4A'7C15);
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58'476D'1CE4'E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D0'49BB'1331'11EB;
  return mixed ^ (mixed >> 31);
}

void OrderFlow::WanderMiddle(uint64_t bits) {
  if ((bits & (kMessagesPerMove - 1)) != 0) return;
  middle_ += (bits & kMessagesPerMove) != 0 ? 1 : -1;
  middle_ = std::clamp(middle_, kMiddleLowest, kMiddleHighest);
}

// Each four ticks further away is half as likely; at most 260 ticks.
Price OrderFlow::PriceNear(Side side, uint64_t bits) const {
  const int32_t distance = 1 + static_cast<int32_t>(bits & 3) + 4 * std::countr_zero((bits >> 8) | (uint64_t{1} << 55));
  const bool trades = ((bits >> 2) & 63) < 2;
  return static_cast<Price>(middle_ + ((side == Side::kBid) != trades ? -distance : distance));
}

void OrderFlow::MakeLimit(uint64_t bits, OrderMessage* message) {
  message->kind = MessageKind::kLimit;
  message->side = (bits >> 63) != 0 ? Side::kBid : Side::kAsk;
  message->price = PriceNear(message->side, bits);
  message->order_id = sequence_;
  live_[live_count_++] = {sequence_, message->quantity, message->price, message->side};
}

void OrderFlow::MakeCancel(uint32_t at, OrderMessage* message) {
  message->kind = MessageKind::kCancel;
  message->order_id = live_[at].id;
  message->side = live_[at].side;
  message->price = live_[at].price;
  live_[at] = live_[--live_count_];
}

void OrderFlow::MakeModify(uint32_t at, uint64_t bits, OrderMessage* message) {
  Live& order = live_[at];
  message->kind = MessageKind::kModify;
  message->order_id = order.id;
  message->side = order.side;
  if ((bits >> 63) != 0) {
    message->quantity = std::max<Quantity>(1, order.quantity / 2);
    message->price = order.price;
  } else {
    message->price = PriceNear(order.side, bits);
  }
  order.quantity = message->quantity;
  order.price = message->price;
}

void OrderFlow::Next(OrderMessage* message) {
  const uint64_t choice = Draw();
  const uint64_t bits = Draw();
  message->sequence = ++sequence_;
  message->quantity = 1 + static_cast<Quantity>((choice >> 16) & 63);
  WanderMiddle(choice);
  const uint32_t percent = Below(choice, 100);
  const uint32_t which = live_count_ > 0 ? Below(bits ^ (choice << 16), live_count_) : 0;
  if (percent < 88 || live_count_ == 0) {
    // The more orders there are, the likelier one is cancelled: about half of kLiveMax is where they stay.
    if (Below(choice << 24, kLiveMax) < live_count_) {
      MakeCancel(which, message);
    } else {
      MakeLimit(bits, message);
    }
  } else if (percent < 96) {
    MakeModify(which, bits, message);
  } else {
    message->kind = MessageKind::kMarket;
    message->quantity = 1 + message->quantity / 4;
    message->side = (bits >> 63) != 0 ? Side::kBid : Side::kAsk;
    message->price = static_cast<Price>(middle_);
    message->order_id = sequence_;
  }
}

}  // namespace hftmon::order_book
