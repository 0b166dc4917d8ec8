// TopOfBook: the best prices and what stands there, in one cache line: whether an order trades is decided on it alone. Passive data.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_TOP_OF_BOOK_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_TOP_OF_BOOK_H_

#include <cstdint>

#include "client/examples/order_book/order_message.h"

namespace hftmon::order_book {

struct alignas(64) TopOfBook {
  int32_t bid_price = -1;           // -1: no bid
  int32_t ask_price = kPriceTicks;  // kPriceTicks: no ask
  uint64_t bid_quantity = 0;
  uint64_t ask_quantity = 0;
  uint32_t bid_order_count = 0;
  uint32_t ask_order_count = 0;
  int32_t last_price = -1;  // of the latest trade; -1 before the first
  Quantity last_quantity = 0;
  uint64_t trade_count = 0;
  uint64_t traded_quantity = 0;  // each trade once
};
static_assert(sizeof(TopOfBook) == 64);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_TOP_OF_BOOK_H_
