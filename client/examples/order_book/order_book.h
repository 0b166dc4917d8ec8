// OrderBook: limit orders of one instrument, matched by price, then by time.
//
// Threads: one. No allocation, lock or system call after construction: all memory is taken and touched there. Bounds: `capacity` resting
// orders, prices below kPriceTicks; what does not fit or makes no sense is refused, says so in its Outcome and changes nothing.
//
// Rules:
//   1. A limit order trades with the other side's best price first, at one price with who has waited longest, at the resting order's price,
//      for as long as prices cross; the rest of it waits at the end of its own price's queue.
//   2. A market order does the same at any price; its rest is dropped.
//   3. A modification to the same price and no larger quantity keeps its place in the queue. Any other leaves the book and enters as a
//   limit
//      order under the same id. Its quantity is what shall be left from now on.
// Invariants after each Apply, as Check() tests them: the book is not crossed; each level's sums are those of its queue; bitmaps, index,
// top of book and pool tell of the same orders.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_BOOK_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "client/examples/order_book/order_index.h"
#include "client/examples/order_book/order_message.h"
#include "client/examples/order_book/order_pool.h"
#include "client/examples/order_book/price_bitmap.h"
#include "client/examples/order_book/price_level.h"
#include "client/examples/order_book/top_of_book.h"

namespace hftmon::order_book {

enum class Result : uint8_t {
  kFilled,        // traded whole
  kResting,       // all or the rest of it is in the book
  kDropped,       // the rest of a market order found nobody
  kCancelled,     // left the book
  kUnknownOrder,  // of a cancel or modification: filled, cancelled or never there
  kNoRoom,        // the pool is exhausted: what was left was not taken into the book
  kRefused,       // price or quantity out of range, or an id that rests already
};
inline constexpr size_t kResults = 7;

struct Outcome {
  Result result = Result::kRefused;
  Quantity traded = 0;   // by this message
  Quantity removed = 0;  // what a cancel or modification took from the book, besides trades
  Quantity added = 0;    // what came to rest, or joined what rests
  uint32_t fill_count = 0;
};

struct Fill {
  OrderId resting_id = 0;
  Quantity quantity = 0;
  Price price = 0;
};

class OrderBook {
 public:
  // `capacity`: resting orders at most, 1 … 2^24.
  explicit OrderBook(uint32_t capacity);
  OrderBook(const OrderBook&) = delete;
  OrderBook& operator=(const OrderBook&) = delete;

  Outcome Apply(const OrderMessage& message);
  // The trades of the latest Apply, in their order; valid until the next.
  std::span<const Fill> fills() const { return {fills_.data(), fill_count_}; }

  const TopOfBook& top() const { return top_; }
  uint32_t resting_count() const { return pool_.taken_count(); }
  // Where the queues of all prices lie, and the orders in them.
  std::span<const std::byte> levels_memory() const { return std::as_bytes(std::span(levels_)); }
  std::span<const std::byte> pool_memory() const { return pool_.memory(); }

  // Walks the whole book; INTERNAL names the first invariant that does not hold. Not for the hot path.
  absl::Status Check() const;
  // Sum over both sides; walks all levels.
  uint64_t resting_quantity() const;
  // Calls visit(order) for each resting order: bids from the best down, then asks from the best up, in each level by time.
  template <typename Visit>
  void VisitAll(Visit visit) const {
    for (int32_t price = top_.bid_price; price >= 0; --price) VisitLevel(price, Side::kBid, visit);
    for (int32_t price = top_.ask_price; price < kPriceTicks; ++price) VisitLevel(price, Side::kAsk, visit);
  }

 private:
  template <typename Visit>
  void VisitLevel(int32_t price, Side side, Visit visit) const {
    if (!bits_[static_cast<size_t>(side)].Has(static_cast<Price>(price))) return;
    for (Slot slot = levels_[static_cast<size_t>(price)].head; slot != kNoSlot; slot = pool_[slot].next) visit(pool_[slot]);
  }

  Outcome Enter(const OrderMessage& message, Side side);
  Outcome Market(const OrderMessage& message);
  Outcome Cancel(OrderId id);
  Outcome Modify(const OrderMessage& message);
  // Trades up to `quantity` at `limit` or better; what is left.
  Quantity Match(Side taker, int32_t limit, Quantity quantity);
  Quantity FillLevel(PriceLevel& level, Price price, Quantity quantity);
  bool Rest(const OrderMessage& message, Side side, Quantity quantity);
  // Takes the order out of its level, the index and the pool.
  void Remove(Slot slot);
  // No order is left at that price.
  void RetreatBest(Side side, Price emptied);
  void CopyTop(Side side);
  absl::Status CheckLevel(int32_t price, uint64_t* order_count) const;

  OrderPool pool_;
  OrderIndex index_;
  // A price has bids or asks, never both: one array serves both sides.
  std::vector<PriceLevel> levels_;
  PriceBitmap bits_[2];
  // As many as can rest: no message can trade with more.
  std::vector<Fill> fills_;
  size_t fill_count_ = 0;
  TopOfBook top_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_BOOK_H_
