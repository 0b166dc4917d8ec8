// PriceLevel: the queue of the orders at one price, first come first served, linked through the pool. One thread, no allocation.
//
// Invariants: `quantity` and `order_count` are the sums over the queue; head and tail are kNoSlot when, and only when, it is empty.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PRICE_LEVEL_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PRICE_LEVEL_H_

#include <cstdint>

#include "client/examples/order_book/order_pool.h"

namespace hftmon::order_book {

struct alignas(32) PriceLevel {
  uint64_t quantity = 0;
  Slot head = kNoSlot;  // has waited longest
  Slot tail = kNoSlot;
  uint32_t order_count = 0;

  void Append(OrderPool& pool, Slot slot) {
    Order& order = pool[slot];
    order.previous = tail;
    order.next = kNoSlot;
    if (tail == kNoSlot) {
      head = slot;
    } else {
      pool[tail].next = slot;
    }
    tail = slot;
    quantity += order.quantity;
    ++order_count;
  }

  void Remove(OrderPool& pool, Slot slot) {
    const Order& order = pool[slot];
    if (order.previous == kNoSlot) {
      head = order.next;
    } else {
      pool[order.previous].next = order.next;
    }
    if (order.next == kNoSlot) {
      tail = order.previous;
    } else {
      pool[order.next].previous = order.previous;
    }
    quantity -= order.quantity;
    --order_count;
  }
};
static_assert(sizeof(PriceLevel) == 32);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PRICE_LEVEL_H_
