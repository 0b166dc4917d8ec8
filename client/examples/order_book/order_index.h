// OrderIndex: from an order's id to its slot. Open addressing with linear probing in a table of fixed size; one thread, no allocation
// after construction.
//
// Ids are given out one after another, and those of one time are asked for together: sixteen neighbours share a cache line of the table.
// Invariants: the table is at most half full, so each probe ends; no entry is cut off from its home by an empty cell (Erase closes the
// gap).
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_INDEX_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_INDEX_H_

#include <bit>
#include <cstdint>
#include <vector>

#include "client/examples/order_book/order_pool.h"

namespace hftmon::order_book {

class OrderIndex {
 public:
  // `pool` outlives the index; an entry's id is the one that stands in its slot.
  explicit OrderIndex(const OrderPool* pool)
      : pool_(*pool), cells_(std::bit_ceil(uint64_t{pool->capacity()} * 2 + 2 * kNeighbours), kNoSlot), mask_(cells_.size() - 1) {}

  // kNoSlot when no order has that id.
  Slot Find(OrderId id) const {
    const uint64_t at = Locate(id);
    return cells_[at];
  }
  // Requires that the slot is taken, bears its id and is not in the index.
  void Insert(Slot slot) { cells_[Locate(pool_[slot].id)] = slot; }

  // Requires that the order is in the index and still bears its id.
  void Erase(OrderId id) {
    uint64_t hole = Locate(id);
    for (uint64_t at = (hole + 1) & mask_; cells_[at] != kNoSlot; at = (at + 1) & mask_) {
      const uint64_t home = Home(pool_[cells_[at]].id);
      // It may move into the hole unless its home lies behind that.
      if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = kNoSlot;
  }

 private:
  static constexpr uint64_t kNeighbours = 64 / sizeof(Slot);

  uint64_t Home(OrderId id) const {
    const uint64_t block = (id / kNeighbours) * 0x9E37'79B9'7F4A'7C15;
    return ((block >> 32) * kNeighbours + id % kNeighbours) & mask_;
  }
  // The cell of that id, or the empty one where it would stand.
  uint64_t Locate(OrderId id) const {
    uint64_t at = Home(id);
    while (cells_[at] != kNoSlot && pool_[cells_[at]].id != id) at = (at + 1) & mask_;
    return at;
  }

  const OrderPool& pool_;
  std::vector<Slot> cells_;
  const uint64_t mask_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ORDER_INDEX_H_
