// OrderPool: all orders that a book can hold, taken from the system once. One thread; nothing is allocated after construction.
//
// Invariant: each slot is either taken or in the free list, which runs through `next`.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_POOL_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_POOL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "client/examples/order_book/order_message.h"

namespace hftmon::order_book {

using Slot = uint32_t;
inline constexpr Slot kNoSlot = ~Slot{0};

// A resting order: a member of its price level's queue.
struct alignas(32) Order {
  OrderId id = 0;
  Quantity quantity = 0;  // what is left
  Slot previous = kNoSlot;
  Slot next = kNoSlot;
  Price price = 0;
  Side side = Side::kBid;
};
static_assert(sizeof(Order) == 32);

class OrderPool {
 public:
  // `capacity`: 1 … 2^31. Every slot is written here, so its page is there when it is first taken.
  explicit OrderPool(uint32_t capacity) : orders_(capacity) {
    for (Slot slot = 0; slot < capacity; ++slot) orders_[slot].next = slot + 1 < capacity ? slot + 1 : kNoSlot;
    first_free_ = 0;
  }

  // A free slot, or kNoSlot when all are taken.
  Slot Take() {
    const Slot slot = first_free_;
    if (slot == kNoSlot) return kNoSlot;
    first_free_ = orders_[slot].next;
    ++taken_count_;
    return slot;
  }
  // The slot last given back is taken first: its line is still in the cache.
  void GiveBack(Slot slot) {
    orders_[slot].next = first_free_;
    first_free_ = slot;
    --taken_count_;
  }

  Order& operator[](Slot slot) { return orders_[slot]; }
  const Order& operator[](Slot slot) const { return orders_[slot]; }
  uint32_t capacity() const { return static_cast<uint32_t>(orders_.size()); }
  uint32_t taken_count() const { return taken_count_; }
  // Where the orders lie.
  std::span<const std::byte> memory() const { return std::as_bytes(std::span(orders_)); }

 private:
  std::vector<Order> orders_;
  Slot first_free_ = kNoSlot;
  uint32_t taken_count_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_POOL_H_
