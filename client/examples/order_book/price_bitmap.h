// PriceBitmap: which prices of one side have orders, so that the next best one is found in a few words. One thread, no allocation.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PRICE_BITMAP_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PRICE_BITMAP_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "client/examples/order_book/order_message.h"

namespace hftmon::order_book {

class PriceBitmap {
 public:
  void Set(Price price) { words_[price / 64] |= Bit(price); }
  void Clear(Price price) { words_[price / 64] &= ~Bit(price); }
  bool Has(Price price) const { return (words_[price / 64] & Bit(price)) != 0; }

  // The highest price that is set and not above `price`; -1 when there is none. At most kPriceTicks / 64 words are looked at.
  int32_t HighestUpTo(Price price) const {
    uint64_t word = words_[price / 64] & (~uint64_t{0} >> (63 - price % 64));
    for (size_t at = price / 64;; word = words_[--at]) {
      if (word != 0) return static_cast<int32_t>(at * 64) + std::bit_width(word) - 1;
      if (at == 0) return -1;
    }
  }
  // The lowest price that is set and not below `price`; kPriceTicks when there is none.
  int32_t LowestFrom(Price price) const {
    uint64_t word = words_[price / 64] & (~uint64_t{0} << (price % 64));
    for (size_t at = price / 64;; word = words_[at]) {
      if (word != 0) return static_cast<int32_t>(at * 64) + std::countr_zero(word);
      if (++at == words_.size()) return kPriceTicks;
    }
  }

 private:
  static uint64_t Bit(Price price) { return uint64_t{1} << (price % 64); }

  std::array<uint64_t, kPriceTicks / 64> words_{};
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PRICE_BITMAP_H_
